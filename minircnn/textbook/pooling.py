"""Max pooling: the largest value of each window; the gradient goes back to where it stood."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minircnn.structures import FloatArray, IntArray


def max_pool2d(
    x: FloatArray, k: int, stride: int, padding: int = 0, ceil_mode: bool = False
) -> tuple[FloatArray, IntArray]:
    """Return the maxima (N, C, OH, OW) of x (N, C, H, W) and the row and column of each, (N, C, OH, OW, 2).

    Krizhevsky et al. 2012, section 3.4: windows of k × k pixels, `stride` apart, which may overlap. With
    `ceil_mode` (Caffe's rule) the last windows may reach over the edge. Of equal maxima the first counts.
    """
    n, channels, height, width = x.shape
    rows = _windows(height, k, stride, padding, ceil_mode)
    columns = _windows(width, k, stride, padding, ceil_mode)
    y = np.zeros((n, channels, len(rows), len(columns)))
    where = np.zeros((*y.shape, 2), dtype=int)
    for i, c, r, s in np.ndindex(y.shape):
        y[i, c, r, s], where[i, c, r, s] = first_maximum(x[i, c], rows[r], columns[s])
    return y, where


def max_pool2d_backward(dy: FloatArray, where: IntArray, shape: Sequence[int]) -> FloatArray:
    """Return dLoss/dx of `shape` (N, C, H, W): every dy is added where its maximum stood."""
    dx = np.zeros(shape)
    for i, c, r, s in np.ndindex(dy.shape):
        row, column = where[i, c, r, s]
        dx[i, c, row, column] += dy[i, c, r, s]
    return dx


def first_maximum(
    plane: FloatArray, rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[float, tuple[int, int]]:
    """Return the largest value of a window of `plane` (H, W), and where it comes first in reading order."""
    largest, place = -math.inf, (-1, -1)
    for r in range(*rows):
        for c in range(*columns):
            if plane[r, c] > largest:
                largest, place = plane[r, c], (r, c)
    return largest, place


def _windows(length: int, k: int, stride: int, padding: int, ceil_mode: bool) -> list[tuple[int, int]]:
    """Return begin and end of every window along one axis, cut at the map."""
    count = (length + 2 * padding - k) / stride + 1
    begins = [i * stride - padding for i in range(math.ceil(count) if ceil_mode else math.floor(count))]
    return [(max(begin, 0), min(begin + k, length)) for begin in begins if begin < length]
