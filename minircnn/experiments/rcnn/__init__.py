"""The tables of R-CNN."""

from minircnn.experiments.rcnn import (
    bbox_iterations,
    mining,
    rcnn_layers,
    svm_negatives,
    svm_positives,
    svm_vs_softmax,
    warp,
)

__all__ = [
    "bbox_iterations",
    "mining",
    "rcnn_layers",
    "svm_negatives",
    "svm_positives",
    "svm_vs_softmax",
    "warp",
]
