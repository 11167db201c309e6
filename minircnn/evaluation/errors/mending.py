"""What average precision would be if the errors of one kind were mended.

Source: TIDE (ECCV 2020), section 2. Each kind is mended alone, from the detections as they are; so the gains
need not add up to what is missing to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.evaluation.errors.kinds import CORRECT, MENDABLE, MISSED, PhotoErrors, StrArray
from minircnn.evaluation.errors.sizes import size_bands
from minircnn.evaluation.voc_ap import Method, average_precision
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray, IntArray

FALSE_POSITIVES, FALSE_NEGATIVES = "false positives", "false negatives"

SPECIAL_KINDS = (FALSE_POSITIVES, FALSE_NEGATIVES)
"""Two kinds that overlap the six others: every wrong detection, and every object without a right one."""


_OF_DETECTIONS = ("labels", "kind", "ignored", "mends", "object_labels", "bands")


@dataclass(frozen=True)
class Pool:
    """The detections (D) of all photos, best score first, and the objects (G) of all photos.

    Parameters
    ----------
    labels, kind, ignored, mends : (D,) arrays
    object_labels : (D,) int array
        Class of the object that a detection has to do with; 0 for background.
    bands : (D,) int array
        Size of the object where class or box can be mended, else of the detection.
    gt_labels, gt_bands : (G,) int arrays
    found, missed, difficult : (G,) bool arrays
    num_classes : int
    """

    labels: IntArray
    kind: StrArray
    ignored: BoolArray
    mends: BoolArray
    object_labels: IntArray
    bands: IntArray
    gt_labels: IntArray
    gt_bands: IntArray
    found: BoolArray
    missed: BoolArray
    difficult: BoolArray
    num_classes: int

    def per_class(self, objects: BoolArray) -> IntArray:
        """Return how many of these `objects` (G,) each class (K,) has."""
        return np.bincount(self.gt_labels[objects] - 1, minlength=self.num_classes)


def pool(
    photos: Sequence[PhotoErrors], detections: Sequence[Detections], annotations: Sequence[Annotations]
) -> Pool:
    """Join the photos; equal scores keep their order."""
    scores = np.concatenate([found.scores.astype(np.float64) for found in detections])
    order = np.argsort(-scores, kind="stable")
    rows = [_columns(*photo) for photo in zip(photos, detections, annotations, strict=True)]
    columns: dict[str, Any] = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    sorted_ = {name: columns[name][order] for name in _OF_DETECTIONS}
    return Pool(**(columns | sorted_), num_classes=len(annotations[0].class_names))


def _columns(errors: PhotoErrors, found: Detections, truth: Annotations) -> dict[str, npt.NDArray[Any]]:
    """Return what :class:`Pool` has of one photo."""
    gt_bands, bands = size_bands(truth.boxes, truth), size_bands(found.boxes, truth)
    matched = errors.matched
    of_object = np.isin(errors.kind, MENDABLE)
    bands[of_object] = gt_bands[matched[of_object]]
    object_labels = np.append(truth.labels, 0)[matched]  # -1, no object, has label 0
    return {
        "labels": found.labels,
        "kind": errors.kind,
        "ignored": errors.ignored,
        "mends": errors.mends,
        "object_labels": object_labels,
        "bands": bands,
        "gt_labels": truth.labels,
        "gt_bands": gt_bands,
        "found": errors.found,
        "missed": errors.missed,
        "difficult": truth.difficult,
    }


def average_precisions(pooled: Pool, method: Method) -> FloatArray:
    """Return the AP of every class (K,) as it is; NaN for a class without an object to find."""
    return mended(pooled, "nothing", method)


def mended(pooled: Pool, kind: str, method: Method, band: int | None = None) -> FloatArray:
    """Return what the AP of every class (K,) would be without errors of this `kind` (and size).

    Of the detections that have to do with one object that nothing finds, that with the best score gets the
    right class or box; all other wrong ones disappear. Missed objects are not asked for any more. A class
    that has nothing left to find gets 0, or NaN if it has no detection either.
    """
    errors = pooled.kind == kind  # (D,)
    gone = pooled.missed if kind == MISSED else np.zeros(len(pooled.missed), dtype=bool)  # (G,)
    if band is not None:
        errors, gone = errors & (pooled.bands == band), gone & (pooled.gt_bands == band)
    right = errors & pooled.mends
    return _class_by_class(
        pooled,
        labels=np.where(right, pooled.object_labels, pooled.labels),
        correct=(pooled.kind == CORRECT) | right,
        counts=np.where(errors, right, ~pooled.ignored),
        to_find=~pooled.difficult & ~gone,
        method=method,
    )


def mended_special(pooled: Pool, kind: str, method: Method) -> FloatArray:
    """Return what the AP of every class (K,) would be without one of the :data:`SPECIAL_KINDS`.

    Without false positives, all wrong detections stand behind all right ones, where they cost nothing.
    Without false negatives, only what was found is asked for.
    """
    correct = pooled.kind == CORRECT
    return _class_by_class(
        pooled,
        labels=pooled.labels,
        correct=correct,
        counts=correct if kind == FALSE_POSITIVES else ~pooled.ignored,
        to_find=pooled.found if kind == FALSE_NEGATIVES else ~pooled.difficult,
        method=method,
    )


def _class_by_class(
    pooled: Pool,
    *,
    labels: IntArray,
    correct: BoolArray,
    counts: BoolArray,
    to_find: BoolArray,
    method: Method,
) -> FloatArray:
    """Return the AP (K,) of the detections (D,) that count, some `correct`, for the objects (G,) to find."""
    aps = np.full(pooled.num_classes, np.nan)
    num_gt = pooled.per_class(to_find)
    for k in np.flatnonzero(pooled.per_class(~pooled.difficult)):
        hits = correct[counts & (labels == k + 1)]  # best score first
        if num_gt[k] == 0:
            aps[k] = 0.0 if len(hits) else np.nan
            continue
        true = np.cumsum(hits)
        aps[k] = average_precision(true / num_gt[k], true / np.arange(1, len(hits) + 1), method)
    return aps
