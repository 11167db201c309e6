"""Felzenszwalb and Huttenlocher's graph segmentation (2004), exact and without a loop over edges.

Pixels are nodes, neighbours are joined by edges weighted with their colour difference. The sequential
algorithm visits the edges from the lightest on and merges the two components an edge joins if

    w ≤ min(Int(A) + k/|A|, Int(B) + k/|B|)                                  (equation 4 and 5)

where Int is the heaviest edge accepted inside a component so far. The result depends on the order, and
still most decisions can be made together. Three facts under the strict order (weight, edge index):

1. A component does not change before its first remaining edge. If that edge exceeds the component's
   threshold it is rejected, and all later edges are heavier: the component is *final*, its edges go.
2. Let every component point along its first remaining edge. The pointers make trees in which
   edges grow heavier from the root outwards, so that the root's component absorbs its tree node by node,
   in the order of the edges, each node still being what it is now.
3. This holds until the first edge that leads from the absorbed nodes to another tree. So per tree a prefix of
   the absorptions, the sizes (a running sum) and thresholds on the way are known at once.

Each round decides all these prefixes by array operations; a handful of rounds does almost everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.imaging.filters import smooth
from minircnn.proposals.grid_edges import EdgeList, GridEdges, Index

_SHARED_ROUNDS = 2  # beyond the first


def graph_segmentation(
    image: npt.NDArray[Any], k: float = 100.0, sigma: float = 0.8, min_size: int = 50
) -> npt.NDArray[np.int32]:
    """Segment an image with Felzenszwalb and Huttenlocher's graph-based method (IJCV 2004).

    Exactly the partition that the sequential algorithm gives with the edge order of :class:`GridEdges`.

    Parameters
    ----------
    image : (H, W, C) or (H, W) array
        Any number of channels, nominally 0..255.
    k : float
        Scale of observation in the units of the image: larger values give larger components.
    sigma : float
        Standard deviation of the Gaussian that smooths the image first, in pixels; 0 for none.
    min_size : int
        Components with fewer pixels are merged with a neighbour afterwards, along the lightest edge.

    Returns
    -------
    (H, W) int32 array
        Component of every pixel, 0, 1, ... in the order in which the rows meet them.

    Raises
    ------
    ValueError
        If the image is empty or not finite, or `k` is negative.
    """
    return segment_scales(GridEdges(smooth(np.asarray(image), sigma)), [(k, min_size)])[0]


def segment_scales(edges: GridEdges, scales: Sequence[tuple[float, int]]) -> list[npt.NDArray[np.int32]]:
    """Segment one image for several pairs of k and smallest size; see :func:`graph_segmentation`.

    What the first rounds merge under the smallest k is merged under every larger k too, so they are
    shared; only rejections differ.
    """
    if not scales or min(k for k, _ in scales) < 0:
        raise ValueError(f"expected pairs (k, min_size) with k not negative, got {list(scales)}")
    smallest = min(k for k, _ in scales)
    pixels = _Forest(edges.height * edges.width)
    _merge_round(pixels, edges, smallest)
    rest = edges.between_roots(pixels.parent)
    for _ in range(_SHARED_ROUNDS):
        _merge_round(pixels, rest, smallest)
        rest = rest.relabelled(pixels.parent)
    label = pixels.roots()
    # from here on only components that still have edges take part, under new numbers
    taking_part = np.zeros(len(label), dtype=bool)
    taking_part[rest.first] = taking_part[rest.second] = True
    members = np.flatnonzero(taking_part)
    rest = rest.relabelled(np.cumsum(taking_part) - 1)
    segmentations = []
    for k, min_size in scales:
        forest = _Forest(len(members), pixels.size[members], pixels.internal[members])
        _merge_similar(forest, rest, k)
        joined = np.arange(len(label))
        joined[members] = members[forest.roots()]
        segments = _merge_small(_in_reading_order(joined[label]), edges, min_size)
        segmentations.append(segments.reshape(edges.height, edges.width).astype(np.int32))
    return segmentations


def _in_reading_order(label: Index) -> Index:
    """Renumber labels (below their count) 0, 1, ... by their first occurrence."""
    first = np.full(len(label), len(label))
    first[label[::-1]] = np.arange(len(label) - 1, -1, -1)
    starts = np.zeros(len(label), dtype=bool)
    starts[first[first < len(label)]] = True
    number = np.cumsum(starts) - 1
    renumbered: Index = number[first[label]]
    return renumbered


class _Forest:
    """Components as trees of nodes; a component is named by its root.

    Without arguments for them, every component is a single pixel.
    """

    def __init__(
        self,
        count: int,
        size: npt.NDArray[np.int64] | None = None,
        internal: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self.parent = np.arange(count)
        self.size = np.ones(count, dtype=np.int64) if size is None else size  # of each root
        self.internal = np.zeros(count) if internal is None else internal  # Int of each root

    def roots(self) -> Index:
        """Return the root of every node."""
        while not np.array_equal(jumped := self.parent[self.parent], self.parent):
            self.parent = jumped
        return self.parent


def _merge_similar(forest: _Forest, edges: EdgeList, k: float) -> None:
    """Run all merges of the sequential algorithm, round by round."""
    while len(edges.weight):
        final = _merge_round(forest, edges, k)
        edges = edges.relabelled(forest.parent, final)


def _merge_round(forest: _Forest, edges: GridEdges | EdgeList, k: float) -> npt.NDArray[np.bool_]:
    """Do the merges that are certain now; return which components were final before."""
    count = len(forest.parent)
    first = edges.first_edges(count)
    nodes = np.flatnonzero(first < len(edges.weight))
    over = edges.weight[first[nodes]] > forest.internal[nodes] + k / forest.size[nodes]
    final = np.zeros(count, dtype=bool)
    final[nodes[over]] = True
    child = nodes[~over]
    edge = first[child]
    root = np.arange(count)
    root[child] = edges.first[edge] + edges.second[edge] - child  # the other end
    _climb(root, child)
    if len(child):
        _absorb(forest, first, nodes, root, edges.leaving(root), edges.weight, k)
    return final


def _climb(root: Index, child: Index) -> None:
    """Turn pointers from node to node into pointers to the root of the tree (fact 2), in place."""
    target = root[child]
    mutual = (root[target] == child) & (child < target)  # each other's first choice: one is the root
    root[child[mutual]] = child[mutual]
    target = root[child]
    while not np.array_equal(jumped := root[target], target):
        root[child] = target = jumped


def _absorb(
    forest: _Forest,
    first: Index,
    nodes: Index,
    root: Index,
    leaving: Index,
    weight: npt.NDArray[np.float64],
    k: float,
) -> None:
    """Let every tree's root absorb as many of its nodes as is certain now (facts 2 and 3)."""
    total = len(weight)
    # nodes tree by tree, the root first, then by their first edge
    is_root = root[nodes] == nodes
    order = np.argsort(root[nodes] * (total + 2) + np.where(is_root, 0, first[nodes] + 1))
    x, is_root = nodes[order], is_root[order]
    starts = np.flatnonzero(is_root)
    tree = np.cumsum(is_root) - 1
    edge = first[x]
    heaviest = np.where(is_root, forest.internal[x], weight[edge])
    size = np.cumsum(forest.size[x])
    size -= (size[starts] - forest.size[x[starts]])[tree]
    # running minimum within each tree: the shift puts later trees below earlier ones
    shift = (len(starts) - tree) * (total + 1)
    limit = np.minimum.accumulate(leaving[x] + shift) - shift
    stop = ~is_root
    stop[1:] &= (heaviest[1:] > heaviest[:-1] + k / size[:-1]) | (edge[1:] > limit[:-1])
    stopped = np.cumsum(stop)
    absorbed = stopped == stopped[starts][tree]
    last = starts + np.add.reduceat(absorbed, starts, dtype=np.intp) - 1
    forest.parent[x[absorbed]] = root[x[absorbed]]
    forest.size[x[starts]] = size[last]
    forest.internal[x[starts]] = heaviest[last]


def _merge_small(label: Index, edges: GridEdges, min_size: int) -> Index:
    """Join components of fewer than `min_size` pixels to a neighbour, lightest edge first.

    Few edges are left between different components with a small one among them, and of parallel ones
    only the first matters, so this is the plain loop.
    """
    size = np.bincount(label).tolist()
    small = np.array(size) < min_size
    if len(size) == 1 or not small.any():
        return label
    rest = edges.between_roots(label, small[label])
    parent = list(range(len(size)))
    for a, b in zip(rest.first.tolist(), rest.second.tolist(), strict=True):
        while parent[a] != a:
            a = parent[a]
        while parent[b] != b:
            b = parent[b]
        if a != b and (size[a] < min_size or size[b] < min_size):
            parent[max(a, b)] = min(a, b)
            size[min(a, b)] = size[a] + size[b]
    forest = _Forest(len(parent))
    forest.parent = np.array(parent)
    return _in_reading_order(forest.roots()[label])
