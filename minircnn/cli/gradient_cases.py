"""What ``minircnn gradcheck`` checks: every layer, every loss, and whole small networks with their loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, like
from minircnn.backbones import build_backbone
from minircnn.boxes import AnchorSettings
from minircnn.detectors import FasterRCNNNetwork, FastRCNNNetwork
from minircnn.nn import (
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
    ReLU,
    RoIAlign,
    RoIPool,
    Scale,
    SpatialPyramidPool,
    UpsampleBilinear,
    hinge_loss,
    l2_loss,
    multi_task_loss,
    pixel_cross_entropy,
    rpn_loss,
    smooth_l1,
    softmax_cross_entropy,
)

Case = tuple[Module | Callable[..., tuple[float, Any]], tuple[Array, ...]]
"""A layer or a loss, and its inputs."""


def cases_on(xp: Any, rng: np.random.Generator, dtype: Any = np.float64) -> Iterator[tuple[str, Case]]:
    """Yield the name of every part and the part, with all its arrays in the library `xp` and of `dtype`.

    Equal generators give equal parts, whatever the library.
    """

    def place(values: HostArray) -> Array:
        return like(values.astype(dtype) if values.dtype.kind == "f" else values, xp.empty(0))

    for make in (_layers, _losses, _whole_networks):
        for name, (checked, inputs) in make(rng, place):
            if isinstance(checked, Module):
                checked.astype(dtype)
                checked.to(xp)
            yield name, (checked, tuple(place(x) for x in inputs))


Place = Callable[[HostArray], Array]


def _layers(rng: np.random.Generator, place: Place) -> Iterator[tuple[str, Case]]:
    """Yield every kind of layer with inputs that bring out its special cases."""
    maps = rng.standard_normal((2, 4, 7, 6))
    rois = np.array([[0, 0, 24, 28], [3, 5, 17, 12], [20, 20, 40, 60], [4, 4, 5, 5]], dtype=np.float64)
    owner = np.array([0, 1, 1, 0])
    dropout = Dropout(0.5)
    dropout.rng = np.random.default_rng(1)
    cases: dict[str, tuple[Module, tuple[Array, ...]]] = {
        "Conv2d": (Conv2d(4, 6, 3, padding=1, rng=rng), (maps,)),
        "Conv2d, stride 2": (Conv2d(4, 6, 3, stride=2, rng=rng), (maps,)),
        "Conv2d, 2 groups": (Conv2d(4, 6, 3, padding=1, groups=2, rng=rng), (maps,)),
        "Linear": (Linear(10, 5, rng=rng), (rng.standard_normal((6, 10)),)),
        "ReLU": (ReLU(), (maps,)),
        "MaxPool2d": (MaxPool2d(3, 2), (maps,)),
        "MaxPool2d, ceil mode": (MaxPool2d(3, 2, ceil_mode=True), (maps,)),
        "GlobalAveragePool": (GlobalAveragePool(), (maps,)),
        "Flatten": (Flatten(), (maps,)),
        "Scale": (Scale(0.125), (maps,)),
        "LocalResponseNorm": (LocalResponseNorm(alpha=0.5), (maps,)),
        "Dropout": (dropout, (maps,)),
        "UpsampleBilinear": (UpsampleBilinear((17, 11)), (maps,)),
        "Concat": (
            Concat(a=Conv2d(4, 2, 1, rng=rng), b=Conv2d(4, 3, 3, padding=1, rng=rng)),
            (maps,),
        ),
        "RoIPool": (RoIPool((3, 2), 0.25), (maps, rois, owner)),
        "RoIAlign": (RoIAlign((3, 2), 0.25), (maps, rois, owner)),
        "SpatialPyramidPool": (SpatialPyramidPool((1, 2, 3), 0.25), (maps, rois, owner)),
    }
    yield from cases.items()


def _losses(rng: np.random.Generator, place: Place) -> Iterator[tuple[str, Case]]:
    """Yield every loss with scores and offsets; `place` brings what it compares them with to its library."""
    scores, labels = rng.standard_normal((5, 4)), np.array([0, 1, 3, 0, 2])
    offsets, targets = rng.standard_normal((5, 16)), 2 * rng.standard_normal((5, 4))
    pixels = rng.standard_normal((2, 4, 7, 6))
    signs = np.where(rng.random((5, 4)) < 0.5, -1.0, 1.0)
    classes = rng.integers(0, 4, (2, 7, 6))
    classes[0, :2] = 255  # void
    anchors = np.array([1, 0, -1, 1, 0])  # object, background, not drawn
    labels, targets, signs, classes, anchors = map(place, (labels, targets, signs, classes, anchors))

    def multi_task(cls_score: Array, bbox_pred: Array) -> tuple[float, tuple[Array, Array]]:
        loss = multi_task_loss(cls_score, bbox_pred, labels, targets)
        return loss.total, (loss.d_cls_score, loss.d_bbox_pred)

    def rpn(objectness: Array, moves: Array) -> tuple[float, tuple[Array, Array]]:
        loss = rpn_loss(objectness, moves, anchors, targets)
        return loss.total, (loss.d_objectness, loss.d_offsets)

    yield "softmax cross-entropy", (lambda x: softmax_cross_entropy(x, labels), (scores,))
    yield "smooth L1", (lambda x: smooth_l1(x, targets), (offsets[:, :4],))
    yield "L2", (lambda x: l2_loss(x, targets), (offsets[:, :4],))
    yield "softmax cross-entropy of pixels", (lambda x: pixel_cross_entropy(x, classes), (pixels,))
    yield "hinge", (lambda x: hinge_loss(x, signs), (scores,))
    yield "multi-task loss", (multi_task, (scores, offsets))
    yield "RPN loss", (rpn, (scores[:, :2], offsets[:, :4]))


class _LossOfNetwork(Module):
    """A Fast R-CNN together with its loss: photos in, one number out."""

    def __init__(self, network: FastRCNNNetwork, labels: Array, targets: Array) -> None:
        self.network = network
        self._labels, self._targets = labels, targets
        self._gradients: tuple[Array, Array] | None = None

    def forward(self, images: Array, rois: Array, image_index: Array) -> Array:
        scores, offsets = self.network(images, rois, image_index)
        loss = multi_task_loss(scores, offsets, self._labels, self._targets)
        self._gradients = (loss.d_cls_score, loss.d_bbox_pred)
        return like(np.array([loss.total]), scores, dtype=scores.dtype)

    def backward(self, dy: Array) -> Array:
        assert self._gradients is not None
        return self.network.backward(*(gradient * dy[0] for gradient in self._gradients))


class _JointLoss(Module):
    """A Faster R-CNN together with both its losses, for anchors and regions that were drawn already."""

    def __init__(
        self, network: FasterRCNNNetwork, labels: Array, targets: Array, rng: np.random.Generator
    ) -> None:
        self.network = network
        self._labels, self._targets, self._rng = labels, targets, rng
        self._drawn: tuple[Array, Array] | None = None
        self._gradients: tuple[Array, ...] | None = None

    def forward(self, images: Array, rois: Array, image_index: Array) -> Array:
        feature_map = self.network.features(images)
        objectness, moves = (part.reshape(-1, part.shape[2]) for part in self.network.rpn(feature_map))
        if self._drawn is None:
            drawn = self._rng.integers(-1, 2, len(moves)), self._rng.standard_normal(moves.shape)
            self._drawn = like(drawn[0], moves), like(drawn[1], moves, dtype=moves.dtype)
        anchors = rpn_loss(objectness, moves, *self._drawn)
        scores, offsets = self.network.forward_from_map(feature_map, rois, image_index)
        regions = multi_task_loss(scores, offsets, self._labels, self._targets)
        whole = (len(images), -1)
        self._gradients = (
            regions.d_cls_score,
            regions.d_bbox_pred,
            anchors.d_objectness.reshape(*whole, 2),
            anchors.d_offsets.reshape(*whole, 4),
        )
        return like(np.array([anchors.total + regions.total]), scores, dtype=scores.dtype)

    def backward(self, dy: Array) -> Array:
        assert self._gradients is not None
        return self.network.backward_jointly(*(gradient * dy[0] for gradient in self._gradients))


def _whole_networks(rng: np.random.Generator, place: Place) -> Iterator[tuple[str, Case]]:
    """Yield small networks with their losses, from photos to one number."""
    rois = np.array([[0, 0, 20, 20], [4, 2, 18, 23], [8, 8, 24, 24], [1, 9, 12, 24]], dtype=np.float64)
    inputs = rng.standard_normal((2, 3, 24, 24)), rois, np.array([0, 0, 1, 1])
    labels, targets = place(np.array([1, 0, 3, 2])), place(rng.standard_normal((4, 4)))
    small: dict[str, Any] = {"channels": (3, 4, 4, 4), "widths": (8, 8), "roi_size": 3}
    fast = FastRCNNNetwork(build_backbone("tiny", rng=rng, **small), 3, rng=rng)
    shapes = AnchorSettings(base_size=8.0, ratios=(1.0, 2.0), scales=(1.0,))
    faster = FasterRCNNNetwork(build_backbone("tiny", rng=rng, **small), 3, shapes, rpn_width=5, rng=rng)
    for network in (fast, faster):
        for output in (network.outputs.cls_score, network.outputs.bbox_pred):
            # as drawn for training the outputs are next to zero, and so would be all gradients below
            output.weight.data = rng.standard_normal(output.weight.data.shape)
    for _, parameter in faster.rpn.named_parameters():
        parameter.data = rng.standard_normal(parameter.data.shape)
    yield "whole Fast R-CNN", (_LossOfNetwork(fast, labels, targets), inputs)
    yield "whole Faster R-CNN", (_JointLoss(faster, labels, targets, rng), inputs)
