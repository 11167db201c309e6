"""Max pooling and global average pooling."""

from __future__ import annotations

import itertools

from minircnn.arrays import Array, array_namespace, is_host
from minircnn.kernels.gpu_kernel import GPUKernel, has_kernels
from minircnn.kernels.layout import from_channels_last, to_channels_last
from minircnn.kernels.maxima.window_max import Tap, window_max
from minircnn.kernels.outputs import empty_output
from minircnn.kernels.scratch import workspace
from minircnn.kernels.split import split
from minircnn.kernels.threads import parallel_for
from minircnn.nn.checks import require_maps, require_slopes, require_whole
from minircnn.nn.layer import Layer

PIECE_VALUES = 2**18
"""On the host work on about so many values at a time: the cache holds them, and calls cost little beside."""


class MaxPool2d(Layer):
    """The largest value of each k×k window; gradients go to the first of equals in reading order.

    x (N, C, H, W) -> y (N, C, OH, OW).

    Parameters
    ----------
    kernel_size : int
        Side k of the window, in pixels, at most 16.
    stride : int, optional
        Step between windows; default `kernel_size`.
    padding : int
        Border, in pixels, that never holds the maximum; less than `kernel_size`.
    ceil_mode : bool
        Round the output size up (Caffe) instead of down: windows at the right and bottom edge may then reach
        over it and take the maximum of what they cover. A window that would start beyond the map and its left
        or top padding is left out.

    Raises
    ------
    ValueError
        If the window does not fit the padding, or in ``forward`` the map, or the stride is impossible.

    Examples
    --------
    >>> from minircnn.nn import MaxPool2d
    >>> pool = MaxPool2d(2)
    >>> pool(np.array([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 2.0]]]]))
    array([[[[5., 2.]]]])
    >>> pool.backward(np.ones((1, 1, 1, 2)))
    array([[[[0., 1., 1., 0.],
             [0., 0., 0., 0.]]]])
    """

    def __init__(
        self, kernel_size: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False
    ) -> None:
        require_whole(0, kernel_size=kernel_size, padding=padding)
        require_whole(1, stride=kernel_size if stride is None else stride)
        if not 0 <= padding < kernel_size <= 16:
            raise ValueError(f"need 0 <= padding < kernel_size <= 16, got {padding} and {kernel_size}")
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self._winner: Array | None = None  # (N, OH, OW, C) uint8: which tap of the window
        self._shape: tuple[int, int, int, int] = (0, 0, 0, 0)

    def output_size(self, length: int) -> int:
        """Return the number of windows along an axis of `length` pixels."""
        span = length + 2 * self.padding - self.kernel_size
        count = (-(-span // self.stride) if self.ceil_mode else span // self.stride) + 1
        if self.ceil_mode and (count - 1) * self.stride >= length + self.padding:
            count -= 1
        if count < 1:
            raise ValueError(f"{length} pixels are too few for a window of {self.kernel_size}")
        return count

    def forward(self, x: Array) -> Array:
        """Return y (N, C, OH, OW)."""
        require_maps(x)
        xp = array_namespace(x)
        pixels = to_channels_last(x)
        n, height, width, channels = pixels.shape
        shape = (n, self.output_size(height), self.output_size(width), channels)
        y = empty_output(shape, x.dtype, x)
        keep = self.training and self.needs_input_grad
        winner = xp.empty(shape, dtype=xp.uint8) if keep else None
        self._winner, self._shape = winner, pixels.shape
        if has_kernels(x):
            which = xp.empty(1, dtype=xp.uint8) if winner is None else winner
            _POOL(pixels, *pixels.shape[1:], *shape[1:3], *self._window, keep, which, y)
            return from_channels_last(y)

        columns = self._taps(slice(0, shape[2]), slice(0, width))

        def run(piece: tuple[slice, slice]) -> None:
            which = None if winner is None else winner[piece]
            rows = self._taps(piece[1], slice(0, height))
            first = piece[1].start
            rows = [Tap(i, slice(o.start - first, o.stop - first), inputs) for i, o, inputs in rows]
            window_max(xp, pixels[piece[0]], rows, columns, self.kernel_size, y[piece], which)

        parallel_for(run, _pieces(n, shape[1], shape[2] * channels, x), like=x)
        return from_channels_last(y)

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W): each dy where its maximum was."""
        if not self.needs_input_grad:
            return None
        winner = self.kept(self._winner)
        xp = array_namespace(dy, winner)  # refuses a mixture of libraries
        require_slopes(dy, from_channels_last(winner).shape)
        slopes = to_channels_last(dy)
        n, height, width, channels = self._shape
        dx = empty_output(self._shape, dy.dtype, dy)
        if has_kernels(dy):
            _UNPOOL(slopes, winner, height, width, channels, *winner.shape[1:3], *self._window, dx)
            return from_channels_last(dx)
        columns = self._taps(slice(0, winner.shape[2]), slice(0, width))

        def run(piece: tuple[slice, slice]) -> None:
            images, band = piece
            dx[piece] = 0
            for row, column in itertools.product(self._taps(slice(0, winner.shape[1]), band), columns):
                outputs = (images, row.outputs, column.outputs)
                number = row.number * self.kernel_size + column.number
                share = workspace("max_pool_share", slopes[outputs].shape, dy.dtype, dy)
                share[...] = winner[outputs] == number
                target = dx[images, row.inputs, column.inputs]
                if self.stride >= self.kernel_size:  # no pixel lies in two windows
                    xp.multiply(share, slopes[outputs], out=target)
                else:
                    share *= slopes[outputs]
                    target += share

        parallel_for(run, _pieces(n, height, width * channels, dy), like=dy)
        return from_channels_last(dx)

    @property
    def _window(self) -> tuple[int, int, int]:
        return self.kernel_size, self.stride, self.padding

    def _taps(self, windows: slice, pixels: slice) -> list[Tap]:
        """Return the window's pixels along one axis, each with the `windows` that have it among `pixels`."""
        return [
            Tap(i, outputs, self._reached(i, outputs))
            for i in range(self.kernel_size)
            if (outputs := self._meet(i, windows, pixels)) is not None
        ]

    def _meet(self, offset: int, windows: slice, pixels: slice) -> slice | None:
        """Return which of `windows` have the pixel at `offset` of theirs among `pixels`."""
        first = max(windows.start, -(-(pixels.start + self.padding - offset) // self.stride))
        last = min(windows.stop, (pixels.stop - 1 + self.padding - offset) // self.stride + 1)
        return slice(first, last) if first < last else None

    def _reached(self, offset: int, windows: slice) -> slice:
        """Return the pixels at `offset` of each of `windows`."""
        first = windows.start * self.stride + offset - self.padding
        return slice(first, first + (windows.stop - windows.start - 1) * self.stride + 1, self.stride)


_SIZES = (
    "int32 height, int32 width, int32 channels, int32 rows, int32 columns, "
    "int32 k, int32 stride, int32 padding"
)
"""Of a map, of what is pooled from it, of a window."""
_POOL = GPUKernel(
    "max_pool",
    f"raw T map, {_SIZES}, bool keep_winner",
    "raw uint8 winner, T largest",
    """
    ptrdiff_t j = i;  // (image, row, column, channel)
    const int channel = j % channels;  j /= channels;
    const int left = j % columns * stride - padding;  j /= columns;
    const int top = j % rows * stride - padding;
    const ptrdiff_t image = j / rows;
    int tap = -1;
    T best = 0;
    for (int a = 0; a < k; ++a) {
        for (int b = 0; b < k; ++b) {
            const int y = top + a, x = left + b;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            const T value = map[((image * height + y) * width + x) * channels + channel];
            // what is not a number is the largest
            if (tap < 0 || value > best || (value != value && best == best)) {
                best = value;
                tap = a * k + b;
            }
        }
    }
    largest = best;
    if (keep_winner) winner[i] = tap;
    """,
)
_UNPOOL = GPUKernel(
    "max_pool_backward",
    f"raw T slopes, raw uint8 winner, {_SIZES}",
    "T slope",
    """
    ptrdiff_t j = i;  // (image, y, x, channel)
    const int channel = j % channels;  j /= channels;
    const int x = j % width + padding;  j /= width;
    const int y = j % height + padding;
    const ptrdiff_t image = j / height;
    T sum = 0;  // over the windows that have the pixel, in an order of its own: the same at every run
    for (int a = 0; a < k; ++a) {
        for (int b = 0; b < k; ++b) {
            if (y < a || x < b || (y - a) % stride || (x - b) % stride) continue;
            const int row = (y - a) / stride, column = (x - b) / stride;
            if (row >= rows || column >= columns) continue;
            const ptrdiff_t place = ((image * rows + row) * columns + column) * channels + channel;
            if (winner[place] == a * k + b) sum += slopes[place];
        }
    }
    slope = sum;
    """,
)


def _pieces(images: int, rows: int, row_values: int, like: Array) -> list[tuple[slice, slice]]:
    """Cut maps into bands of rows, or of whole images, of about PIECE_VALUES values; elsewhere into one."""
    if not is_host(like):
        return [(slice(0, images), slice(0, rows))]
    together = max(1, PIECE_VALUES // (rows * row_values))
    count = max(1, min(rows, rows * row_values // PIECE_VALUES))
    bands = split(rows, parts=count)
    return [(some, band) for some in split(images, size=together) for band in bands]


class GlobalAveragePool(Layer):
    """The mean over all positions: x (N, C, H, W) -> y (N, C).

    Examples
    --------
    >>> from minircnn.nn import GlobalAveragePool
    >>> GlobalAveragePool()(np.array([[[[1.0, 2.0], [3.0, 6.0]]]]))
    array([[3.]])
    """

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None

    def forward(self, x: Array) -> Array:
        """Return y (N, C)."""
        require_maps(x)
        self._shape = tuple(x.shape)
        return array_namespace(x).mean(x, axis=(2, 3))

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W): every position gets an equal share."""
        if not self.needs_input_grad:
            return None
        xp = array_namespace(dy)
        n, channels, height, width = self.kept(self._shape)
        share = xp.reshape(dy / (height * width), (n, 1, 1, channels))
        dx = share + xp.zeros((n, height, width, channels), dtype=dy.dtype)
        return xp.permute_dims(dx, (0, 3, 1, 2))
