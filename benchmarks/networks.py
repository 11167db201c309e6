"""Whole networks against the same networks in PyTorch: forward passes and one step of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.convolution import better_layout
from benchmarks.harness import Contest, Work, close_to
from benchmarks.operations import operations
from minircnn.backbones import Backbone, alexnet, squeezenet1_1, vgg16
from minircnn.nn import (
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Scale,
    Sequential,
)


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    yield Work("networks forward", "AlexNet, 128 crops", "PyTorch", _alexnet)
    yield Work("networks forward", "VGG16 convolutions, 600 × 1000", "PyTorch", _vgg16_map)
    yield Work("networks forward", "VGG16, 16 crops of 224", "PyTorch", _vgg16_crops)
    yield Work("networks forward", "SqueezeNet 1.1 convolutions, 400 × 600", "PyTorch", _squeezenet_map)
    group = "convolution, ReLU and max pooling"
    yield Work(group, "VGG16 conv1_2 and pool1, 600 × 1000", "PyTorch", partial(_pooled, 64, (600, 1000)))
    yield Work(group, "VGG16 conv2_2 and pool2, 300 × 500", "PyTorch", partial(_pooled, 128, (300, 500)))


def twin(layer: Layer) -> nn.Module:
    """Return the PyTorch module that computes what `layer` does, with a copy of its weights."""
    if isinstance(layer, Sequential):
        return nn.Sequential(*(twin(child) for _, child in layer.children()))
    if isinstance(layer, Conv2d):
        g = layer.geometry
        out, inputs, k, _ = layer.weight.data.shape
        conv = nn.Conv2d(inputs * g.groups, out, k, g.stride, g.padding, groups=g.groups)
        return _with_weights(conv, layer)
    if isinstance(layer, Linear):
        return _with_weights(nn.Linear(layer.weight.data.shape[1], layer.weight.data.shape[0]), layer)
    if isinstance(layer, MaxPool2d):
        return nn.MaxPool2d(layer.kernel_size, layer.stride, layer.padding, ceil_mode=layer.ceil_mode)
    if isinstance(layer, LocalResponseNorm):
        return nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)
    if isinstance(layer, Flatten):
        return nn.Flatten()
    if isinstance(layer, Scale):
        return _Scale(layer.factor)
    if isinstance(layer, Concat):
        return _Concat([twin(child) for _, child in layer.children()])
    if isinstance(layer, Dropout):
        return nn.Dropout(layer.rate)
    assert isinstance(layer, ReLU), f"no twin of {type(layer).__name__}"
    return nn.ReLU(inplace=True)  # as PyTorch's own networks have it


class _Concat(nn.Module):
    def __init__(self, branches: list[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class _Scale(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


def _with_weights(module: nn.Module, layer: Conv2d | Linear) -> nn.Module:
    with torch.no_grad():
        module.weight.copy_(torch.tensor(np.array(layer.weight.data)))
        module.bias.copy_(torch.tensor(np.array(layer.bias.data)))
    return module


def _alexnet() -> Contest:
    backbone = alexnet(rng=np.random.default_rng(0))
    return _forward(backbone, (128, 227, 227), [backbone.features, backbone.last_pool, backbone.head])


def _vgg16_map() -> Contest:
    backbone = vgg16(rng=np.random.default_rng(0), widths=(8, 8))  # its fully connected layers are not used
    return _forward(backbone, (1, 600, 1000), [backbone.features])


def _vgg16_crops() -> Contest:
    backbone = vgg16(rng=np.random.default_rng(0))
    return _forward(backbone, (16, 224, 224), [backbone.features, backbone.last_pool, backbone.head])


def _squeezenet_map() -> Contest:
    backbone = squeezenet1_1(rng=np.random.default_rng(0), widths=(8,))  # behind all its convolutions
    return _forward(backbone, (1, 400, 600), [backbone.features])


def _pooled(channels: int, size: tuple[int, int]) -> Contest:
    """One 3 × 3 convolution and what follows it, all the way to the smaller map."""
    rng = np.random.default_rng(0)
    conv = Conv2d(channels, channels, 3, padding=1, rng=rng)
    x = rng.standard_normal((1, *size, channels), dtype=np.float32).transpose(0, 3, 1, 2)
    layers = Sequential(conv=conv, relu=ReLU(), pool=MaxPool2d(2))
    return _contest(x, [layers], operations([conv], (1, *size)))


def _forward(backbone: Backbone, shape: tuple[int, int, int], parts: list[Layer]) -> Contest:
    n, height, width = shape
    pixels = np.random.default_rng(1).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
    return _contest(backbone.normalization.apply(pixels), parts, operations(parts, shape))


def _contest(x: Any, parts: list[Layer], flops: float) -> Contest:
    for part in parts:
        part.eval()

    side = partial(torch_forward, parts, x)
    return Contest(our_forward(parts, x), better_layout(side), close_to(1e-3), flops)


def our_forward(parts: list[Layer], x: Any) -> Callable[[], Any]:
    """Return the pass of `x` through `parts`, where they live."""

    def run() -> Any:
        y = x
        for part in parts:
            y = part.forward(y)
        return y

    return run


def torch_forward(
    parts: list[Layer], x: Any, layout: torch.memory_format, device: str = "cpu"
) -> Callable[[], Any]:
    """Return the same pass in PyTorch, from the same weights."""
    module = nn.Sequential(*(twin(part) for part in parts)).eval().to(device, memory_format=layout)
    tx = torch.tensor(x, device=device).contiguous(memory_format=layout)
    return torch.inference_mode()(lambda: module(tx))
