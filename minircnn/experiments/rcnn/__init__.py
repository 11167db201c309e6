"""The tables of R-CNN."""

from minircnn.experiments.rcnn import rcnn_layers, svm_negatives, svm_vs_softmax

__all__ = ["rcnn_layers", "svm_negatives", "svm_vs_softmax"]
