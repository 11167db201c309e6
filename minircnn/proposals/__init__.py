"""Where in a photo something may be: sliding windows, selective search, boxes from a file."""

from minircnn.proposals.base import (
    PROPOSERS,
    ProposalSettings,
    Proposer,
    as_proposals,
    build_proposer,
    describe_proposer,
    make_proposer,
)
from minircnn.proposals.box_files import ProposalFileError
from minircnn.proposals.files import ProposalFile, write_proposals
from minircnn.proposals.graph_segmentation import graph_segmentation
from minircnn.proposals.hierarchy import Hierarchy
from minircnn.proposals.selective_search import SelectiveSearch, SelectiveSearchResult, selective_search
from minircnn.proposals.sliding_window import SlidingWindow, count_rectangles
from minircnn.proposals.strategy import Strategy, strategies
from minircnn.proposals.watching import watched_search

__all__ = [
    "PROPOSERS",
    "Hierarchy",
    "ProposalFile",
    "ProposalFileError",
    "ProposalSettings",
    "Proposer",
    "SelectiveSearch",
    "SelectiveSearchResult",
    "SlidingWindow",
    "Strategy",
    "as_proposals",
    "build_proposer",
    "count_rectangles",
    "describe_proposer",
    "graph_segmentation",
    "make_proposer",
    "selective_search",
    "strategies",
    "watched_search",
    "write_proposals",
]
