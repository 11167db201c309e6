"""Hierarchical grouping: the two most similar neighbouring regions become one, until one is left.

Uijlings et al. 2013, algorithm 1 and section 3.2. The four similarities of two regions a and b, each 0..1:

    colour   Σ min(c_a, c_b)           intersection of their colour histograms      (equation 1)
    texture  Σ min(t_a, t_b)           intersection of their texture histograms     (equation 3)
    size     1 − (|a| + |b|) / |image|                                             (equation 4)
    fill     1 − (|box(a ∪ b)| − |a| − |b|) / |image|                              (equation 5)

A strategy adds up some of them (equation 6 with weights 0 and 1).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from minircnn.proposals.region_features import RegionFeatures
from minircnn.structures import BoolArray

Similarity: TypeAlias = Literal["C", "T", "S", "F"]
SIMILARITIES = "CTSF"


@dataclass(frozen=True)
class Hierarchy:
    """All regions of one grouping: the n initial ones and one more for every merge.

    Parameters
    ----------
    labels : (H, W) int32 array
        Initial region of every pixel.
    boxes : (M, 4) float64 array
        Tight bounding box of every region, half-open; region ``n + i`` is made by merge i.
    size : (M,) float64 array
        Pixels of every region.
    children : (M − n, 2) int array
        The two regions of every merge, in the order in which it happened.
    similarity : (M − n,) float64 array
        What the strategy saw when it merged them.
    terms : (M − n, 4) float64 array
        Colour, texture, size and fill similarity of the two, whether the strategy uses them or not.
    similarities : str
        The terms that the strategy adds up, letters of "CTSF".
    """

    labels: npt.NDArray[np.int32]
    boxes: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    children: npt.NDArray[np.intp]
    similarity: npt.NDArray[np.float64]
    terms: npt.NDArray[np.float64]
    similarities: str

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.boxes)

    @property
    def num_initial(self) -> int:
        """Number of initial regions n."""
        return len(self.boxes) - len(self.children)

    def leaves(self, region: int) -> list[int]:
        """Return the initial regions that `region` consists of, in ascending order."""
        found, stack = [], [region]
        while stack:
            r = stack.pop()
            if r < self.num_initial:
                found.append(r)
            else:
                stack.extend(self.children[r - self.num_initial].tolist())
        return sorted(found)

    def mask(self, region: int) -> BoolArray:
        """Return which pixels belong to `region`, (H, W) bool."""
        return np.isin(self.labels, self.leaves(region))

    def after(self, merges: int) -> npt.NDArray[np.intp]:
        """Return the region of every pixel after the first `merges` merges, (H, W)."""
        current = np.arange(len(self))
        for i in range(merges - 1, -1, -1):  # parents before their children
            current[self.children[i]] = current[self.num_initial + i]
        result: npt.NDArray[np.intp] = current[self.labels]
        return result

    def describe(self, merge: int) -> str:
        """Say in one line who merged with whom in merge number `merge`, and why."""
        a, b = self.children[merge].tolist()
        names = ("colour", "texture", "size", "fill")
        parts = [
            f"{name} {value:.3f}" + ("" if letter in self.similarities else " (not counted)")
            for name, value, letter in zip(names, self.terms[merge], SIMILARITIES, strict=True)
        ]
        return (
            f"{a} + {b} -> {self.num_initial + merge}: similarity {self.similarity[merge]:.3f} = "
            + ", ".join(parts)
        )


def group(
    labels: npt.NDArray[np.int32],
    features: RegionFeatures,
    neighbours: npt.NDArray[np.intp],
    similarities: str = "CTSF",
) -> Hierarchy:
    """Merge the most similar neighbours over and over until one region is left.

    Of equally similar pairs the one whose regions are older goes first. The photo has to be connected,
    which the pixels of a rectangle are.

    Parameters
    ----------
    labels : (H, W) int32 array
    features : RegionFeatures
        Of the n regions in `labels`.
    neighbours : (P, 2) int array
        Pairs of regions that touch.
    similarities : str
        Letters of "CTSF": colour, texture, size, fill.

    Raises
    ------
    ValueError
        If `similarities` is empty or holds another letter.
    """
    if not similarities or set(similarities) - set(SIMILARITIES):
        raise ValueError(f"similarities must be letters of {SIMILARITIES!r}, got {similarities!r}")
    regions = _Regions(features, float(labels.size), similarities)
    children, similarity = _merge_all(regions, neighbours)
    merged = np.array(children, dtype=np.intp).reshape(-1, 2)
    return Hierarchy(
        labels,
        regions.boxes(),
        regions.size,
        merged,
        np.array(similarity, dtype=np.float64),
        regions.terms(merged[:, 0], merged[:, 1]),
        similarities,
    )


class _Regions:
    """Features of the initial and, as they come to be, of the merged regions, one row each."""

    def __init__(self, features: RegionFeatures, image_size: float, similarities: str) -> None:
        n = len(features.size)
        self.count = n
        self.image_size = image_size
        self.use = {letter: letter in similarities for letter in SIMILARITIES}
        self.split = features.colour.shape[1]
        self.histogram = np.empty((2 * n - 1, self.split + features.texture.shape[1]), dtype=np.float32)
        self.histogram[:n, : self.split] = features.colour
        self.histogram[:n, self.split :] = features.texture
        self.size = np.empty(2 * n - 1)
        self.size[:n] = features.size
        # corners with the upper left one negated: the box around two regions is one maximum
        self.extent = np.empty((2 * n - 1, 4))
        self.extent[:n] = features.boxes * [-1, -1, 1, 1]
        first = 0 if self.use["C"] else self.split
        last = None if self.use["T"] else self.split
        self.compared = self.histogram[:, first:last] if self.use["C"] or self.use["T"] else None

    def merge(self, a: int, b: int) -> int:
        """Add the union of two regions; return its row."""
        new = self.count
        self.count += 1
        total = self.size[a] + self.size[b]
        share = np.float32(self.size[a] / total)
        # histograms propagate as the mean weighted by size (equation 2)
        difference = self.histogram[a] - self.histogram[b]
        self.histogram[new] = self.histogram[b] + share * difference
        self.size[new] = total
        np.maximum(self.extent[a], self.extent[b], out=self.extent[new])
        return new

    def similarity(self, a: Any, b: Any) -> npt.NDArray[np.float64]:
        """Return the sum of the strategy's terms for the regions `a` and `b`, index arrays or numbers."""
        total: Any = 0.0
        if self.compared is not None:
            total = np.minimum(self.compared[a], self.compared[b]).sum(axis=-1)
        if self.use["S"] or self.use["F"]:
            union = (self.size[a] + self.size[b]) / self.image_size
        if self.use["S"]:
            total = total + (1 - union)
        if self.use["F"]:
            total = total + (1 - self._box_area(a, b) / self.image_size + union)
        return np.asarray(total, dtype=np.float64)

    def terms(self, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Return the four similarities of the pairs (a, b), (P, 4)."""
        common = np.minimum(self.histogram[a], self.histogram[b])
        union = (self.size[a] + self.size[b]) / self.image_size
        fill = 1 - self._box_area(a, b) / self.image_size + union
        colour, texture = common[:, : self.split].sum(axis=1), common[:, self.split :].sum(axis=1)
        return np.stack([colour, texture, 1 - union, fill], axis=1).astype(np.float64)

    def boxes(self) -> npt.NDArray[np.float64]:
        """Return the bounding boxes of all regions, (M, 4)."""
        return self.extent * [-1, -1, 1, 1] + 0.0  # no negative zeros

    def _box_area(self, a: Any, b: Any) -> Any:
        extent = np.maximum(self.extent[a], self.extent[b])
        return (extent[..., 2] + extent[..., 0]) * (extent[..., 3] + extent[..., 1])


def _merge_all(
    regions: _Regions, neighbours: npt.NDArray[np.intp]
) -> tuple[list[tuple[int, int]], list[float]]:
    """Run algorithm 1; return the merged pairs and their similarities, in order.

    A heap holds all pairs ever seen; those of which a region is gone are skipped when they come up.
    """
    around: dict[int, set[int]] = {r: set() for r in range(regions.count)}
    for a, b in neighbours.tolist():
        around[a].add(b)
        around[b].add(a)
    scores = regions.similarity(neighbours[:, 0], neighbours[:, 1]).tolist()
    heap = [(-s, a, b) for s, (a, b) in zip(scores, neighbours.tolist(), strict=True)]
    heapq.heapify(heap)
    children: list[tuple[int, int]] = []
    similarity: list[float] = []
    while heap:
        score, a, b = heapq.heappop(heap)
        if a not in around or b not in around:
            continue
        children.append((a, b))
        similarity.append(-score)
        new = regions.merge(a, b)
        touching = (around.pop(a) | around.pop(b)) - {a, b}
        around[new] = touching
        if not touching:
            continue
        others = sorted(touching)
        for r in others:
            around[r] -= {a, b}
            around[r].add(new)
        for s, r in zip(regions.similarity(others, new).tolist(), others, strict=True):
            heapq.heappush(heap, (-s, r, new))
    return children, similarity
