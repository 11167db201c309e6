"""The graph of an image: pixels joined with their 8 neighbours, edges in ascending order."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Nodes: TypeAlias = npt.NDArray[np.int32]
Index: TypeAlias = npt.NDArray[np.intp]

GONE = -1
"""Label of components that take part no longer."""

_WHOLE, _FRONT, _BACK = slice(None), slice(None, -1), slice(1, None)
_NEIGHBOURS = (  # the two ends of every edge to the right, down, down-right and down-left
    ((_WHOLE, _FRONT), (_WHOLE, _BACK)),
    ((_FRONT, _WHOLE), (_BACK, _WHOLE)),
    ((_FRONT, _FRONT), (_BACK, _BACK)),
    ((_FRONT, _BACK), (_BACK, _FRONT)),
)
_PIXEL_BITS = 29  # of an edge's index; the two bits above are its direction


class EdgeList:
    """Edges between nodes, which are named by numbers, in ascending order.

    Parameters
    ----------
    ends : (E, 2) int32 array
        C-contiguous.
    weight : (E,) float32 array
    """

    def __init__(self, ends: Nodes, weight: npt.NDArray[np.float32]) -> None:
        self.ends, self.weight = ends, weight

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.weight)

    @property
    def pair(self) -> npt.NDArray[np.int64]:
        """Both ends of each edge as one number, (E,): a view, for moving and comparing them together."""
        return self.ends.view(np.int64).ravel()

    def take(self, index: Index) -> EdgeList:
        """Return the edges at `index`."""
        return EdgeList(_ends(self.pair.take(index)), self.weight.take(index))

    def followed_by(self, heavier: EdgeList) -> EdgeList:
        """Return these edges and then the `heavier` ones."""
        ends = np.concatenate([self.ends, heavier.ends])
        return EdgeList(ends, np.concatenate([self.weight, heavier.weight]))

    def relabelled(self, label: Nodes) -> EdgeList:
        """Rename the nodes; edges inside a node, at one that is gone, and parallel ones are dropped."""
        ends = label.take(self.ends)
        low, high = np.minimum(ends[:, 0], ends[:, 1]), np.maximum(ends[:, 0], ends[:, 1])
        ends[:, 0], ends[:, 1] = low, high
        keep = low != high
        keep &= low != GONE
        return EdgeList(ends, self.weight).take(np.flatnonzero(keep)).without_parallel()

    def first_places(self, count: int) -> Index:
        """Return where each node comes first in the flattened `ends`, (count,); 2 E if nowhere.

        ``place // 2`` is the node's first edge and ``place ^ 1`` the place of the edge's other end.
        """
        places = np.arange(2 * len(self) - 1, -1, -1)
        first = np.full(count, len(places))
        first[self.ends.ravel()[::-1].astype(np.intp)] = places  # of repeated ones the last stays
        return first

    def leaving(self, tree: Nodes) -> Index:
        """Return each node's first edge to another tree, (nodes,); E where it has none."""
        trees = tree.take(self.ends)
        edges = np.flatnonzero(trees[:, 0] != trees[:, 1])
        first = np.full(len(tree), len(self))
        nodes = _ends(self.pair.take(edges)).ravel()[::-1].astype(np.intp)
        first[nodes] = np.repeat(edges[::-1], 2)
        return first

    def without_parallel(self) -> EdgeList:
        """Drop edges whose two nodes an earlier edge joins already (nearly all such edges).

        Edges are compared with the first in their slot of a hash table; the few that share a slot with
        a different pair stay, which costs time but changes nothing.
        """
        count = len(self)
        bits = max(1, (2 * count).bit_length())
        pair = self.pair
        scattered = pair.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio
        scattered >>= np.uint64(64 - bits)
        slot = scattered.view(np.int64)
        own = np.arange(count, dtype=np.int32)
        winner = np.empty(1 << bits, dtype=np.int32)
        winner[slot[::-1]] = own[::-1]
        earlier = winner.take(slot)
        keep = pair.take(earlier) != pair
        keep |= earlier == own
        return self.take(np.flatnonzero(keep))


