"""Spatial pyramid pooling: a region of any size becomes one vector, of grids coarse and fine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minircnn.structures import FloatArray, IntArray
from minircnn.textbook.roi_pooling import pool_bins, roi_pool_backward, split_into_bins


def spatial_pyramid_pool(
    features: FloatArray, rois: FloatArray, image_index: IntArray, levels: Sequence[int], scale: float
) -> tuple[FloatArray, list[IntArray]]:
    """Return the pyramids (R, C·Σl²) and, per level, where the maxima are, (R, C, l, l, 2).

    He et al. 2014, section 2.2: level l is a grid of l × l bins. Which cells of the map a region covers says
    their appendix A: the corners are moved inwards to whole cells.
    """
    _, channels, height, width = features.shape
    grids, where = [], []
    for level in levels:
        grid = np.zeros((len(rois), channels, level, level))
        place = np.zeros((*grid.shape, 2), dtype=int)
        for r, (x1, y1, x2, y2) in enumerate(rois.tolist()):
            rows = split_into_bins(*_cells_inside(y1, y2, scale, height), level, height)
            columns = split_into_bins(*_cells_inside(x1, x2, scale, width), level, width)
            grid[r], place[r] = pool_bins(features[image_index[r]], rows, columns)
        grids.append(grid.reshape(len(rois), channels * level**2))
        where.append(place)
    return np.concatenate(grids, axis=1), where


def spatial_pyramid_pool_backward(
    dy: FloatArray, where: Sequence[IntArray], image_index: IntArray, shape: Sequence[int]
) -> FloatArray:
    """Return dLoss/dfeatures of `shape` (N, C, H, W), given dy (R, C·Σl²): the sum over the levels."""
    dx, start = np.zeros(shape), 0
    for place in where:
        regions, channels, level, _, _ = place.shape
        end = start + channels * level**2
        grid = dy[:, start:end].reshape(regions, channels, level, level)
        dx += roi_pool_backward(grid, place, image_index, shape)
        start = end
    return dx


def _cells_inside(low: float, high: float, scale: float, limit: int) -> tuple[int, int]:
    """Return the first cell and the number of cells, at least one, between two pixels and on the map."""
    first = min(max(math.floor(low * scale) + 1, 0), limit - 1)
    last = min(math.ceil(high * scale) - 1, limit - 1)
    return first, max(last - first + 1, 1)
