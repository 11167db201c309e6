"""Max pooling and global average pooling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from minircnn.arrays import Array, array_namespace
from minircnn.nn.layer import Layer
from minircnn.nn.memory import from_channels_last, to_channels_last
from minircnn.nn.parallel import parallel_for

PIECE_VALUES = 2**17
"""Work on about so many outputs at a time, so that the few passes over them stay in cache."""


class _Tap(NamedTuple):
    """One pixel of the window: its number in reading order, the outputs that have it and where it lies.

    Both index (images, rows, columns).
    """

    number: int
    outputs: tuple[slice, slice, slice]
    inputs: tuple[slice, slice, slice]


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
        If the window does not fit the padding, or in ``forward`` the map.
    """

    def __init__(
        self, kernel_size: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False
    ) -> None:
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
        xp = array_namespace(x)
        pixels = to_channels_last(x)
        n, height, width, channels = pixels.shape
        shape = (n, self.output_size(height), self.output_size(width), channels)
        y = xp.empty(shape, dtype=x.dtype)
        keep = self.training and self.needs_input_grad
        winner = xp.empty(shape, dtype=xp.uint8) if keep else None
        self._winner, self._shape = winner, pixels.shape

        def run(piece: tuple[slice, slice]) -> None:
            images, rows = piece
            best = y[images, rows]
            if self.padding:
                best[...] = -xp.inf
            which = None if winner is None else winner[images, rows]
            if which is not None:
                which[...] = 0
            for tap in self._taps((height, width), shape[1:3], outputs=rows):
                _challenge(xp, tap, pixels[images][tap.inputs], best, which, is_first=not self.padding)

        parallel_for(run, _pieces(n, shape[1], shape[2] * channels), like=x)
        return from_channels_last(y)

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W): each dy where its maximum was."""
        if not self.needs_input_grad:
            return None
        xp = array_namespace(dy)
        slopes, winner = to_channels_last(dy), self._winner
        assert winner is not None, "backward without a forward in training mode"
        n, height, width, channels = self._shape
        dx = xp.zeros(self._shape, dtype=dy.dtype)

        def run(piece: tuple[slice, slice]) -> None:
            images, rows = piece
            for tap in self._taps((height, width), winner.shape[1:3], inputs=rows):
                hit = winner[images][tap.outputs] == tap.number
                dx[images][tap.inputs] += slopes[images][tap.outputs] * hit

        parallel_for(run, _pieces(n, height, width * channels), like=dy)
        return from_channels_last(dx)

    def _taps(
        self,
        size: tuple[int, int],
        windows: tuple[int, ...],
        outputs: slice | None = None,
        inputs: slice | None = None,
    ) -> Iterator[_Tap]:
        """Yield the k·k taps in reading order, cut to some rows of the output or of the input.

        With `outputs`, the taps' output rows count from its start.
        """
        height, width = size
        allowed = slice(0, windows[0]) if outputs is None else outputs
        reach = slice(0, height) if inputs is None else inputs
        for i in range(self.kernel_size):
            rows = self._meet(i, allowed, reach)
            for j in range(self.kernel_size):
                columns = self._meet(j, slice(0, windows[1]), slice(0, width))
                if rows is None or columns is None:
                    continue
                shift = 0 if outputs is None else outputs.start
                yield _Tap(
                    i * self.kernel_size + j,
                    (slice(None), slice(rows.start - shift, rows.stop - shift), columns),
                    (slice(None), self._reached(i, rows), self._reached(j, columns)),
                )

    def _meet(self, offset: int, windows: slice, pixels: slice) -> slice | None:
        """Return which of `windows` have the pixel at `offset` of theirs among `pixels`."""
        first = max(windows.start, -(-(pixels.start + self.padding - offset) // self.stride))
        last = min(windows.stop, (pixels.stop - 1 + self.padding - offset) // self.stride + 1)
        return slice(first, last) if first < last else None

    def _reached(self, offset: int, windows: slice) -> slice:
        """Return the pixels at `offset` of each of `windows`."""
        first = windows.start * self.stride + offset - self.padding
        return slice(first, first + (windows.stop - windows.start - 1) * self.stride + 1, self.stride)


def _pieces(images: int, rows: int, row_values: int) -> list[tuple[slice, slice]]:
    """Cut the maps into bands of rows, or of whole images, of about PIECE_VALUES values."""
    together = max(1, PIECE_VALUES // (rows * row_values))
    count = max(1, min(rows, rows * row_values // PIECE_VALUES))
    edges = [rows * i // count for i in range(count + 1)]
    bands = [slice(a, b) for a, b in pairwise(edges)]
    return [(slice(i, i + together), band) for i in range(0, images, together) for band in bands]


def _challenge(xp: Any, tap: _Tap, values: Array, best: Array, which: Array | None, is_first: bool) -> None:
    """Let the tap's `values` replace smaller ones in `best`, noting the tap's number in `which`."""
    champion = best[tap.outputs]
    if tap.number == 0 and is_first:  # without padding every window has its first pixel
        champion[...] = values
        return
    if which is not None:
        # tap numbers grow, so the larger number of (so far, this one if better) is the winner's
        number = (values > champion).astype(xp.uint8)
        number *= tap.number
        xp.maximum(which[tap.outputs], number, out=which[tap.outputs])
    xp.maximum(champion, values, out=champion)


class GlobalAveragePool(Layer):
    """The mean over all positions: x (N, C, H, W) -> y (N, C)."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()

    def forward(self, x: Array) -> Array:
        """Return y (N, C)."""
        self._shape = tuple(x.shape)
        return array_namespace(x).mean(x, axis=(2, 3))

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (N, C, H, W): every position gets an equal share."""
        if not self.needs_input_grad:
            return None
        xp = array_namespace(dy)
        n, channels, height, width = self._shape
        share = xp.reshape(dy / (height * width), (n, 1, 1, channels))
        dx = share + xp.zeros((n, height, width, channels), dtype=dy.dtype)
        return xp.permute_dims(dx, (0, 3, 1, 2))
