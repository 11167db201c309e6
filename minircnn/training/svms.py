"""One-vs-rest SVMs on the features of regions, with hard negative mining (R-CNN, section 2.3, appendix B)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.boxes import nms
from minircnn.checks import optional, real, require
from minircnn.heads import LinearSVMs, MinedSVMs, MiningSettings, MiningState, mine_and_train
from minircnn.heads.linear_svm import FEATURE_NORM
from minircnn.heads.mining_state import trace_of, trace_record
from minircnn.profiling import stage
from minircnn.progress import progress_bar
from minircnn.structures import BoolArray
from minircnn.training.feature_cache import FeatureCache
from minircnn.training.kept_part import KeptPart
from minircnn.training.regions import RegionRecord


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
        super().__post_init__()
        require(self, "svm", negative_iou=real(0, 1, above=True), duplicate_iou=optional(real(0, 1)))
        require(self, "svm", feature_norm=real(0, above=True))


@stage("SVMs")
def train_svms(
    cache: FeatureCache,
    records: Sequence[RegionRecord],
    settings: SVMSettings,
    *,
    seed: int = 0,
    progress: bool = True,
    keep: KeptPart | None = None,
) -> MinedSVMs:
    """Train K one-vs-rest SVMs: objects against regions that overlap no object of the class by 0.3.

    Positives are the ground-truth boxes alone; regions between the two are left out (appendix B).

    Parameters
    ----------
    keep : KeptPart, optional
        Where to go on, and to keep how far the pass has come.

    Raises
    ------
    CacheError
        If a feature is no number.
    """
    kept = keep.read() if keep is not None else None
    if kept is not None and kept[1].get("done"):
        return _finished(*kept)
    start = (MiningState.from_parts(*kept), cache.fc7) if kept is not None else None
    first = start[0].photo if start is not None else 0
    num_classes = records[0].num_classes
    own: list[list[HostArray]] = [[] for _ in range(num_classes)]
    for i, record in enumerate(records):
        for row, label in enumerate(record.labels[: record.num_gt]):
            own[label - 1].append(cache.photo(i)[row])
    dim = cache.fc7.shape[1]
    positives = [np.array(rows, dtype=np.float32).reshape(-1, dim) for rows in own]

    def negatives() -> Iterator[tuple[HostArray, BoolArray]]:
        bar = progress_bar(show=progress, total=len(records), initial=first, desc="SVMs", unit="photo")
        with bar:
            for i in range(first, len(records)):
                yield cache.photo(i), negative_regions(records[i], settings)
                bar.update()

    def between(state: Callable[[], MiningState]) -> None:
        if keep is not None and keep.due():
            keep.write(*state().parts())

    mined = mine_and_train(
        positives,
        negatives(),
        settings=settings,
        scale=cache.scale("fc7", settings.feature_norm),
        rng=np.random.default_rng(seed),
        between=between,
        start=start,
    )
    if keep is not None:
        arrays = {"weight": mined.svms.coef_, "bias": mined.svms.intercept_}
        keep.write(arrays, {"done": True, "trace": trace_record(mined.trace)})
    return mined


def _finished(arrays: dict[str, HostArray], state: dict[str, Any]) -> MinedSVMs:
    return MinedSVMs(LinearSVMs.from_weights(arrays["weight"], arrays["bias"]), trace_of(state["trace"]))


def negative_regions(record: RegionRecord, settings: SVMSettings) -> BoolArray:
    """Return whether each region of a photo is a negative of each class, (R, K)."""
    negative: BoolArray = record.class_iou < settings.negative_iou
    if settings.duplicate_iou is None:
        return negative
    return without_duplicates(record, negative, settings.duplicate_iou)


def without_duplicates(record: RegionRecord, negative: BoolArray, duplicate_iou: float) -> BoolArray:
    """Return the negatives (R, K) without those that overlap a better ranked one by more than this."""
    # classes without an object in the photo have the same negatives
    kinds, kind_of_class = np.unique(negative, axis=1, return_inverse=True)
    for kind in kinds.T:
        rows = np.flatnonzero(kind)
        rank = -np.arange(len(rows), dtype=np.float64)  # proposals come best first
        kept = rows[nms(record.boxes[rows], rank, duplicate_iou)]
        kind[:] = False
        kind[kept] = True
    few: BoolArray = kinds[:, kind_of_class.reshape(-1)]
    return few
