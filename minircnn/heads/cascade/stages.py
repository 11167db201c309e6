"""Judging windows stage by stage: what a stage rejects, no later one sees.

A window is a number: where it begins in a flat array of integral images. A stage looks up the corners of its
features for many windows at once and adds up the votes, in the order of its weak classifiers; values are of
single and sums of double precision, as in OpenCV.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.features import HaarFeatures
from minircnn.features.lbp import codes_of_corners
from minircnn.heads.cascade.record import Cascade
from minircnn.kernels.split import split
from minircnn.structures import BoolArray, IntArray

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Corner = Callable[[Any], IntArray]
"""Integrals of some windows at an offset: (B,), or (m, B) at m offsets."""

_VALUES = 30_000  # of nodes times windows at once: what they take stays in the processor's cache
_LEAST = 64  # windows at once
_MANY = 1 << 12  # from so many windows on, nodes are asked one by one, for so many windows at once
THRESHOLD_SLACK = np.float32(1e-5)
"""By which OpenCV lowers the threshold of each stage."""


@dataclass(frozen=True)
class Stage:
    """A stage, ready for integral images with one length of a row.

    Parameters
    ----------
    offsets : (m, C) int array
        Corners of the feature of each node, from where the window begins; m is T trees times n nodes.
    weights : (m, 3) float32 array or None
        Of the rectangles of Haar features; None: LBP.
    splits : (m,) float32 or (m, 256) bool array
        Left if the value is below, or if the pattern is one of these.
    children : (T, n, 2) int array
    leaves : (T, n+1) float32 array
    threshold : float
    """

    offsets: IntArray
    weights: Float32 | None
    splits: Any
    children: IntArray
    leaves: Float32
    threshold: float

    def left(self, corner: Corner, factors: Float32) -> BoolArray:
        """Return which windows go left at each node (m, B), all nodes at once."""
        result = np.empty((len(self.offsets), len(factors)), bool)
        if self.weights is None:
            codes = codes_of_corners([corner(at) for at in self.offsets.T])  # (m, B)
            return np.take_along_axis(self.splits, codes.astype(np.intp), axis=1)
        third = self.weights[:, 2] != 0
        for nodes, parts in ((np.flatnonzero(~third), 2), (np.flatnonzero(third), 3)):
            if len(nodes):
                weights = self.weights[nodes, :parts].T[:, :, None]
                values = _haar(corner, self.offsets[nodes].T, weights, factors)
                result[nodes] = values < self.splits[nodes, None]
        return result

    def left_one_by_one(self, corner: Corner, factors: Float32) -> BoolArray:
        """Return the same, node by node: where many windows are asked, or corners are slices."""
        result = np.empty((len(self.offsets), len(factors)), bool)
        for node, offsets in enumerate(self.offsets):
            if self.weights is None:
                result[node] = self.splits[node][codes_of_corners([corner(at) for at in offsets])]
            else:
                weights = self.weights[node][: 3 if self.weights[node, 2] else 2]
                result[node] = _haar(corner, offsets, weights, factors) < self.splits[node]
        return result

    def margin(self, left: BoolArray) -> Float64:
        """Return by how much the votes of windows that go `left` (m, B) exceed the threshold (B,)."""
        trees, nodes = self.children.shape[:2]
        left = left.reshape(trees, nodes, -1)
        leaves = self.leaves[:, :, None]  # (T, n+1, 1)
        votes: list[Any] = [None] * nodes  # of each node's subtree, (T, B)
        for node in reversed(range(nodes)):
            ways = [self._vote(leaves, votes, self.children[:, node, way]) for way in (0, 1)]
            votes[node] = np.where(left[:, node], *ways)
        total: Float64 = votes[0].sum(axis=0, dtype=np.float64) - self.threshold
        return total

    def _vote(self, leaves: Float32, votes: Sequence[Any], child: IntArray) -> Float32:
        """Return the votes (T, 1) or (T, B) that come from a child (T,) of each tree."""
        own = np.take_along_axis(leaves, np.maximum(-child, 0)[:, None, None], axis=1)[:, 0]  # (T, 1)
        for node in range(1, len(votes)):
            if (child == node).any():
                own = np.where((child == node)[:, None], votes[node], own)
        return own


def _haar(corner: Corner, offsets: IntArray, weights: Float32, factors: Float32) -> Float32:
    """Return values of Haar features; corners and weights are first in `offsets` and `weights`."""
    value: Any = None
    for number, weight in enumerate(weights):
        first, second, third, fourth = (corner(at) for at in offsets[4 * number : 4 * number + 4])
        total = first - second
        total -= third
        total += fourth
        part = total.astype(np.float32)
        part *= weight
        value = part if value is None else np.add(value, part, out=value)
    value *= factors
    result: Float32 = value
    return result


def compile_stages(cascade: Cascade, length: int, tilted_at: int = 0) -> list[Stage]:
    """Return the stages for integral images with rows of `length`, tilted ones `tilted_at` entries behind."""
    offsets = cascade.features.corners() @ np.array([length, 1])  # (F, 3, 4) or (F, 16)
    weights = None
    if isinstance(cascade.features, HaarFeatures):
        offsets = offsets + tilted_at * cascade.features.tilted[:, None, None]
        weights = cascade.features.weights
    offsets = offsets.reshape(len(offsets), int(np.prod(offsets.shape[1:])))  # there may be none
    stages = []
    for number in range(cascade.stages):
        trees = slice(cascade.stage_start[number], cascade.stage_start[number + 1])
        asked = cascade.node_feature[trees].ravel()
        haar, patterns = cascade.node_threshold[trees].ravel(), cascade.node_subset[trees]
        stages.append(
            Stage(
                offsets[asked],
                None if weights is None else weights[asked],
                patterns.reshape(len(asked), -1) if weights is None else haar,
                cascade.children[trees],
                cascade.leaves[trees],
                float(cascade.stage_threshold[number] - THRESHOLD_SLACK),
            )
        )
    return stages


def run_stages(
    stages: Sequence[Stage], sums: IntArray, begins: IntArray, factors: Float32
) -> tuple[IntArray, Float64]:
    """Judge windows that begin at `begins` (N,) in the flat `sums`.

    Parameters
    ----------
    factors : (N,) float32 array
        1 over area times standard deviation of each.

    Returns
    -------
    depth : (N,) int array
        Stages that each window passed.
    margin : (N,) float64 array
        By how much the votes of the last stage that judged it exceeded its threshold.
    """
    depth = np.zeros(len(begins), np.int64)
    margin = np.zeros(len(begins))
    alive = np.arange(len(begins))
    for stage in stages:
        if len(alive) == 0:
            break
        margins = np.empty(len(alive))
        many = len(alive) >= _MANY
        size = _MANY if many else max(_LEAST, _VALUES // len(stage.offsets))
        for some in split(len(alive), size=size):
            own, inverse = begins[alive[some]], factors[alive[some]]
            left = (
                stage.left_one_by_one(_shifted(sums, own), inverse)
                if many
                else stage.left(_gathered(sums, own), inverse)
            )
            margins[some] = stage.margin(left)
        margin[alive] = margins
        alive = alive[margins >= 0]
        depth[alive] += 1
    return depth, margin


def _shifted(sums: IntArray, begins: IntArray) -> Corner:
    """Return what looks up integrals at one offset of windows (B,): no index is added up."""
    return lambda at: sums[at:].take(begins)


def _gathered(sums: IntArray, begins: IntArray) -> Corner:
    """Return what looks up integrals at offsets (m,) of windows (B,)."""
    return lambda at: sums.take(begins + at[:, None])
