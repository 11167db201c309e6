"""SIFT in plain loops: the test of an extremum, one histogram of orientations, one descriptor (Lowe 2004)."""

from __future__ import annotations

import math

import numpy as np

from minircnn.structures import FloatArray


def is_extremum(differences: FloatArray, level: int, row: int, column: int) -> bool:
    """Return whether a pixel of (levels, H, W) is beyond all 26 around it, above or below (section 3.1)."""
    value = differences[level, row, column]
    around = [
        differences[level + z, row + y, column + x]
        for z in (-1, 0, 1)
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if (z, y, x) != (0, 0, 0)
    ]
    return bool(value > 0 and value > max(around)) or bool(value < 0 and value < min(around))


def _gradient(image: FloatArray, row: int, column: int) -> tuple[float, float]:
    """Return length and direction, in degrees from the x axis upwards, of the gradient of a pixel."""
    right = float(image[row, column + 1]) - float(image[row, column - 1])
    up = float(image[row - 1, column]) - float(image[row + 1, column])
    return math.hypot(right, up), math.degrees(math.atan2(up, right)) % 360


def orientation_histogram(image: FloatArray, row: int, column: int, scale: float) -> list[float]:
    """Return 36 bins of gradient directions around a pixel of (H, W), Gaussian-weighted (section 5)."""
    height, width = image.shape
    histogram = [0.0] * 36
    reach = round(3 * 1.5 * scale)
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if not (0 < row + y < height - 1 and 0 < column + x < width - 1):
                continue
            length, angle = _gradient(image, row + y, column + x)
            weight = math.exp(-(x * x + y * y) / (2 * (1.5 * scale) ** 2))
            histogram[round(angle / 10) % 36] += weight * length
    return histogram


def sift_descriptor(image: FloatArray, row: int, column: int, scale: float, angle: float) -> list[float]:
    """Return the 128 numbers of a key point of (H, W): 4 × 4 cells of 8 directions (section 6).

    A cell is 3 scales wide. `angle` in degrees from the x axis upwards; the cells are turned with it.
    """
    height, width = image.shape
    cells = np.zeros((4, 4, 8))
    cos, sin = math.cos(math.radians(angle)) / (3 * scale), math.sin(math.radians(angle)) / (3 * scale)
    reach = round(3 * scale * math.sqrt(2) * 2.5)
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if not (0 < row + y < height - 1 and 0 < column + x < width - 1):
                continue
            right, down = x * cos - y * sin, x * sin + y * cos  # in cells from the centre
            length, direction = _gradient(image, row + y, column + x)
            vote = length * math.exp(-(right**2 + down**2) / 8)
            _vote(cells, down + 1.5, right + 1.5, (direction - angle) / 45, vote)
    return _normalized(cells.ravel().tolist())


def _vote(cells: FloatArray, row: float, column: float, angle_bin: float, vote: float) -> None:
    """Share a vote among the two nearest rows, columns and bins of (4, 4, 8) cells."""
    for r in (math.floor(row), math.floor(row) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            for b in (math.floor(angle_bin), math.floor(angle_bin) + 1):
                if 0 <= r < 4 and 0 <= c < 4:
                    near = (1 - abs(row - r)) * (1 - abs(column - c)) * (1 - abs(angle_bin - b))
                    cells[r, c, b % 8] += vote * near


def _normalized(numbers: list[float]) -> list[float]:
    """Bring a list to length 1, clip at 0.2 and bring to length 1 again (section 6.1)."""
    length = math.sqrt(sum(v * v for v in numbers))
    clipped = [min(v, 0.2 * length) for v in numbers]
    length = math.sqrt(sum(v * v for v in clipped))
    return [v / length if length > 0 else 0.0 for v in clipped]
