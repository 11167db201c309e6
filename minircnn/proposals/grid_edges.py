"""The graph of an image: pixels joined with their 8 neighbours, edges in ascending order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Index: TypeAlias = npt.NDArray[np.intp]

_WHOLE, _FRONT, _BACK = slice(None), slice(None, -1), slice(1, None)
_NEIGHBOURS = (  # the two ends of every edge to the right, down, down-right and down-left
    ((_WHOLE, _FRONT), (_WHOLE, _BACK)),
    ((_FRONT, _WHOLE), (_BACK, _WHOLE)),
    ((_FRONT, _FRONT), (_BACK, _BACK)),
    ((_FRONT, _BACK), (_BACK, _FRONT)),
)


class GridEdges:
    """The edges of an image's 8-neighbour grid with their order; shared by all values of k.

    An edge weighs as much as the Euclidean distance of its pixels' colours, in float32. Edges are
    ordered by weight; equal weights by the edge's index: all edges to the right row by row, then all
    down, down-right and down-left.

    Parameters
    ----------
    channels : (H, W, C) or (H, W) array

    Attributes
    ----------
    height, width : int
    weight : (E,) float64 array
        Ascending.
    first, second : (E,) int array
        The two pixels of each edge in that order, as positions in the flattened image.
    rank : list of four int arrays
        Place in that order of the edges to the right (H, W-1), down (H-1, W), down-right and
        down-left (H-1, W-1).

    Raises
    ------
    ValueError
        If the image is empty or not finite.
    """

    def __init__(self, channels: npt.NDArray[Any]) -> None:
        values = np.asarray(channels, dtype=np.float32)
        if values.ndim not in (2, 3) or values.size == 0:
            raise ValueError(f"expected an image of shape (H, W) or (H, W, C), got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError("the image holds values that are not finite")
        self.height, self.width = values.shape[:2]
        values = values.reshape(self.height, self.width, -1)
        weights = [_distance(values[p], values[q]) for p, q in _NEIGHBOURS]
        flat = np.concatenate([w.ravel() for w in weights])
        # positive floats sort like their bits: one integer holds (weight, edge index)
        key = flat.view(np.uint32).astype(np.uint64) << np.uint64(32)
        key |= np.arange(len(flat), dtype=np.uint64)
        key.sort()
        order = (key & np.uint64(0xFFFFFFFF)).astype(np.intp)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        ends = np.cumsum([w.size for w in weights])[:-1]
        self.rank = [r.reshape(w.shape) for r, w in zip(np.split(rank, ends), weights, strict=True)]
        pixel = np.arange(self.height * self.width).reshape(self.height, self.width)
        self.weight = flat[order].astype(np.float64)
        self.first = np.concatenate([pixel[p].ravel() for p, _ in _NEIGHBOURS])[order]
        self.second = np.concatenate([pixel[q].ravel() for _, q in _NEIGHBOURS])[order]

    def sides(self, grid: npt.NDArray[Any]) -> Iterator[tuple[Index, npt.NDArray[Any], npt.NDArray[Any]]]:
        """Yield for each direction the ranks of its edges and the views of `grid` at both ends."""
        grid = grid.reshape(self.height, self.width)
        for rank, (p, q) in zip(self.rank, _NEIGHBOURS, strict=True):
            yield rank, grid[p], grid[q]

    def first_edges(self, count: int) -> Index:
        """Return the rank of every pixel's lightest edge, (H·W,); E where it has none."""
        first = np.full(count, len(self.weight))
        for rank, a, b in self.sides(first):
            np.minimum(a, rank, out=a)
            np.minimum(b, rank, out=b)
        return first

    def leaving(self, tree: Index) -> Index:
        """Return the rank of every pixel's lightest edge to another tree, (H·W,)."""
        none = len(self.weight)
        out = np.full(len(tree), none)
        ends = self.sides(tree)
        for (rank, a, b), (_, tree_a, tree_b) in zip(self.sides(out), ends, strict=True):
            candidate = np.where(tree_a != tree_b, rank, none)
            np.minimum(a, candidate, out=a)
            np.minimum(b, candidate, out=b)
        return out

    def between_roots(self, label: Index, chosen: npt.NDArray[np.bool_] | None = None) -> EdgeList:
        """Return the edges between pixels of different label, as edges between the labels.

        With `chosen`, (H·W,) bool, only edges with at least one end chosen.
        """
        keep = np.zeros(len(self.weight), dtype=bool)
        choices = self.sides(label if chosen is None else chosen)
        for (rank, a, b), (_, chosen_a, chosen_b) in zip(self.sides(label), choices, strict=True):
            differ = a != b
            if chosen is not None:
                differ &= chosen_a | chosen_b
            keep[rank[differ]] = True
        index = np.flatnonzero(keep)
        first, second = label[self.first[index]], label[self.second[index]]
        return EdgeList(first, second, self.weight[index]).without_parallel()


def _distance(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the Euclidean distance over the last axis, summing channel by channel."""
    squared = np.zeros(a.shape[:-1], dtype=np.float32)
    for channel in range(a.shape[-1]):
        difference = a[..., channel] - b[..., channel]
        squared += difference * difference
    return np.sqrt(squared)


class EdgeList:
    """Edges between components, which are named by numbers, in ascending order.

    Parameters
    ----------
    first, second : (E,) int array
    weight : (E,) float64 array
    """

    def __init__(self, first: Index, second: Index, weight: npt.NDArray[np.float64]) -> None:
        self.first, self.second, self.weight = first, second, weight

    def take(self, index: Index) -> EdgeList:
        """Return the edges at `index`."""
        return EdgeList(self.first[index], self.second[index], self.weight[index])

    def relabelled(self, label: Index, final: npt.NDArray[np.bool_] | None = None) -> EdgeList:
        """Rename the nodes, dropping edges inside a component, at `final` ones and parallel ones."""
        renamed = EdgeList(label[self.first], label[self.second], self.weight)
        keep = renamed.first != renamed.second
        if final is not None:
            keep &= ~(final[renamed.first] | final[renamed.second])
        return renamed.take(np.flatnonzero(keep)).without_parallel()

    def first_edges(self, count: int) -> Index:
        """Return each node's first edge, (count,); E where it has none."""
        return self._earliest(count, np.arange(len(self.weight)))

    def leaving(self, tree: Index) -> Index:
        """Return each node's first edge to another tree, (count,); E where it has none."""
        return self._earliest(len(tree), np.flatnonzero(tree[self.first] != tree[self.second]))

    def _earliest(self, count: int, edges: Index) -> Index:
        backwards = edges[::-1]
        a = np.full(count, len(self.weight))
        b = a.copy()
        a[self.first[backwards]] = backwards  # of repeated nodes the last assignment stays
        b[self.second[backwards]] = backwards
        earliest: Index = np.minimum(a, b)
        return earliest

    def without_parallel(self) -> EdgeList:
        """Drop edges whose two components an earlier edge joins already (nearly all such edges).

        A rejected edge finalises a component, so a later one between the same two is never accepted.
        Edges are compared with the first in their slot of a hash table; the few that share a slot with
        a different pair stay, which costs time but changes nothing.
        """
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        slots = 1 << (2 * len(low)).bit_length()
        slot = (low * 0x9E3779B1 + high * 0x85EBCA77) & (slots - 1)
        winner = np.empty(slots, dtype=np.intp)
        winner[slot[::-1]] = np.arange(len(low) - 1, -1, -1)
        earlier = winner[slot]
        repeats = (earlier != np.arange(len(low))) & (low[earlier] == low) & (high[earlier] == high)
        return self.take(np.flatnonzero(~repeats))
