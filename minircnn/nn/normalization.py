"""Local response normalisation."""

from __future__ import annotations

from typing import Any

from minircnn.arrays import Array, array_namespace
from minircnn.kernels.gpu_kernel import GPUKernel, has_kernels
from minircnn.kernels.layout import from_channels_last, to_channels_last
from minircnn.kernels.outputs import empty_output
from minircnn.kernels.split import split_for_cache
from minircnn.kernels.threads import parallel_for
from minircnn.nn.checks import require_finite, require_maps, require_positive, require_whole
from minircnn.nn.layer import Layer

PIECE_VALUES = 2**16
"""On the host work on about so many values at a time, so that the few passes over them stay in cache."""


class LocalResponseNorm(Layer):
    """y_c = x_c / (k + alpha/size · Σ x²)^beta, the sum over the `size` channels around c.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks"
    (2012), section 3.3, with alpha divided by the window's size as in Caffe and PyTorch. Channels beyond the
    first and the last count as 0. x, y (N, C, H, W).

    Parameters
    ----------
    size : int
        Channels in the window, odd.
    alpha, beta, k : float
        What is raised to the power, k + ..., must stay positive: k > 0, alpha ≥ 0.

    Raises
    ------
    ValueError
        If `size` is not odd or another number impossible.

    Examples
    --------
    >>> from minircnn.nn import LocalResponseNorm
    >>> LocalResponseNorm(size=1, alpha=1, beta=1)(np.array([[[[3.0]]]]))  # 3 / (1 + 3²)
    array([[[[0.3]]]])
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        require_whole(1, size=size)
        if size % 2 != 1:
            raise ValueError(f"the window must hold an odd number of channels, got {size}")
        require_finite(0, alpha=alpha, beta=beta)
        require_positive(k=k)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k
        self._x: Array | None = None
        self._scale: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return y (N, C, H, W)."""
        require_maps(x)
        xp = array_namespace(x)
        if not xp.isdtype(x.dtype, "real floating"):
            raise ValueError(f"x must be floating-point numbers, got dtype {x.dtype}")
        pixels = to_channels_last(x)
        y = empty_output(pixels.shape, x.dtype, x)
        flat_x, flat_y = pixels.reshape(-1, x.shape[1]), y.reshape(-1, x.shape[1])  # (N·H·W, C)
        keep = self.training and self.needs_input_grad
        scale = xp.empty(flat_x.shape, dtype=x.dtype) if keep else None
        self._x, self._scale = (flat_x, scale) if keep else (None, None)
        if has_kernels(x):
            kept = xp.empty(1, dtype=x.dtype) if scale is None else scale
            _NORMALIZE(flat_x, x.shape[1], *self._numbers, keep, kept, flat_y)
            return from_channels_last(y)

        def run(rows: slice) -> None:
            part = self._window_sum(xp, flat_x[rows] ** 2)
            part *= self.alpha / self.size
            part += self.k
            if scale is not None:
                scale[rows] = part
            xp.multiply(flat_x[rows], self._power(xp, part), out=flat_y[rows])

        parallel_for(run, split_for_cache(len(flat_x), PIECE_VALUES // x.shape[1], x), like=x)
        return from_channels_last(y)

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W).

        With s the bracket above: dy · s^−beta − 2·alpha·beta/size · x · Σ dy · x · s^(−beta−1).
        """
        if not self.needs_input_grad:
            return None
        x, scale = self.kept(self._x), self.kept(self._scale)
        xp = array_namespace(dy, x)  # refuses a mixture of libraries
        slopes = to_channels_last(dy)
        dx = empty_output(slopes.shape, dy.dtype, dy)
        flat_dy, flat_dx = slopes.reshape(x.shape), dx.reshape(x.shape)
        if has_kernels(dy) and dy.dtype == x.dtype:
            _NORMALIZE_BACKWARD(flat_dy, x, scale, x.shape[1], *self._numbers, flat_dx)
            return from_channels_last(dx)

        def run(rows: slice) -> None:
            direct = self._power(xp, scale[rows])
            direct *= flat_dy[rows]
            share = direct * x[rows]
            share /= scale[rows]
            shared = self._window_sum(xp, share)
            shared *= x[rows]
            shared *= -2 * self.alpha * self.beta / self.size
            xp.add(direct, shared, out=flat_dx[rows])

        parallel_for(run, split_for_cache(len(x), PIECE_VALUES // x.shape[1], dy), like=dy)
        return from_channels_last(dx)

    @property
    def _numbers(self) -> tuple[int, float, float, float]:
        """What a kernel is told: channels of the window on either side, and what the formula has."""
        return self.size // 2, self.alpha / self.size, self.beta, self.k

    def _power(self, xp: Any, scale: Array) -> Array:
        """Return ``scale ** -beta``."""
        if self.beta != 0.75:
            return scale**-self.beta
        # square roots are far cheaper than a power: s^(3/4) = √s · √√s
        root = xp.sqrt(scale)
        power = xp.sqrt(root)
        power *= root
        return xp.divide(1, power, out=power)

    def _window_sum(self, xp: Any, values: Array) -> Array:
        """Return for every channel the sum of `values` (m, C) over its window."""
        total = xp.asarray(values, copy=True)
        for shift in range(1, self.size // 2 + 1):
            total[:, shift:] += values[:, :-shift]
            total[:, :-shift] += values[:, shift:]
        return total


_WINDOW = """const ptrdiff_t channel = i % channels;
    const ptrdiff_t first = i - min(channel, (ptrdiff_t)around);
    const ptrdiff_t last = i + min(channels - 1 - channel, (ptrdiff_t)around);"""
_NORMALIZE = GPUKernel(
    "normalize",
    "raw T x, int32 channels, int32 around, T alpha, T beta, T k, bool keep_scale",
    "raw T scale, T y",
    f"""
    {_WINDOW}
    T sum = 0;
    for (ptrdiff_t j = first; j <= last; ++j) sum += x[j] * x[j];
    const T s = k + alpha * sum;
    if (keep_scale) scale[i] = s;
    y = x[i] * pow(s, -beta);
    """,
)
_NORMALIZE_BACKWARD = GPUKernel(
    "normalize_backward",
    "raw T dy, raw T x, raw T scale, int32 channels, int32 around, T alpha, T beta, T k",
    "T dx",
    f"""
    {_WINDOW}
    T shared = 0;
    for (ptrdiff_t j = first; j <= last; ++j) shared += dy[j] * x[j] * pow(scale[j], -beta) / scale[j];
    dx = dy[i] * pow(scale[i], -beta) - 2 * alpha * beta * x[i] * shared;
    """,
)
