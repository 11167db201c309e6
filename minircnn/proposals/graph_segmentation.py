"""Felzenszwalb and Huttenlocher's graph segmentation (2004), exact and without a loop over edges.

Pixels are nodes, neighbours are joined by edges weighted with their colour difference. The sequential
algorithm visits the edges from the lightest on and merges the two components an edge joins if

    w ≤ min(Int(A) + k/|A|, Int(B) + k/|B|)                                  (equation 4 and 5)

where Int is the heaviest edge accepted inside a component so far. Here the merges that are certain are done
together, in rounds (see :mod:`minircnn.proposals.merge_rounds`), with exactly the same result. The edges
come in a few portions, lightest first: once a portion is decided, most heavier edges lie inside a component
or at a final one and go unseen. The last edges of a portion are left to the plain loop, faster on few.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.arrays import as_plain
from minircnn.checks import checked, real, whole
from minircnn.imaging.filters import smooth
from minircnn.proposals.grid_edges import GONE, EdgeList, GridEdges, Nodes
from minircnn.proposals.merge_rounds import Forest, merge_one_by_one, merge_round

_PORTIONS = 4
_SHARED_ROUNDS = 3  # in each portion but the heaviest
FEW = 3000
"""Edges that the plain loop decides faster than further rounds."""


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
        If the image is empty or not all finite real numbers, or a setting is negative or no number.

    Examples
    --------
    >>> from minircnn import graph_segmentation
    >>> graph_segmentation(np.array([[0, 0, 200], [0, 200, 200]]), k=100, sigma=0, min_size=1)
    array([[0, 0, 1],
           [0, 1, 1]], dtype=int32)
    """
    k, sigma = checked("k", k, real(0)), checked("sigma", sigma, real(0, 1000))
    checked("min_size", min_size, whole(0))
    pixels = np.asarray(as_plain(image, "image"))
    if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.dtype.kind not in "biuf":
        raise ValueError(
            f"expected an image (H, W) or (H, W, C) of numbers, got {pixels.dtype} {pixels.shape}"
        )
    return segment_scales(GridEdges(smooth(pixels, sigma)), [(k, min_size)])[0]


def segment_scales(edges: GridEdges, scales: Sequence[tuple[float, int]]) -> list[npt.NDArray[np.int32]]:
    """Segment one image for several pairs of k and smallest size; see :func:`graph_segmentation`.

    What a round merges before anything is rejected under the smallest k is merged under every larger k
    too, so the first rounds are shared.
    """
    if not scales or min(k for k, _ in scales) < 0:
        raise ValueError(f"expected pairs (k, min_size) with k not negative, got {list(scales)}")
    shared, portions = _merge_shared(edges, min(k for k, _ in scales))
    segmentations = []
    for k, min_size in scales:
        forest = shared
        for portion in portions:
            forest = _merge_portion(forest.contracted(), portion, k)
        segments = _merge_small(_in_reading_order(forest.contracted().label), edges, min_size)
        segmentations.append(segments.reshape(edges.height, edges.width))
    return segmentations


def _merge_shared(edges: GridEdges, k: float) -> tuple[Forest, list[EdgeList]]:
    """Do merges that this k and all larger ones have in common; return what to go on with.

    Rejected edges stay, and so does all that waits for them. The heaviest portion is left as a whole.
    """
    pixels = np.arange(edges.height * edges.width, dtype=np.int32)
    forest = Forest(pixels, np.ones(len(pixels), dtype=np.int64), np.zeros(len(pixels)))
    cuts = [len(edges) * i // _PORTIONS for i in range(_PORTIONS + 1)]
    rest = EdgeList(edges.ends[:0], edges.weight[:0])
    for begin, end in itertools.pairwise(cuts[:-1]):
        portion = EdgeList(edges.ends[begin:end], edges.weight[begin:end])
        rest = rest.followed_by(portion.relabelled(forest.roots()))
        for _ in range(_SHARED_ROUNDS):
            merge_round(forest, rest, k)
            rest = rest.relabelled(forest.parent)
    last = EdgeList(edges.ends[cuts[-2] :], edges.weight[cuts[-2] :])
    return forest, [rest, last.relabelled(forest.roots())]


def _in_reading_order(label: Nodes) -> Nodes:
    """Renumber labels (below their count) 0, 1, ... by their first occurrence."""
    first = np.full(len(label), len(label))
    first[label[::-1].astype(np.intp)] = np.arange(len(label) - 1, -1, -1)
    starts = np.zeros(len(label), dtype=bool)
    starts[first[first < len(label)]] = True
    number = np.cumsum(starts, dtype=np.int32) - np.int32(1)
    return number.take(first.take(label))


def _merge_portion(forest: Forest, portion: EdgeList, k: float) -> Forest:
    """Run all merges of the sequential algorithm along the edges of one portion; return `forest`."""
    if not len(portion):
        return forest
    final = forest.internal + k / forest.size < portion.weight[0]
    edges = portion.relabelled(np.where(final, np.int32(GONE), forest.parent).take(forest.label))
    while len(edges) > FEW:
        final = merge_round(forest, edges, k)
        edges = edges.relabelled(np.where(final, np.int32(GONE), forest.parent))
    merge_one_by_one(forest, edges, k)
    return forest


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
    forest = Forest(label, np.array(size), np.zeros(len(size)))
    forest.parent[:] = parent
    return _in_reading_order(forest.contracted().label)
