"""RoI pooling: a region of any size becomes a grid of P × Q maxima."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minircnn.structures import FloatArray, IntArray
from minircnn.textbook.pooling import first_maximum


def roi_pool(
    features: FloatArray, rois: FloatArray, image_index: IntArray, output_size: tuple[int, int], scale: float
) -> tuple[FloatArray, IntArray]:
    """Return the pooled regions (R, C, P, Q) and the row and column of each maximum, -1 for an empty bin.

    Girshick 2015, section 2.1: features (N, C, H, W), regions (R, 4) in pixels of the photo, which are
    rounded to cells of the map; `scale` is cells per pixel. An empty bin gives 0.
    """
    _, channels, height, width = features.shape
    p, q = output_size
    y = np.zeros((len(rois), channels, p, q))
    where = np.full((*y.shape, 2), -1)
    for r, (x1, y1, x2, y2) in enumerate(rois.tolist()):
        rows = split_into_bins(*_rounded_cells(y1, y2, scale), p, height)
        columns = split_into_bins(*_rounded_cells(x1, x2, scale), q, width)
        y[r], where[r] = pool_bins(features[image_index[r]], rows, columns)
    return y, where


def roi_pool_backward(
    dy: FloatArray, where: IntArray, image_index: IntArray, shape: Sequence[int]
) -> FloatArray:
    """Return dLoss/dfeatures of `shape` (N, C, H, W), given dy (R, C, P, Q).

    Girshick 2015, equation 4: a cell sums the dy of all bins, of whatever region, whose maximum it is.
    """
    dx = np.zeros(shape)
    for r, c, i, j in np.ndindex(dy.shape):
        row, column = where[r, c, i, j]
        if row >= 0:
            dx[image_index[r], c, row, column] += dy[r, c, i, j]
    return dx


def split_into_bins(first: int, count: int, parts: int, limit: int) -> list[tuple[int, int]]:
    """Return begin and end of `parts` bins of `count` cells from `first` on, cut at a map of `limit`."""
    begins = [first + i * count // parts for i in range(parts)]
    ends = [first + -(-(i + 1) * count // parts) for i in range(parts)]  # rounded up
    return [(min(max(b, 0), limit), min(max(e, 0), limit)) for b, e in zip(begins, ends, strict=True)]


def pool_bins(
    feature_map: FloatArray, rows: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]]
) -> tuple[FloatArray, IntArray]:
    """Return the maximum of every bin of a map (C, H, W), (C, P, Q), and where it is, (C, P, Q, 2)."""
    y = np.zeros((len(feature_map), len(rows), len(columns)))
    where = np.full((*y.shape, 2), -1)
    for c, i, j in np.ndindex(y.shape):
        if rows[i][0] < rows[i][1] and columns[j][0] < columns[j][1]:
            y[c, i, j], where[c, i, j] = first_maximum(feature_map[c], rows[i], columns[j])
    return y, where


def _rounded_cells(low: float, high: float, scale: float) -> tuple[int, int]:
    """Return the first cell and the number of cells, at least one, between two pixels."""
    first, last = math.floor(low * scale + 0.5), math.floor((high - 1) * scale + 0.5)
    return first, max(last - first + 1, 1)
