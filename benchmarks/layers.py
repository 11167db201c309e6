"""The other layers against PyTorch and torchvision: RoI pooling, max pooling, LRN and fully connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional
from torchvision.ops import roi_pool

from benchmarks.convolution import better_layout
from benchmarks.harness import Contest, Work, close_to, identical, total_bytes
from minircnn.nn import Flatten, Linear, LocalResponseNorm, MaxPool2d, RoIPool

SCALE = 1 / 16
BINS = 7


class Regions(NamedTuple):
    """Regions on the maps of some photos of 600 × 800 pixels."""

    name: str
    count: int
    photos: int


class Window(NamedTuple):
    """One max pooling layer: its input (N, C, H, W), window and stride."""

    name: str
    shape: tuple[int, int, int, int]
    k: int
    stride: int


class Dense(NamedTuple):
    """One fully connected layer: rows of the input, features in and out."""

    name: str
    rows: int
    inputs: int
    outputs: int


REGIONS = (Regions("2000 regions of one photo", 2000, 1), Regions("128 regions of two photos", 128, 2))
WINDOWS = (
    Window("VGG16 pool1, 600 × 1000", (1, 64, 300, 500), 2, 2),
    Window("AlexNet pool1, 32 crops", (32, 96, 55, 55), 3, 2),
)
LRN_SHAPE = (32, 96, 27, 27)
DENSE_FORWARD = (
    Dense("VGG16 fc6, 512 regions", 512, 25088, 4096),
    Dense("AlexNet fc6, 128 crops", 128, 9216, 4096),
)
DENSE_BACKWARD = DENSE_FORWARD[1:]


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    for regions in REGIONS:
        for training in (False, True):
            name = regions.name + (", training" if training else "")
            prepare = partial(_roi_forward, regions, training)
            yield Work("RoI pooling forward", name, "torchvision", prepare)
    for regions in REGIONS:
        yield Work("RoI pooling backward", regions.name, "torchvision", partial(_roi_backward, regions))
    for window in WINDOWS:
        yield Work("max pooling", f"{window.name}, forward", "PyTorch", partial(_pool_forward, window))
    for window in WINDOWS:
        yield Work("max pooling", f"{window.name}, backward", "PyTorch", partial(_pool_backward, window))
    yield Work("LRN", "AlexNet norm1, 32 crops, forward", "PyTorch", _lrn_forward)
    yield Work("LRN", "AlexNet norm1, 32 crops, forward and backward", "PyTorch", _lrn_both)
    for dense in DENSE_FORWARD:
        yield Work("linear", f"{dense.name}, forward", "PyTorch", partial(_linear_forward, dense))
    for dense in DENSE_BACKWARD:
        yield Work("linear", f"{dense.name}, forward and backward", "PyTorch", partial(_linear_both, dense))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return values of logical shape (N, C, H, W) that lie channels last, as our layers pass them on."""
    n, c, h, w = shape
    return rng.standard_normal((n, h, w, c), dtype=np.float32).transpose(0, 3, 1, 2)


def _proposals(rng: np.random.Generator, count: int) -> Any:
    """Return regions (count, 4) of whole pixels from 20 pixels to the photo, on which both sides agree.

    Sides are drawn evenly on a logarithmic scale. torchvision takes the last pixel instead of the end, which
    for whole pixels covers the same cells; but it computes edges of bins in float32, where some products that
    should be whole come out just above or below, and such regions are left out.
    """
    kept: list[Any] = []
    while len(kept) < count:
        size = np.exp(rng.uniform(np.log(20), np.log([800, 600])))
        start = np.floor(rng.uniform(0, np.array([801, 601]) - np.ceil(size)))
        box = np.concatenate([start, start + np.floor(size)])
        if _same_bins(box):
            kept.append(box)
    return np.array(kept)


