"""Sparse table: the maxima over all windows of 2^a × 2^b pixels, and which four of them cover a rectangle.

Along one axis: let 2^a be the largest power of two that is no longer than an interval. A window of that
length from its start and another up to its end cover it together, and that they overlap does not matter to a
maximum. Windows of 2^a are made from two of 2^(a − 1), side by side, with one elementwise maximum for all
places. In two dimensions the windows at the four corners cover a rectangle.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minircnn.arrays import Array, array_namespace, like
from minircnn.kernels.maxima.distinct_rectangles import take_rows
from minircnn.kernels.scratch import workspace


def covering_windows(sides: Array, height: int, width: int) -> tuple[tuple[int, int], Array]:
    """Return which windows cover the rectangles `sides` (U, 4).

    Returns
    -------
    levels : (int, int)
        A and B: how many of the window heights and widths 1, 2, 4, ... are used.
    corners : (4, U) int64 array
        The windows at each rectangle's top left, top right, bottom left and bottom right: rows of the table
        (A·B·H·W, c) of :func:`build_table`. For an empty rectangle any window.
    """
    xp = array_namespace(sides)
    if sides.shape[0] == 0:
        return (1, 1), xp.empty((4, 0), dtype=xp.int64)
    longest = max(height, width)
    power = like(np.array([0] + [i.bit_length() - 1 for i in range(1, longest + 1)]), sides)
    top, bottom, left, right = (sides[:, i] for i in range(4))
    bottom, right = xp.maximum(bottom, 1), xp.maximum(right, 1)  # of the empty ones
    a, b = power[bottom - top], power[right - left]  # ⌊log2⌋ of the sides
    levels = (int(a.max()) + 1, int(b.max()) + 1)
    low, far = bottom - (1 << a), right - (1 << b)
    table = (a * levels[1] + b) * height
    return levels, xp.stack([(table + row) * width + column for row in (top, low) for column in (left, far)])


def build_table(xp: Any, pixels: Array, levels: tuple[int, int]) -> Array:
    """Return the maxima (A·B·H·W, c) over the windows of 2^a × 2^b pixels that start at each pixel.

    Where a window would leave the map the table holds nothing of use.
    """
    height, width, channels = pixels.shape
    table = workspace("range_max_table", (*levels, height, width, channels), pixels.dtype, pixels)
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


def answer(xp: Any, table: Array, corners: Array, best: Array) -> None:
    """Fill `best` (u, c) with the maxima of the four windows at `corners` (4, u)."""
    other = workspace("range_max_other", best.shape, best.dtype, best)
    take_rows(table, corners[0], best)
    for i in range(1, 4):
        take_rows(table, corners[i], other)
        xp.maximum(best, other, out=best)
