"""The layers as plain loops: oracles for the fast kernels, and what the walkthroughs show first."""

import math

import numpy as np


def conv2d(x, weight, bias, stride, padding, groups):
    n, _, height, width = x.shape
    filters, channels, k, _ = weight.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    oh, ow = (height + 2 * padding - k) // stride + 1, (width + 2 * padding - k) // stride + 1
    y = np.zeros((n, filters, oh, ow))
    for i in range(n):
        for o in range(filters):
            first = o // (filters // groups) * channels
            for r in range(oh):
                for c in range(ow):
                    top, left = r * stride, c * stride
                    patch = padded[i, first : first + channels, top : top + k, left : left + k]
                    y[i, o, r, c] = (patch * weight[o]).sum() + bias[o]
    return y


def max_pool2d(x, k, stride, padding, ceil_mode):
    """Return the maxima and, for each, the row and column of the first maximum."""
    n, channels, height, width = x.shape

    def windows(length):
        count = (length + 2 * padding - k) / stride + 1
        count = math.ceil(count) if ceil_mode else math.floor(count)
        starts = [i * stride - padding for i in range(count)]
        return [(max(s, 0), min(s + k, length)) for s in starts if s < length]

    rows, columns = windows(height), windows(width)
    y = np.zeros((n, channels, len(rows), len(columns)))
    where = np.zeros((*y.shape, 2), dtype=int)
    for i, j, r, c in np.ndindex(y.shape):
        (top, bottom), (left, right) = rows[r], columns[c]
        y[i, j, r, c], where[i, j, r, c] = first_maximum(x[i, j], top, bottom, left, right)
    return y, where


def first_maximum(plane, top, bottom, left, right):
    best, place = -np.inf, (-1, -1)
    for r in range(top, bottom):
        for c in range(left, right):
            if plane[r, c] > best:
                best, place = plane[r, c], (r, c)
    return best, place


def scatter(dy, where, owner, shape):
    """Add every dy[r, c, ...] to map owner[r], channel c, at its maximum; skip places of -1."""
    dx = np.zeros(shape)
    for index in np.ndindex(dy.shape):
        row, column = where[index]
        if row >= 0:
            dx[owner[index[0]], index[1], row, column] += dy[index]
    return dx


def roi_pool(features, rois, image_index, output_size, scale):
    """Return pooled regions and where the maxima are (-1 for an empty bin)."""
    _, channels, height, width = features.shape
    p, q = output_size
    y = np.zeros((len(rois), channels, p, q))
    where = np.full((*y.shape, 2), -1)
    for r, (x1, y1, x2, y2) in enumerate(rois):
        left, top = math.floor(x1 * scale + 0.5), math.floor(y1 * scale + 0.5)
        right, bottom = math.floor((x2 - 1) * scale + 0.5), math.floor((y2 - 1) * scale + 0.5)
        h, w = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for c in range(channels):
            for i in range(p):
                for j in range(q):
                    plane = features[image_index[r], c]
                    a, b = clip(top + i * h // p, height), clip(top + ceil_div((i + 1) * h, p), height)
                    d, e = clip(left + j * w // q, width), clip(left + ceil_div((j + 1) * w, q), width)
                    if a < b and d < e:
                        y[r, c, i, j], where[r, c, i, j] = first_maximum(plane, a, b, d, e)
    return y, where


def spatial_pyramid_pool(features, rois, image_index, levels, scale):
    """Return pyramids (R, C·Σl²)."""
    _, channels, height, width = features.shape
    out = []
    for r, (x1, y1, x2, y2) in enumerate(rois):
        top, bottom = pyramid_cells(y1, y2, scale, height)
        left, right = pyramid_cells(x1, x2, scale, width)
        vector = []
        for level in levels:
            for c in range(channels):
                for i in range(level):
                    for j in range(level):
                        a = top + i * (bottom - top) // level
                        b = top + ceil_div((i + 1) * (bottom - top), level)
                        d = left + j * (right - left) // level
                        e = left + ceil_div((j + 1) * (right - left), level)
                        vector.append(first_maximum(features[image_index[r], c], a, b, d, e)[0])
        out.append(vector)
    return np.array(out).reshape(len(rois), channels * sum(level**2 for level in levels))


def pyramid_cells(low, high, scale, limit):
    first = min(max(math.floor(low * scale) + 1, 0), limit - 1)
    last = min(math.ceil(high * scale) - 1, limit - 1)
    return first, max(last, first) + 1


def ceil_div(a, b):
    return -(-a // b)


def clip(v, limit):
    return min(max(v, 0), limit)


def local_response_norm(x, size, alpha, beta, k):
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(c - size // 2, 0) : c + size // 2 + 1]
        y[:, c] = x[:, c] / (k + alpha / size * (near**2).sum(axis=1)) ** beta
    return y


# How callers may lay a map (N, C, H, W) out in memory.
LAYOUTS = {
    "channels first": np.ascontiguousarray,
    "channels last": lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "strided": lambda x: np.repeat(x, 2, axis=3)[..., ::2],
}
