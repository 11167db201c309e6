"""The SVMs' problem on all negatives, which mining is to solve without looking at most of them."""

from __future__ import annotations

import numpy as np

from minircnn.arrays import HostArray
from minircnn.experiments.rcnn.regions import Regions
from minircnn.heads import fit_one_vs_rest
from minircnn.kernels.block_descent import CHUNK
from minircnn.kernels.split import split
from minircnn.structures import IntArray
from minircnn.training import SVMSettings
from minircnn.training.svms import negative_regions

Fitted = HostArray
"""SVMs and what they were trained on, (K, D + 2): weights, intercept, number of negatives of each class."""


class FullProblem:
    """Objects against all regions that may be negatives.

    Parameters
    ----------
    train : Regions
    settings : SVMSettings

    Attributes
    ----------
    labels : (T, K) int8 array
        Of all T regions: 1 for the objects of a class, -1 for its negatives, 0 for what is left out.
    """

    def __init__(self, train: Regions, settings: SVMSettings) -> None:
        self.features, self.settings = train.cache.fc7, settings
        self.scale = np.float32(train.cache.scale("fc7", settings.feature_norm))
        parts = []
        for record in train.records:
            labels = -negative_regions(record, settings).astype(np.int8)
            labels[np.arange(record.num_gt), record.gt_labels - 1] = 1
            parts.append(labels)
        self.labels: IntArray = np.concatenate(parts)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_negatives(self) -> IntArray:
        """Number of negatives of each class, (K,)."""
        counts: IntArray = (self.labels < 0).sum(axis=0)
        return counts

    def solve(self, negatives: IntArray, rng: np.random.Generator) -> Fitted:
        """Train all classes on their objects and on their negatives among the regions `negatives`."""
        chosen = np.zeros(len(self), dtype=bool)
        chosen[negatives] = True
        labels = np.where(chosen[:, None] | (self.labels > 0), self.labels, 0)  # (T, K)
        rows = np.flatnonzero(labels.any(axis=1))
        settings = self.settings
        solution = fit_one_vs_rest(
            np.asarray(self.features[rows], np.float32) * self.scale,
            labels[rows],
            settings,
            tol=settings.tol,
            max_epochs=settings.max_epochs,
            rng=rng,
        )
        seen = (labels < 0).sum(axis=0)
        return np.column_stack([solution.weights * self.scale, solution.intercepts, seen])

    def objective(self, fitted: Fitted) -> float:
        """Return what `fitted` leaves of the objective on all negatives, the mean over classes."""
        settings, weights, intercepts = self.settings, fitted[:, :-2], fitted[:, -2]
        norms = ((weights / self.scale) ** 2).sum(axis=1)
        if settings.bias_feature:
            norms = norms + (intercepts / settings.bias_feature) ** 2
        loss = np.zeros(len(fitted))
        for part in split(len(self), size=CHUNK):
            scores = np.asarray(self.features[part], np.float32) @ weights.T + intercepts  # (n, K)
            labels = self.labels[part]
            cost = np.where(labels > 0, settings.C * settings.positive_weight, settings.C) * np.abs(labels)
            loss += (cost * np.maximum(0, 1 - labels * scores)).sum(axis=0)
        return float((norms / 2 + loss).mean())
