"""RoI align: a region of any size becomes a grid of P × Q means of interpolated values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from minircnn.structures import FloatArray, IntArray


def roi_align(
    features: FloatArray,
    rois: FloatArray,
    image_index: IntArray,
    output_size: tuple[int, int],
    scale: float,
    samples: int = 2,
) -> FloatArray:
    """Return the mean over the points of every bin, (R, C, P, Q).

    He et al. 2017, section 3: features (N, C, H, W), regions (R, 4) in pixels of the photo, which are not
    rounded; `scale` is cells per pixel. A bin has `samples` × `samples` points.
    """
    y = np.zeros((len(rois), features.shape[1], *output_size))
    for r, (roi, image) in enumerate(zip(rois, image_index, strict=True)):
        for i, j, row, column in bin_points(roi, output_size, scale, samples):
            for share, cell_row, cell_column in cells_around(row, column, features.shape[2:]):
                y[r, :, i, j] += share * features[image, :, cell_row, cell_column] / samples**2
    return y


def roi_align_backward(
    dy: FloatArray,
    rois: FloatArray,
    image_index: IntArray,
    shape: Sequence[int],
    scale: float,
    samples: int = 2,
) -> FloatArray:
    """Return dLoss/dfeatures of `shape` (N, C, H, W), given dy (R, C, P, Q): each cell gets its share."""
    dx = np.zeros(shape)
    for r, (roi, image) in enumerate(zip(rois, image_index, strict=True)):
        for i, j, row, column in bin_points(roi, dy.shape[2:], scale, samples):
            for share, cell_row, cell_column in cells_around(row, column, shape[2:]):
                dx[image, :, cell_row, cell_column] += share * dy[r, :, i, j] / samples**2
    return dx


def bin_points(
    roi: FloatArray, output_size: Sequence[int], scale: float, samples: int
) -> Iterator[tuple[int, int, float, float]]:
    """Yield bin row, bin column, and row and column of each point; cell 0 has its middle at 0."""
    x1, y1, x2, y2 = roi * scale - 0.5
    p, q = output_size
    for i, j, a, b in np.ndindex(p, q, samples, samples):
        row = y1 + (i + (a + 0.5) / samples) * (y2 - y1) / p
        column = x1 + (j + (b + 0.5) / samples) * (x2 - x1) / q
        yield i, j, row, column


def cells_around(row: float, column: float, size: Sequence[int]) -> Iterator[tuple[float, int, int]]:
    """Yield the cells that a point lies between, each with its share; none for a point off the map."""
    height, width = size
    if not (-1 <= row <= height and -1 <= column <= width):
        return
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    top, left = int(row), int(column)
    for cell_row, down in ((top, 1 - (row - top)), (top + 1, row - top)):
        for cell_column, across in ((left, 1 - (column - left)), (left + 1, column - left)):
            if down * across > 0:
                yield down * across, cell_row, cell_column
