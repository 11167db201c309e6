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

Each round decides all these prefixes by array operations. The edges come in a few portions, lightest first:
once a portion is decided, most heavier edges lie inside a component or at a final one and go unseen. The
last edges of a portion are left to the plain loop, which is faster on few.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.imaging.filters import smooth
from minircnn.proposals.grid_edges import GONE, EdgeList, GridEdges, Index, Nodes

_PORTIONS = (0.0, 0.3, 0.6, 1.0)  # where the edges are cut, as shares of them
_SHARED_ROUNDS = 3
_FEW = 4000  # edges that the plain loop decides faster than further rounds


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
    cuts = [round(share * len(edges)) for share in _PORTIONS]
    portions = [EdgeList(edges.ends[a:b], edges.weight[a:b]) for a, b in itertools.pairwise(cuts)]
    pixels = np.arange(edges.height * edges.width, dtype=np.int32)
    shared = _Forest(pixels, np.ones(len(pixels), dtype=np.int64), np.zeros(len(pixels)))
    for _ in range(_SHARED_ROUNDS):
        _merge_round(shared, portions[0], min(k for k, _ in scales))
        portions[0] = portions[0].relabelled(shared.parent)
    segmentations = []
    for k, min_size in scales:
        forest = shared
        for portion in portions:
            forest = _merge_portion(forest.contracted(), portion, k)
        segments = _merge_small(_in_reading_order(forest.contracted().label), edges, min_size)
        segmentations.append(segments.reshape(edges.height, edges.width))
    return segmentations


def _in_reading_order(label: Nodes) -> Nodes:
    """Renumber labels (below their count) 0, 1, ... by their first occurrence."""
    first = np.full(len(label), len(label))
    first[label[::-1].astype(np.intp)] = np.arange(len(label) - 1, -1, -1)
    starts = np.zeros(len(label), dtype=bool)
    starts[first[first < len(label)]] = True
    number = np.cumsum(starts, dtype=np.int32) - np.int32(1)
    return number.take(first.take(label))


class _Forest:
    """Components as trees of nodes, which are sets of pixels themselves; a component is named by its root.

    Parameters
    ----------
    label : (H·W,) int32 array
        Node of every pixel.
    size : (nodes,) int64 array
        Pixels of each component, at its root.
    internal : (nodes,) float64 array
        Int of each component, at its root.
    """

    def __init__(self, label: Nodes, size: npt.NDArray[np.int64], internal: npt.NDArray[np.float64]) -> None:
        self.label, self.size, self.internal = label, size, internal
        self.parent = np.arange(len(size), dtype=np.int32)

    def contracted(self) -> _Forest:
        """Return a copy in which every component is a single node."""
        root = self.parent
        while not np.array_equal(jumped := root.take(root), root):
            root = jumped
        roots = np.flatnonzero(root == np.arange(len(root), dtype=np.int32))
        number = np.empty_like(root)
        number[roots] = np.arange(len(roots))
        return _Forest(number.take(root).take(self.label), self.size[roots], self.internal[roots])


def _merge_portion(forest: _Forest, portion: EdgeList, k: float) -> _Forest:
    """Run all merges of the sequential algorithm along the edges of one portion; return `forest`."""
    if not len(portion):
        return forest
    final = forest.internal + k / forest.size < portion.weight[0]
    edges = portion.relabelled(np.where(final, np.int32(GONE), forest.parent).take(forest.label))
    while len(edges) > _FEW:
        final = _merge_round(forest, edges, k)
        edges = edges.relabelled(np.where(final, np.int32(GONE), forest.parent))
    _merge_one_by_one(forest, edges, k)
    return forest


def _merge_one_by_one(forest: _Forest, edges: EdgeList, k: float) -> None:
    """Visit the edges in order: the algorithm as it is in the paper."""
    here = np.zeros(len(forest.parent), dtype=bool)
    here[edges.ends] = True
    nodes, number = np.flatnonzero(here), np.cumsum(here) - 1
    size, internal = forest.size[nodes].tolist(), forest.internal[nodes].tolist()
    threshold = [i + k / s for i, s in zip(internal, size, strict=True)]
    parent = list(range(len(nodes)))
    for (a, b), weight in zip(number.take(edges.ends).tolist(), edges.weight.tolist(), strict=True):
        while parent[a] != a:
            a = parent[a]
        while parent[b] != b:
            b = parent[b]
        if a != b and weight <= threshold[a] and weight <= threshold[b]:
            if size[a] < size[b]:
                a, b = b, a  # the smaller below the larger: short ways to the root
            parent[b] = a
            size[a] += size[b]
            internal[a] = weight
            threshold[a] = weight + k / size[a]
    forest.parent[nodes] = nodes.take(parent)
    forest.size[nodes], forest.internal[nodes] = size, internal


