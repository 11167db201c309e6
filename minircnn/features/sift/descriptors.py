"""What surrounds a key point, in 128 numbers: 4 × 4 cells of eight directions, turned with it (section 6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.features.sift.gradients import Places, gradients
from minircnn.features.sift.orientation import windows
from minircnn.features.sift.settings import SiftSettings

Float32 = npt.NDArray[np.float32]

CELLS, BINS = 4, 8
LENGTH = CELLS * CELLS * BINS
_CELL = 3.0  # width of a cell in scales of the key point
_CLIP = 0.2
_UNIT = 512.0  # what a length of 1 becomes in whole numbers


def describe_points(
    pixels: Float32,
    start: Places,
    size: npt.NDArray[np.int64],
    centre: npt.NDArray[np.int64],
    scale: Float32,
    angle: Float32,
    settings: SiftSettings,
) -> Float32:
    """Return the descriptors (n, 128) of n key points, cell row by cell row, the bins of a cell together.

    Parameters as in :func:`orientation_histograms`; `angle` in degrees from the x axis upwards.
    """
    histograms = np.zeros((len(start), LENGTH), np.float32)
    width = np.float32(_CELL) * scale
    radius = np.rint(width * np.float32(np.sqrt(2) * (CELLS + 1) / 2)).astype(np.int64)
    radius = np.minimum(radius, np.hypot(size[:, 0], size[:, 1]).astype(np.int64))
    for some, reach in windows(radius):
        histograms[some] = _histograms(
            pixels, start[some], size[some], centre[some], width[some], angle[some], reach, settings
        )
    return normalized(histograms, whole_numbers=settings.whole_numbers)


def _histograms(
    pixels: Float32,
    start: Places,
    size: npt.NDArray[np.int64],
    centre: npt.NDArray[np.int64],
    width: Float32,
    angle: Float32,
    reach: int,
    settings: SiftSettings,
) -> Float32:
    """Return the votes (m, 128) of all pixels in the windows of m key points."""
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, 1, -1).astype(np.float32)
    turn = np.radians(angle)[:, None]
    cos, sin = np.cos(turn) / width[:, None], np.sin(turn) / width[:, None]
    right, down = x * cos - y * sin, x * sin + y * cos  # (m, window), in cells from the centre
    inside = (np.abs(right) < (CELLS + 1) / 2) & (np.abs(down) < (CELLS + 1) / 2)
    row, column = centre[:, :1] + y.astype(np.int64), centre[:, 1:] + x.astype(np.int64)
    inside &= (row > 0) & (row < size[:, :1] - 1) & (column > 0) & (column < size[:, 1:] - 1)
    point, _ = np.nonzero(inside)
    right, down = right[inside], down[inside]
    stride = size[:, 1]
    places = (start[:, None] + row * stride[:, None] + column)[inside]
    length, direction = gradients(pixels, places, stride[point], polynomial=settings.polynomial_angles)
    votes = length * np.exp((right * right + down * down) * np.float32(-2 / CELLS**2))
    bins = (direction - angle[point]) * np.float32(BINS / 360)
    middle: Any = np.float32((CELLS - 1) / 2)
    return _shared_out(point, down + middle, right + middle, bins, votes, len(start))


def _shared_out(
    point: Places, row: Float32, column: Float32, bins: Float32, votes: Float32, count: int
) -> Float32:
    """Share each vote among the two nearest cell rows, cell columns and bins: trilinear interpolation."""
    (row_low, row_part), (column_low, column_part), (bin_low, bin_part) = map(_split, (row, column, bins))
    side = CELLS + 2  # a rim of cells receives what falls outside, and is cut off
    first = ((point * side + row_low + 1) * side + column_low + 1) * BINS
    total = np.zeros(count * side * side * BINS)
    in_bin = (bin_low % BINS, (bin_low + 1) % BINS)
    by_row = (votes - votes * row_part, votes * row_part)
    for i, in_row in enumerate(by_row):
        by_column = (in_row - in_row * column_part, in_row * column_part)
        for j, in_cell in enumerate(by_column):
            upper = in_cell * bin_part
            place = first + (i * side + j) * BINS
            total += np.bincount(place + in_bin[0], in_cell - upper, len(total))
            total += np.bincount(place + in_bin[1], upper, len(total))
    cells = total.reshape(count, side, side, BINS)[:, 1:-1, 1:-1]
    return cells.reshape(count, LENGTH).astype(np.float32)


def _split(values: Float32) -> tuple[Places, Float32]:
    """Return the whole numbers below `values` (n,), and what is left."""
    low = np.floor(values)
    return low.astype(np.int64), values - low


def normalized(histograms: Float32, *, whole_numbers: bool = False) -> Float32:
    """Bring (n, 128) to length 1, clip at 0.2 and bring to length 1 again; no gradient stays 0 (section 6.1).

    Whole numbers are 512 times that, rounded, 255 at most: as float32 they hold what OpenCV returns.
    """
    tiny = np.float32(np.finfo(np.float32).eps)
    norm = np.sqrt((histograms * histograms).sum(axis=1, keepdims=True))
    clipped = np.minimum(histograms, norm * np.float32(_CLIP))
    norm = np.maximum(np.sqrt((clipped * clipped).sum(axis=1, keepdims=True)), tiny)
    if whole_numbers:
        whole: Float32 = np.minimum(np.rint(clipped * (np.float32(_UNIT) / norm)), np.float32(255))
        return whole
    unit: Float32 = clipped / norm
    return unit


def root_sift(descriptors: Float32) -> Float32:
    """Return the square roots of descriptors (n, 128) that sum to 1: RootSIFT.

    The dot product of two is their Hellinger affinity (Arandjelović and Zisserman, CVPR 2012). One without a
    gradient stays 0.
    """
    total = descriptors.sum(axis=1, keepdims=True)
    roots: Float32 = np.sqrt(descriptors / np.where(total > 0, total, np.float32(1)))
    return roots
