"""The tables of Fast R-CNN."""

from minircnn.experiments.fast_rcnn import svd

__all__ = ["svd"]
