"""Detectors in the papers' sizes with random weights: what they take does not depend on what they learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minircnn.backbones import Backbone
from minircnn.boxes import AnchorSettings
from minircnn.detectors import RCNN, FasterRCNN, FastRCNN, ImageScale, PostprocessSettings, SPPNet
from minircnn.detectors.fast_rcnn import FastRCNNNetwork
from minircnn.detectors.faster_rcnn import FasterRCNNNetwork
from minircnn.detectors.rcnn import RCNNNetwork, WarpSettings
from minircnn.detectors.sppnet import SPPNetNetwork
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.nn import Linear, Sequential
from minircnn.proposals import SelectiveSearch

Maker = Callable[[Backbone, int, np.random.Generator], Any]
"""``make(backbone, short_side, rng)`` returns a detector."""

CLASSES = tuple(f"class {number}" for number in range(1, 21))
"""As many as in VOC."""

FIVE_SCALES = (480, 576, 688, 864, 1200)
"""Shorter sides of the photo in SPP-net's paper."""

RANKS = {"fc6": 1024, "fc7": 256}
"""Of the truncated layers (Fast R-CNN, section 4.4)."""

_ALL = PostprocessSettings(min_score=-1e9)
"""So that non-maximum suppression has a class's hundred best boxes to look at, whatever their scores are."""

_CROPS = 64
"""Warped regions that go through the network at once: their first maps take most of the memory."""


def rcnn(backbone: Backbone, short_side: int, rng: np.random.Generator) -> RCNN:
    """Return an R-CNN; it does not scale the photo."""
    network = RCNNNetwork(backbone, len(CLASSES), rng=rng)
    warping = WarpSettings(backbone.crop_size)
    return RCNN(**_linear(network, backbone, rng), warping=warping, postprocess=_ALL, batch=_CROPS)


def sppnet(
    backbone: Backbone, short_side: int, rng: np.random.Generator, *, scales: tuple[int, ...] = ()
) -> SPPNet:
    """Return an SPP-net of one scale, or of several that are as large in proportion."""
    network = SPPNetNetwork(backbone, len(CLASSES), rng=rng)
    sides = tuple(round(side * short_side / 600) for side in scales) or (short_side,)
    return SPPNet(**_linear(network, backbone, rng), scales=sides, postprocess=_ALL)


def fast_rcnn(
    backbone: Backbone, short_side: int, rng: np.random.Generator, *, thin: bool = False
) -> FastRCNN:
    """Return a Fast R-CNN, with its fully connected layers as truncated SVD leaves them if `thin`."""
    network = FastRCNNNetwork(backbone, len(CLASSES), rng=rng)
    if thin:
        for name, rank in RANKS.items():
            setattr(network.head, name, thinned(getattr(network.head, name), rank, rng))
    return FastRCNN(network, proposer=SelectiveSearch(), **_pooled(backbone, short_side))


def faster_rcnn(backbone: Backbone, short_side: int, rng: np.random.Generator) -> FasterRCNN:
    """Return a Faster R-CNN with the paper's nine anchors, which it hardly moves."""
    network = FasterRCNNNetwork(backbone, len(CLASSES), AnchorSettings(), rng=rng)
    # moved by random weights they would all grow as large as the photo, and one be left of them
    network.rpn.bbox_pred.weight.data *= np.float32(1e-3)
    return FasterRCNN(network, proposer=None, **_pooled(backbone, short_side))


def thinned(layer: Linear, rank: int, rng: np.random.Generator) -> Sequential:
    """Return two layers as :func:`~minircnn.heads.truncated_svd` would make of `layer`, drawn at random.

    The rank is a quarter of the largest possible at most. (The decomposition itself takes minutes.)
    """
    outputs, inputs = layer.weight.data.shape
    rank = max(1, min(rank, min(outputs, inputs) // 4))
    return Sequential(vt=Linear(inputs, rank, rng=rng), u=Linear(rank, outputs, rng=rng))


def _linear(network: Any, backbone: Backbone, rng: np.random.Generator) -> dict[str, Any]:
    """Return the fields that R-CNN and SPP-net share."""
    classes, pooled = len(CLASSES), network.head.fc6.weight.data.shape[1]
    features = backbone.feature_dim
    svms = rng.standard_normal((classes, features), np.float32) / features
    boxes = rng.standard_normal((classes, 4, pooled), np.float32) / pooled
    return {
        "network": network,
        "normalization": backbone.normalization,
        "class_names": CLASSES,
        "proposer": SelectiveSearch(),
        "svms": LinearSVMs.from_weights(svms, np.zeros(classes, np.float32)),
        "regressors": BoxRegressors(boxes, np.zeros((classes, 4), np.float32)),
    }


def _pooled(backbone: Backbone, short_side: int) -> dict[str, Any]:
    """Return the fields that Fast and Faster R-CNN share."""
    shape = (len(CLASSES) + 1, 4)
    return {
        "normalization": backbone.normalization,
        "class_names": CLASSES,
        "target_mean": np.zeros(shape, np.float32),
        "target_std": np.full(shape, 0.1, np.float32),
        "scale": ImageScale(short_side, max(1000, short_side)),
        "postprocess": _ALL,
    }
