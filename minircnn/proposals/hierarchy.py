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
from typing import Literal, TypeAlias

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
    boxes, size = np.array(regions.boxes), np.array(regions.size)
    return Hierarchy(
        labels,
        boxes,
        size,
        merged,
        np.array(similarity, dtype=np.float64),
        regions.terms(merged[:, 0], merged[:, 1], boxes, size),
        similarities,
    )


class _Regions:
    """Features of the initial and, as they come to be, of the merged regions, one row each.

    A merge touches one region and its handful of neighbours. Numbers of them are plain Python ones, which
    are faster by the piece than arrays; only histograms are worth an array operation.
    """

    def __init__(self, features: RegionFeatures, pixels: float, similarities: str) -> None:
        n, self.split = len(features.size), features.colour.shape[1]
        self.pixels = pixels
        self.size: list[float] = features.size.tolist()
        self.boxes: list[list[float]] = features.boxes.tolist()
        self.histogram = np.empty((2 * n - 1, self.split + features.texture.shape[1]), dtype=np.float32)
        self.histogram[:n, : self.split] = features.colour
        self.histogram[:n, self.split :] = features.texture
        self._rows = np.empty((n, self.histogram.shape[1]), dtype=np.float32)
        colour, texture, self._use_size, self._use_fill = (letter in similarities for letter in SIMILARITIES)
        self._compared = slice(0 if colour else self.split, None if texture else self.split)
        self._use_histogram = colour or texture

    def merge(self, a: int, b: int) -> int:
        """Add the union of two regions; return its number."""
        new = len(self.size)
        total = self.size[a] + self.size[b]
        # histograms propagate as the mean weighted by size (equation 2)
        row, row_b = self.histogram[new], self.histogram[b]
        np.subtract(self.histogram[a], row_b, out=row)
        row *= np.float32(self.size[a] / total)
        row += row_b
        self.size.append(total)
        self.boxes.append(_around(self.boxes[a], self.boxes[b]))
        return new

    def common(self, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> list[float]:
        """Return the common part of the histograms that the strategy uses, for the pairs (a, b)."""
        if not self._use_histogram:
            return [0.0] * len(a)
        compared = self.histogram[:, self._compared]
        shared: list[float] = np.minimum(compared[a], compared[b]).sum(axis=1).tolist()
        return shared

    def common_with(self, region: int, others: list[int]) -> list[float]:
        """Return the same of one region with each of the `others`."""
        if not self._use_histogram:
            return [0.0] * len(others)
        rows = self._rows[: len(others)]
        self.histogram.take(others, axis=0, out=rows, mode="clip")
        rows = rows[:, self._compared]
        np.minimum(rows, self.histogram[region, self._compared], out=rows)
        shared: list[float] = np.add.reduce(rows, axis=1).tolist()
        return shared

    def similarities(self, region: int, others: list[int], common: list[float]) -> list[float]:
        """Return the sum of the strategy's terms for one region with each of the `others`."""
        if not (self._use_size or self._use_fill):
            return common
        own, box = self.size[region], self.boxes[region]
        totals = []
        for r, total in zip(others, common, strict=True):
            union = (own + self.size[r]) / self.pixels
            if self._use_size:
                total += 1 - union
            if self._use_fill:
                x1, y1, x2, y2 = _around(box, self.boxes[r])
                total += 1 - (x2 - x1) * (y2 - y1) / self.pixels + union
            totals.append(total)
        return totals

    def terms(
        self,
        a: npt.NDArray[np.intp],
        b: npt.NDArray[np.intp],
        boxes: npt.NDArray[np.float64],
        size: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """Return the four similarities of the pairs (a, b), (P, 4)."""
        common = np.minimum(self.histogram[a], self.histogram[b])
        colour, texture = common[:, : self.split].sum(axis=1), common[:, self.split :].sum(axis=1)
        union = (size[a] + size[b]) / self.pixels
        low, high = np.minimum(boxes[a, :2], boxes[b, :2]), np.maximum(boxes[a, 2:], boxes[b, 2:])
        fill = 1 - (high - low).prod(axis=1) / self.pixels + union
        return np.stack([colour, texture, 1 - union, fill], axis=1).astype(np.float64)


def _around(a: list[float], b: list[float]) -> list[float]:
    """Return the box around two boxes."""
    return [
        a[0] if a[0] < b[0] else b[0],
        a[1] if a[1] < b[1] else b[1],
        a[2] if a[2] > b[2] else b[2],
        a[3] if a[3] > b[3] else b[3],
    ]


def _merge_all(
    regions: _Regions, neighbours: npt.NDArray[np.intp]
) -> tuple[list[tuple[int, int]], list[float]]:
    """Run algorithm 1; return the merged pairs and their similarities, in order.

    A heap holds all pairs ever seen; those of which a region is gone are skipped when they come up.
    """
    around: dict[int, set[int]] = {r: set() for r in range(len(regions.size))}
    heap = []
    pairs = neighbours.tolist()
    for (a, b), common in zip(pairs, regions.common(neighbours[:, 0], neighbours[:, 1]), strict=True):
        around[a].add(b)
        around[b].add(a)
        heap.append((-regions.similarities(a, [b], [common])[0], a, b))
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
        touching = around.pop(a) | around.pop(b)
        touching -= {a, b}
        around[new] = touching
        if not touching:
            continue
        others = sorted(touching)
        for r in others:
            near = around[r]
            near.discard(a)
            near.discard(b)
            near.add(new)
        scores = regions.similarities(new, others, regions.common_with(new, others))
        for s, r in zip(scores, others, strict=True):
            heapq.heappush(heap, (-s, r, new))
    return children, similarity
