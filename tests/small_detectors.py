"""Small detectors with random weights, for tests that need one but no training."""

import numpy as np

from minircnn.backbones import build_backbone
from minircnn.boxes import AnchorSettings
from minircnn.detectors import (
    RCNN,
    BagOfWords,
    FasterRCNN,
    FasterRCNNNetwork,
    FastRCNN,
    FastRCNNNetwork,
    HogSVM,
    ImageScale,
    RCNNNetwork,
    SPPNet,
    SPPNetNetwork,
    ViolaJones,
    WarpSettings,
)
from minircnn.features import (
    DenseSiftSettings,
    HogWindows,
    PyramidSettings,
    SpatialPyramidSettings,
    Vocabulary,
)
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.heads.cascade import Cascade


def fast_rcnn(
    class_names, proposer, *, rng=None, spread=0.1, class_agnostic=False, roi_pooling="max", **fields
):
    rng = rng or np.random.default_rng(0)
    backbone = build_backbone("tiny", rng=rng)
    mean = np.zeros((len(class_names) + 1, 4), np.float32)
    network = FastRCNNNetwork(
        backbone, len(class_names), class_agnostic=class_agnostic, roi_pooling=roi_pooling, rng=rng
    )
    scale = ImageScale(short_side=None)
    parts = (network, backbone.normalization, tuple(class_names), proposer, mean, mean + np.float32(spread))
    return FastRCNN(*parts, scale, **fields)


def faster_rcnn(class_names, proposer=None, *, anchors=None, rng=None, **fields):
    rng = rng or np.random.default_rng(0)
    anchors = anchors or AnchorSettings(ratios=(1.0, 2.0), scales=(1.0, 2.0))
    backbone = build_backbone("tiny", rng=rng)
    mean = np.zeros((len(class_names) + 1, 4), np.float32)
    network = FasterRCNNNetwork(backbone, len(class_names), anchors, rpn_width=16, rng=rng)
    scale = ImageScale(short_side=None)
    parts = (network, backbone.normalization, tuple(class_names), proposer, mean, mean + np.float32(0.1))
    return FasterRCNN(*parts, scale, **fields)


def rcnn(class_names, proposer, *, rng=None, **fields):
    rng = rng or np.random.default_rng(0)
    backbone = build_backbone("tiny", rng=rng)
    classes, pool5 = len(class_names), backbone.channels * backbone.roi_size**2
    network = RCNNNetwork(backbone, classes, rng=rng)
    weight = rng.normal(size=(classes, backbone.feature_dim)).astype(np.float32)
    svms = LinearSVMs.from_weights(weight, np.zeros(classes, np.float32))
    regressors = BoxRegressors(
        rng.normal(0, 1e-4, (classes, 4, pool5)).astype(np.float32), np.zeros((classes, 4), np.float32)
    )
    parts = (network, backbone.normalization, tuple(class_names), proposer, svms, regressors)
    return RCNN(*parts, WarpSettings(crop_size=48, context=3), **fields)


def sppnet(class_names, proposer, *, rng=None, **fields):
    rng = rng or np.random.default_rng(0)
    backbone = build_backbone("tiny", rng=rng)
    classes = len(class_names)
    network = SPPNetNetwork(backbone, classes, rng=rng)
    linear = LinearSVMs.none(classes, backbone.feature_dim), BoxRegressors.none(classes)
    return SPPNet(network, backbone.normalization, tuple(class_names), proposer, *linear, scales=(), **fields)


def hog_svm(class_names, proposer=None, *, rng=None, **fields):
    rng = rng or np.random.default_rng(0)
    windows = HogWindows((32, 48), (8, 8), pyramid=PyramidSettings(step=1.3, padding=16))
    weight = rng.normal(size=(len(class_names), windows.dim)).astype(np.float32)
    svms = LinearSVMs.from_weights(weight, np.zeros(len(class_names), np.float32))
    return HogSVM(tuple(class_names), proposer, svms, windows, **fields)


def viola_jones(class_names, proposer=None, **fields):
    cascades = tuple(Cascade.none(12, 12) for _ in class_names)
    return ViolaJones(cascades, tuple(class_names), proposer=proposer, **fields)


def bag_of_words(class_names, proposer, *, rng=None, words=12, kernel="hellinger", **fields):
    rng = rng or np.random.default_rng(0)
    vocabulary = Vocabulary(rng.random((words, 128)).astype(np.float32) / 8)
    pyramid = SpatialPyramidSettings((1, 2), kernel)
    weight = rng.normal(size=(len(class_names), pyramid.length(words))).astype(np.float32)
    svms = LinearSVMs.from_weights(weight, np.zeros(len(class_names), np.float32))
    dense = DenseSiftSettings(step=5, cells=(2.0, 4.0))
    return BagOfWords(vocabulary, tuple(class_names), proposer, svms, dense, pyramid, **fields)
