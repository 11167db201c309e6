"""Convolution against PyTorch: the layers that AlexNet and VGG16 are made of, forward and backward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from benchmarks.harness import Contest, Work, close_to, total_bytes
from minircnn.nn import Conv2d


class Case(NamedTuple):
    """Shape of one layer: photos, channels, side of the map, filters, window, stride, padding, groups."""

    name: str
    n: int
    c: int
    side: int
    o: int
    k: int
    stride: int
    padding: int
    groups: int

    @property
    def flops(self) -> float:
        """Operations of the textbook method."""
        out = (self.side + 2 * self.padding - self.k) // self.stride + 1
        return 2.0 * self.n * self.o * out**2 * self.c // self.groups * self.k**2


CASES = (
    Case("AlexNet conv1, 32 crops", 32, 3, 227, 96, 11, 4, 0, 1),
    Case("AlexNet conv2, 32 crops", 32, 96, 27, 256, 5, 1, 2, 2),
    Case("AlexNet conv3, 32 crops", 32, 256, 13, 384, 3, 1, 1, 1),
    Case("VGG16 conv1_2, 224", 1, 64, 224, 64, 3, 1, 1, 1),
    Case("VGG16 conv3_2, 224", 1, 256, 56, 256, 3, 1, 1, 1),
    Case("VGG16 conv5_1, 2 × 224", 2, 512, 14, 512, 3, 1, 1, 1),
    Case("32 channels, 16 × 64", 16, 32, 64, 64, 3, 1, 1, 1),
)


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    for direction, prepare in (("forward", _forward), ("backward", _backward)):
        for case in CASES:
            yield Work(f"convolution {direction}", case.name, "PyTorch", partial(prepare, case))


def _layer(case: Case) -> tuple[Conv2d, Any]:
    """Return our layer and the input in channels-last memory, (N, C, H, W)."""
    rng = np.random.default_rng(0)
    layer = Conv2d(
        case.c, case.o, case.k, stride=case.stride, padding=case.padding, groups=case.groups, rng=rng
    )
    layer.bias.data += rng.normal(size=case.o).astype(np.float32)
    pixels = rng.normal(size=(case.n, case.side, case.side, case.c)).astype(np.float32)
    return layer, pixels.transpose(0, 3, 1, 2)


def _forward(case: Case) -> Contest:
    layer, x = _layer(case)
    layer.eval()
    weight, bias = torch.tensor(layer.weight.data), torch.tensor(layer.bias.data)
    settings = {"stride": case.stride, "padding": case.padding, "groups": case.groups}

    def side(layout: torch.memory_format) -> Callable[[], Any]:
        tx = torch.tensor(x).contiguous(memory_format=layout)
        tw = weight.contiguous(memory_format=layout)

        @torch.inference_mode()
        def run() -> Any:
            return functional.conv2d(tx, tw, bias, **settings)

        return run

    moved = total_bytes(x, layer.weight.data, layer.forward(x))
    return Contest(lambda: layer.forward(x), better_layout(side), close_to(1e-4), case.flops, moved)


def _backward(case: Case) -> Contest:
    layer, x = _layer(case)
    layer.train()
    y = layer.forward(x)
    dy = np.random.default_rng(1).normal(size=y.transpose(0, 2, 3, 1).shape).astype(np.float32)
    dy = dy.transpose(0, 3, 1, 2)
    settings = ([case.stride] * 2, [case.padding] * 2, [1, 1], False, [0, 0], case.groups, [True] * 3)

    def ours() -> Any:
        layer.zero_grad()
        dx = layer.backward(dy)
        return [dx, layer.weight.grad, layer.bias.grad]

    def side(layout: torch.memory_format) -> Callable[[], Any]:
        tx, tdy, tw = (
            torch.tensor(a).contiguous(memory_format=layout) for a in (x, dy, np.array(layer.weight.data))
        )

        def run() -> Any:
            return list(torch.ops.aten.convolution_backward(tdy, tx, tw, [case.o], *settings))

        return run

    moved = 2 * total_bytes(x, layer.weight.data) + total_bytes(dy)  # read, and a gradient of each written
    return Contest(ours, better_layout(side), close_to(1e-4), 2 * case.flops, moved)


def better_layout(side: Callable[[torch.memory_format], Callable[[], Any]]) -> Callable[[], Any]:
    """Return PyTorch's run in whichever memory layout is faster here."""
    candidates = [side(layout) for layout in (torch.contiguous_format, torch.channels_last)]

    def seconds(run: Callable[[], Any]) -> float:
        run()
        best = np.inf
        for _ in range(3):
            start = time.perf_counter()
            run()
            best = min(best, time.perf_counter() - start)
        return best

    return min(candidates, key=seconds)
