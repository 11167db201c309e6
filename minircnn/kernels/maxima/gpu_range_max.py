"""Maxima over many rectangles of a map on a GPU, and where they lie.

The sparse table of :mod:`minircnn.kernels.maxima.range_max`, made for a GPU: few and large steps, of which
the host needs to see none. The maps lie below each other as a single tall one. The table holds all sizes of
windows that fit on a map, and every bin is answered by itself: which sizes occur, and which bins share a
rectangle, would have to be waited for.

What comes back from the bins is added up in whole numbers. Threads add in any order, and the rounding of
broken numbers depends on it; that of whole ones does not, as there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from minircnn.arrays import Array, array_namespace, scatter_add
from minircnn.kernels.maxima.pixel_keys import pixel_keys, places_of
from minircnn.kernels.maxima.sparse_table import window_corners
from minircnn.kernels.split import split

BLOCK_BYTES = 2**30
"""Aim for the table, and for the answers, of one block of channels."""


@dataclass(frozen=True)
class Winners:
    """Which pixels hold the maxima: what the backward pass needs.

    Attributes
    ----------
    places : list of (R·B, c) int64 arrays
        For every block of c channels and every bin, the index of the winner among the N·H·W·c values of the
        block, the first of equals in reading order; N·H·W·c for an empty rectangle.
    shape : (int, int, int, int)
        N, H, W, C of the maps.
    """

    places: list[Array]
    shape: tuple[int, int, int, int]


def rectangle_maxima(
    maps: Array, rectangles: Array, image_index: Array, *, keep_winner: bool
) -> tuple[Array, Winners | None]:
    """Return the maximum of each rectangle, per channel, and which pixel holds it.

    Parameters and results are those of :func:`minircnn.kernels.maxima.range_max.rectangle_maxima`.
    """
    xp = array_namespace(maps, rectangles, image_index)
    n, height, width, channels = maps.shape
    regions, bins = rectangles.shape[:2]
    levels = (height.bit_length(), width.bit_length())  # heights, and widths, 1, 2, 4, ... of windows
    corners, empty = _covering_windows(rectangles, image_index, (n, height, width), levels)
    tall = maps.reshape(n * height, width, channels)
    maxima = xp.empty((regions, channels, bins), dtype=maps.dtype)
    places = []
    channel_bytes = max(math.prod((*levels, n, height, width)), 4 * regions * bins) * (
        8 if keep_winner else maps.dtype.itemsize
    )
    for part in split(channels, size=BLOCK_BYTES // channel_bytes):
        pixels = xp.ascontiguousarray(tall[:, :, part])  # (N·H, W, c)
        table = _build_table(pixel_keys(pixels) if keep_winner else pixels, levels)
        best = xp.max(table[corners], axis=0)  # (R·B, c)
        if keep_winner:
            index = places_of(best, pixels.size)
            best = pixels.reshape(-1)[index]
            places.append(xp.where(empty, pixels.size, index))
        best = xp.where(empty, 0, best)
        maxima[:, part] = best.reshape(regions, bins, pixels.shape[2]).transpose(0, 2, 1)
    return maxima, Winners(places, (n, height, width, channels)) if keep_winner else None


def scatter_to_winners(dy: Array, winners: Winners) -> Array:
    """Return the gradient (N, H, W, C) of the maps: each `dy` (R, C, B) added where its maximum was."""
    xp = array_namespace(dy, *winners.places)
    gradient = xp.empty(winners.shape, dtype=dy.dtype)
    pixels, first = math.prod(winners.shape[:3]), 0
    for places in winners.places:
        part = slice(first, first + places.shape[1])
        values = dy[:, part].transpose(0, 2, 1).reshape(places.shape)  # (R·B, c)
        # one more value takes what belongs to empty rectangles
        total = exact_sums(places, values, pixels * places.shape[1] + 1)
        gradient[:, :, :, part] = total[:-1].reshape(*winners.shape[:3], places.shape[1])
        first = part.stop
    return gradient


def exact_sums(places: Array, values: Array, size: int) -> Array:
    """Return (size,): the sums of those `values` (M, c) that share one of the `places` (M, c); else 0.

    The values become whole multiples of a power of two, the least with which M times the largest value is
    below 2⁶³: of 6,272 values the largest then counts 2⁴⁹ or more. Sums of whole numbers are exact, so they
    are the same in any order and at every run. No place may stand twice in one row. If a value is infinite or
    not a number, all sums are NaN.
    """
    xp = array_namespace(places, values)
    if values.size == 0:
        return xp.zeros((size,), dtype=values.dtype)
    exact = xp.astype(values, xp.float64)
    largest = xp.max(xp.abs(exact))
    # |value| < 2^exponent, so M · |value| · 2^shift < 2^63
    shift = 63 - len(values).bit_length() - xp.frexp(largest)[1]
    whole = xp.astype(xp.rint(xp.ldexp(exact, shift)), xp.int64)
    total = xp.zeros((size,), dtype=xp.uint64)  # what CuPy adds; negative numbers wrap around and back
    scatter_add(total, places.reshape(-1), whole.reshape(-1).view(xp.uint64))
    sums = xp.ldexp(xp.astype(total.view(xp.int64), xp.float64), -shift)
    sums += 0 * largest  # NaN if the largest is not finite
    return xp.astype(sums, values.dtype)


def _covering_windows(
    rectangles: Array, image_index: Array, shape: tuple[int, int, int], levels: tuple[int, int]
) -> tuple[Array, Array]:
    """Return the windows (4, R·B) at the corners of `rectangles` (R, B, 4), and which are empty (R·B, 1)."""
    xp = array_namespace(rectangles, image_index)
    n, height, width = shape
    empty = (rectangles[..., 1] <= rectangles[..., 0]) | (rectangles[..., 3] <= rectangles[..., 2])  # (R, B)
    sides = xp.where(empty[..., None], 0, rectangles)  # for an empty one any window will do: the first
    sides[..., :2] += (xp.astype(image_index, sides.dtype) * height)[:, None, None]
    sides = sides.reshape(-1, 4)
    length = xp.maximum(sides[:, 1::2] - sides[:, 0::2], 1)  # (R·B, 2)
    power = xp.astype(xp.frexp(length)[1], sides.dtype) - 1  # ⌊log2⌋
    return window_corners(sides, power, levels[1], n * height, width), empty.reshape(-1, 1)


def _build_table(pixels: Array, levels: tuple[int, int]) -> Array:
    """Return the maxima (A·B·H·W, c) over the windows of 2^a × 2^b pixels that start at each pixel.

    Where a window would leave the map the table holds nothing of use.
    """
    xp = array_namespace(pixels)
    table = xp.empty((*levels, *pixels.shape), dtype=pixels.dtype)
    table[0, 0] = pixels
    for b in range(1, levels[1]):
        step, narrow = 2 ** (b - 1), table[0, b - 1]
        xp.maximum(narrow[:, :-step], narrow[:, step:], out=table[0, b, :, :-step])
    for a in range(1, levels[0]):  # of all widths at once
        step, low = 2 ** (a - 1), table[a - 1]
        xp.maximum(low[:, :-step], low[:, step:], out=table[a, :, :-step])
    return table.reshape(-1, pixels.shape[2])
