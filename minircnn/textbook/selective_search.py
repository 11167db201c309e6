"""Selective search: small regions grow together until one is left; each on the way is a proposal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minircnn.structures import FloatArray
from minircnn.textbook.filters import smooth
from minircnn.textbook.region_features import (
    Region,
    color_bins,
    describe_region,
    merge_regions,
    neighbouring_pairs,
    similarities,
    texture_bins,
)
from minircnn.textbook.segmentation import graph_segmentation


def selective_search(channels: FloatArray, k: float, letters: str = "CTSF", sigma: float = 0.8) -> FloatArray:
    """Return the boxes (M, 4) of all regions of one strategy, in the order in which the regions come to be.

    Uijlings et al. 2013, section 3. `channels` (H, W, C) is the photo in the strategy's colour space, `k` the
    segmentation's scale, also its smallest region, `letters` the similarities that are added up.
    """
    planes = [smooth(channels[:, :, c], sigma) for c in range(channels.shape[2])]
    labels = graph_segmentation(np.stack(planes, axis=2), k, round(k))  # (H, W)
    color, texture = color_bins(channels), texture_bins(channels)
    initial = [describe_region(labels == label, color, texture) for label in range(labels.max() + 1)]
    regions, _ = hierarchical_grouping(initial, neighbouring_pairs(labels), labels.size, letters)
    return np.array([region.box for region in regions], dtype=float)


def hierarchical_grouping(
    initial: Sequence[Region], neighbours: Sequence[tuple[int, int]], pixels: int, letters: str = "CTSF"
) -> tuple[list[Region], list[tuple[int, int]]]:
    """Merge the two most similar neighbours until one region is left; return all regions and the pairs.

    Uijlings et al. 2013, algorithm 1. A region's name is its place in the list. Of equally similar pairs
    that of older regions goes first.
    """
    regions = list(initial)

    def similarity(a: int, b: int) -> float:
        terms = similarities(regions[a], regions[b], pixels)
        return sum(terms[letter] for letter in letters)  # equation 6

    found = {(a, b): similarity(a, b) for a, b in neighbours}
    merges = []
    while found:
        a, b = min(found, key=lambda pair: (-found[pair], pair))
        new = len(regions)
        regions.append(merge_regions(regions[a], regions[b]))
        merges.append((a, b))
        touching = {r for pair in found if a in pair or b in pair for r in pair} - {a, b}
        found = {pair: value for pair, value in found.items() if a not in pair and b not in pair}
        for r in touching:
            found[r, new] = similarity(r, new)
    return regions, merges