def _ends(pair: npt.NDArray[np.int64]) -> Nodes:
    return pair.view(np.int32).reshape(-1, 2)


class GridEdges(EdgeList):
    """The edges of an image's 8-neighbour grid, between pixels named by their place in the flattened image.

    An edge weighs as much as the Euclidean distance of its pixels' colours, in float32. Edges are
    ordered by weight; equal weights by the edge's index: all edges to the right row by row, then all
    down, down-right and down-left.

    Parameters
    ----------
    channels : (H, W, C) or (H, W) array

    Attributes
    ----------
    height, width : int

    Raises
    ------
    ValueError
        If the image is empty, not finite or has more than 2**29 pixels.
    """

    def __init__(self, channels: npt.NDArray[Any]) -> None:
        values = np.asarray(channels, dtype=np.float32)
        if values.ndim not in (2, 3) or values.size == 0:
            raise ValueError(f"expected an image of shape (H, W) or (H, W, C), got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError("the image holds values that are not finite")
        self.height, self.width = values.shape[:2]
        if self.height * self.width > 1 << _PIXEL_BITS:
            raise ValueError(f"expected at most 2**{_PIXEL_BITS} pixels, got {self.height} × {self.width}")
        planes = np.ascontiguousarray(values.reshape(self.height, self.width, -1).transpose(2, 0, 1))
        self._key = [self._keys(planes, direction) for direction in range(4)]
        edges = self._sorted(np.concatenate([key.ravel() for key in self._key]))
        super().__init__(edges.ends, edges.weight)

    def between(self, label: Nodes, chosen: npt.NDArray[np.bool_]) -> EdgeList:
        """Return the edges between pixels of different `label`, (H·W,), with at least one end `chosen`."""
        label = label.reshape(self.height, self.width)
        chosen = chosen.reshape(self.height, self.width)
        found = []
        for key, (p, q) in zip(self._key, _NEIGHBOURS, strict=True):
            keep = label[p] != label[q]
            keep &= chosen[p] | chosen[q]
            found.append(key.ravel().take(np.flatnonzero(keep)))
        return self._sorted(np.concatenate(found))

    def _sorted(self, key: npt.NDArray[np.uint64]) -> EdgeList:
        """Sort edges given as numbers (weight, direction, pixel), in place, and take the numbers apart."""
        key.sort()
        weight = (key >> np.uint64(32)).astype(np.uint32).view(np.float32)
        index = key.astype(np.uint32)
        steps = np.array([1, self.width, self.width + 1, self.width - 1], dtype=np.int32)
        ends = np.empty((len(key), 2), dtype=np.int32)
        ends[:, 0] = index & np.uint32((1 << _PIXEL_BITS) - 1)
        ends[:, 1] = ends[:, 0] + steps.take(index >> np.uint32(_PIXEL_BITS))
        return EdgeList(ends, weight)

    def _keys(self, planes: npt.NDArray[np.float32], direction: int) -> npt.NDArray[np.uint64]:
        """Return (weight, direction, pixel) of every edge in one direction as one number.

        Positive floats sort like their bits, so the numbers sort like the edges.
        """
        p, q = _NEIGHBOURS[direction]
        pixel = np.arange(self.height * self.width, dtype=np.uint64).reshape(self.height, self.width)
        key = _distance(planes[:, *p], planes[:, *q]).view(np.uint32).astype(np.uint64)
        key <<= np.uint64(32)
        key |= pixel[p]
        key |= np.uint64(direction << _PIXEL_BITS)
        return key


def _distance(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the Euclidean distance over the first axis, summing channel by channel."""
    squared = np.zeros(a.shape[1:], dtype=np.float32)
    difference = np.empty_like(squared)
    for plane_a, plane_b in zip(a, b, strict=True):
        np.subtract(plane_a, plane_b, out=difference)
        difference *= difference
        squared += difference
    return np.sqrt(squared, out=squared)
