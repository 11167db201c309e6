"""Where in a photo something may be: sliding windows, selective search, boxes from a file."""

from minircnn.proposals.base import Proposer
from minircnn.proposals.files import ProposalFile, ProposalFileError, write_proposals
from minircnn.proposals.graph_segmentation import graph_segmentation
from minircnn.proposals.hierarchy import Hierarchy
from minircnn.proposals.selective_search import (
    SelectiveSearch,
    SelectiveSearchResult,
    Strategy,
    selective_search,
    strategies,
)
from minircnn.proposals.sliding_window import SlidingWindow, count_rectangles

__all__ = [
    "Hierarchy",
    "ProposalFile",
    "ProposalFileError",
    "Proposer",
    "SelectiveSearch",
    "SelectiveSearchResult",
    "SlidingWindow",
    "Strategy",
    "count_rectangles",
    "graph_segmentation",
    "selective_search",
    "strategies",
    "write_proposals",
]
