"""The merges of graph segmentation that are certain already, round by round, by array operations.

The result of the sequential algorithm depends on the order in which it visits the edges, and still most
decisions can be made together. Three facts under the strict order (weight, edge index):

1. A component does not change before its first remaining edge. If that edge exceeds the component's
   threshold Int(A) + k/|A| it is rejected, and all later edges are heavier: the component is *final*, its
   edges go.
2. Let every component point along its first remaining edge. The pointers make trees in which
   edges grow heavier from the root outwards, so that the root's component absorbs its tree node by node,
   in the order of the edges, each node still being what it is now.
3. This holds until the first edge that leads from the absorbed nodes to another tree. So per tree a prefix of
   the absorptions, the sizes (a running sum) and thresholds on the way are known at once.

Each round decides all these prefixes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minircnn.proposals.grid_edges import EdgeList, Index, Nodes


class Forest:
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

    def roots(self) -> Nodes:
        """Return the root of every node."""
        root = self.parent
        while not np.array_equal(jumped := root.take(root), root):
            root = jumped
        return root

    def contracted(self) -> Forest:
        """Return a copy in which every component is a single node."""
        root = self.roots()
        roots = np.flatnonzero(root == np.arange(len(root), dtype=np.int32))
        number = np.empty_like(root)
        number[roots] = np.arange(len(roots))
        return Forest(number.take(root).take(self.label), self.size[roots], self.internal[roots])


def merge_one_by_one(forest: Forest, edges: EdgeList, k: float) -> None:
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


def merge_round(forest: Forest, edges: EdgeList, k: float) -> npt.NDArray[np.bool_]:
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


def _absorb(forest: Forest, edges: EdgeList, nodes: Index, place: Index, root: Nodes, k: float) -> None:
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
