"""The best of all boxes of a map of weights, found by looking at few of them.

Lampert, Blaschko and Hofmann, *Beyond sliding windows: object localization by efficient subwindow search*,
CVPR 2008. A set of boxes, an interval for each edge, scores at most what is positive in its largest box plus
what is negative in its smallest. The set with the highest bound is halved until it is one box: no other can
be better.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minircnn.checks import checked, optional, whole

Ends: TypeAlias = tuple[int, int]
_Boxes: TypeAlias = tuple[Ends, Ends, Ends, Ends]  # least and largest top, bottom, left, right


@dataclass(frozen=True)
class Subwindow:
    """The best box of a map, and what it took to find it.

    Parameters
    ----------
    box : (4,) int tuple
        x1, y1, x2, y2 in cells of the map, half-open.
    score : float
        Sum of the weights in it.
    evaluated : int
        Sets of boxes whose bound was computed.
    boxes : int
        Boxes there are.
    """

    box: tuple[int, int, int, int]
    score: float
    evaluated: int
    boxes: int


def best_subwindow(weights: npt.NDArray[Any], *, most: int | None = None) -> Subwindow:
    """Return the box of at least one cell with the largest sum of `weights`.

    Parameters
    ----------
    weights : (h, w) float array
        What each cell speaks for (positive) or against an object.
    most : int, optional
        Give up after so many bounds.

    Raises
    ------
    ValueError
        If `weights` is no map of finite numbers, or `most` bounds were not enough.

    Examples
    --------
    >>> from minircnn.features import best_subwindow
    >>> found = best_subwindow(np.array([[-1, -1, -1], [-1, 5, 2], [-1, -1, -1]]))
    >>> found.box, found.score
    ((1, 1, 3, 2), 7.0)
    """
    checked("most", most, optional(whole(1)))
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2 or weights.size == 0 or not np.isfinite(weights).all():
        raise ValueError(f"weights must be (h, w) finite numbers, got shape {weights.shape}")
    height, width = weights.shape
    gains, losses = _Integral(np.maximum(weights, 0)), _Integral(np.minimum(weights, 0))
    boxes: _Boxes = ((0, height - 1), (1, height), (0, width - 1), (1, width))
    queue = [(-_bound(boxes, gains, losses), 0, boxes)]
    evaluated = 1
    while True:
        negative_bound, _, boxes = heapq.heappop(queue)
        halves = _halved(boxes)
        if not halves:
            (top, _), (bottom, _), (left, _), (right, _) = boxes
            count = height * (height + 1) // 2 * (width * (width + 1) // 2)
            return Subwindow((left, top, right, bottom), -negative_bound, evaluated, count)
        for half in halves:
            if half[0][0] < half[1][1] and half[2][0] < half[3][1]:  # it holds a box
                heapq.heappush(queue, (-_bound(half, gains, losses), evaluated, half))
                evaluated += 1
        if most is not None and evaluated > most:
            raise ValueError(f"the best box was not found within {most:,} bounds")


class _Integral:
    """Sums of boxes of a map, each from four numbers."""

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        sums = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        self.rows: list[list[float]] = sums.tolist()  # one number at a time, lists are faster than arrays

    def sum(self, top: int, bottom: int, left: int, right: int) -> float:
        """Return the sum of a box, 0 if it is empty."""
        if top >= bottom or left >= right:
            return 0.0
        above, below = self.rows[top], self.rows[bottom]
        return below[right] - below[left] - above[right] + above[left]


def _bound(boxes: _Boxes, gains: _Integral, losses: _Integral) -> float:
    """Return what no box of a set exceeds; of one box its sum."""
    (top, low_top), (high_bottom, bottom), (left, far_left), (near_right, right) = boxes
    largest = gains.sum(top, bottom, left, right)
    return largest + losses.sum(low_top, high_bottom, far_left, near_right)


def _halved(boxes: _Boxes) -> tuple[_Boxes, ...]:
    """Return the two halves of a set, cut through its longest interval; nothing if it is one box."""
    spans = [high - low for low, high in boxes]
    longest = max(range(4), key=spans.__getitem__)
    if spans[longest] == 0:
        return ()
    low, high = boxes[longest]
    middle = (low + high) // 2
    first, second = list(boxes), list(boxes)
    first[longest], second[longest] = (low, middle), (middle + 1, high)
    a, b, c, d = first
    e, f, g, h = second
    return (a, b, c, d), (e, f, g, h)
