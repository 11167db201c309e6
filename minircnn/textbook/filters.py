"""Gaussian smoothing, Gaussian derivatives and resizing: each pixel from its neighbours."""

from __future__ import annotations

import math

import numpy as np

from minircnn.structures import FloatArray, IntArray


def correlate2d(plane: FloatArray, kernel: FloatArray) -> FloatArray:
    """Return the sum of the products of a square kernel with what lies around each pixel of `plane` (H, W).

    Beyond the border the border is repeated.
    """
    radius = len(kernel) // 2
    padded = np.pad(plane, radius, mode="edge")
    out = np.zeros(plane.shape)
    for y, x in np.ndindex(out.shape):
        out[y, x] = (padded[y : y + len(kernel), x : x + len(kernel)] * kernel).sum()
    return out


def gaussian(sigma: float) -> FloatArray:
    """Return a Gaussian bell on whole pixels, (2r + 1,), which sums to 1; it ends after four sigma."""
    radius = max(1, math.floor(4 * sigma + 0.5))
    bell = np.array([math.exp(-((x / sigma) ** 2) / 2) for x in range(-radius, radius + 1)])
    unit: FloatArray = bell / bell.sum()
    return unit


def smooth(plane: FloatArray, sigma: float) -> FloatArray:
    """Return `plane` (H, W), smoothed by a Gaussian."""
    return correlate2d(plane, np.outer(gaussian(sigma), gaussian(sigma)))


def gaussian_gradient(plane: FloatArray, sigma: float) -> tuple[FloatArray, FloatArray]:
    """Return the slope of the smoothed `plane` (H, W) to the right and downwards; that of a ramp is exact."""
    bell = gaussian(sigma)
    x = np.arange(len(bell)) - len(bell) // 2
    slope = x * bell / (x * x * bell).sum()
    return correlate2d(plane, np.outer(bell, slope)), correlate2d(plane, np.outer(slope, bell))


def resize(image: FloatArray, height: int, width: int) -> FloatArray:
    """Return `image` (H, W, ...) in another size by bilinear interpolation, one pixel at a time."""
    old_height, old_width = image.shape[:2]
    out = np.zeros((height, width, *image.shape[2:]))
    for i, j in np.ndindex(height, width):
        y = min(max((i + 0.5) * old_height / height - 0.5, 0), old_height - 1)  # pixel centres lie at halves
        x = min(max((j + 0.5) * old_width / width - 0.5, 0), old_width - 1)
        top, left = int(y), int(x)
        bottom, right = min(top + 1, old_height - 1), min(left + 1, old_width - 1)
        upper = image[top, left] * (1 - (x - left)) + image[top, right] * (x - left)
        lower = image[bottom, left] * (1 - (x - left)) + image[bottom, right] * (x - left)
        out[i, j] = upper * (1 - (y - top)) + lower * (y - top)
    return out


def resize_exact(image: IntArray, height: int, width: int) -> IntArray:
    """Return grey levels `image` (H, W) in another size, in whole numbers: weights are 256ths."""
    out = np.zeros((height, width), np.int64)
    for i, j in np.ndindex(height, width):
        top, bottom, down = _two_samples(i, height, image.shape[0])
        left, right, across = _two_samples(j, width, image.shape[1])
        upper = int(image[top, left]) * (256 - across) + int(image[top, right]) * across
        lower = int(image[bottom, left]) * (256 - across) + int(image[bottom, right]) * across
        out[i, j] = (upper * (256 - down) + lower * down + 2**15) // 2**16  # rounded once, at the end
    return out


def _two_samples(i: int, target: int, source: int) -> tuple[int, int, int]:
    """Return between which samples target sample i lies, and the weight of the second in 256ths."""
    position = (i + 0.5) * (source / target) - 0.5
    low = math.floor(position)
    if low < 0 or low >= source - 1:  # beyond the first or the last centre: the border repeats
        border = 0 if low < 0 else source - 1
        return border, border, 0
    return low, low + 1, round((position - low) * 256)