def _same_bins(box: Any) -> bool:
    first, last = RoIPool(BINS, SCALE).cells(box[None])
    cells = (last - first + 1)[0]
    step = cells.astype(np.float32) / np.float32(BINS)
    i = np.arange(BINS)[:, None]
    low = np.floor(i.astype(np.float32) * step)
    high = np.ceil((i + 1).astype(np.float32) * step)
    return bool((low == i * cells // BINS).all() and (high == -(-(i + 1) * cells // BINS)).all())


class _RoIs:
    """The maps and regions of one row, for both sides."""

    def __init__(self, regions: Regions) -> None:
        rng = np.random.default_rng(0)
        maps = np.maximum(_normal(rng, (regions.photos, 512, 38, 50)), 0)  # as after ReLU: many ties
        self.features = maps
        self.rois = _proposals(rng, regions.count).astype(np.float32)
        self.owner = np.arange(regions.count) % regions.photos
        self.layer = RoIPool(BINS, SCALE)
        self.tensor = torch.tensor(np.ascontiguousarray(maps))
        inclusive = self.rois - np.float32([0, 0, 1, 1])
        self.their_rois = torch.tensor(np.column_stack([self.owner, inclusive]).astype(np.float32))


def _roi_forward(regions: Regions, training: bool) -> Contest:
    """Both sides up to what the fully connected layer reads; torchvision always keeps the maxima's places."""
    ready, flatten = _RoIs(regions), Flatten()
    ready.layer.train(training)

    @torch.inference_mode()
    def theirs() -> Any:
        return roi_pool(ready.tensor, ready.their_rois, BINS, SCALE).flatten(1)

    return Contest(
        lambda: flatten(ready.layer.forward(ready.features, ready.rois, ready.owner)),
        theirs,
        identical,
        moved=total_bytes(ready.features) + 4.0 * regions.count * 512 * BINS**2,
    )


def _roi_backward(regions: Regions) -> Contest:
    ready = _RoIs(regions)
    shape = (regions.count, 512, BINS, BINS)
    dy = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)  # as Flatten passes it on
    ready.layer.forward(ready.features, ready.rois, ready.owner)
    _, places = torch.ops.torchvision.roi_pool(ready.tensor, ready.their_rois, SCALE, BINS, BINS)
    slopes = torch.tensor(dy)

    @torch.inference_mode()
    def theirs() -> Any:
        return torch.ops.torchvision._roi_pool_backward(
            slopes, ready.their_rois, places, SCALE, BINS, BINS, *ready.tensor.shape
        )

    moved = total_bytes(dy, ready.features)
    return Contest(lambda: ready.layer.backward(dy), theirs, close_to(1e-5), moved=moved)


def _pool_forward(window: Window) -> Contest:
    x = _normal(np.random.default_rng(0), window.shape)
    layer = MaxPool2d(window.k, window.stride)
    layer.eval()

    def side(layout: torch.memory_format) -> Callable[[], Any]:
        tx = torch.tensor(x).contiguous(memory_format=layout)

        @torch.inference_mode()
        def run() -> Any:
            return functional.max_pool2d(tx, window.k, window.stride)

        return run

    moved = total_bytes(x, layer.forward(x))
    return Contest(lambda: layer.forward(x), better_layout(side), identical, moved=moved)


def _pool_backward(window: Window) -> Contest:
    x = _normal(np.random.default_rng(0), window.shape)
    layer = MaxPool2d(window.k, window.stride)
    y = layer.forward(x)
    dy = _normal(np.random.default_rng(1), y.shape)
    settings = ([window.k] * 2, [window.stride] * 2, [0, 0], [1, 1], False)

    def side(layout: torch.memory_format) -> Callable[[], Any]:
        tx, tdy = (torch.tensor(a).contiguous(memory_format=layout) for a in (x, dy))
        _, places = torch.ops.aten.max_pool2d_with_indices(tx, *settings)

        @torch.inference_mode()
        def run() -> Any:
            return torch.ops.aten.max_pool2d_with_indices_backward(tdy, tx, *settings, places)

        return run

    moved = total_bytes(dy, x)
    return Contest(lambda: layer.backward(dy), better_layout(side), close_to(1e-6), moved=moved)


def _lrn_forward() -> Contest:
    x = _normal(np.random.default_rng(0), LRN_SHAPE)
    layer = LocalResponseNorm()
    layer.eval()

    def side(layout: torch.memory_format) -> Callable[[], Any]:
        tx = torch.tensor(x).contiguous(memory_format=layout)

        @torch.inference_mode()
        def run() -> Any:
            return functional.local_response_norm(tx, layer.size, layer.alpha, layer.beta, layer.k)

        return run

    return Contest(lambda: layer.forward(x), better_layout(side), close_to(1e-6), moved=2 * total_bytes(x))


def _lrn_both() -> Contest:
    x, dy = (_normal(np.random.default_rng(i), LRN_SHAPE) for i in range(2))
    layer = LocalResponseNorm()

    def ours() -> Any:
        y = layer.forward(x)
        return [y, layer.backward(dy)]

    def side(layout: torch.memory_format) -> Callable[[], Any]:
        tx, tdy = (torch.tensor(a).contiguous(memory_format=layout) for a in (x, dy))

        def run() -> Any:
            leaf = tx.detach().requires_grad_()
            y = functional.local_response_norm(leaf, layer.size, layer.alpha, layer.beta, layer.k)
            return [y.detach(), torch.autograd.grad(y, leaf, tdy)[0]]

        return run

    return Contest(ours, better_layout(side), close_to(1e-6), moved=2 * total_bytes(x, dy))


def _dense(dense: Dense) -> tuple[Linear, Any, list[Any]]:
    """Return our layer, its input (rows, inputs), and PyTorch's input, weight and bias."""
    rng = np.random.default_rng(0)
    layer = Linear(dense.inputs, dense.outputs, rng=rng)
    layer.bias.data += rng.standard_normal(dense.outputs, dtype=np.float32)
    x = rng.standard_normal((dense.rows, dense.inputs), dtype=np.float32)
    return layer, x, [torch.tensor(a) for a in (x, layer.weight.data, layer.bias.data)]


def _linear_forward(dense: Dense) -> Contest:
    layer, x, tensors = _dense(dense)
    layer.eval()

    @torch.inference_mode()
    def theirs() -> Any:
        return functional.linear(*tensors)

    flops = 2.0 * dense.rows * dense.inputs * dense.outputs
    moved = total_bytes(x, layer.weight.data) + 4.0 * dense.rows * dense.outputs
    return Contest(lambda: layer.forward(x), theirs, close_to(1e-5), flops, moved)


def _linear_both(dense: Dense) -> Contest:
    layer, x, tensors = _dense(dense)
    dy = np.random.default_rng(1).standard_normal((dense.rows, dense.outputs), dtype=np.float32)
    slopes = torch.tensor(dy)

    def ours() -> Any:
        layer.zero_grad()
        y = layer.forward(x)
        dx = layer.backward(dy)
        return [y, dx, layer.weight.grad, layer.bias.grad]

    def theirs() -> Any:
        leaves = [t.detach().requires_grad_() for t in tensors]
        y = functional.linear(*leaves)
        return [y.detach(), *torch.autograd.grad(y, leaves, slopes)]

    flops = 6.0 * dense.rows * dense.inputs * dense.outputs
    moved = 2 * total_bytes(x, layer.weight.data, dy)
    return Contest(ours, theirs, close_to(1e-5), flops, moved)
