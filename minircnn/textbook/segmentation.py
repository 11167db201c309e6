"""Graph segmentation: pixels are nodes, and the lightest edges join them first."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray, IntArray

Edge = tuple[float, int, int]


def graph_segmentation(channels: FloatArray, k: float, min_size: int) -> IntArray:
    """Return the component of every pixel of `channels` (H, W, C) or (H, W), numbered in reading order.

    Felzenszwalb and Huttenlocher 2004, algorithm 1: the edges are visited in order of their weight, and one
    joins two components if it is no heavier than the heaviest inside either of them, plus k over its size.
    Components of fewer than `min_size` pixels are then joined to a neighbour, again the lightest edges first.
    """
    height, width = channels.shape[:2]
    parent = list(range(height * width))
    size = [1] * len(parent)
    internal = [0.0] * len(parent)  # the heaviest edge accepted inside each component
    edges = grid_edges(channels)
    for weight, p, q in edges:
        a, b = _root(parent, p), _root(parent, q)
        if a != b and weight <= min(internal[a] + k / size[a], internal[b] + k / size[b]):
            parent[b] = a
            size[a] += size[b]
            internal[a] = weight
    for _, p, q in edges:
        a, b = _root(parent, p), _root(parent, q)
        if a != b and (size[a] < min_size or size[b] < min_size):
            parent[b] = a
            size[a] += size[b]
    number: dict[int, int] = {}
    labels = [number.setdefault(_root(parent, pixel), len(number)) for pixel in range(len(parent))]
    return np.array(labels).reshape(height, width)


def grid_edges(channels: FloatArray) -> list[Edge]:
    """Return (weight, pixel, pixel) of all neighbours, the lightest first.

    The weight is the distance of the two colours. Equal ones: first those to the right, then down, down-right
    and down-left, each row by row.
    """
    height, width = channels.shape[:2]
    colors = np.asarray(channels, dtype=np.float32).reshape(height, width, -1)
    edges = []
    for down, right in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        for y in range(height - down):
            for x in range(max(0, -right), min(width, width - right)):
                squares = np.float32(0)
                for difference in colors[y, x] - colors[y + down, x + right]:
                    squares += difference * difference
                edges.append((float(np.sqrt(squares)), y * width + x, (y + down) * width + x + right))
    return sorted(edges, key=lambda edge: edge[0])  # sorted() is stable


def _root(parent: list[int], node: int) -> int:
    """Follow the parents up to the component's root, and shorten the way for the next time."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
