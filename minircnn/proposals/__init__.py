"""Where in a photo something may be: sliding windows, selective search, boxes from a file."""

from minircnn.proposals.base import Proposer
from minircnn.proposals.graph_segmentation import graph_segmentation
from minircnn.proposals.sliding_window import SlidingWindow, count_rectangles

__all__ = ["Proposer", "SlidingWindow", "count_rectangles", "graph_segmentation"]
