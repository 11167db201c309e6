"""How similar two regions are, and what a region made of two is like.

Uijlings et al. 2013, section 3.2. The four similarities of two regions a and b, each 0..1:

    colour   Σ min(c_a, c_b)           intersection of their colour histograms      (equation 1)
    texture  Σ min(t_a, t_b)           intersection of their texture histograms     (equation 3)
    size     1 − (|a| + |b|) / |image|                                             (equation 4)
    fill     1 − (|box(a ∪ b)| − |a| − |b|) / |image|                              (equation 5)

A strategy adds up some of them (equation 6 with weights 0 and 1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minircnn.proposals.region_features import RegionFeatures

SIMILARITIES = "CTSF"


class Regions:
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
