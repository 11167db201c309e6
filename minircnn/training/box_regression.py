"""Ridge regressions from pool5 features to box offsets, one per class (R-CNN, appendix C)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.checks import real, require
from minircnn.heads import BoxRegressor, BoxRegressors
from minircnn.profiling import stage
from minircnn.training.feature_cache import FeatureCache
from minircnn.training.kept_part import KeptPart
from minircnn.training.regions import RegionRecord

logger = logging.getLogger("minircnn")


@dataclass(frozen=True)
class BoxRegressionSettings:
    """Ridge regression from pool5 features to box offsets (R-CNN, appendix C)."""

    regularization: float = 1000.0
    """λ of equation 5 (1000)."""
    min_iou: float = 0.6
    """Only regions that overlap their object by more are learned from (0.6)."""

    def __post_init__(self) -> None:
        require(self, "box_regression", regularization=real(0, above=True), min_iou=real(0, 1, below=True))


@stage("box regression")
def train_box_regressors(
    cache: FeatureCache,
    records: Sequence[RegionRecord],
    settings: BoxRegressionSettings,
    feature_norm: float,
    *,
    keep: KeptPart | None = None,
) -> BoxRegressors:
    """Fit one ridge regression per class, from pool5 of the regions close to an object to its offsets.

    A class without such regions keeps a regressor of zeros, which leaves boxes as they are.

    Parameters
    ----------
    keep : KeptPart, optional
        Where to go on, and to keep the classes that are done.

    Raises
    ------
    CacheError
        If a feature is no number.
    """
    close = [record.best_iou > settings.min_iou for record in records]
    labels = np.concatenate([r.labels[c] for r, c in zip(records, close, strict=True)])
    targets = np.concatenate([r.targets(c) for r, c in zip(records, close, strict=True)])
    num_classes, dim = records[0].num_classes, cache.pool5.shape[1]
    weight = np.zeros((num_classes, 4, dim), dtype=np.float32)
    bias = np.zeros((num_classes, 4), dtype=np.float32)
    done = 0
    kept = keep.read() if keep is not None else None
    if kept is not None:
        weight, bias, done = kept[0]["weight"].copy(), kept[0]["bias"].copy(), int(kept[1]["done"])
    scale = cache.scale("pool5", feature_norm) if len(labels) else 1.0
    for label in range(done + 1, num_classes + 1):
        if keep is not None and keep.due():
            keep.write({"weight": weight, "bias": bias}, {"done": label - 1})
        own = labels == label
        if not own.any():
            logger.warning("class %d has no region to learn box regression from: its boxes stay", label)
            continue
        features = np.asarray(cache.pool5[own], dtype=np.float32)  # a copy: the rows are chosen
        features *= np.float32(scale)
        ridge = BoxRegressor(settings.regularization).fit(features, targets[own])
        # whitening and feature scale are linear: fold them into one matrix for detection
        weight[label - 1] = (ridge.coef_.T @ ridge.unwhiten_).T * scale
        bias[label - 1] = ridge.intercept_ @ ridge.unwhiten_ + ridge.target_mean_
    return BoxRegressors(weight, bias)
