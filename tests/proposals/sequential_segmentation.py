"""The plain sequential algorithm of Felzenszwalb and Huttenlocher: the oracle of the fast one."""

import numpy as np


def sequential_edges(channels):
    """All edges of the 8-neighbour grid, right, down, down-right, down-left, sorted by weight."""
    height, width = channels.shape[:2]
    values = np.asarray(channels, dtype=np.float32).reshape(height, width, -1)
    edges = []
    for dy, dx in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        for y in range(height - dy):
            for x in range(max(0, -dx), min(width, width - dx)):
                squared = np.float32(0)
                for difference in values[y, x] - values[y + dy, x + dx]:
                    squared += difference * difference
                edges.append((float(np.sqrt(squared)), y * width + x, (y + dy) * width + x + dx))
    return sorted(edges, key=lambda edge: edge[0])  # stable: ties keep the edges' order


def sequential_segmentation(channels, k, min_size):
    """Visit the edges one by one; return the labels in reading order."""
    height, width = channels.shape[:2]
    parent = list(range(height * width))
    size = [1] * len(parent)
    internal = [0.0] * len(parent)

    def find(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    edges = sequential_edges(channels)
    for weight, a, b in edges:
        a, b = find(a), find(b)
        if a != b and weight <= min(internal[a] + k / size[a], internal[b] + k / size[b]):
            parent[b] = a
            size[a] += size[b]
            internal[a] = weight
    for _, a, b in edges:
        a, b = find(a), find(b)
        if a != b and (size[a] < min_size or size[b] < min_size):
            parent[b] = a
            size[a] += size[b]
    number: dict[int, int] = {}
    labels = [number.setdefault(find(x), len(number)) for x in range(len(parent))]
    return np.array(labels).reshape(height, width)
