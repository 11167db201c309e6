"""The errors of all photos: how many of each kind, and what mAP would gain if they were mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from minircnn.checks import require_order
from minircnn.evaluation.errors.kinds import BACKGROUND_IOU, KINDS, MISSED, PhotoErrors, photo_errors
from minircnn.evaluation.errors.mending import (
    SPECIAL_KINDS,
    Pool,
    average_precisions,
    mended,
    mended_special,
    pool,
)
from minircnn.evaluation.errors.sizes import SIZES
from minircnn.evaluation.pairing import paired_classes, require_threshold
from minircnn.evaluation.voc_ap import Method, require_method
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray

Part: TypeAlias = BoolArray | slice


@dataclass(frozen=True)
class Breakdown:
    """The errors of all detections and objects, or of those of one class or size.

    Parameters
    ----------
    objects, found : int
        Objects to find, and those found; difficult ones are left out.
    ap : float or None
        mAP of all, AP of a class; None without an object to find, and for sizes, which have none: the size of
        what a false detection meant is unknown.
    counts : dict of str to int
        Errors of each kind. A detection belongs to the class it was given, a missed object to its own.
    gains : dict of str to (float or None)
        What `ap` (for a size, mAP) would gain if the errors of this kind (and size) were mended; None where
        nothing would be left to find.
    """

    objects: int
    found: int
    ap: float | None
    counts: dict[str, int]
    gains: dict[str, float | None]

    def to_record(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        kinds = {kind: {"count": self.counts[kind], "gain": self.gains[kind]} for kind in KINDS}
        return {"objects": self.objects, "found": self.found, "ap": self.ap, "kinds": kinds}


@dataclass(frozen=True)
class DetectionErrors:
    """What is wrong with the detections of a data set.

    Parameters
    ----------
    total : Breakdown
    special : dict of str to (float or None)
        What mAP would gain without false positives (all wrong detections behind the right ones), and without
        false negatives (no object left to find).
    per_class, per_size : dict of str to Breakdown
        In the order of the class names, and of :data:`SIZES`.
    iou_threshold, background_iou : float
    method : str
    photos : tuple of PhotoErrors
    """

    total: Breakdown
    special: dict[str, float | None]
    per_class: dict[str, Breakdown]
    per_size: dict[str, Breakdown]
    iou_threshold: float
    background_iou: float
    method: Method
    photos: tuple[PhotoErrors, ...] = field(repr=False)

    def to_record(self) -> dict[str, Any]:
        """Return the figures without the photos, ready for JSON (None where there is no figure)."""
        return {
            "iou_threshold": self.iou_threshold,
            "background_iou": self.background_iou,
            "method": self.method,
            **self.total.to_record(),
            "special": dict(self.special),
            "per_class": {name: part.to_record() for name, part in self.per_class.items()},
            "per_size": {name: part.to_record() for name, part in self.per_size.items()},
        }


def detection_errors(
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    *,
    iou_threshold: float = 0.5,
    background_iou: float = BACKGROUND_IOU,
    method: Method = "101point",
) -> DetectionErrors:
    """Return which errors the detections have and what each kind costs, by TIDE's definitions.

    The figures are those of `tidecv`, with these differences: shares of 1 instead of percent; all detections
    count, not the best 100 of a photo; equal scores keep the order of the data set while errors are mended; a
    class without an object to find is left out of the mean, where `tidecv` counts it as 0.

    Difficult objects are its ignored regions: detections on them are marked and not counted. As in `tidecv`,
    one that comes near another object may still be what would find that, if mended. The mAP differs a little
    from that of :func:`evaluate_voc`: a detection takes the best object still *free*, and to be ignored it
    only has to lie inside a difficult object, however small it is there.

    Parameters
    ----------
    detections, annotations : sequences, one record per photo in the same order
    iou_threshold : float
        From which overlap a detection is right, TIDE's foreground threshold.
    background_iou : float
        Up to which overlap there is no object, above 0 and below `iou_threshold`.
    method : "101point", "area", "11point" or "11point-published"
        As for :func:`average_precision`. TIDE reads off precision at 101 recalls.

    Raises
    ------
    ValueError
        If there is no photo, the records do not fit together, a box is unsound, a photo has no size or an
        argument is out of range.

    Examples
    --------
    >>> from minircnn import Annotations, Detections, detection_errors
    >>> truth = Annotations(np.array([[0.0, 0, 4, 4]]), np.array([1]), ("cat",), height=9, width=9)
    >>> found = Detections(np.array([[0.0, 0, 4, 1.6]]), np.array([0.9]), np.array([1]), ("cat",))
    >>> errors = detection_errors([found], [truth]).total
    >>> {kind: count for kind, count in errors.counts.items() if count}  # IoU 0.4: a loose box
    {'localization': 1}
    """
    names = paired_classes(detections, annotations)
    _require_thresholds(iou_threshold, background_iou)
    require_method(method)
    for i, truth in enumerate(annotations):
        if min(truth.height, truth.width) < 1:
            raise ValueError(
                f"photo {i} ({truth.image_id}): its size is {truth.width} x {truth.height} pixels"
            )
    pairs = zip(detections, annotations, strict=True)
    photos = tuple(photo_errors(*pair, iou_threshold, background_iou) for pair in pairs)
    pooled = pool(photos, detections, annotations)
    ap = average_precisions(pooled, method)  # (K,)
    by_kind = {kind: mended(pooled, kind, method) for kind in KINDS}
    return DetectionErrors(
        _breakdown(pooled, slice(None), slice(None), _mean(ap), _gains(ap, by_kind)),
        _gains(ap, {kind: mended_special(pooled, kind, method) for kind in SPECIAL_KINDS}),
        {name: _of_class(pooled, k, ap, by_kind) for k, name in enumerate(names)},
        {size: _of_size(pooled, band, ap, method) for band, size in enumerate(SIZES)},
        iou_threshold,
        background_iou,
        method,
        photos,
    )


def _require_thresholds(iou_threshold: float, background_iou: float) -> None:
    """Raise ValueError unless 0 < `background_iou` < `iou_threshold` <= 1."""
    require_threshold(iou_threshold, "iou_threshold")
    require_threshold(background_iou, "background_iou")
    require_order("background_iou", background_iou, "iou_threshold", iou_threshold, below=True)


def _of_class(pooled: Pool, k: int, ap: FloatArray, by_kind: Mapping[str, FloatArray]) -> Breakdown:
    one = slice(k, k + 1)
    gains = _gains(ap[one], {kind: new[one] for kind, new in by_kind.items()})
    return _breakdown(pooled, pooled.labels == k + 1, pooled.gt_labels == k + 1, _mean(ap[one]), gains)


def _of_size(pooled: Pool, band: int, ap: FloatArray, method: Method) -> Breakdown:
    gains = _gains(ap, {kind: mended(pooled, kind, method, band) for kind in KINDS})
    return _breakdown(pooled, pooled.bands == band, pooled.gt_bands == band, None, gains)


def _breakdown(
    pooled: Pool, detections: Part, objects: Part, ap: float | None, gains: dict[str, float | None]
) -> Breakdown:
    """Count in these `detections` (D,) and `objects` (G,)."""
    wrong = pooled.kind[detections][~pooled.ignored[detections]]
    counts = {kind: int(np.count_nonzero(wrong == kind)) for kind in KINDS}
    counts[MISSED] = int(np.count_nonzero(pooled.missed[objects]))
    to_find = int(np.count_nonzero(~pooled.difficult[objects]))
    return Breakdown(to_find, int(np.count_nonzero(pooled.found[objects])), ap, counts, gains)


def _gains(ap: FloatArray, mended_aps: Mapping[str, FloatArray]) -> dict[str, float | None]:
    """Return how much the mean rises from `ap` (K,) to that of each of `mended_aps`.

    A fall, which reading off precision at a few recalls can cause, is none, as in TIDE's code.
    """
    before, after = _mean(ap), {kind: _mean(new) for kind, new in mended_aps.items()}
    return {
        kind: None if before is None or mean is None else max(mean - before, 0.0)
        for kind, mean in after.items()
    }


def _mean(ap: FloatArray) -> float | None:
    """Return the mean of the classes (K,) that have one."""
    present = ap[~np.isnan(ap)]
    return float(present.mean()) if len(present) else None
