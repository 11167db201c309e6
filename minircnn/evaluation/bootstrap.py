"""How much of a mean average precision is chance: the photos, drawn anew.

A test set is a sample of the photos one cares for. Drawing as many photos from it, with replacement, gives
another sample like it; the spread of the mAP of many such samples tells how far the figure can be trusted
(Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.checks import checked, whole
from minircnn.evaluation.pairing import paired_classes, require_threshold
from minircnn.evaluation.voc_ap import (
    Method,
    average_precision,
    counted_detections,
    match_through_all_photos,
    require_method,
)
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray, IntArray

_SHARE = 0.95  # of the samples that the interval holds


@dataclass(frozen=True)
class BootstrapInterval:
    """Where the mAP of 95 % of the samples lies.

    Parameters
    ----------
    low, high : float
        The 2.5th and 97.5th percentile.
    samples : int
    """

    low: float
    high: float
    samples: int

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f} (95 % of {self.samples:,} samples of the photos)"

    def to_record(self) -> dict[str, Any]:
        """Return the interval, ready for JSON."""
        return {"low": self.low, "high": self.high, "samples": self.samples}


def bootstrap_voc(
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    *,
    rng: np.random.Generator,
    samples: int = 1000,
    iou_threshold: float = 0.5,
    method: Method = "area",
) -> BootstrapInterval:
    """Return an interval for the mAP of :func:`~minircnn.evaluation.evaluate_voc`, by drawing photos anew.

    A photo drawn twice counts twice, with all its detections and objects. A class of which a sample has no
    object is left out of the sample's mean.

    Parameters
    ----------
    detections, annotations : sequences, one record per photo in the same order
    rng : numpy.random.Generator
    samples : int
        At least 1.
    iou_threshold, method
        As for `evaluate_voc`.

    Raises
    ------
    ValueError
        As `evaluate_voc`, or if no object counts.
    """
    classes = list(_classes(detections, annotations, iou_threshold, method))
    checked("samples", samples, whole(1))
    if not classes:
        raise ValueError("no photo has an object that counts: there is no mAP to draw an interval for")
    photos = len(annotations)
    means: list[float] = []
    for _ in range(samples):
        drawn = np.bincount(rng.integers(photos, size=photos), minlength=photos)  # (N,)
        aps = [_weighted_ap(*parts, drawn, method) for parts in classes]
        means.append(float(np.nanmean(aps)) if not np.isnan(aps).all() else np.nan)
    low, high = np.nanpercentile(means, [50 * (1 - _SHARE), 50 * (1 + _SHARE)])
    return BootstrapInterval(float(low), float(high), samples)


def _classes(
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    iou_threshold: float,
    method: Method,
) -> Iterator[tuple[BoolArray, IntArray, IntArray]]:
    """Yield of each class that occurs which detections (D,) are right, their photos, objects a photo (N,)."""
    names = paired_classes(detections, annotations)
    require_threshold(iou_threshold, "iou_threshold")
    require_method(method)
    photo = np.repeat(np.arange(len(detections)), [len(found) for found in detections])
    scores = np.concatenate([found.scores.astype(np.float64) for found in detections])
    labels = np.concatenate([found.labels for found in detections])
    difficult = np.concatenate([truth.difficult for truth in annotations])
    match = match_through_all_photos(detections, annotations, iou_threshold)
    for label in range(1, len(names) + 1):
        objects = np.array([np.sum((a.labels == label) & ~a.difficult) for a in annotations])
        if objects.any():
            order, is_hit = counted_detections(scores, match, labels == label, difficult)
            yield is_hit, photo[order], objects


def _weighted_ap(
    is_hit: BoolArray, photo: IntArray, objects: IntArray, drawn: IntArray, method: Method
) -> float:
    """Return the AP of a class where each photo counts as often as it was drawn; NaN without objects."""
    total = int(objects @ drawn)
    if total == 0:
        return float("nan")
    weight = drawn[photo]
    is_hit, weight = is_hit[weight > 0], weight[weight > 0]  # (D,)
    hits: FloatArray = np.cumsum(weight * is_hit).astype(np.float64)
    return average_precision(hits / total, hits / np.cumsum(weight), method)
