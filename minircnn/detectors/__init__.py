"""Trained detectors: a photo in, labelled boxes out; and how they are stored."""

from minircnn.detectors.bag_of_words import BagOfWords, WordsView
from minircnn.detectors.base import DETECTORS, RegionDetector, View, register
from minircnn.detectors.fast_rcnn import FastRCNN, FastRCNNNetwork, PhotoMap
from minircnn.detectors.faster_rcnn import FasterRCNN, FasterRCNNNetwork
from minircnn.detectors.hog_svm import HogSVM
from minircnn.detectors.image_scale import ImageScale
from minircnn.detectors.network import NetworkDetector
from minircnn.detectors.postprocess import PostprocessSettings, select_detections
from minircnn.detectors.rcnn import RCNN, RCNNNetwork, WarpSettings
from minircnn.detectors.rpn_proposer import RegionProposalNetwork
from minircnn.detectors.sppnet import SPPNet, SPPNetNetwork
from minircnn.detectors.storage import StorageError, load_detector, save_detector
from minircnn.detectors.viola_jones import GroupingSettings, ViolaJones
from minircnn.detectors.windows import WindowDetector, WindowView

__all__ = [
    "DETECTORS",
    "RCNN",
    "BagOfWords",
    "FastRCNN",
    "FastRCNNNetwork",
    "FasterRCNN",
    "FasterRCNNNetwork",
    "GroupingSettings",
    "HogSVM",
    "ImageScale",
    "NetworkDetector",
    "PhotoMap",
    "PostprocessSettings",
    "RCNNNetwork",
    "RegionDetector",
    "RegionProposalNetwork",
    "SPPNet",
    "SPPNetNetwork",
    "StorageError",
    "View",
    "ViolaJones",
    "WarpSettings",
    "WindowDetector",
    "WindowView",
    "WordsView",
    "load_detector",
    "register",
    "save_detector",
    "select_detections",
]
