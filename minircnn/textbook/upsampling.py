"""Up-sampling: a map made larger, each new value a mean of its four neighbours; and the way back."""

from __future__ import annotations

import math

import numpy as np

from minircnn.structures import FloatArray


def upsample_bilinear(x: FloatArray, height: int, width: int) -> FloatArray:
    """Return y (N, C, height, width) of a map x (N, C, H, W).

    Long et al. 2015, section 3.3. Pixel centres lie at half-integers, and beyond the outermost ones of x
    its edge goes on.
    """
    y = np.zeros((*x.shape[:2], height, width))
    for r, s in np.ndindex(height, width):
        for i, share_i in neighbours(r, height, x.shape[2]):
            for j, share_j in neighbours(s, width, x.shape[3]):
                y[:, :, r, s] += share_i * share_j * x[:, :, i, j]
    return y


def upsample_bilinear_backward(dy: FloatArray, height: int, width: int) -> FloatArray:
    """Return dLoss/dx (N, C, height, width): every dy goes to its neighbours by their shares."""
    dx = np.zeros((*dy.shape[:2], height, width))
    for r, s in np.ndindex(dy.shape[2:]):
        for i, share_i in neighbours(r, dy.shape[2], height):
            for j, share_j in neighbours(s, dy.shape[3], width):
                dx[:, :, i, j] += share_i * share_j * dy[:, :, r, s]
    return dx


def neighbours(place: int, length: int, cells: int) -> list[tuple[int, float]]:
    """Return the two of `cells` between whose centres pixel `place` of `length` lies, with their shares."""
    at = (place + 0.5) * cells / length - 0.5
    first = math.floor(at)
    share = at - first
    return [(max(first, 0), 1 - share), (min(first + 1, cells - 1), share)]
