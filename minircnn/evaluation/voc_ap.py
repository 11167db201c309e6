"""Average precision as in the PASCAL VOC development kit.

Detections of a class are taken over all photos by descending score. Each looks at the object of its
class it overlaps most: with an IoU of at least the threshold it is a true positive, unless the object
was found before (a duplicate is a false positive) or is marked difficult (then neither counts).

The kit computes with inclusive pixels (width = x2 - x1 + 1). Boxes here are half-open, shifted by
[0, 0, 1, 1] when read, and their plain IoU is the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from minircnn.arrays import as_plain
from minircnn.evaluation.pairing import paired_classes, require_threshold
from minircnn.evaluation.voc_matching import claimed_objects, first_to_claim
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray, IntArray

Method = Literal["area", "11point", "11point-published", "101point"]

_RECALLS = {
    # rounded like the quotient "found / objects" that is compared with it
    "11point": np.arange(11) / 10,
    # `arange(0, 1.1, 0.1)` of the published code: its 0.3, 0.6 and 0.7 lie above those quotients
    "11point-published": np.arange(11) * 0.1,
    "101point": np.arange(101) / 100,
}


@dataclass(frozen=True)
class ClassResult:
    """Average precision of one class.

    Parameters
    ----------
    ap : float or None
        In [0, 1]; None if the class has no object to find.
    num_gt : int
        Objects to find, without the difficult ones.
    num_detections : int
        All detections of the class.
    recall, precision, scores : (D,) float arrays
        One point of the curve per detection that counts, by descending score; empty if `ap` is None.
    """

    ap: float | None
    num_gt: int
    num_detections: int
    recall: FloatArray = field(repr=False)
    precision: FloatArray = field(repr=False)
    scores: FloatArray = field(repr=False)


@dataclass(frozen=True)
class VocResult:
    """Average precision of every class.

    Parameters
    ----------
    map : float
        Mean of the classes that have objects; NaN if none has.
    per_class : dict of str to ClassResult
        In the order of the class names.
    iou_threshold : float
    method : "area", "11point", "11point-published" or "101point"
    """

    map: float
    per_class: dict[str, ClassResult]
    iou_threshold: float
    method: Method

    def table(self) -> str:
        """Return plain text: one row per class, the mean last. A class without objects reads "absent"."""
        width = max(len(name) for name in ("class", *self.per_class))
        rows = [f"{'class':<{width}}  {'AP':>6}  {'objects':>7}  {'detections':>10}"]
        for name, result in self.per_class.items():
            ap = "absent" if result.ap is None else f"{result.ap:.4f}"
            rows.append(f"{name:<{width}}  {ap:>6}  {result.num_gt:>7}  {result.num_detections:>10}")
        mean = "absent" if np.isnan(self.map) else f"{self.map:.4f}"
        objects = sum(result.num_gt for result in self.per_class.values())
        found = sum(result.num_detections for result in self.per_class.values())
        rows.append(f"{'mean':<{width}}  {mean:>6}  {objects:>7}  {found:>10}")
        return "\n".join(rows)

    def to_record(self) -> dict[str, Any]:
        """Return the figures without the curves, ready for JSON (None where there is no figure)."""
        return {
            "map": None if np.isnan(self.map) else self.map,
            "iou_threshold": self.iou_threshold,
            "method": self.method,
            "per_class": {
                name: {"ap": r.ap, "num_gt": r.num_gt, "num_detections": r.num_detections}
                for name, r in self.per_class.items()
            },
        }


def average_precision(recall: FloatArray, precision: FloatArray, method: Method = "area") -> float:
    """Return the average precision of a precision-recall curve.

    Precision is first made to fall with recall: at each recall, the best precision reached at that
    recall or later.

    Parameters
    ----------
    recall, precision : (D,) float arrays
        Points of the curve; recall does not fall.
    method : "area", "11point", "11point-published" or "101point"
        The area under the curve (VOC 2010 and later), or the mean of the precision at recall 0, 0.1,
        ..., 1 (VOC 2007) or 0, 0.01, ..., 1 (COCO). ``"11point-published"`` is for comparison with figures of
        the Python code published with Fast R-CNN: a recall of exactly 0.3, 0.6 or 0.7 does not reach that
        point there.

    Returns
    -------
    float
        In [0, 1]; 0 for a curve without points.

    Raises
    ------
    ValueError
        If the arrays do not fit together, are not all finite numbers or there is no such `method`.

    Examples
    --------
    >>> from minircnn.evaluation import average_precision
    >>> average_precision(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 0.75]))  # ½ · 1 + ½ · ¾
    0.875
    """
    recall, precision = as_plain(recall, "recall"), as_plain(precision, "precision")
    if recall.shape != precision.shape or recall.ndim != 1:
        raise ValueError(f"recall has shape {recall.shape}, precision {precision.shape}; both must be (D,)")
    for name, values in (("recall", recall), ("precision", precision)):
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite numbers, got {values.tolist()}")
    if (np.diff(recall) < 0).any():
        raise ValueError("recall must not fall: give the points in descending order of score")
    require_method(method)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # (D,)
    if method == "area":
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    reached = np.searchsorted(recall, _RECALLS[method], side="left")  # (P,)
    return float(np.append(envelope, 0.0)[reached].mean())


def require_method(method: str) -> None:
    """Raise ValueError, with the methods there are, for any other."""
    known = ("area", *_RECALLS)
    if method not in known:
        raise ValueError(
            f"method must be {', '.join(map(repr, known[:-1]))} or {known[-1]!r}, got {method!r}"
        )


def evaluate_voc(
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    *,
    iou_threshold: float = 0.5,
    method: Method = "area",
) -> VocResult:
    """Return the average precision of every class over all photos.

    Parameters
    ----------
    detections, annotations : sequences, one record per photo in the same order
        Equal scores count in this order.
    iou_threshold : float
        In (0, 1]; an overlap of exactly the threshold is a match.
    method : "area", "11point", "11point-published" or "101point"
        As for :func:`average_precision`.

    Returns
    -------
    VocResult

    Raises
    ------
    ValueError
        If there is no photo, the records do not fit together, a box is unsound or an argument is out of
        range.

    Examples
    --------
    >>> from minircnn import Annotations, Detections, evaluate_voc
    >>> truth = Annotations(np.array([[0.0, 0, 4, 4]]), np.array([1]), ("cat",), height=9, width=9)
    >>> found = Detections(np.array([[0.0, 0, 4, 3]]), np.array([0.9]), np.array([1]), ("cat",))
    >>> [evaluate_voc([found], [truth], iou_threshold=t).map for t in (0.5, 0.8)]  # their IoU is 0.75
    [1.0, 0.0]
    """
    names = paired_classes(detections, annotations)
    require_threshold(iou_threshold, "iou_threshold")
    require_method(method)
    scores = np.concatenate([d.scores.astype(np.float64) for d in detections])  # (D,) over all photos
    labels = np.concatenate([d.labels for d in detections])  # (D,)
    gt_labels = np.concatenate([a.labels for a in annotations])  # (G,)
    difficult = np.concatenate([a.difficult for a in annotations])  # (G,)
    match = match_through_all_photos(detections, annotations, iou_threshold)  # (D,)
    per_class = {
        name: _class_result(scores, match, labels == label, difficult, gt_labels == label, method)
        for label, name in enumerate(names, start=1)
    }
    present = [result.ap for result in per_class.values() if result.ap is not None]
    mean = float(np.mean(present)) if present else float("nan")
    return VocResult(mean, per_class, iou_threshold, method)


def match_through_all_photos(
    detections: Sequence[Detections], annotations: Sequence[Annotations], iou_threshold: float
) -> IntArray:
    """Return for every detection the object it claims, counted through all photos; -1 for none."""
    matches, offset = [], 0
    for found, truth in zip(detections, annotations, strict=True):
        claims = claimed_objects(found, truth, iou_threshold)
        matches.append(np.where(claims < 0, -1, claims + offset))
        offset += len(truth)
    return np.concatenate(matches)


def counted_detections(
    scores: FloatArray, match: IntArray, of_class: BoolArray, difficult: BoolArray
) -> tuple[IntArray, BoolArray]:
    """Return which detections of a class count, best score first, and which of them are right."""
    order = np.flatnonzero(of_class)
    order = order[np.argsort(-scores[order], kind="stable")]  # by descending score
    matched = match[order] >= 0
    counts = np.ones(len(order), dtype=bool)
    counts[matched] = ~difficult[match[order][matched]]
    order = order[counts]  # (D,) difficult objects take their detections out of the count
    return order, first_to_claim(match[order])


def _class_result(
    scores: FloatArray,
    match: IntArray,
    of_class: BoolArray,
    difficult: BoolArray,
    gt_of_class: BoolArray,
    method: Method,
) -> ClassResult:
    num_gt = int(np.count_nonzero(gt_of_class & ~difficult))
    num_detections = int(np.count_nonzero(of_class))
    if num_gt == 0:
        none = np.zeros(0)
        return ClassResult(None, 0, num_detections, none, none, none)
    order, is_hit = counted_detections(scores, match, of_class, difficult)
    hits = np.cumsum(is_hit)  # (D,)
    recall, precision = hits / num_gt, hits / np.arange(1, len(order) + 1)
    ap = average_precision(recall, precision, method)
    return ClassResult(ap, num_gt, num_detections, recall, precision, scores[order])
