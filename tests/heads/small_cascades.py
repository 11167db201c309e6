"""Cascades with random numbers, for tests that need one but no training."""

import numpy as np

from minircnn.features import HaarFeatures, LBPFeatures, enumerate_haar
from minircnn.heads.cascade import WeakTree, build_cascade


def random_features(rng, height, width, count):
    every = enumerate_haar(height, width)
    return every.rows(rng.integers(0, len(every), count))


def tilted_features(rng, count):
    """For a window of 12 × 12."""
    rectangles = np.zeros((count, 3, 4), np.int64)
    sides = rng.integers(1, 4, (count, 2))
    rectangles[:, 0] = np.stack([np.full(count, 6), np.full(count, 2), sides[:, 0], sides[:, 1]], axis=1)
    rectangles[:, 1] = rectangles[:, 0] // (1, 1, 1, 1)
    rectangles[:, 1, 2:] = 1
    weights = np.tile(np.array([-1, 3, 0], np.float32), (count, 1))
    weights[:, 1] = sides.prod(axis=1)
    return HaarFeatures(rectangles, weights, np.ones(count, bool))


def random_haar(seed=0, *, height=12, width=10, stages=(3, 4, 6), depth=1, tilted=False, margin=1):
    """Stumps, or trees of two nodes; each stage lets pass about two thirds."""
    rng = np.random.default_rng(seed)
    total = sum(stages) * depth
    if tilted:
        height = width = 12
        features = tilted_features(rng, total)
    else:
        features = random_features(rng, height, width, total)
    parts, asked = [], 0
    for count in stages:
        weak = []
        for _ in range(count):
            if depth == 1:
                nodes = [(0, -1, asked, float(rng.normal(0, 0.05)))]
            else:
                nodes = [(1, 0, asked, float(rng.normal(0, 0.05))), (-1, -2, asked + 1, 0.01)]
            weak.append(WeakTree(nodes, rng.normal(0.2, 1, len(nodes) + 1).tolist()))
            asked += depth
        parts.append((weak, -0.5))
    return build_cascade(height, width, features, parts, margin=margin)


def random_lbp(seed=0, *, height=12, width=10, stages=(2, 3)):
    rng = np.random.default_rng(seed)
    total = sum(stages)
    w, h = rng.integers(1, width // 3 + 1, total), rng.integers(1, height // 3 + 1, total)
    x, y = (rng.integers(0, side - 3 * cell + 1) for side, cell in ((width, w), (height, h)))
    parts, asked = [], 0
    for count in stages:
        trees = [
            WeakTree([(0, -1, asked + i, rng.random(256) < 0.5)], rng.normal(0.3, 1, 2).tolist())
            for i in range(count)
        ]
        parts.append((trees, -0.3))
        asked += count
    return build_cascade(height, width, LBPFeatures(np.stack([x, y, w, h], axis=1)), parts)
