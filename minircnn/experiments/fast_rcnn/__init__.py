"""The tables of Fast R-CNN."""

from minircnn.experiments.fast_rcnn import frozen_layers, multitask, svd

__all__ = ["frozen_layers", "multitask", "svd"]
