"""What kind of error each detection of a photo is.

Source: Bolya, Foley, Hays and Hoffman, *TIDE: A General Toolbox for Identifying Object Detection Errors*,
ECCV 2020, section 2.2. Where two kinds would fit, and for regions that do not count, what the published code
does (`tidecv` 1.0.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.evaluation.coco_matching import coco_overlap
from minircnn.evaluation.voc_matching import first_to_claim
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray, IntArray

StrArray = npt.NDArray[np.str_]

CORRECT = "correct"
CLASSIFICATION, LOCALIZATION, BOTH = "classification", "localization", "both"
DUPLICATE, BACKGROUND, MISSED = "duplicate", "background", "missed"

BACKGROUND_IOU = 0.1
"""Up to which overlap a detection is one of background, TIDE's t_b."""

KINDS = (CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, BACKGROUND, MISSED)
"""The kinds of error; the last is one of objects, the others are of detections."""

MENDABLE = (CLASSIFICATION, LOCALIZATION)
"""Errors that would be right with another class or box; the others can only be taken away."""


@dataclass(frozen=True)
class PhotoErrors:
    """What became of the detections (D) and objects (G) of one photo.

    Parameters
    ----------
    kind : (D,) array of str
        ``"correct"`` or one of :data:`KINDS` but the last.
    matched : (D,) int array
        The object that was found, or with which the error has to do; -1 for background.
    overlap : (D,) float array
        IoU with that object; for background with the nearest object, 0 where there is none.
    mends : (D,) bool array
        Wrong detections that would find their object if only class or box were mended: of an object that
        nothing finds, the one with the best score.
    ignored : (D,) bool array
        Wrong detections that count neither as right nor as wrong: more than `iou_threshold` of the box lies
        on a difficult object of its class.
    found : (G,) bool array
    missed : (G,) bool array
        Objects that nothing found or would find if mended. Difficult ones are neither found nor missed.
    """

    kind: StrArray
    matched: IntArray
    overlap: FloatArray
    mends: BoolArray
    ignored: BoolArray
    found: BoolArray
    missed: BoolArray

    def wrong(self, kind: str) -> BoolArray:
        """Tell which detections (D,) are errors of this `kind` that count."""
        mask: BoolArray = (self.kind == kind) & ~self.ignored
        return mask


def photo_errors(
    detections: Detections, annotations: Annotations, iou_threshold: float, background_iou: float
) -> PhotoErrors:
    """Return the kind of every detection of one photo.

    In the order of their scores, each takes the object of its class it overlaps most among those still free,
    if by `iou_threshold` (t_f) or more. The first rule that fits tells what another one is:

    1. localization: its best overlap with an object of its class lies from `background_iou` (t_b) to t_f;
    2. classification: it overlaps an object of another class by t_f or more;
    3. duplicate: it overlaps an object of its class by more than t_f, which a better one has taken;
    4. background: it overlaps nothing by more than t_b;
    5. both: what is left, the wrong class in a loose box.
    """
    overlap, right, wrong = _overlaps(detections, annotations)  # (D, G)
    order = np.argsort(-detections.scores.astype(np.float64), kind="stable")
    taken = _take_objects(right, order, iou_threshold)  # (D,)
    right_iou, right_object = _nearest(right)
    wrong_iou, wrong_object = _nearest(wrong)
    best = np.maximum(right_iou, wrong_iou)
    rules = [
        (CORRECT, taken >= 0, taken),
        (LOCALIZATION, (background_iou <= right_iou) & (right_iou <= iou_threshold), right_object),
        (CLASSIFICATION, wrong_iou >= iou_threshold, wrong_object),
        (DUPLICATE, right_iou > iou_threshold, right_object),
        (BACKGROUND, best <= background_iou, np.full(len(detections), -1)),
    ]
    holds = [fits for _, fits, _ in rules]
    kind = np.select(holds, [np.array(name) for name, *_ in rules], np.array(BOTH))
    matched = np.select(holds, [objects for *_, objects in rules], wrong_object)
    iou = best.copy()
    iou[matched >= 0] = overlap[matched >= 0, matched[matched >= 0]]

    found = np.zeros(len(annotations), dtype=bool)
    found[taken[taken >= 0]] = True
    mends = _mends(kind, matched, found, order)
    missed = ~found & ~annotations.difficult
    missed[matched[mends]] = False
    excused = _same_class(detections, annotations) & annotations.difficult  # (D, G)
    ignored = (kind != CORRECT) & (excused & (overlap > iou_threshold)).any(axis=1)
    return PhotoErrors(kind, matched, iou, mends, ignored, found, missed)


def _same_class(detections: Detections, annotations: Annotations) -> BoolArray:
    same: BoolArray = detections.labels[:, None] == annotations.labels[None, :]
    return same


def _overlaps(detections: Detections, annotations: Annotations) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return overlaps (D, G): of all, of objects that count of the detection's class, and of other classes.

    The overlap is the IoU, for difficult objects the share of the detection that lies inside.
    """
    boxes, objects = detections.boxes.astype(np.float64), annotations.boxes.astype(np.float64)
    overlap = coco_overlap(boxes, objects, annotations.difficult)
    same = _same_class(detections, annotations)
    counting = np.where(annotations.difficult, 0.0, overlap)
    return overlap, np.where(same, counting, 0.0), np.where(same, 0.0, counting)


def _take_objects(right: FloatArray, order: IntArray, iou_threshold: float) -> IntArray:
    """Return the object that each detection (D,) takes, -1 for none; the first of equal ones."""
    taken = np.full(len(right), -1)
    left = right.copy()  # (D, G) overlaps with objects still free
    near = right.max(axis=1, initial=0.0) >= iou_threshold
    for d in order[near[order]]:
        best = int(np.argmax(left[d]))
        if left[d, best] >= iou_threshold:
            taken[d] = best
            left[:, best] = 0.0
    return taken


def _nearest(overlap: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the largest overlap of each row (D, G) and its object; 0 and -1 without objects."""
    if overlap.shape[1] == 0:
        return np.zeros(len(overlap)), np.full(len(overlap), -1)
    return overlap.max(axis=1), overlap.argmax(axis=1)


def _mends(kind: StrArray, matched: IntArray, found: BoolArray, order: IntArray) -> BoolArray:
    """Tell which detections (D,) would find their object, were class or box right."""
    could = np.isin(kind, MENDABLE)
    could[could] = ~found[matched[could]]
    mends = np.zeros(len(kind), dtype=bool)
    mends[order] = first_to_claim(np.where(could, matched, -1)[order])
    return mends
