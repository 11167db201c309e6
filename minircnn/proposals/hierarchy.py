"""Hierarchical grouping: the two most similar neighbouring regions become one, until one is left.

Uijlings et al. 2013, algorithm 1. How similar two regions are is the matter of
:mod:`minircnn.proposals.similarity`.

A merge changes nothing for regions elsewhere: only the new region and its few neighbours are compared. All
pairs go into a heap, the most similar on top; those of regions that are gone stay in it and are skipped.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.proposals.region_features import RegionFeatures
from minircnn.proposals.similarity import SIMILARITIES, Regions
from minircnn.structures import BoolArray


def leaves_of(children: npt.NDArray[np.intp], region: int, num_initial: int) -> list[int]:
    """Return the initial regions of `region`, ascending; `children` as in :class:`Hierarchy`."""
    found, stack = [], [region]
    while stack:
        r = stack.pop()
        if r < num_initial:
            found.append(r)
        else:
            stack.extend(children[r - num_initial].tolist())
    return sorted(found)


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
        return leaves_of(self.children, region, self.num_initial)

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
        """Say in one line who merged with whom in merge number `merge`, and why; −1 is the last merge.

        A number of no merge raises IndexError.
        """
        try:
            merge = range(len(self.children))[merge]
        except IndexError:
            raise IndexError(f"no merge {merge}: there are {len(self.children)}, from 0 on") from None
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
    regions = Regions(features, float(labels.size), similarities)
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


def _merge_all(
    regions: Regions, neighbours: npt.NDArray[np.intp]
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
