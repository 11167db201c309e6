"""An input for every layer and every loss that the package offers, made on the host."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import minircnn.heads
import minircnn.nn
from minircnn.heads import RPNHead, SiblingHeads
from minircnn.nn import (
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
    ReLU,
    RoIAlign,
    RoIPool,
    Scale,
    Sequential,
    SpatialPyramidPool,
    UpsampleBilinear,
    hinge_loss,
    l2_loss,
    multi_task_loss,
    pixel_cross_entropy,
    rpn_loss,
    smooth_l1,
    softmax,
    softmax_cross_entropy,
)

RNG = np.random.default_rng(14)
MAPS = RNG.standard_normal((2, 4, 17, 13))
WIDE = RNG.standard_normal((2, 32, 24, 20))  # wide enough for Winograd's method on the host
LARGE = np.random.default_rng(15).standard_normal((2, 32, 30, 26))  # and of enough tiles for it on a GPU
LARGE_64 = np.random.default_rng(16).standard_normal((2, 64, 27, 30))
ROWS = RNG.standard_normal((6, 10))
ROIS = np.array(
    [
        [0.0, 0, 48, 60],
        [3, 5, 17, 12],
        [20, 20, 40, 60],
        [4, 4, 5, 5],
        [-10, -10, -5, -5],  # off the map
        [0, 0, 48, 60],
        [-30, 10, 200, 300],
    ]
)
OWNER = np.array([0, 1, 1, 0, 0, 1, 1])


def back(module: Module, dys: tuple[Any, ...]) -> Any:
    return module.backward(*dys)


def back_through_both(heads: SiblingHeads, dys: tuple[Any, ...]) -> Any:
    return heads.cls_score.backward(dys[0]) + heads.bbox_pred.backward(dys[1])


@dataclass(frozen=True)
class LayerCase:
    """A layer, its inputs, and what it may ask of a GPU in evaluation."""

    layer: Module
    x: np.ndarray
    launches: int
    """Of one forward pass in evaluation; beside it stands what they are for."""
    others: tuple[np.ndarray, ...] = ()
    """Inputs that may stay on the host: regions, and the maps that they lie on."""
    backward: Callable[[Module, tuple[Any, ...]], Any] = back


def conv(*shape: int, **settings: int) -> Conv2d:
    return Conv2d(*shape, rng=np.random.default_rng(2), **settings)


def dropout() -> Dropout:
    layer = Dropout(0.5)
    layer.rng = np.random.default_rng(1)
    return layer


# A map that comes with channels first is copied to channels last: 1. A band of a convolution: patches,
# product, bias; a group's product goes through a copy. Winograd's method: filters, tiles, product, output. No
# bands and blocks but one here.
LAYERS = {
    "Conv2d 3x3": LayerCase(conv(4, 6, 3, padding=1), MAPS, 1 + 3),
    "Conv2d 3x3 stride 2": LayerCase(conv(4, 6, 3, stride=2), MAPS, 1 + 3),
    "Conv2d 3x3 wide": LayerCase(conv(32, 32, 3, padding=1), WIDE, 1 + 3),
    "Conv2d 3x3 wide, of many tiles": LayerCase(conv(32, 24, 3, padding=1), LARGE, 1 + 4),
    "Conv2d 5x5 in two groups": LayerCase(conv(32, 32, 5, padding=2, groups=2), WIDE, 1 + 2 * 3 + 1),
    "Conv2d 5x5 in two groups, of many tiles": LayerCase(conv(64, 48, 5, groups=2), LARGE_64, 1 + 4),
    "Conv2d 3x3 stride 2 in two groups": LayerCase(
        conv(4, 6, 3, stride=2, padding=1, groups=2), MAPS, 1 + 2 * 3 + 1
    ),
    "Conv2d 11x11 stride 4": LayerCase(conv(4, 8, 11, stride=4, padding=2), MAPS, 1 + 3),
    "Conv2d 1x1": LayerCase(conv(4, 6, 1), MAPS, 1 + 2),  # the pixels are the patches
    "Conv2d 1x1 padding 1": LayerCase(conv(4, 6, 1, padding=1), MAPS, 1 + 3),
    "Linear": LayerCase(Linear(10, 5, rng=np.random.default_rng(3)), ROWS, 2),  # product, bias
    "ReLU": LayerCase(ReLU(), MAPS, 1),
    "Scale": LayerCase(Scale(0.3), MAPS, 1),
    "MaxPool2d 2/2": LayerCase(MaxPool2d(2), MAPS, 1 + 1),
    "MaxPool2d 2/2 ceil": LayerCase(MaxPool2d(2, ceil_mode=True), MAPS, 1 + 1),
    "MaxPool2d 3/2": LayerCase(MaxPool2d(3, 2), MAPS, 1 + 1),
    "MaxPool2d 3/2 ceil": LayerCase(MaxPool2d(3, 2, ceil_mode=True), MAPS, 1 + 1),
    "MaxPool2d 3/1 padding 1": LayerCase(MaxPool2d(3, 1, padding=1), MAPS, 1 + 1),
    "MaxPool2d 2/3": LayerCase(MaxPool2d(2, 3), MAPS, 1 + 1),
    "GlobalAveragePool": LayerCase(GlobalAveragePool(), MAPS, 1),
    "Flatten": LayerCase(Flatten(), MAPS, 1),  # a copy, where channels are last
    "LocalResponseNorm": LayerCase(LocalResponseNorm(alpha=0.5), MAPS, 1 + 1),
    "LocalResponseNorm beta 0.5": LayerCase(LocalResponseNorm(3, alpha=0.5, beta=0.5), MAPS, 1 + 1),
    "Dropout": LayerCase(dropout(), MAPS, 0),
    "UpsampleBilinear": LayerCase(
        UpsampleBilinear((29, 40)), MAPS, 2 + 2
    ),  # two products, and what they read side by side
    "Concat": LayerCase(
        Concat(a=Sequential(conv=conv(4, 2, 1), relu=ReLU()), b=conv(4, 3, 3, padding=1)), MAPS, 4 + 4 + 2
    ),
    "Sequential": LayerCase(
        Sequential(
            conv1=conv(4, 8, 3, padding=1),
            relu1=ReLU(),
            pool=MaxPool2d(3, 2, ceil_mode=True),
            norm=LocalResponseNorm(),
            conv2=conv(8, 8, 5, padding=2, groups=2),
            relu2=ReLU(),
            flatten=Flatten(),
        ),
        MAPS,
        4 + 1 + 1 + 8 + 1,
    ),
    # rectangles of the bins (2) and their maxima
    "RoIPool": LayerCase(RoIPool((3, 2), 0.25), MAPS, 1 + 2 + 1, (ROIS, OWNER)),
    "RoIPool 7x7": LayerCase(RoIPool(7, 0.25), WIDE, 1 + 2 + 1, (ROIS, OWNER)),
    "RoIPool of no region": LayerCase(RoIPool(3, 0.25), MAPS, 1, (ROIS[:0], OWNER[:0])),
    # three grids (2 each) to put together, and three to take apart and join
    "SpatialPyramidPool": LayerCase(
        SpatialPyramidPool((1, 2, 3), 0.25), MAPS, 1 + 3 * 2 + 3 + 1 + 5, (ROIS, OWNER)
    ),
    # shares of rows and of columns (13 each); for each photo two products, what they read, where it goes
    "RoIAlign": LayerCase(RoIAlign((3, 2), 0.25), MAPS, 1 + 2 * 13 + 2 * 5, (ROIS, OWNER)),
    # three convolutions, the first rectified, and the offsets anchor by anchor
    "RPNHead": LayerCase(RPNHead(4, 3, width=8, rng=np.random.default_rng(4)), MAPS, 4 + 2 * 2 + 1),
    "SiblingHeads": LayerCase(
        SiblingHeads(10, 3, rng=np.random.default_rng(5)), ROWS, 2 * 2, backward=back_through_both
    ),
}


def of_classes(module: Any) -> set[str]:
    """Return the names of the layers that `module` exports."""
    found = (getattr(module, name) for name in module.__all__)
    layers = {thing for thing in found if inspect.isclass(thing) and issubclass(thing, Module)}
    return {layer.__name__ for layer in layers - {Module, Layer}}


EXPORTED_LAYERS = of_classes(minircnn.nn) | of_classes(minircnn.heads)


@dataclass(frozen=True)
class LossCase:
    """A loss, its arguments, and how often it waits for a GPU: once for each number that it must know."""

    loss: Callable[..., Any]
    arguments: tuple[np.ndarray, ...]
    waits: int = 1


LABELS = np.array([0, 3, 1, 0, 2, 1])
SIGNS = np.where(RNG.random((6, 10)) < 0.5, -1.0, 1.0)
MASKS = RNG.integers(0, 4, (2, 17, 13))
MASKS[:, 3:5] = 255  # pixels that do not count
BOXES = 3 * RNG.standard_normal((6, 4))

LOSSES = {
    "softmax": LossCase(softmax, (ROWS,), waits=0),
    "softmax_cross_entropy": LossCase(softmax_cross_entropy, (ROWS[:, :4], LABELS)),
    "softmax_cross_entropy of no row": LossCase(softmax_cross_entropy, (ROWS[:0, :4], LABELS[:0]), waits=0),
    "smooth_l1": LossCase(smooth_l1, (BOXES, np.zeros((6, 4)))),
    "l2_loss": LossCase(l2_loss, (BOXES, np.ones((6, 4)))),
    "hinge_loss": LossCase(hinge_loss, (ROWS, SIGNS)),
    "multi_task_loss": LossCase(
        multi_task_loss, (ROWS[:, :4], RNG.standard_normal((6, 16)), LABELS, BOXES), waits=2
    ),
    "pixel_cross_entropy": LossCase(pixel_cross_entropy, (MAPS, MASKS)),
    "rpn_loss": LossCase(
        rpn_loss,
        (ROWS[:, :2], BOXES, np.array([1, 0, -1, 1, 0, -1]), RNG.standard_normal((6, 4))),
        waits=2,
    ),
}

NO_LOSSES = {"clip_gradients", "gradcheck", "he_normal", "normal", "xavier_uniform"}
EXPORTED_LOSSES = {
    name for name in minircnn.nn.__all__ if inspect.isfunction(getattr(minircnn.nn, name))
} - NO_LOSSES


def on_channels_last(case: LayerCase) -> LayerCase:
    """Return the case with its map laid out as a layer before would have left it."""
    x = np.ascontiguousarray(case.x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return replace(case, x=x)
