"""Convolution: every filter slides over the maps and is multiplied with what lies under it."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray


def conv2d(
    x: FloatArray, weight: FloatArray, bias: FloatArray, stride: int = 1, padding: int = 0, groups: int = 1
) -> FloatArray:
    """Return y (N, O, OH, OW) of x (N, C, H, W) and filters (O, C / groups, k, k).

    LeCun et al. 1998, section II-A; groups of filters that see only their share of the channels are those of
    Krizhevsky et al. 2012, section 3.5.
    """
    n, _, height, width = x.shape
    filters, _, k, _ = weight.shape
    padded = _pad(x, padding)
    y = np.zeros(
        (n, filters, (height + 2 * padding - k) // stride + 1, (width + 2 * padding - k) // stride + 1)
    )
    for i, o, r, c in np.ndindex(y.shape):
        patch = padded[i, *_under_filter(weight, o, r * stride, c * stride, groups)]  # (C / groups, k, k)
        y[i, o, r, c] = (patch * weight[o]).sum() + bias[o]
    return y


def conv2d_backward(
    dy: FloatArray, x: FloatArray, weight: FloatArray, stride: int = 1, padding: int = 0, groups: int = 1
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dLoss/dx, dLoss/dweight and dLoss/dbias, given dy = dLoss/dy (N, O, OH, OW).

    Each output is a sum of products, so each of its two factors gets dy times the other one.
    """
    _, _, height, width = x.shape
    padded = _pad(x, padding)
    dpadded, dweight, dbias = np.zeros(padded.shape), np.zeros(weight.shape), np.zeros(len(weight))
    for i, o, r, c in np.ndindex(dy.shape):
        under = (i, *_under_filter(weight, o, r * stride, c * stride, groups))
        dpadded[under] += dy[i, o, r, c] * weight[o]
        dweight[o] += dy[i, o, r, c] * padded[under]
        dbias[o] += dy[i, o, r, c]
    return dpadded[:, :, padding : padding + height, padding : padding + width], dweight, dbias


def _pad(x: FloatArray, padding: int) -> FloatArray:
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def _under_filter(weight: FloatArray, o: int, top: int, left: int, groups: int) -> tuple[slice, slice, slice]:
    """Return the channels, rows and columns that filter o covers."""
    filters, channels, k, _ = weight.shape
    first = o // (filters // groups) * channels  # of the filter's group
    return slice(first, first + channels), slice(top, top + k), slice(left, left + k)
