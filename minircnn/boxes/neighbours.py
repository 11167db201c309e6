"""Suppression among boxes that mostly lie apart: only neighbours are compared.

Two boxes whose IoU exceeds t nearly coincide along each axis. Along x, let the box that starts first be w
wide and the other start d later: their intervals share at most w − d and cover at least w, so

    t < IoU ≤ (w − d) / w,   that is   d < (1 − t)·w,   and likewise along y

(the IoU of two boxes is at most that of their intervals). Boxes are therefore sorted into the cells of a grid
by their upper left corner, row by row. Seen from the upper box of a pair, the other one lies in one of a few
rows of the grid, and there in a few neighbouring cells: one contiguous run of the sorted boxes.

These candidates get their exact IoU. Those above t make a sparse graph, on which suppression is decided.
Host arrays only: the array API standard has no scattered assignment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minircnn.boxes.geometry import iou_of_columns
from minircnn.structures import BoolArray, FloatArray, IntArray

_MOST_PER_BOX = 128  # candidates on average, so that a box takes 4 kB at most
_AT_ONCE = 1 << 15  # candidates compared at once: their coordinates stay in the core's cache
_ROUNDS = 16  # of vectorised decisions before the rest is decided one by one


class Candidates(NamedTuple):
    """The pairs of boxes that may overlap by more than the threshold, as runs.

    Boxes are numbered by their place in `order`. Run q pairs box ``owner[q]`` with the `length[q]` boxes from
    ``start[q]`` on; a pair can occur twice, and a box be paired with itself.
    """

    order: IntArray
    owner: IntArray
    start: IntArray
    length: IntArray


def find_candidates(rows: FloatArray, threshold: float) -> Candidates | None:
    """Return the pairs to look at, or None if there are too many or the boxes have extreme numbers.

    Parameters
    ----------
    rows : (5, R) float array
        :func:`~minircnn.boxes.geometry.columns` of the boxes, R > 0.
    threshold : float
        In [0, 1].
    """
    limits = np.finfo(rows.dtype)
    if not np.abs(rows).max() < limits.max**0.5 or rows[4].min() < limits.tiny / limits.eps:
        return None  # NaN, or products so large or small that the bounds above would not hold for them
    # Rounding can lift an IoU over the threshold, by 8.5 eps at most: reach a little further than the bounds.
    reach = 1 - threshold + 16 * float(limits.eps)
    columns = _Axis.of(rows[0], rows[2], threshold, reach)
    lines = _Axis.of(rows[1], rows[3], threshold, reach)
    cell = lines.cell * columns.cells + columns.cell
    order = np.argsort(cell)
    first = np.zeros(columns.cells * lines.cells + 1, dtype=np.intp)  # first box of each cell, sorted
    np.cumsum(np.bincount(cell, minlength=len(first) - 1), out=first[1:])
    owner, line = expand(lines.cell[order], (lines.last - lines.cell + 1)[order])
    line *= columns.cells
    begin = order[owner]
    start = first[line + columns.first[begin]]
    length = first[line + columns.last[begin] + 1] - start
    if length.sum() > _MOST_PER_BOX * len(order):
        return None
    return Candidates(order, owner, start, length)


class _Axis(NamedTuple):
    """Cells along one axis: how many, the cell of each box, and those of its candidates, all (R,)."""

    cells: int
    cell: IntArray
    first: IntArray
    last: IntArray

    @classmethod
    def of(cls, low: FloatArray, high: FloatArray, threshold: float, reach: float) -> _Axis:
        """Lay a grid over the corners `low` (R,) of intervals that end at `high` (R,)."""
        low = low.astype(np.float64)
        side = np.maximum(high - low, 0)
        low -= low.min()
        extent, widest = float(low.max()), float(side.max())
        # As wide as a candidate may be away on average, and no more than about R cells in all.
        width = max(float(side.mean()) * reach, extent / np.sqrt(len(low)))
        limits = np.finfo(np.float64)
        per_pixel = 1 / width if width > limits.tiny else 0.0
        slack = 4 * float(limits.eps) * (extent + widest)
        # A partner that starts earlier is at most 1/t as long, or the IoU is below t.
        longest = np.minimum(widest, side / threshold) if threshold > limits.eps else widest
        first = np.maximum((low - longest * reach - slack) * per_pixel, 0)
        cell = (low * per_pixel).astype(np.intp)  # truncation is monotone: no candidate falls out
        cells = int(cell.max()) + 1
        last = np.minimum((low + side * reach + slack) * per_pixel, cells - 1)
        return cls(cells, cell, first.astype(np.intp), last.astype(np.intp))


def suppress_neighbours(rows: FloatArray, candidates: Candidates, threshold: float) -> BoolArray:
    """Return which boxes greedy suppression keeps.

    Parameters
    ----------
    rows : (5, R) float array
        As in :func:`find_candidates`, in descending order of score.
    candidates : Candidates
    threshold : float

    Returns
    -------
    (R,) bool array
    """
    order, owner, start, length = candidates
    sorted_rows = np.take(rows, order, axis=1)
    ends = np.cumsum(length)
    cuts = np.searchsorted(ends, np.arange(_AT_ONCE, ends[-1], _AT_ONCE)).tolist()
    better, worse = [order[:0]], [order[:0]]
    for begin, end in zip([0, *cuts], [*cuts, len(length)], strict=True):
        run, b = expand(start[begin:end], length[begin:end])
        a = owner[begin:end][run]
        iou = iou_of_columns(np.take(sorted_rows, a, axis=1), np.take(sorted_rows, b, axis=1))
        hit = np.flatnonzero((iou > threshold) & (a != b))
        a, b = order[a[hit]], order[b[hit]]
        better.append(np.minimum(a, b))
        worse.append(np.maximum(a, b))
    return decide_pairs(np.concatenate(better), np.concatenate(worse), len(order))


def expand(start: IntArray, length: IntArray) -> tuple[IntArray, IntArray]:
    """Write out runs of consecutive numbers: for each number, the run it belongs to and the number.

    ``expand([7, 3], [2, 3])`` is ``[0, 0, 1, 1, 1], [7, 8, 3, 4, 5]``.
    """
    run = np.repeat(np.arange(len(length)), length)
    number = np.arange(len(run))
    number += (start - (np.cumsum(length) - length))[run]
    return run, number


def decide_pairs(better: IntArray, worse: IntArray, boxes: int) -> BoolArray:
    """Decide greedily which of `boxes` boxes stay: `worse` goes if `better` overlaps it and stays.

    In every round, boxes that no undecided better one overlaps stay and strike out what they overlap; pairs
    with a decided box are done, almost all of them after a few rounds. What then remains, long chains of
    boxes that wait for each other, is decided one by one.

    Parameters
    ----------
    better, worse : (P,) int array
        Overlapping pairs, ``better < worse``; boxes are numbered in descending order of score.
    boxes : int

    Returns
    -------
    (boxes,) bool array
    """
    keep = np.ones(boxes, dtype=bool)
    for _ in range(_ROUNDS):
        if not len(better):
            return keep
        waits = np.zeros(boxes, dtype=bool)
        waits[worse] = True
        keep[worse[~waits[better]]] = False
        undecided = np.flatnonzero(waits[better] & keep[better] & keep[worse])
        better, worse = better[undecided], worse[undecided]
    in_turn = np.argsort(better)
    for a, b in zip(better[in_turn].tolist(), worse[in_turn].tolist(), strict=True):
        if keep[a]:
            keep[b] = False
    return keep
