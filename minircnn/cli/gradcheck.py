"""``minircnn gradcheck``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from cyclopts.validators import Number

from minircnn.arrays import Array
from minircnn.backbones import build_backbone
from minircnn.boxes import AnchorSettings
from minircnn.cli.errors import CommandFailed
from minircnn.cli.options import DeviceName, Json, Seed
from minircnn.cli.output import note, print_json, table
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
from minircnn.nn import gradcheck as compare
from minircnn.progress import progress_bar

Case = tuple[Module | Callable[..., tuple[float, Any]], tuple[Array, ...]]

_STEP = 1e-7  # small, so that next to no activation crosses a kink of ReLU or max pooling on the way
_TOLERANCE = 1e-5


def gradcheck(
    *,
    elements: Annotated[
        int, Parameter(validator=Number(gte=1), help="At most so many elements of every array are varied.")
    ] = 40,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Check every hand-written gradient against finite differences, in float64.

    Each element is moved a little up and down, and the change of the loss is compared with what `backward`
    says. Covers every layer, every loss, and a whole small Fast R-CNN and Faster R-CNN from the photo to the
    loss. Ends with exit code 1 if one differs.

    For example:

        minircnn gradcheck

    Next: `from minircnn import gradcheck` checks a layer of your own the same way.
    """
    if device != "cpu":
        raise ValueError("gradcheck compares on the CPU, in float64: leave --device cpu")
    rng = np.random.default_rng(seed)
    cases = [*_layers(rng), *_losses(rng), *_whole_networks(rng)]
    reports = {
        name: compare(checked, *inputs, rng=rng, step=_STEP, tolerance=_TOLERANCE, max_elements=elements)
        for name, (checked, inputs) in progress_bar(cases, desc="gradients", unit="part", delay=1)
    }
    rows = [
        (name, row.name, row.checked, row.max_error, row.max_error <= report.tolerance)
        for name, report in reports.items()
        for row in report.rows
    ]
    passed = all(report.ok for report in reports.values())
    if json:
        keys = ("part", "array", "checked", "max_error", "ok")
        print_json({"ok": passed, "rows": [dict(zip(keys, row, strict=True)) for row in rows]})
    else:
        cells = [(p, a, n, f"{error:.1e}", "ok" if ok else "WRONG") for p, a, n, error, ok in rows]
        print(table(["part", "gradient of", "checked", "largest error", ""], cells))
    note(f"{len(reports)} parts, {len(rows)} arrays: " + ("all agree" if passed else "some differ"))
    if not passed:
        raise CommandFailed("a gradient differs")


def _layers(rng: np.random.Generator) -> Iterator[tuple[str, Case]]:
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
    for name, (layer, inputs) in cases.items():
        layer.astype(np.float64)
        yield name, (layer, inputs)


def _losses(rng: np.random.Generator) -> Iterator[tuple[str, Case]]:
    scores, labels = rng.standard_normal((5, 4)), np.array([0, 1, 3, 0, 2])
    offsets, targets = rng.standard_normal((5, 16)), 2 * rng.standard_normal((5, 4))
    pixels = rng.standard_normal((2, 4, 7, 6))
    signs = np.where(rng.random((5, 4)) < 0.5, -1.0, 1.0)

    def multi_task(cls_score: Array, bbox_pred: Array) -> tuple[float, tuple[Array, Array]]:
        loss = multi_task_loss(cls_score, bbox_pred, labels, targets)
        return loss.total, (loss.d_cls_score, loss.d_bbox_pred)

    anchors = np.array([1, 0, -1, 1, 0])  # object, background, not drawn

    def rpn(objectness: Array, moves: Array) -> tuple[float, tuple[Array, Array]]:
        loss = rpn_loss(objectness, moves, anchors, targets)
        return loss.total, (loss.d_objectness, loss.d_offsets)

    yield "softmax cross-entropy", (lambda x: softmax_cross_entropy(x, labels), (scores,))
    yield "smooth L1", (lambda x: smooth_l1(x, targets), (offsets[:, :4],))
    yield "L2", (lambda x: l2_loss(x, targets), (offsets[:, :4],))
    classes = rng.integers(0, 4, (2, 7, 6))
    classes[0, :2] = 255  # void
    yield "softmax cross-entropy of pixels", (lambda x: pixel_cross_entropy(x, classes), (pixels,))
    yield "hinge", (lambda x: hinge_loss(x, signs), (scores,))
    yield "multi-task loss", (multi_task, (scores, offsets))
    yield "RPN loss", (rpn, (scores[:, :2], offsets[:, :4]))

    def propose(objectness: Array, offsets: Array) -> tuple[float, tuple[Array, Array]]:
        loss = rpn_loss(objectness, offsets, np.array([1, 0, -1, 1, 0]), targets)
        return loss.total, (loss.d_objectness, loss.d_offsets)

    yield "RPN loss", (propose, (scores[:, :2], offsets[:, :4]))


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
        return np.array([loss.total])

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
            self._drawn = self._rng.integers(-1, 2, len(moves)), self._rng.standard_normal(moves.shape)
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
        return np.array([anchors.total + regions.total])

    def backward(self, dy: Array) -> Array:
        assert self._gradients is not None
        return self.network.backward_jointly(*(gradient * dy[0] for gradient in self._gradients))


def _whole_networks(rng: np.random.Generator) -> Iterator[tuple[str, Case]]:
    """Yield small networks with their losses, from photos to one number."""
    rois = np.array([[0, 0, 20, 20], [4, 2, 18, 23], [8, 8, 24, 24], [1, 9, 12, 24]], dtype=np.float64)
    inputs = rng.standard_normal((2, 3, 24, 24)), rois, np.array([0, 0, 1, 1])
    labels, targets = np.array([1, 0, 3, 2]), rng.standard_normal((4, 4))
    small: dict[str, Any] = {"channels": (3, 4, 4, 4), "widths": (8, 8), "roi_size": 3}
    fast = FastRCNNNetwork(build_backbone("tiny", rng=rng, **small), 3, rng=rng)
    shapes = AnchorSettings(base_size=8.0, ratios=(1.0, 2.0), scales=(1.0,))
    faster = FasterRCNNNetwork(build_backbone("tiny", rng=rng, **small), 3, shapes, rpn_width=5, rng=rng)
    for network in (fast, faster):
        network.astype(np.float64)
        for output in (network.outputs.cls_score, network.outputs.bbox_pred):
            # as drawn for training the outputs are next to zero, and so would be all gradients below
            output.weight.data = rng.standard_normal(output.weight.data.shape)
    for _, parameter in faster.rpn.named_parameters():
        parameter.data = rng.standard_normal(parameter.data.shape)
    yield "whole Fast R-CNN", (_LossOfNetwork(fast, labels, targets), inputs)
    yield "whole Faster R-CNN", (_JointLoss(faster, labels, targets, rng), inputs)
