"""The first stage for all windows of a photo at once, in long slices: most windows end there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minircnn.features.haar import contrast_factors, inverse_factors
from minircnn.heads.cascade.levels import Buffer
from minircnn.heads.cascade.record import Cascade
from minircnn.heads.cascade.settings import ScanSettings
from minircnn.heads.cascade.stages import Corner, Stage
from minircnn.kernels.split import split
from minircnn.structures import BoolArray, IntArray

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_BLOCK = 1 << 15  # windows at once


def contrast(
    cascade: Cascade, total: Corner, squares: Corner, length: int, count: int, min_std: float
) -> tuple[Float32, BoolArray]:
    """Return 1 over area times deviation of `count` windows (B,), and which have contrast enough."""
    if cascade.kind == "lbp":
        return np.ones(count, np.float32), np.ones(count, bool)
    x1, y1 = cascade.margin, cascade.margin
    x2, y2 = cascade.width - cascade.margin, cascade.height - cascade.margin
    at = [y * length + x for y, x in ((y1, x1), (y1, x2), (y2, x1), (y2, x2))]
    factors = contrast_factors(_box(total, at), _box(squares, at), cascade.area)
    inverse = inverse_factors(factors)
    least = 1.0 / min_std if min_std else np.inf  # 1 over a deviation, as OpenCV compares it
    return inverse, (factors > 0) & (np.float64(cascade.area) * inverse < least)


def _box(corner: Corner, at: Sequence[int]) -> IntArray:
    first, second, third, fourth = (corner(offset) for offset in at)
    total: IntArray = first - second - third + fourth
    return total


def first_stage(
    cascade: Cascade,
    stages: Sequence[Stage],
    buffer: Buffer,
    owner: IntArray,
    step: int,
    settings: ScanSettings,
) -> tuple[IntArray, Float32, Float64, int]:
    """Judge all windows by the first stage.

    Returns
    -------
    begins : (N,) int array
        Of the windows that passed and were visited.
    factors, margins : (N,) arrays
    judged : int
        Windows visited.
    """
    valid = owner.ravel() >= 0
    valid = valid[: np.flatnonzero(valid)[-1] + 1]
    passed, rejected = np.zeros(len(valid), bool), np.zeros(len(valid), bool)
    factors, margins = np.zeros(len(valid), np.float32), np.zeros(len(valid))
    sums, squares = _Planes(buffer.sums, step), _Planes(buffer.squares[None], step)
    for some in split(len(valid), size=_BLOCK):
        count = some.stop - some.start
        inverse, good = contrast(
            cascade, sums.at(some), squares.at(some), buffer.length, count, settings.min_std
        )
        good &= valid[some]
        if stages:
            margins[some] = stages[0].margin(stages[0].left_one_by_one(sums.at(some), inverse))
        factors[some] = inverse
        passed[some] = good & (margins[some] >= 0)
        rejected[some] = good & (margins[some] < 0)
    visited = valid & _visited(rejected) if settings.skip else valid
    rows = np.flatnonzero(passed & visited)
    y, x = np.divmod(rows, buffer.length // step)
    return (y * buffer.length + x) * step, factors[rows], margins[rows], int(visited.sum())


class _Planes:
    """Every `step`-th entry of integral images (k, rows, length), so that windows lie side by side."""

    def __init__(self, of: IntArray, step: int) -> None:
        self._size, self._length, self._step = of[0].size, of.shape[2], step
        places = [(k, y, x) for k in range(len(of)) for y in range(step) for x in range(step)]
        self._flat = {(k, y, x): of[k, y::step, x::step].ravel() for k, y, x in places}

    def at(self, some: slice) -> Corner:
        """Return what looks up entries at an offset of the full image, for the windows `some`."""

        def corner(offset: int) -> IntArray:
            which, offset = divmod(int(offset), self._size)
            y, x = divmod(offset, self._length)
            begin = (y // self._step) * (self._length // self._step) + x // self._step
            plane = self._flat[which, y % self._step, x % self._step]
            return plane[some.start + begin : some.stop + begin]

        return corner


def _visited(rejected: BoolArray) -> BoolArray:
    """Return which windows OpenCV visits, that steps over the next one after a rejection.

    Those at an even distance from the last one whose left neighbour was not rejected. Between rows lie
    places that hold no window, and those are not rejected.
    """
    place = np.arange(len(rejected))
    first = np.ones(len(rejected), bool)
    first[1:] = ~rejected[:-1]
    even: BoolArray = (place - np.maximum.accumulate(np.where(first, place, 0))) % 2 == 0
    return even
