"""Maxima over many rectangles of a map on the host, and where they lie.

A maximum may be taken over overlapping parts. So the maxima over all windows of 2^a × 2^b pixels are made
first, each from two of the next smaller size (a *sparse table*); any rectangle is then covered by four
overlapping windows, however large it is. Bins of different regions are often the same rectangle: each is
answered once, and its maxima are copied to every bin that asked. A thread takes a block of channels at a
time, so that table and answers stay in cache. (On a GPU: :mod:`minircnn.kernels.maxima.gpu_range_max`.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from minircnn.arrays import HostArray
from minircnn.kernels.maxima.distinct_rectangles import DistinctRectangles, Rounds, add_bins, take_rows
from minircnn.kernels.maxima.pixel_keys import pixel_keys, places_of
from minircnn.kernels.maxima.sparse_table import answer, build_table, covering_windows
from minircnn.kernels.scratch import workspace
from minircnn.kernels.split import split
from minircnn.kernels.threads import parallel_for

TABLE_BYTES = 2**23
"""Aim for the sparse table of one block of channels."""
PIECE_VALUES = 2**16
"""Maxima answered, copied or scattered at a time."""


@dataclass(frozen=True)
class Winners:
    """Which pixels hold the maxima: what the backward pass needs.

    Attributes
    ----------
    places : list of (U, c) int arrays
        For every block of c channels and every distinct rectangle, the index of the winner among the
        N·H·W·c values of the block, the first of equals in reading order; N·H·W·c for an empty rectangle.
    rounds : Rounds
        Which bins share a rectangle.
    shape : (int, int, int, int)
        N, H, W, C of the maps.
    """

    places: list[HostArray]
    rounds: Rounds
    shape: tuple[int, int, int, int]


def rectangle_maxima(
    maps: HostArray, rectangles: HostArray, image_index: HostArray, *, keep_winner: bool
) -> tuple[HostArray, Winners | None]:
    """Return the maximum of each rectangle, per channel, and which pixel holds it.

    Parameters
    ----------
    maps : (N, H, W, C) float array
    rectangles : (R, B, 4) int array
        top, bottom, left, right in pixels of the map, half-open, inside the map; may be empty.
    image_index : (R,) int array
        Which map the rectangles of each region lie on, 0..N-1.
    keep_winner : bool

    Returns
    -------
    maxima : (R, C, B) float array
        0 for an empty rectangle.
    winners : Winners or None
    """
    n, height, width, channels = maps.shape
    distinct = DistinctRectangles(rectangles, image_index, (n, height, width))
    levels, corners = covering_windows(distinct.sides, height, width)
    empty = distinct.sides[:, 1] == 0
    maxima = np.empty((rectangles.shape[0], channels, rectangles.shape[1]), dtype=maps.dtype)
    itemsize = 8 if keep_winner else maps.dtype.itemsize
    parts = _channel_blocks(channels, levels[0] * levels[1] * height * width * itemsize)
    places: list[HostArray] = [np.empty(0)] * len(parts)

    def run(number: int) -> None:
        part = maps[:, :, :, parts[number]]  # (N, H, W, c)
        values = workspace("range_max_values", (distinct.count, part.shape[3]), maps.dtype, maps)
        index_type = np.int32 if part.size < 2**31 else np.int64
        where = np.empty(values.shape, dtype=index_type) if keep_winner else None
        for image, rows in distinct.images:
            pixels = np.ascontiguousarray(part[image])
            table = build_table(pixels if where is None else pixel_keys(pixels), levels)
            for piece in _pieces(rows, values.shape[1]):
                if where is None:
                    answer(table, corners[:, piece], values[piece])
                else:
                    index = _index_of_winner(table, corners[:, piece], pixels)
                    take_rows(pixels.reshape(-1), index, values[piece])
                    index += image * pixels.size
                    where[piece] = index
        values[empty] = 0
        if where is not None:
            where[empty] = part.size
            places[number] = where
        _copy_to_bins(values, distinct.of_bin, maxima[:, parts[number]])

    parallel_for(run, range(len(parts)), like=maps)
    if not keep_winner:
        return maxima, None
    return maxima, Winners(places, distinct.rounds(), (n, height, width, channels))


def scatter_to_winners(dy: HostArray, winners: Winners) -> HostArray:
    """Return the gradient (N, H, W, C) of the maps: each `dy` (R, C, B) added where its maximum was.

    Bins of the same rectangle have the same winners, so their gradients are added up first; only the sums are
    scattered.
    """
    gradient = np.empty(winners.shape, dtype=dy.dtype)
    pixels = math.prod(winners.shape[:3])
    regions, _, bins = dy.shape
    starts = list(itertools.accumulate((p.shape[1] for p in winners.places), initial=0))

    def run(number: int) -> None:
        places, part = winners.places[number], slice(starts[number], starts[number + 1])
        count, size = places.shape
        rows = workspace("range_max_rows", (regions * bins, size), dy.dtype, dy)
        _copy_from_bins(dy[:, part], rows.reshape(regions, bins, size))
        sums = workspace("range_max_values", (count, size), dy.dtype, dy)
        add_bins(rows, winners.rounds, sums)
        # one more value takes what belongs to empty rectangles
        total = _sums_at(places, sums, pixels * size + 1)
        gradient[:, :, :, part] = total[:-1].reshape(*winners.shape[:3], size)

    parallel_for(run, range(len(winners.places)), like=dy)
    return gradient


def _sums_at(places: HostArray, values: HostArray, count: int) -> HostArray:
    """Return (count,) sums of the `values` that have the same of the `places`, added in their order.

    As a sparse matrix of one column, times 1. SciPy does that in one compiled loop, during which the other
    threads go on; ``np.add.at`` takes twice as long and keeps them waiting.
    """
    ends = np.array([0, places.size], places.dtype)
    column = csc_array((values.reshape(-1), places.reshape(-1), ends), shape=(count, 1))
    sums: HostArray = column @ np.ones(1, values.dtype)
    return sums


def _channel_blocks(channels: int, bytes_per_channel: int) -> list[slice]:
    """Cut the channels so that a block's table is near TABLE_BYTES, but into runs of 16 for memory's sake."""
    return split(channels, size=max(16, TABLE_BYTES // bytes_per_channel // 16 * 16))


def _pieces(rows: slice, row_values: int) -> Iterator[slice]:
    """Cut `rows` into pieces of PIECE_VALUES."""
    for part in split(rows.stop - rows.start, size=PIECE_VALUES // max(1, row_values)):
        yield slice(rows.start + part.start, rows.start + part.stop)


def _index_of_winner(table: HostArray, corners: HostArray, pixels: HostArray) -> HostArray:
    """Return which of all values of `pixels` (H, W, c) wins in the windows at `corners` (4, u): (u, c)."""
    keys = workspace("range_max_keys", (corners.shape[1], pixels.shape[2]), np.int64, pixels)
    answer(table, corners, keys)
    index: HostArray = places_of(keys, pixels.size)
    return index


def _copy_to_bins(values: HostArray, of_bin: HostArray, maxima: HostArray) -> None:
    """Fill `maxima` (R, c, B): bin b of region r gets row of_bin[r, b] of `values` (U, c)."""
    (regions, bins), size = of_bin.shape, values.shape[1]
    for piece in _pieces(slice(0, regions), bins * size):
        wanted = of_bin[piece]
        rows = workspace("range_max_bins", (*wanted.shape, size), values.dtype, values)
        take_rows(values, wanted, rows)
        # transposed in cache first: the regions of `maxima` lie far apart, and memory likes long runs
        near = workspace("range_max_near", (wanted.shape[0], size, bins), values.dtype, values)
        near[...] = rows.transpose(0, 2, 1)
        maxima[piece] = near


def _copy_from_bins(dy: HostArray, rows: HostArray) -> None:
    """Fill `rows` (R, B, c) from `dy` (R, c, B)."""
    regions, size, bins = dy.shape
    for piece in _pieces(slice(0, regions), bins * size):
        near = workspace("range_max_near", dy[piece].shape, dy.dtype, dy)
        near[...] = dy[piece]
        rows[piece] = near.transpose(0, 2, 1)
