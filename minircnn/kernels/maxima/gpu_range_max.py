"""Maxima over many rectangles of a map on a GPU, and where they lie.

Each bin has, in each channel, a thread of its own that looks at all its pixels: bins are small and threads
many, so the sparse table of :mod:`minircnn.kernels.maxima.range_max` would cost more than it saves.

What comes back from the bins is added up in whole numbers. Threads add in any order, and the rounding of
broken numbers depends on it; that of whole ones does not, as there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from minircnn.arrays import Array, array_namespace, scatter_add
from minircnn.kernels.gpu_kernel import GPUKernel


@dataclass(frozen=True)
class Winners:
    """Which pixels hold the maxima: what the backward pass needs.

    Attributes
    ----------
    places : list of one (R, C, B) int64 array
        The index of each winner among the N·H·W·C values of the maps, the first of equals in reading order;
        N·H·W·C for an empty rectangle. All channels are one block.
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
    shape = (regions, channels, bins)
    # the kernel knows neither half precision nor small whole numbers, which have larger kin
    kin = {2: xp.float32}.get(maps.dtype.itemsize) if maps.dtype.kind == "f" else xp.int64
    values = maps if kin is None else xp.astype(maps, kin, copy=False)
    maxima = xp.empty(shape, dtype=values.dtype)
    places = xp.empty(shape if keep_winner else 1, dtype=xp.int64)
    corners, image_index = (xp.astype(a, xp.int64, copy=False) for a in (rectangles, image_index))
    sizes = (n, height, width, channels, bins)
    if maxima.size:
        corners = xp.ascontiguousarray(corners)
        _BIN_MAXIMA(values, corners, image_index, *sizes, keep_winner, maxima, places, size=maxima.size)
    winners = Winners([places], (n, height, width, channels)) if keep_winner else None
    return xp.astype(maxima, maps.dtype, copy=False), winners


_BIN_MAXIMA = GPUKernel(
    "bin_maxima",
    "raw T maps, raw int64 corners, raw int64 image_index, "
    "int32 images, int32 height, int32 width, int32 channels, int32 bins, bool keep_winner",
    "raw T maxima, raw int64 places",
    """
    // neighbouring threads take neighbouring channels, which lie side by side in memory
    const int channel = i % channels;
    const ptrdiff_t bin = i / channels, region = bin / bins, first = image_index[region] * height;
    const int top = corners[4 * bin], bottom = corners[4 * bin + 1];
    const int left = corners[4 * bin + 2], right = corners[4 * bin + 3];
    const ptrdiff_t nowhere = (ptrdiff_t)images * height * width * channels;
    ptrdiff_t place = nowhere;
    T best = 0;
    for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
            const ptrdiff_t here = ((first + y) * width + x) * channels + channel;
            const T value = maps[here];
            // what is not a number is the largest
            if (place == nowhere || value > best || (value != value && best == best)) {
                best = value;
                place = here;
            }
        }
    }
    const ptrdiff_t result = (region * channels + channel) * bins + bin % bins;
    maxima[result] = best;
    if (keep_winner) places[result] = place;
    """,
)


def scatter_to_winners(dy: Array, winners: Winners) -> Array:
    """Return the gradient (N, H, W, C) of the maps: each `dy` (R, C, B) added where its maximum was."""
    (places,), (regions, _, bins) = winners.places, dy.shape
    values = math.prod(winners.shape)
    # one more takes what belongs to empty rectangles; a pixel may be the winner of every bin
    total = exact_sums(places, dy, values + 1, most=regions * bins)
    return total[:-1].reshape(winners.shape)


def exact_sums(places: Array, values: Array, size: int, *, most: int) -> Array:
    """Return (size,): the sums of those `values` that share one of the `places`, of one shape; else 0.

    At `most` so many share one. The values become whole multiples of a power of two, the least with which so
    many of the largest are below 2⁶³: of 6,272 values the largest then counts 2⁴⁹ or more. Sums of whole
    numbers are exact, so they are the same in any order and at every run. If a value is infinite or not a
    number, all sums are NaN.
    """
    xp = array_namespace(places, values)
    if values.size == 0:
        return xp.zeros((size,), dtype=values.dtype)
    exact = xp.astype(values, xp.float64)
    largest = xp.max(xp.abs(exact))
    # |value| < 2^exponent, so most · |value| · 2^shift < 2^63
    shift = 63 - most.bit_length() - xp.frexp(largest)[1]
    whole = xp.astype(xp.rint(xp.ldexp(exact, shift)), xp.int64)
    total = xp.zeros((size,), dtype=xp.uint64)  # what CuPy adds; negative numbers wrap around and back
    scatter_add(total, places.reshape(-1), whole.reshape(-1).view(xp.uint64))
    sums = xp.ldexp(xp.astype(total.view(xp.int64), xp.float64), -shift)
    sums += 0 * largest  # NaN if the largest is not finite
    return xp.astype(sums, values.dtype)
