"""One-vs-rest SVMs on the features of regions, with hard negative mining (R-CNN, section 2.3, appendix B)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from minircnn.arrays import HostArray
from minircnn.boxes import nms
from minircnn.heads import MinedSVMs, MiningSettings, feature_scale, mine_and_train
from minircnn.heads.linear_svm import FEATURE_NORM
from minircnn.profiling import stage
from minircnn.structures import BoolArray
from minircnn.training.feature_cache import FeatureCache
from minircnn.training.regions import RegionRecord
from minircnn.training.settings import ANY, require


@dataclass(frozen=True)
class SVMSettings(MiningSettings):
    """The linear SVMs (R-CNN, section 2.3, appendix B; released rcnn_train.m)."""

    negative_iou: float = 0.3
    """Regions whose IoU with every object of a class is below are its negatives (0.3)."""
    duplicate_iou: float | None = None
    """Negatives that overlap a better ranked one by more are left out (SPP-net: 0.7); None: none (R-CNN)."""
    feature_norm: float = FEATURE_NORM
    """Features are scaled so that their mean L2 norm is this (20)."""

    def __post_init__(self) -> None:
        require(self, "svm", C=(0, ANY), negative_iou=(0, 1), duplicate_iou=(0, 1), feature_norm=(0, ANY))
        require(self, "svm", retrain_after=(0, ANY), max_epochs=(1, ANY), score_rows=(1, ANY))


@stage("SVMs")
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
            yield cache.photo(i), negative_regions(record, settings)

    return mine_and_train(
        positives,
        negatives(),
        settings=settings,
        scale=feature_scale(cache.fc7, settings.feature_norm),
        rng=np.random.default_rng(seed),
    )


def negative_regions(record: RegionRecord, settings: SVMSettings) -> BoolArray:
    """Return whether each region of a photo is a negative of each class, (R, K)."""
    negative: BoolArray = record.class_iou < settings.negative_iou
    if settings.duplicate_iou is None:
        return negative
    # classes without an object in the photo have the same negatives
    kinds, kind_of_class = np.unique(negative, axis=1, return_inverse=True)
    for kind in kinds.T:
        rows = np.flatnonzero(kind)
        rank = -np.arange(len(rows), dtype=np.float64)  # proposals come best first
        kept = rows[nms(record.boxes[rows], rank, settings.duplicate_iou)]
        kind[:] = False
        kind[kept] = True
    few: BoolArray = kinds[:, kind_of_class.reshape(-1)]
    return few
