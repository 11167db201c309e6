"""The twelve COCO figures: average precision and average recall over ten IoU thresholds.

Beside the averaging over thresholds 0.50, 0.55, ..., 0.95, COCO differs from PASCAL VOC in the matching:
a detection takes the best object *still free* at the threshold, so a second detection of a crowded place
can take a neighbour. Objects outside the area range asked for are ignored, and so are detections outside it
that match nothing. Precision is read off at 101 recalls. Only the best 100 detections of a class and photo
count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minircnn.checks import checked, each, whole
from minircnn.evaluation.coco_matching import (
    AREA_RANGES,
    IOU_THRESHOLDS,
    BoxShapes,
    ImageMatches,
    Shapes,
    coco_area,
    match_image,
)
from minircnn.evaluation.pairing import paired_classes
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray

RECALLS = np.linspace(0.0, 1.0, 101)
"""Recalls at which precision is read off."""

_NUMBER = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)


@dataclass(frozen=True)
class CocoResult:
    """The twelve COCO figures.

    Parameters
    ----------
    stats : dict of str to float
        ``AP``, ``AP50``, ``AP75``, ``APs``, ``APm``, ``APl``, then ``AR1``, ``AR10``, ``AR100`` (named
        after the limits on detections), ``ARs``, ``ARm``, ``ARl``, in COCO's order; -1 where there is no
        object to find, as COCO has it.
    per_class : dict of str to (float or None)
        AP of each class, over all thresholds and areas; None if the class has no object to find.
    precision : (10, 101, K, 4) float array
        By IoU threshold, recall, class and area range (all, small, medium, large); -1 where there is
        no object to find.
    recall : (10, K, 4, 3) float array
        Highest recall reached, by threshold, class, area range and limit on detections.
    """

    stats: dict[str, float]
    per_class: dict[str, float | None]
    precision: FloatArray = field(repr=False)
    recall: FloatArray = field(repr=False)

    def table(self) -> str:
        """Return plain text: the twelve figures, then the AP of every class."""
        width = max(len(name) for name in [*self.stats, *self.per_class])
        rows = [f"{n:<{width}}  {'absent' if v < 0 else f'{v:.4f}'}" for n, v in self.stats.items()]
        rows += ["", f"{'class':<{width}}  AP"]
        rows += [f"{n:<{width}}  {'absent' if v is None else f'{v:.4f}'}" for n, v in self.per_class.items()]
        return "\n".join(rows)

    def to_record(self) -> dict[str, Any]:
        """Return the figures without the curves, ready for JSON (None where there is no figure)."""
        stats = {name: None if value < 0 else value for name, value in self.stats.items()}
        return {"stats": stats, "per_class": dict(self.per_class)}


def evaluate_coco(
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    max_detections: tuple[int, int, int] = (1, 10, 100),
    *,
    areas: Sequence[FloatArray] | None = None,
    image_ids: Sequence[int | str] | None = None,
) -> CocoResult:
    """Return the twelve COCO figures.

    Objects marked difficult are treated as COCO's crowd regions: they are ignored, any number of
    detections may fall on them, and overlap with them is measured relative to the detection.

    Parameters
    ----------
    detections, annotations : sequences, one record per photo in the same order
    max_detections : (int, int, int)
        Limits on the detections per class and photo, rising; the last holds for all AP figures.
    areas : sequence of (G,) float arrays, optional
        Area of each object in square pixels, which decides whether it is small (below 32^2), medium or
        large (above 96^2). COCO takes the area of the segmentation. Default: `areas` of the annotations,
        where they have it, else the areas of the boxes.
    image_ids : sequence of int or str, optional
        Equal scores count in the order of these, as in COCO's own code: numbers by their value, texts by
        their letters. Default: `image_id` of the annotations, those of digits as numbers; photos without one
        count in the order given.

    Returns
    -------
    CocoResult

    Raises
    ------
    ValueError
        If there is no photo, the records do not fit together, a box or an area is unsound or the limits do
        not rise.

    Examples
    --------
    >>> from minircnn import Annotations, Detections, evaluate_coco
    >>> truth = Annotations(np.array([[0.0, 0, 4, 4]]), np.array([1]), ("cat",), height=9, width=9)
    >>> found = Detections(np.array([[0.0, 0, 4, 3]]), np.array([0.9]), np.array([1]), ("cat",))
    >>> round(evaluate_coco([found], [truth]).stats["AP"], 2)  # IoU 0.75: six of ten
    0.6
    """
    paired_classes(detections, annotations)
    shapes = [BoxShapes(d.boxes, a.boxes) for d, a in zip(detections, annotations, strict=True)]
    return coco_figures(detections, annotations, shapes, max_detections, areas=areas, image_ids=image_ids)


def coco_figures(
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    shapes: Sequence[Shapes],
    max_detections: tuple[int, int, int],
    *,
    areas: Sequence[FloatArray] | None = None,
    image_ids: Sequence[int | str] | None = None,
) -> CocoResult:
    """Return the twelve figures of records that fit together, the `shapes` of each photo being compared."""
    names = annotations[0].class_names
    limits = checked("max_detections", max_detections, each(whole(1), least=1))
    if len(limits) != 3 or not limits[0] < limits[1] < limits[2]:
        raise ValueError(f"max_detections must be three rising positive numbers, got {max_detections}")
    areas = [_areas(a) for a in annotations] if areas is None else [np.asarray(a) for a in areas]
    if [a.shape for a in areas] != [(len(a),) for a in annotations]:
        raise ValueError("areas must hold one number per annotated object")
    for i, own in enumerate(areas):
        if not (np.isfinite(own) & (own >= 0)).all():
            raise ValueError(f"photo {i}: areas must be numbers of at least 0, got {own.tolist()}")
    order = _counting_order(annotations, image_ids)
    shape = (len(IOU_THRESHOLDS), len(names), len(AREA_RANGES))
    precision = np.full((*shape, len(RECALLS)), -1.0)  # (T, K, A, 101)
    recall = np.full((*shape, len(max_detections)), -1.0)  # (T, K, A, 3)
    for k in range(len(names)):
        photos = [
            match_image(detections[i], annotations[i], shapes[i], areas[i], k + 1, max_detections[-1])
            for i in order
        ]
        matches = [photo for photo in photos if photo is not None]
        if matches:
            precision[:, k], recall[:, k] = _accumulate(matches, max_detections)
    precision = precision.transpose(0, 3, 1, 2)  # (T, 101, K, A)
    per_class = {name: _present_mean(precision[:, :, k, 0]) for k, name in enumerate(names)}
    return CocoResult(_twelve(precision, recall, max_detections), per_class, precision, recall)


def _areas(truth: Annotations) -> FloatArray:
    """Return the area of every object (G,), in square pixels."""
    return coco_area(truth.boxes) if truth.areas is None else truth.areas


def _counting_order(
    annotations: Sequence[Annotations], image_ids: Sequence[int | str] | None
) -> Sequence[int]:
    """Return the photos in the order in which equal scores count."""
    if image_ids is None:
        own = [a.image_id for a in annotations]
        if not all(own):
            return range(len(own))
        image_ids = [int(i) if _NUMBER.fullmatch(i) else i for i in own]
    if len(image_ids) != len(annotations):
        raise ValueError(f"{len(image_ids)} image_ids but annotations of {len(annotations)} photos")
    keys = [(isinstance(i, str), 0 if isinstance(i, str) else i, str(i)) for i in image_ids]
    return sorted(range(len(keys)), key=lambda i: keys[i])


def _accumulate(
    matches: Sequence[ImageMatches], max_detections: tuple[int, int, int]
) -> tuple[FloatArray, FloatArray]:
    """Join the photos of one class into curves: precision (T, A, 101) and highest recall (T, A, 3)."""
    num_gt = np.sum([m.num_gt for m in matches], axis=0)  # (A,)
    precision = np.full((len(IOU_THRESHOLDS), len(AREA_RANGES), len(RECALLS)), -1.0)
    recall = np.full((len(IOU_THRESHOLDS), len(AREA_RANGES), len(max_detections)), -1.0)
    for i, limit in enumerate(max_detections):
        scores = np.concatenate([m.scores[:limit] for m in matches])  # (D,)
        order = np.argsort(-scores, kind="stable")
        matched = np.concatenate([m.matched[..., :limit] for m in matches], axis=2)[..., order]  # (A, T, D)
        ignored = np.concatenate([m.ignored[..., :limit] for m in matches], axis=2)[..., order]
        for a in np.flatnonzero(num_gt):
            for t in range(len(IOU_THRESHOLDS)):
                curve = _curve(matched[a, t], ignored[a, t], int(num_gt[a]))
                recall[t, a, i] = curve[0][-1] if len(scores) else 0.0
                if limit == max_detections[-1]:
                    precision[t, a] = _read_off(*curve)
    return precision, recall


def _curve(matched: BoolArray, ignored: BoolArray, num_gt: int) -> tuple[FloatArray, FloatArray]:
    """Return recall and precision after every detection; an ignored one repeats the point before it."""
    hits = np.cumsum(matched & ~ignored)  # (D,)
    counted = np.cumsum(~ignored)  # (D,)
    return hits / num_gt, hits / np.maximum(counted, 1)


def _read_off(recall: FloatArray, precision: FloatArray) -> FloatArray:
    """Return the best precision at each of the 101 recalls or later, 0 where it is not reached."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # (D,)
    return np.append(envelope, 0.0)[np.searchsorted(recall, RECALLS, side="left")]


def _twelve(precision: FloatArray, recall: FloatArray, limits: tuple[int, int, int]) -> dict[str, float]:
    parts = {
        "AP": precision[..., 0],
        "AP50": precision[0, ..., 0],
        "AP75": precision[5, ..., 0],
        "APs": precision[..., 1],
        "APm": precision[..., 2],
        "APl": precision[..., 3],
        f"AR{limits[0]}": recall[..., 0, 0],
        f"AR{limits[1]}": recall[..., 0, 1],
        f"AR{limits[2]}": recall[..., 0, 2],
        "ARs": recall[..., 1, 2],
        "ARm": recall[..., 2, 2],
        "ARl": recall[..., 3, 2],
    }
    means = {name: _present_mean(values) for name, values in parts.items()}
    return {name: -1.0 if mean is None else mean for name, mean in means.items()}


def _present_mean(values: FloatArray) -> float | None:
    """Return the mean of the entries that are not -1, None if all are."""
    present = values[values > -1]
    return float(present.mean()) if present.size else None
