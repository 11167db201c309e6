"""Maxima over many rectangles of a map, and where they lie.

A maximum may be taken over overlapping parts. So the maxima over all windows of 2^a × 2^b pixels are made
first, each from two of the next smaller size (a *sparse table*); any rectangle is then covered by four
overlapping windows, however large it is. All rectangles are answered at once, a block of channels at a time
so that the table stays small.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minircnn.arrays import Array, array_namespace, is_host, like
from minircnn.nn.parallel import parallel_for

TABLE_BYTES = 2**23
"""Aim for the sparse table of one block of channels."""
BLOCK_VALUES = 2**16
"""Maxima gathered at a time."""
SCATTER_VALUES = 2**18
"""Gradient values scattered at a time."""


def rectangle_maxima(
    maps: Array, rectangles: Array, image_index: Array, *, keep_winner: bool
) -> tuple[Array, Array | None]:
    """Return the maximum of each rectangle, per channel, and which pixel holds it.

    Parameters
    ----------
    maps : (N, H, W, C) float array
    rectangles : (M, 4) int array
        top, bottom, left, right in pixels of the map, half-open, inside the map; may be empty.
    image_index : (M,) int array
        Which map each rectangle lies on, 0..N-1.
    keep_winner : bool

    Returns
    -------
    maxima : (M, C) float array
        0 for an empty rectangle.
    winner : (M, C) int32 array, or None
        Pixel number row · W + column, the first of equals in reading order; H · W for an empty rectangle.
    """
    xp = array_namespace(maps, rectangles, image_index)
    n, height, width, channels = maps.shape
    count = rectangles.shape[0]
    maxima = xp.empty((count, channels), dtype=maps.dtype)
    winner = xp.empty((count, channels), dtype=xp.int32) if keep_winner else None
    if count == 0:
        return maxima, winner
    plan = _Plan(rectangles, image_index, (n, height, width))
    itemsize = 8 if keep_winner else maps.dtype.itemsize
    block = _channel_block(channels, plan.levels[0] * plan.levels[1] * height * width * itemsize)

    def run(task: tuple[int, int]) -> None:
        image, first = task
        part = slice(first, min(first + block, channels))
        pixels = xp.ascontiguousarray(maps[image, :, :, part])  # (H, W, c)
        table = _build_table(xp, pixels if winner is None else _pixel_keys(xp, pixels), plan.levels)
        members = plan.members[image]
        step = max(1, BLOCK_VALUES // table.shape[1]) if is_host(maps) else count
        for start in range(0, members.shape[0], step):
            rows = members[start : start + step]
            value = _answer(xp, table, plan.corners[rows])
            if winner is not None:
                place = height * width - 1 - (value & 0xFFFFFFFF)
                value = xp.take(pixels, place * pixels.shape[2] + xp.arange(pixels.shape[2]))
                place[plan.empty[rows]] = height * width
                winner[rows, part] = place
            value[plan.empty[rows]] = 0
            maxima[rows, part] = value

    parallel_for(run, [(image, c) for image in plan.members for c in range(0, channels, block)], like=maps)
    return maxima, winner


def scatter_to_winners(dy: Array, winner: Array, image_index: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of the maps: each `dy` added where its maximum was.

    Parameters
    ----------
    dy : (M, C) float array
    winner : (M, C) int32 array
        From :func:`rectangle_maxima`.
    image_index : (M,) int array
    shape : tuple of int
        (N, H, W, C) of the maps.
    """
    xp = array_namespace(dy, winner, image_index)
    n, height, width, channels = shape
    gradient = xp.zeros((n, height * width, channels), dtype=dy.dtype)
    members = {i: xp.nonzero(image_index == i)[0] for i in range(n)}
    block = min(channels, max(16, SCATTER_VALUES // max(1, dy.shape[0])))

    def run(task: tuple[int, int]) -> None:
        image, first = task
        part = slice(first, min(first + block, channels))
        rows, size = members[image], part.stop - part.start
        # one extra pixel takes what empty rectangles hold
        place = winner[rows, part].astype(xp.int64) * size + xp.arange(size)
        sums = xp.bincount(
            place.reshape(-1), weights=dy[rows, part].reshape(-1), minlength=(height * width + 1) * size
        )
        gradient[image, :, part] = sums.reshape(-1, size)[:-1]

    tasks = [(i, c) for i in range(n) if members[i].shape[0] for c in range(0, channels, block)]
    parallel_for(run, tasks, like=dy)
    return gradient.reshape(shape)


def _channel_block(channels: int, bytes_per_channel: int) -> int:
    """Return how many channels share a table: near TABLE_BYTES, but runs of 16 for memory's sake."""
    return min(channels, max(16, TABLE_BYTES // bytes_per_channel // 16 * 16))


class _Plan:
    """Which four windows of the table answer each rectangle.

    Attributes
    ----------
    levels : (int, int)
        Number of window heights and widths in the table: 1, 2, 4, ...
    corners : (M, 4) int array
        Rows of the flattened table: windows at the top left, top right, bottom left and bottom right.
    empty : (M,) bool array
    members : dict of int to int array
        The rectangles of every image that has some.
    """

    def __init__(self, rectangles: Array, image_index: Array, shape: tuple[int, int, int]) -> None:
        xp = array_namespace(rectangles)
        n, height, width = shape
        top, bottom, left, right = (rectangles[:, i].astype(xp.int64) for i in range(4))
        self.empty = (bottom <= top) | (right <= left)
        top, left = xp.where(self.empty, 0, top), xp.where(self.empty, 0, left)
        bottom, right = xp.where(self.empty, 1, bottom), xp.where(self.empty, 1, right)
        longest = max(height, width)
        power = like(np.array([0] + [i.bit_length() - 1 for i in range(1, longest + 1)]), rectangles)
        a, b = power[bottom - top], power[right - left]  # ⌊log2⌋ of the sides
        self.levels = (int(a.max()) + 1, int(b.max()) + 1)
        low, far = bottom - (1 << a), right - (1 << b)
        table = (a * self.levels[1] + b) * height
        self.corners = xp.stack(
            [(table + row) * width + column for row in (top, low) for column in (left, far)], axis=1
        )
        self.members = {i: rows for i in range(n) if (rows := xp.nonzero(image_index == i)[0]).shape[0]}


def _build_table(xp: Any, pixels: Array, levels: tuple[int, int]) -> Array:
    """Return the maxima (A·B·H·W, c) over the windows of 2^a × 2^b pixels that start at each pixel.

    Where a window would leave the map the table holds nothing of use.
    """
    height, width, channels = pixels.shape
    table = xp.empty((*levels, height, width, channels), dtype=pixels.dtype)
    table[0, 0] = pixels

    def double(to: tuple[int, int], source: Array, down: int, across: int) -> None:
        h, w = height - 2 ** to[0] + 1, width - 2 ** to[1] + 1
        xp.maximum(
            source[:h, :w], source[down : down + h, across : across + w], out=table[to[0], to[1], :h, :w]
        )

    for b in range(1, levels[1]):
        double((0, b), table[0, b - 1], 0, 2 ** (b - 1))
    for a in range(1, levels[0]):
        for b in range(levels[1]):
            double((a, b), table[a - 1, b], 2 ** (a - 1), 0)
    return table.reshape(-1, channels)


def _answer(xp: Any, table: Array, corners: Array) -> Array:
    """Return the maxima (m, c) of the four windows at `corners` (m, 4)."""
    best = xp.take(table, corners[:, 0], axis=0)
    for i in range(1, 4):
        xp.maximum(best, xp.take(table, corners[:, i], axis=0), out=best)
    return best


def _pixel_keys(xp: Any, pixels: Array) -> Array:
    """Return int64 keys (H, W, c): larger for larger values, and among equals for the first in reading order.

    The upper half is a value's rank, the lower half counts the pixels down; so one maximum of keys finds both
    the largest value and where it first occurs.
    """
    height, width, _ = pixels.shape
    if pixels.dtype == xp.float32:
        # the bits of positive floats, read as integers, are in order; those of negative ones in reverse
        bits = (pixels + 0.0).view(xp.int32)  # adding 0 makes −0 the 0 it equals
        rank = xp.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(xp.int64)
    else:
        rank = xp.unique(pixels, return_inverse=True)[1].reshape(pixels.shape).astype(xp.int64)
    countdown = xp.arange(height * width - 1, -1, -1, dtype=xp.int64).reshape(height, width, 1)
    return (rank << 32) | countdown
