"""Two-dimensional convolution."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from minircnn.arrays import Array, array_namespace, is_host
from minircnn.nn import im2col, winograd
from minircnn.nn.im2col import ConvGeometry
from minircnn.nn.init import starting_weight
from minircnn.nn.layer import Layer, Parameter
from minircnn.nn.memory import from_channels_last, to_channels_last
from minircnn.nn.parallel import matmul
from minircnn.nn.tiles import OUTPUTS

WINOGRAD_CHANNELS = 16
"""Fewer channels or filters (of a group) are not worth the way to Winograd's tiles and back."""
WINOGRAD_TILES = 64
"""Fewer tiles are not worth transforming the filters for."""


def choose_algorithm(
    x: Array, weight: Array, geometry: ConvGeometry, *, filters_kept: bool = False
) -> ModuleType:
    """Return the module whose functions run this layer: the one place that decides.

    Winograd's method wins where many channels meet many tiles: it moves more numbers for each multiplication,
    and its filters are transformed first, once for good if they are kept. On a GPU everything runs by banded
    matrix products.

    Parameters
    ----------
    x : (N, H, W, C) array
        Input, or the gradient of the output.
    weight : (O, k, k, C / groups) array
    geometry : ConvGeometry
    filters_kept : bool
        The transformed filters are at hand or will be used again.
    """
    if not is_host(x) or geometry.stride != 1 or geometry.kernel_size not in (3, 5):
        return im2col
    if geometry.padding >= geometry.kernel_size:
        return im2col
    filters, _, _, channels = weight.shape
    if min(channels, filters // geometry.groups) < WINOGRAD_CHANNELS:
        return im2col
    tiles = x.shape[0] * x.shape[1] * x.shape[2] / OUTPUTS**2
    return winograd if filters_kept or tiles >= WINOGRAD_TILES else im2col


class Conv2d(Layer):
    """y[n, o] = Σ_c x[n, c] ⋆ weight[o, c] + bias[o], cross-correlation as in Caffe and PyTorch.

    x (N, C, H, W) -> y (N, O, OH, OW) with OH = ⌊(H + 2·padding − k) / stride⌋ + 1.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int
        Side k of the square filters, in pixels.
    stride, padding : int
        Step between windows, and zeros added on every side, in pixels.
    groups : int
        Input and output channels are cut into so many groups that do not see each other (AlexNet's two).
    rng : numpy.random.Generator, optional
        Draws the weights; without it they are zeros, to be loaded.
    std : float, optional
        Standard deviation of the drawn weights; default He's.

    Attributes
    ----------
    weight : Parameter
        (O, C / groups, k, k), float32.
    bias : Parameter
        (O,), zeros.

    Raises
    ------
    ValueError
        If the channels are not divisible by `groups`; in ``forward`` if `x` does not fit.
    """

    rectifies = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        rng: np.random.Generator | None = None,
        std: float | None = None,
    ) -> None:
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{in_channels} and {out_channels} channels do not divide into {groups} groups")
        self.in_channels = in_channels
        self.geometry = ConvGeometry(kernel_size, stride, padding, groups)
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        self.weight = Parameter(starting_weight(rng, shape, std))
        self.bias = Parameter(np.zeros(out_channels, dtype=np.float32))
        self._x: Array | None = None
        self._size = (0, 0)
        self._kept: tuple[Array, Array] | None = None  # in evaluation: a weight and its prepared filters

    def forward(self, x: Array, *, rectify: bool = False) -> Array:
        """Return y (N, O, OH, OW), with `rectify` max(y, 0)."""
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"expected x of shape (N, {self.in_channels}, H, W), got {tuple(x.shape)}")
        weight = self._channels_last_weight()
        xp = array_namespace(x, weight)
        pixels = to_channels_last(xp.astype(x, xp.result_type(x.dtype, weight.dtype), copy=False))
        weight = xp.astype(weight, pixels.dtype, copy=False)
        self._x = pixels if self.training and self.weight.trainable else None
        self._size = (x.shape[2], x.shape[3])
        algorithm = choose_algorithm(pixels, weight, self.geometry, filters_kept=not self.training)
        filters = self._prepared_filters(algorithm, weight)
        y = algorithm.convolve(pixels, filters, self.bias.data, self.geometry, rectify=rectify)
        return from_channels_last(y)

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W), or None where it is not needed."""
        slopes = to_channels_last(dy)  # (N, OH, OW, O)
        weight = array_namespace(dy).astype(self._channels_last_weight(), dy.dtype, copy=False)
        algorithm = choose_algorithm(slopes, weight, self.geometry)
        if self.weight.trainable:
            gradient = algorithm.weight_gradient(self._x, slopes, self.geometry)
            self.weight.accumulate(from_channels_last(gradient))
        if self.bias.trainable:
            flat = slopes.reshape(-1, slopes.shape[3])  # (N·OH·OW, O)
            self.bias.accumulate(matmul(array_namespace(dy).ones((1, len(flat)), dtype=dy.dtype), flat)[0])
        if not self.needs_input_grad:
            return None
        return from_channels_last(algorithm.input_gradient(slopes, weight, self.geometry, self._size))

    def _prepared_filters(self, algorithm: ModuleType, weight: Array) -> Array:
        """Return the filters as `algorithm` wants them.

        In evaluation mode those of Winograd's method are kept, with a copy of the weight they were made of:
        as long as the weight equals it, however it was changed in between, they are right.
        """
        if algorithm is im2col or self.training:
            self._kept = None
            return algorithm.prepare_filters(weight, self.geometry)
        if self._kept is None or not _equal(self._kept[0], weight):
            self._kept = (weight.copy(), algorithm.prepare_filters(weight, self.geometry, keep=True))
        return self._kept[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: filters in Winograd's form can be made again and need not travel."""
        return {**vars(self), "_kept": None}

    def _channels_last_weight(self) -> Array:
        """Return the weight as (O, k, k, C / groups), having laid it out so in memory for good.

        Its logical shape and values stay. The optimiser and the gradients keep this layout, so a weight is
        copied once after it was made or loaded.
        """
        weight = to_channels_last(self.weight.data)
        self.weight.data = from_channels_last(weight)
        return weight


def _equal(a: Array, b: Array) -> bool:
    """Tell whether two weights are of one type, shape and value."""
    return a.dtype == b.dtype and np.array_equal(a, b)
