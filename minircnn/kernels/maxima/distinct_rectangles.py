"""Rectangles that many bins share, each listed once, and sums over the bins of each.

Regions of one photo overlap and their bins are a few cells large: of the 98,000 bins of 2,000 regions only
30,000 to 40,000 are different rectangles. Sorting the bins by rectangle brings equal ones together. What is
computed once per rectangle goes out to its bins by one gather; what comes back from the bins is added up in
rounds: the first bin of every rectangle, then the second of those that have two, and so on. The most frequent
rectangles stand first, so a round adds to a run of rows without gaps.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from minircnn.arrays import HostArray
from minircnn.kernels.scratch import workspace

Rounds: TypeAlias = list[tuple[int, HostArray]]
"""(first, bins): one more bin of each of the rectangles first, first + 1, ..."""

MOST_BINS = 64
"""A rectangle with more bins than this is listed again, so that there are no more rounds than this."""


class DistinctRectangles:
    """The distinct rectangles among those of all bins.

    Parameters
    ----------
    rectangles : (R, B, 4) int array
        top, bottom, left, right of each region's bins, half-open, inside the map; may be empty.
    image_index : (R,) int array
        Which map a region lies on, 0..N-1.
    shape : (int, int, int)
        N, H, W of the maps.

    Attributes
    ----------
    count : int
        U, the number of distinct rectangles.
    sides : (U, 4) int64 array
        Top, bottom, left, right of each; zeros for an empty one.
    of_bin : (R, B) int64 array
        The rectangle of every bin, 0..U-1.
    images : list of (int, slice)
        Every image that has rectangles, and which of them they are.
    """

    def __init__(self, rectangles: HostArray, image_index: HostArray, shape: tuple[int, int, int]) -> None:
        n, height, width = shape
        sides = rectangles.reshape(-1, 4).astype(np.int64)
        sides[(sides[:, 1] <= sides[:, 0]) | (sides[:, 3] <= sides[:, 2])] = 0
        image = np.repeat(image_index, rectangles.shape[1]).astype(np.int64)
        key = image
        for i, limit in enumerate((height, height, width, width)):
            key = key * (limit + 1) + sides[:, i]
        order = np.argsort(key, kind="stable")  # (M,) bins, those of one rectangle side by side
        start, number = _runs(key[order])
        count = np.diff(start, append=len(key))
        owner = image[order[start]]
        ranking = np.argsort(
            owner * (MOST_BINS + 1) - count, kind="stable"
        )  # by image, then the most frequent
        rank = np.empty(start.shape, dtype=np.int64)
        rank[ranking] = np.arange(len(start))
        of_bin = np.empty(key.shape, dtype=np.int64)
        of_bin[order] = rank[number]
        self._order, self._start, self._bins = order, start[ranking], count[ranking]
        self.count, self.of_bin = len(start), of_bin.reshape(rectangles.shape[:2])
        self.sides = sides[order[self._start]]
        ends = np.searchsorted(owner[ranking], np.arange(n + 1)).tolist()
        self.images = [(i, slice(ends[i], ends[i + 1])) for i in range(n) if ends[i] < ends[i + 1]]

    def rounds(self) -> Rounds:
        """Return rounds that together hold every bin once; a rectangle's bins come in order."""
        found = []
        for _, rows in self.images:
            start, bins = self._start[rows], self._bins[rows]
            for nth in range(int(bins[0])):
                found.append((rows.start, self._order[start[bins > nth] + nth]))
        return found


def _runs(values: HostArray) -> tuple[HostArray, HostArray]:
    """Return where runs of equal values start, cut to MOST_BINS, and the number of each value's run."""
    position = np.arange(len(values))
    is_first = np.ones(values.shape, dtype=bool)
    is_first[1:] = values[1:] != values[:-1]
    nth = position - position[is_first][np.cumsum(is_first) - 1]
    is_first |= nth % MOST_BINS == 0
    return position[is_first], np.cumsum(is_first) - 1


def add_bins(rows: HostArray, rounds: Rounds, sums: HostArray) -> None:
    """Fill `sums` (U, c) with the sums of `rows` (M, c) over the bins of each rectangle."""
    filled = 0
    for first, bins in rounds:
        part = sums[first : first + bins.shape[0]]
        if first == filled:  # the first round of an image
            take_rows(rows, bins, part)
            filled += bins.shape[0]
            continue
        wanted = workspace("distinct_bins", part.shape, rows.dtype, rows)
        take_rows(rows, bins, wanted)
        part += wanted


def take_rows(source: HostArray, index: HostArray, out: HostArray) -> None:
    """Fill `out` with ``source[index]``; every index must be valid."""
    # NumPy would copy `out` in the mode that checks each index
    np.take(source, index, axis=0, out=out, mode="clip")
