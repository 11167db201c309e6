"""Two-dimensional convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minircnn.arrays import Array, array_namespace
from minircnn.kernels.convolution.choice import KeptFilters, choose_algorithm
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.layout import from_channels_last, to_channels_last
from minircnn.kernels.products import matmul
from minircnn.nn.checks import require_maps, require_slopes, require_whole
from minircnn.nn.init import starting_weight
from minircnn.nn.layer import Layer
from minircnn.nn.module import Parameter


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
        If a number is impossible or the channels are not divisible by `groups`; in ``forward`` if `x` does
        not fit.

    Examples
    --------
    >>> from minircnn.nn import Conv2d
    >>> conv = Conv2d(1, 1, 3)
    >>> conv.weight.data = np.ones((1, 1, 3, 3))
    >>> conv(np.ones((1, 1, 3, 4)))
    array([[[[9., 9.]]]])
    """

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
        require_whole(1, in_channels=in_channels, out_channels=out_channels, groups=groups)
        require_whole(1, kernel_size=kernel_size, stride=stride)
        require_whole(0, padding=padding)
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{in_channels} and {out_channels} channels do not divide into {groups} groups")
        self.in_channels = in_channels
        self.geometry = ConvGeometry(kernel_size, stride, padding, groups)
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        self.weight = Parameter(starting_weight(rng, shape, std))
        self.bias = Parameter(np.zeros(out_channels, dtype=np.float32))
        self._x: Array | None = None
        self._size: tuple[int, int] | None = None
        self._y_shape: tuple[int, int, int, int] | None = None
        self._filters = KeptFilters()

    def forward(self, x: Array) -> Array:
        """Return y (N, O, OH, OW)."""
        return self._convolve(x, rectify=False)

    def forward_rectified(self, x: Array) -> Array:
        """Return max(y, 0): the work of a ReLU behind, made while y is in cache."""
        return self._convolve(x, rectify=True)

    def forward_into(self, out: Array, x: Array, *, rectify: bool) -> None:
        """Write y, or max(y, 0), to `out` (N, OH, OW, O): channels of a map that several layers make.

        Its shape and dtype are those of :meth:`output_form`; both arrays are NumPy's.
        """
        self._convolve(x, rectify=rectify, out=out)

    def output_form(self, x: Array) -> tuple[tuple[int, int, int], Any]:
        """Return y's number of maps, height and width, and its dtype."""
        xp = array_namespace(x, self.weight.data)
        size = self.geometry.output_size(x.shape[2], x.shape[3])
        return (x.shape[0], *size), xp.result_type(x.dtype, self.weight.data.dtype)

    def _convolve(self, x: Array, *, rectify: bool, out: Array | None = None) -> Array:
        require_maps(x, self.in_channels)
        weight = self._channels_last_weight()
        xp = array_namespace(x, weight)
        pixels = to_channels_last(xp.astype(x, xp.result_type(x.dtype, weight.dtype), copy=False))
        weight = xp.astype(weight, pixels.dtype, copy=False)
        self._x = pixels if self.training and self.weight.trainable else None
        self._size = (x.shape[2], x.shape[3])
        algorithm = choose_algorithm(pixels, weight, self.geometry, filters_kept=not self.training)
        filters = self._filters.prepare(algorithm, weight, self.geometry, keep=not self.training)
        y = algorithm.convolve(pixels, filters, self.bias.data, self.geometry, rectify=rectify, out=out)
        self._y_shape = (y.shape[0], y.shape[3], y.shape[1], y.shape[2])
        return from_channels_last(y)

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W), or None where it is not needed."""
        slopes = to_channels_last(dy)  # (N, OH, OW, O)
        weight = self._channels_last_weight()
        xp = array_namespace(dy, weight)  # refuses a mixture of libraries
        require_slopes(dy, self.kept(self._y_shape))
        weight = xp.astype(weight, dy.dtype, copy=False)
        algorithm = choose_algorithm(slopes, weight, self.geometry)
        if self.weight.trainable:
            gradient = algorithm.weight_gradient(self.kept(self._x), slopes, self.geometry)
            self.weight.accumulate(from_channels_last(gradient))
        if self.bias.trainable:
            flat = slopes.reshape(-1, slopes.shape[3])  # (N·OH·OW, O)
            self.bias.accumulate(matmul(xp.ones((1, len(flat)), dtype=dy.dtype), flat)[0])
        if not self.needs_input_grad:
            return None
        size = self.kept(self._size)
        return from_channels_last(algorithm.input_gradient(slopes, weight, self.geometry, size))

    def _channels_last_weight(self) -> Array:
        """Return the weight as (O, k, k, C / groups), having laid it out so in memory for good.

        Its logical shape and values stay. The optimiser and the gradients keep this layout, so a weight is
        copied once after it was made or loaded.
        """
        weight = to_channels_last(self.weight.data)
        self.weight.data = from_channels_last(weight)
        return weight
