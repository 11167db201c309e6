"""The detectors of the lecture, each a composition of named parts."""

from minircnn.detectors.base import Detector
from minircnn.detectors.crops import RCNNNetwork, WarpSettings
from minircnn.detectors.fast_rcnn import FastRCNN, FastRCNNNetwork, ImageScale
from minircnn.detectors.postprocess import PostprocessSettings, select_detections
from minircnn.detectors.rcnn import RCNN, BoxRegressors
from minircnn.detectors.storage import StorageError, load_detector, save_detector

__all__ = [
    "RCNN",
    "BoxRegressors",
    "Detector",
    "FastRCNN",
    "FastRCNNNetwork",
    "ImageScale",
    "PostprocessSettings",
    "RCNNNetwork",
    "StorageError",
    "WarpSettings",
    "load_detector",
    "save_detector",
    "select_detections",
]
