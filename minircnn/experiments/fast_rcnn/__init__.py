"""The tables of Fast R-CNN."""

from minircnn.experiments.fast_rcnn import (
    frozen_layers,
    loss,
    more_data,
    multitask,
    roi_pool_vs_align,
    scales,
    svd,
)

__all__ = ["frozen_layers", "loss", "more_data", "multitask", "roi_pool_vs_align", "scales", "svd"]