def _merge_round(forest: _Forest, edges: EdgeList, k: float) -> npt.NDArray[np.bool_]:
    """Do the merges that are certain now; return which components were final before."""
    count = len(forest.parent)
    place = edges.first_places(count)
    nodes = np.flatnonzero(place < 2 * len(edges))
    place = place.take(nodes)
    over = edges.weight.take(place >> 1) > forest.internal[nodes] + k / forest.size[nodes]
    final = np.zeros(count, dtype=bool)
    final[nodes[over]] = True
    child = nodes[~over]
    root = np.arange(count, dtype=np.int32)
    root[child] = edges.ends.ravel().take(place[~over] ^ 1)  # the other end
    _climb(root, child)
    if len(child):
        _absorb(forest, edges, nodes, place, root, k)
    return final


def _climb(root: Nodes, child: Index) -> None:
    """Turn pointers from node to node into pointers to the root of the tree (fact 2), in place."""
    target = root.take(child)
    mutual = root.take(target) == child
    mutual &= child < target  # each other's first choice: one is the root
    top = child.take(np.flatnonzero(mutual))
    root[top] = top
    while len(child):
        jumped = root.take(target)
        moving = np.flatnonzero(jumped != target)  # where it stays, the target is a root
        child, target = child.take(moving), jumped.take(moving)
        root[child] = target


def _absorb(forest: _Forest, edges: EdgeList, nodes: Index, place: Index, root: Nodes, k: float) -> None:
    """Let every tree's root absorb as many of its nodes as is certain now (facts 2 and 3).

    `nodes` have edges, the first of each at `place`; `root` is the root of every node's tree.
    """
    # nodes tree by tree, the root first, then by their first edge: sorted as numbers (root, place)
    tree_root = root.take(nodes).astype(np.int64)
    key = np.where(tree_root == nodes, 0, place + 1)
    key |= tree_root << 32
    key.sort()
    tree_root = key >> 32
    key &= 0xFFFFFFFF
    is_root = key == 0
    starts = np.flatnonzero(is_root)
    key -= 1
    x = edges.ends.ravel().take(key)
    x[starts] = roots = tree_root.take(starts)
    edge = key >> 1
    heaviest = edges.weight.take(edge).astype(np.float64)
    heaviest[starts] = forest.internal.take(roots)
    tree = np.cumsum(is_root) - 1
    own_size = forest.size.take(x)
    size = np.cumsum(own_size)
    size -= (size.take(starts) - own_size.take(starts)).take(tree)
    # running minimum within each tree: the shift puts later trees below earlier ones
    shift = (len(starts) - tree) * (len(edges) + 1)
    limit = np.minimum.accumulate(edges.leaving(root).take(x) + shift)
    limit -= shift
    stop = heaviest[1:] > heaviest[:-1] + k / size[:-1]
    stop |= edge[1:] > limit[:-1]
    stop &= ~is_root[1:]
    stopped = np.zeros(len(x), dtype=np.intp)
    np.cumsum(stop, out=stopped[1:])
    absorbed = np.flatnonzero(stopped == stopped.take(starts).take(tree))
    heads = np.flatnonzero(is_root.take(absorbed))
    last = absorbed.take(np.append(heads[1:], len(absorbed)) - 1)  # of each tree
    forest.parent[x.take(absorbed)] = tree_root.take(absorbed)
    forest.size[roots] = size.take(last)
    forest.internal[roots] = heaviest.take(last)


def _merge_small(label: Nodes, edges: GridEdges, min_size: int) -> Nodes:
    """Join components of fewer than `min_size` pixels to a neighbour, lightest edge first.

    Few edges are left between different components with a small one among them, and of parallel ones
    only the first matters, so this is the plain loop.
    """
    size = np.bincount(label).tolist()
    small = np.array(size) < min_size
    if len(size) == 1 or not small.any():
        return label
    rest = edges.between(label, small.take(label)).relabelled(label)
    parent = list(range(len(size)))
    for a, b in rest.ends.tolist():
        while parent[a] != a:
            a = parent[a]
        while parent[b] != b:
            b = parent[b]
        if a != b and (size[a] < min_size or size[b] < min_size):
            parent[max(a, b)] = min(a, b)
            size[min(a, b)] = size[a] + size[b]
    forest = _Forest(label, np.array(size), np.zeros(len(size)))
    forest.parent[:] = parent
    return _in_reading_order(forest.contracted().label)
