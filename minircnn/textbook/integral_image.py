"""Integral images and Haar features, pixel by pixel (Viola and Jones, CVPR 2001, section 2)."""

from __future__ import annotations

import numpy as np

from minircnn.structures import IntArray


def integral_image(image: IntArray) -> IntArray:
    """Return the sums (H+1, W+1) of all pixels above and left of each corner of `image` (H, W)."""
    height, width = image.shape
    sums = np.zeros((height + 1, width + 1), dtype=np.int64)
    for y in range(height):
        row = 0  # s(x, y) of the paper
        for x in range(width):
            row += int(image[y, x])
            sums[y + 1, x + 1] = sums[y, x + 1] + row
    return sums


def box_sum(sums: IntArray, x1: int, y1: int, x2: int, y2: int) -> int:
    """Return the sum of the pixels of a half-open box: four look-ups, however large it is."""
    return int(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1])


def tilted_integral_image(image: IntArray) -> IntArray:
    """Return the sums (H+1, W+1) of the triangles that open upwards from each corner of `image` (H, W)."""
    height, width = image.shape
    sums = np.zeros((height + 1, width + 1), dtype=np.int64)
    for y in range(height + 1):
        for x in range(width + 1):
            for i in range(y):
                for j in range(max(0, x - (y - i)), min(width, x + (y - i) - 1)):
                    sums[y, x] += int(image[i, j])
    return sums


def tilted_box_sum(image: IntArray, x: int, y: int, w: int, h: int) -> int:
    """Return the sum of the pixels of a rectangle that is turned by 45° about its top corner (x, y).

    A step along a side goes a pixel down and a pixel aside. Two pixels belong to each: the one at the
    corner and the one below it.
    """
    total = 0
    for a in range(w):
        for b in range(h):
            row, column = y + a + b, x + a - b
            total += int(image[row, column - 1]) + int(image[row + 1, column - 1])
    return total


def haar_value(window: IntArray, rectangles: list[tuple[int, int, int, int, float]]) -> float:
    """Return a Haar feature of `window` (H, W), its contrast taken out of it.

    Each rectangle is ``x, y, w, h, weight``. The weighted sums are divided by the window's area and standard
    deviation, so that they stay the same in another light.
    """
    sums = integral_image(window)
    value = sum(weight * box_sum(sums, x, y, x + w, y + h) for x, y, w, h, weight in rectangles)
    mean = window.mean()
    deviation = np.sqrt((np.square(window, dtype=np.float64)).mean() - mean**2)
    return float(value / (window.size * deviation))
