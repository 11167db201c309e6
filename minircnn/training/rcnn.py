"""R-CNN's four separately made parts: fine-tuned CNN, feature cache, SVMs, box regressors."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from minircnn.arrays import Device, HostArray
from minircnn.detectors import RCNN, BoxRegressors, PostprocessSettings
from minircnn.heads import BoxRegressor, MinedSVMs, MiningSettings, feature_scale, mine_and_train
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import BoolArray, DetectionDataset, FloatArray
from minircnn.training.loop import LoopSettings
from minircnn.training.rcnn_features import FeatureCache, cache_features
from minircnn.training.rcnn_finetune import FineTuner, fine_tune
from minircnn.training.rcnn_settings import BoxRegressionSettings, RCNNSettings, SVMSettings
from minircnn.training.regions import RegionRecord

logger = logging.getLogger("minircnn")


def train_rcnn(
    dataset: DetectionDataset,
    proposals: Sequence[FloatArray],
    proposer: Proposer,
    settings: RCNNSettings,
    *,
    folder: Path,
    loop: LoopSettings,
    device: Device = "cpu",
    n_jobs: int = 1,
) -> tuple[RCNN, MinedSVMs]:
    """Make the four parts one after the other (section 2.3).

    Parameters
    ----------
    dataset : DetectionDataset
    proposals : sequence of (R, 4) arrays
        Candidate boxes of every photo, in pixels.
    proposer : Proposer
        Makes the proposals when the finished detector runs.
    settings : RCNNSettings
    folder : Path
        Receives the feature cache.
    loop : LoopSettings
        Of the fine-tuning; ``resume`` also keeps a finished feature cache.
    device : {"cpu", "cuda"}
    n_jobs : int
        Processes that compute features.

    Returns
    -------
    detector : RCNN
    svms : MinedSVMs
        The SVMs with the trace of their hard negative mining.
    """
    tuner = FineTuner(dataset, proposals, settings, device=device)
    fine_tune(tuner, loop)
    with stage("features"):
        cache = cache_features(
            tuner.network,
            tuner.backbone.normalization,
            tuner.warp,
            tuner.photos,
            tuner.records,
            folder / "features",
            min_iou=settings.box_regression.min_iou,
            dtype=settings.cache_dtype,
            n_jobs=n_jobs,
            progress=loop.progress,
        )
    with stage("SVMs"):
        svms = train_svms(cache, tuner.records, settings.svm, seed=settings.seed, progress=loop.progress)
    with stage("box regression"):
        regressors = train_box_regressors(
            cache, tuner.records, settings.box_regression, settings.svm.feature_norm
        )
    detector = RCNN(
        tuner.network,
        tuner.backbone.normalization,
        dataset.class_names,
        proposer,
        svms.weights,
        svms.intercepts,
        regressors,
        tuner.warp,
        PostprocessSettings(nms_iou=settings.nms_iou),
    )
    return detector, svms


def train_svms(
    cache: FeatureCache,
    records: Sequence[RegionRecord],
    settings: SVMSettings,
    *,
    seed: int = 0,
    progress: bool = True,
) -> MinedSVMs:
    """Train K one-vs-rest SVMs: objects against regions that overlap no object of the class by 0.3.

    Positives are the ground-truth boxes alone; regions between the two are left out (appendix B).
    """
    num_classes = records[0].num_classes
    own: list[list[HostArray]] = [[] for _ in range(num_classes)]
    for i, record in enumerate(records):
        for row, label in enumerate(record.labels[: record.num_gt]):
            own[label - 1].append(cache.photo(i)[row])
    dim = cache.fc7.shape[1]
    positives = [np.array(rows, dtype=np.float32).reshape(-1, dim) for rows in own]

    def negatives() -> Iterator[tuple[HostArray, BoolArray]]:
        for i, record in enumerate(tqdm(records, desc="SVMs", unit="photo", disable=not progress)):
            yield cache.photo(i), record.class_iou < settings.negative_iou

    return mine_and_train(
        positives,
        negatives(),
        settings=MiningSettings(
            C=settings.C,
            positive_weight=settings.positive_weight,
            bias_feature=settings.bias_feature,
            retrain_after=settings.retrain_after,
        ),
        scale=feature_scale(cache.fc7, settings.feature_norm),
        rng=np.random.default_rng(seed),
    )


def train_box_regressors(
    cache: FeatureCache,
    records: Sequence[RegionRecord],
    settings: BoxRegressionSettings,
    feature_norm: float,
) -> BoxRegressors:
    """Fit one ridge regression per class, from pool5 of the regions close to an object to its offsets.

    A class without such regions keeps a regressor of zeros, which leaves boxes as they are.
    """
    close = [record.best_iou > settings.min_iou for record in records]
    labels = np.concatenate([r.labels[c] for r, c in zip(records, close, strict=True)])
    targets = np.concatenate([r.targets[c] for r, c in zip(records, close, strict=True)])
    num_classes, dim = records[0].num_classes, cache.pool5.shape[1]
    weight = np.zeros((num_classes, 4, dim), dtype=np.float32)
    bias = np.zeros((num_classes, 4), dtype=np.float32)
    scale = feature_scale(cache.pool5, feature_norm) if len(labels) else 1.0
    for label in range(1, num_classes + 1):
        own = labels == label
        if not own.any():
            logger.warning("class %d has no region to learn box regression from: its boxes stay", label)
            continue
        features = np.asarray(cache.pool5[own], dtype=np.float32)  # a copy: the rows are chosen
        features *= np.float32(scale)
        ridge = BoxRegressor(settings.alpha).fit(features, targets[own])
        # whitening and feature scale are linear: fold them into one matrix for detection
        weight[label - 1] = (ridge.coef_ @ ridge.unwhiten_).T * scale
        bias[label - 1] = ridge.intercept_ @ ridge.unwhiten_ + ridge.target_mean_
    return BoxRegressors(weight, bias)
