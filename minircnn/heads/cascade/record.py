"""The attentional cascade as flat arrays: stages of weak classifiers, each a stump or a small tree.

Viola and Jones, CVPR 2001, section 4, in the form in which OpenCV keeps it: a weak classifier asks one
feature (a tree up to a few), its leaf is a vote, and a stage lets a window pass whose votes reach the
stage's threshold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.arrays import HostArray
from minircnn.features import HaarFeatures, LBPFeatures
from minircnn.structures import BoolArray, IntArray

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Cascade:
    """A trained cascade.

    Parameters
    ----------
    height, width : int
        Of the window, in pixels.
    features : HaarFeatures or LBPFeatures
        Those that are asked, F of them.
    node_feature : (T, n) int array
        Feature that each node asks, of T trees with up to n nodes; a stump is a tree with one.
    node_threshold : (T, n) float32 array
        Haar: left if the value is below.
    node_subset : (T, n, 256) bool array
        LBP: left for these patterns. Of Haar features (T, n, 0).
    children : (T, n, 2) int array
        Where left and right lead: node k > 0, or leaf −k.
    leaves : (T, n+1) float32 array
        Votes.
    stage_start : (S+1,) int array
        First tree of each of S stages, and T.
    stage_threshold : (S,) float32 array
        A window passes whose sum of votes is not below.
    margin : int
        Pixels along the border of the window that have no part in its standard deviation: 1 in OpenCV, 0 in
        the paper. LBP features need none.

    Raises
    ------
    ValueError
        If the arrays do not fit together, a rectangle leaves the window or a number is not finite.
    """

    height: int
    width: int
    features: HaarFeatures | LBPFeatures
    node_feature: IntArray
    node_threshold: Float32
    node_subset: BoolArray
    children: IntArray
    leaves: Float32
    stage_start: IntArray
    stage_threshold: Float32
    margin: int = 1

    def __post_init__(self) -> None:
        self._require_shapes()
        self._require_trees()
        self._require_inside()

    @classmethod
    def none(cls, height: int, width: int) -> Cascade:
        """Return a cascade that rejects every window: of a class without an example."""
        whole = np.array([[[0, 0, width, height], [0, 0, 0, 0], [0, 0, 0, 0]]])
        features = HaarFeatures(whole, np.array([[1, 0, 0]], np.float32), np.zeros(1, bool))
        return build_cascade(height, width, features, [([WeakTree([(0, -1, 0, 0.0)], [0.0, 0.0])], 1.0)])

    @classmethod
    def empty(cls, height: int, width: int, *, margin: int = 1) -> Cascade:
        """Return a cascade without stages, which lets every window pass."""
        none = HaarFeatures(np.zeros((0, 3, 4), np.int64), np.zeros((0, 3), np.float32), np.zeros(0, bool))
        return build_cascade(height, width, none, [], margin=margin)

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return len(self.stage_threshold)

    @property
    def kind(self) -> str:
        """Of its features: ``haar`` or ``lbp``."""
        return "haar" if isinstance(self.features, HaarFeatures) else "lbp"

    @property
    def area(self) -> int:
        """Pixels of a window that its standard deviation is taken of."""
        return (self.height - 2 * self.margin) * (self.width - 2 * self.margin)

    def first(self, stages: int) -> Cascade:
        """Return the cascade that ends after so many stages."""
        trees = int(self.stage_start[stages])
        cut = {name: getattr(self, name)[:trees] for name in _OF_TREES}
        start, threshold = self.stage_start[: stages + 1], self.stage_threshold[:stages]
        return dataclasses.replace(self, **cut, stage_start=start, stage_threshold=threshold)

    def followed_by(self, other: Cascade) -> Cascade:
        """Return the cascade with the stages of `other` behind its own, both of Haar features and stumps."""
        names = [f.name for f in dataclasses.fields(HaarFeatures)]
        pairs = [(getattr(self.features, name), getattr(other.features, name)) for name in names]
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _OF_TREES
        }
        joined["node_feature"][len(self.node_feature) :] += len(self.features)
        starts = np.concatenate([self.stage_start, self.stage_start[-1] + other.stage_start[1:]])
        thresholds = np.concatenate([self.stage_threshold, other.stage_threshold])
        return dataclasses.replace(
            self,
            features=HaarFeatures(*map(np.concatenate, pairs)),
            **joined,
            stage_start=starts,
            stage_threshold=thresholds,
        )

    def with_thresholds(self, thresholds: Float32) -> Cascade:
        """Return the cascade with other thresholds (S,) of its stages."""
        return dataclasses.replace(self, stage_threshold=np.asarray(thresholds, np.float32))

    def arrays(self) -> dict[str, HostArray]:
        """Return all arrays by name, as `from_arrays` takes them."""
        of_features = {f.name: getattr(self.features, f.name) for f in dataclasses.fields(self.features)}
        own = {name: getattr(self, name) for name in (*_OF_TREES, "stage_start", "stage_threshold")}
        shape = np.array([self.height, self.width, self.margin])
        bits = np.packbits(self.node_subset, axis=-1)  # storage knows no truth values
        arrays = {**of_features, **own, "node_subset": bits, "window": shape}
        # fractions lie flat, as storage keeps vectors exact: values are compared with them
        return {
            name: a.ravel() if a.dtype == np.float32 else a.astype(np.uint8) if a.dtype == bool else a
            for name, a in arrays.items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, HostArray]) -> Cascade:
        """Return the cascade that `arrays` describes; KeyError names an array that is missing."""
        features: HaarFeatures | LBPFeatures
        if "cells" in arrays:
            features = LBPFeatures(arrays["cells"])
        else:
            tilted, rectangles = arrays["tilted"].astype(bool), arrays["rectangles"]
            features = HaarFeatures(rectangles, arrays["weights"].reshape(rectangles.shape[:2]), tilted)
        height, width, margin = (int(value) for value in arrays["window"])
        own = {name: arrays[name] for name in (*_OF_TREES, "stage_start", "stage_threshold")}
        trees, nodes = arrays["children"].shape[:2]
        own["node_threshold"] = own["node_threshold"].reshape(trees, nodes)
        own["leaves"] = own["leaves"].reshape(trees, nodes + 1)
        own["node_subset"] = np.unpackbits(arrays["node_subset"], axis=-1).astype(bool)
        return cls(height, width, features, margin=margin, **own)

    def _require_shapes(self) -> None:
        trees, nodes = self.node_feature.shape
        patterns = 0 if self.kind == "haar" else 256
        wanted = {
            "node_threshold": (trees, nodes),
            "node_subset": (trees, nodes, patterns),
            "children": (trees, nodes, 2),
            "leaves": (trees, nodes + 1),
            "stage_start": (self.stages + 1,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"cascade: {name} must have shape {shape}, got {getattr(self, name).shape}")
        for name in ("node_threshold", "leaves", "stage_threshold"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"cascade: {name} holds a number that is not finite")
        starts = self.stage_start
        if starts[0] != 0 or starts[-1] != trees or (np.diff(starts) < 1).any():
            raise ValueError("cascade: each stage needs a weak classifier or more, and each of these a stage")

    def _require_trees(self) -> None:
        nodes = self.node_feature.shape[1]
        if self.node_feature.size and not 0 <= self.node_feature.min() <= self.node_feature.max() < len(
            self.features
        ):
            raise ValueError(f"cascade: a node asks a feature that is none of the {len(self.features)}")
        own = np.arange(nodes)[:, None]
        inner = self.children > 0  # only forward: a tree that turned back would never end
        good = np.where(inner, (self.children > own) & (self.children < nodes), -self.children <= nodes)
        if not good.all():
            raise ValueError("cascade: a node of a tree leads to a node or a leaf that it does not have")

    def _require_inside(self) -> None:
        if self.area < 1:
            raise ValueError(f"cascade: its window of {self.width}×{self.height} pixels is too small")
        self._require_features()
        corners = self.features.corners().reshape(-1, 2)
        if len(corners) and ((corners < 0) | (corners > (self.height, self.width))).any():
            raise ValueError(
                f"cascade: a feature leaves the window of {self.width}×{self.height} pixels (width × height)"
            )

    def _require_features(self) -> None:
        """Raise ValueError where a weight is no number or a rectangle has no area: its sum would lie."""
        if isinstance(self.features, LBPFeatures):
            sides = self.features.cells[:, 2:]
        else:
            if not np.isfinite(self.features.weights).all():
                raise ValueError("cascade: the weight of a rectangle is not finite")
            sides = self.features.rectangles[self.features.weights != 0, 2:]
        if (sides < 1).any():
            raise ValueError("cascade: a rectangle of a feature has no width or height")


_OF_TREES = ("node_feature", "node_threshold", "node_subset", "children", "leaves")


@dataclass(frozen=True)
class WeakTree:
    """One weak classifier as a list of nodes, before it goes into a cascade's arrays.

    Parameters
    ----------
    nodes : sequence of (left, right, feature, split)
        `split` is a threshold, or 256 truth values.
    leaves : sequence of float
    """

    nodes: Sequence[tuple[int, int, int, Any]]
    leaves: Sequence[float]


def build_cascade(
    height: int,
    width: int,
    features: HaarFeatures | LBPFeatures,
    stages: Sequence[tuple[Sequence[WeakTree], float]],
    *,
    margin: int = 1,
) -> Cascade:
    """Return the cascade of `stages`, each its weak classifiers and its threshold; small trees are padded."""
    trees = [tree for weak, _ in stages for tree in weak]
    count, most = len(trees), max((len(tree.nodes) for tree in trees), default=1)
    haar = isinstance(features, HaarFeatures)
    feature = np.zeros((count, most), np.int64)
    threshold = np.zeros((count, most), np.float32)
    subset = np.zeros((count, most, 0 if haar else 256), bool)
    children = np.zeros((count, most, 2), np.int64)
    leaves = np.zeros((count, most + 1), np.float32)
    for t, tree in enumerate(trees):
        leaves[t, : len(tree.leaves)] = tree.leaves
        for n, (left, right, asked, split) in enumerate(tree.nodes):
            children[t, n], feature[t, n] = (left, right), asked
            (threshold if haar else subset)[t, n] = split
    starts = np.concatenate([[0], np.cumsum([len(weak) for weak, _ in stages], dtype=np.int64)])
    ends = np.array([end for _, end in stages], np.float32)
    return Cascade(
        height, width, features, feature, threshold, subset, children, leaves, starts, ends, margin
    )
