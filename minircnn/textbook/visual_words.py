"""Visual words in plain loops: Lloyd's step, the nearest word, histograms of cells, the best of all boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minircnn.structures import FloatArray
from minircnn.textbook.boxes import Box


def nearest_word(descriptor: FloatArray, words: FloatArray) -> int:
    """Return the row of `words` (K, D) nearest to `descriptor` (D,), the first of equals."""
    distances = [sum((a - b) ** 2 for a, b in zip(descriptor, word, strict=True)) for word in words]
    return distances.index(min(distances))


def lloyd_step(samples: FloatArray, centres: FloatArray) -> FloatArray:
    """Move each of `centres` (K, D) to the mean of the samples (n, D) nearest to it, if there are any."""
    own: list[list[FloatArray]] = [[] for _ in centres]
    for sample in samples:
        own[nearest_word(sample, centres)].append(sample)
    return np.array([np.mean(o, axis=0) if o else c for o, c in zip(own, centres, strict=True)])


def word_histogram(
    points: Sequence[tuple[float, float, int]], box: Box, level: int, count: int
) -> FloatArray:
    """Return how often each of `count` words occurs in the level × level cells of a box.

    `points` are x, y and word of each. The cells follow each other row by row: (level², count).
    """
    x1, y1, x2, y2 = box
    histogram = np.zeros((level * level, count))
    for x, y, word in points:
        if x1 <= x < x2 and y1 <= y < y2:
            column, row = int((x - x1) / (x2 - x1) * level), int((y - y1) / (y2 - y1) * level)
            histogram[row * level + column, word] += 1
    return histogram


def best_box(weights: FloatArray) -> tuple[float, Box]:
    """Return the largest sum of `weights` (h, w) in a box of whole cells, and the first such box."""
    height, width = weights.shape
    return max(
        (
            (float(weights[top:bottom, left:right].sum()), (left, top, right, bottom))
            for top in range(height)
            for bottom in range(top + 1, height + 1)
            for left in range(width)
            for right in range(left + 1, width + 1)
        ),
        key=lambda found: found[0],
    )
