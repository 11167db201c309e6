"""Outlines made into masks, pixel for pixel as pycocotools does.

A pixel's column is crossed by the outline at certain heights; between the first crossing and the second lies
the inside. Where exactly, pycocotools decides on a grid five times as fine (``rleFrPoly``).
"""

from __future__ import annotations

import numpy as np

from minircnn.structures import BoolArray, FloatArray, IntArray

_FINE = 5


def polygon_mask(corners: FloatArray, height: int, width: int) -> BoolArray:
    """Return the mask (H, W) of a closed outline with the `corners` (V, 2), x and y in pixels.

    Pixels inside an even number of times, where the outline crosses itself, are outside.

    Examples
    --------
    >>> from minircnn.data.polygons import polygon_mask
    >>> polygon_mask(np.array([[1.0, 0], [3, 0], [3, 2], [1, 2]]), 3, 4).astype(int)
    array([[0, 1, 1, 0],
           [0, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    fine = (corners * _FINE + 0.5).astype(np.int64)  # towards zero, as C does
    ends = np.roll(fine, -1, axis=0)
    paths = [_walk(a, b) for a, b in zip(fine, ends, strict=True) if (a != b).any()]
    if not paths:
        return np.zeros((height, width), dtype=bool)
    u, v = np.concatenate(paths, axis=1)
    pixel = _crossings(u, v, height, width)
    turns = np.bincount(pixel, minlength=height * width + 1)[: height * width]
    inside: BoolArray = np.cumsum(turns) % 2 == 1
    return inside.reshape(width, height).T.copy()


def _walk(start: IntArray, end: IntArray) -> IntArray:
    """Return the fine points (2, T) of a line, a step at a time along its longer axis."""
    along = int(abs(end[1] - start[1]) > abs(end[0] - start[0]))  # 1: y is the longer
    backwards = start[along] > end[along]
    low, high = (end, start) if backwards else (start, end)
    length = high[along] - low[along]
    t = np.arange(length + 1)
    points = np.empty((2, len(t)), dtype=np.int64)
    points[along] = low[along] + t
    slope = (high[1 - along] - low[1 - along]) / length
    points[1 - along] = (low[1 - along] + slope * t + 0.5).astype(np.int64)
    return points[:, ::-1] if backwards else points


def _crossings(u: IntArray, v: IntArray, height: int, width: int) -> IntArray:
    """Return, column by column counted, the first pixel below each point where the outline crosses a column.

    A pixel at the very bottom is the next column's first: what is inside there is inside to the photo's edge.
    """
    step = np.flatnonzero(u[1:] != u[:-1]) + 1
    before, now = u[step - 1], u[step]
    x = (np.where(now < before, now, now - 1) + 0.5) / _FINE - 0.5
    y = (np.minimum(v[step], v[step - 1]) + 0.5) / _FINE - 0.5
    seen = (np.floor(x) == x) & (x >= 0) & (x <= width - 1)
    below = np.ceil(np.clip(y[seen], 0, height)).astype(np.int64)
    pixel: IntArray = x[seen].astype(np.int64) * height + below
    return pixel
