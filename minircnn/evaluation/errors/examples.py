"""The worst errors of each kind, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.evaluation.coco_matching import coco_overlap
from minircnn.evaluation.errors.analysis import DetectionErrors
from minircnn.evaluation.errors.kinds import MISSED
from minircnn.evaluation.errors.sizes import photo_shares
from minircnn.structures import Annotations, Detections


@dataclass(frozen=True)
class Example:
    """One error.

    Parameters
    ----------
    kind : str
    photo : int
    detection : int or None
        Of the photo's; for a missed object the one nearest to it, if any overlaps it.
    object : int or None
        Of the photo's; None for a detection of background.
    overlap : float
        IoU of the two; of a detection of background with the nearest object.
    weight : float
        How bad it is: the score of a detection, the share of the photo that a missed object covers.
    """

    kind: str
    photo: int
    detection: int | None
    object: int | None
    overlap: float
    weight: float


def worst_examples(
    errors: DetectionErrors,
    detections: Sequence[Detections],
    annotations: Sequence[Annotations],
    kind: str,
    count: int,
) -> list[Example]:
    """Return the `count` worst errors of a kind, one a photo: best scores, or largest missed objects.

    `detections` and `annotations` are those that were analysed.
    """
    of_kind = _missed if kind == MISSED else _wrong
    found = [
        example
        for photo, pair in enumerate(zip(detections, annotations, strict=True))
        for example in of_kind(errors, kind, photo, *pair)
    ]
    return sorted(found, key=lambda example: -example.weight)[:count]


def _wrong(
    errors: DetectionErrors, kind: str, photo: int, found: Detections, _: Annotations
) -> Iterator[Example]:
    """Yield the error of this `kind` with the best score in a photo, if there is one."""
    own = errors.photos[photo]
    candidates = np.flatnonzero(own.wrong(kind))
    if len(candidates):
        d = int(candidates[np.argmax(found.scores[candidates])])
        matched = int(own.matched[d])
        object_ = None if matched < 0 else matched
        yield Example(kind, photo, d, object_, float(own.overlap[d]), float(found.scores[d]))


def _missed(
    errors: DetectionErrors, kind: str, photo: int, found: Detections, truth: Annotations
) -> Iterator[Example]:
    """Yield the largest missed object of a photo, if there is one, with the detection nearest to it."""
    candidates = np.flatnonzero(errors.photos[photo].missed)
    if len(candidates):
        shares = photo_shares(truth.boxes, truth)
        g = int(candidates[np.argmax(shares[candidates])])
        one = truth.boxes[g : g + 1].astype(np.float64)
        overlap = coco_overlap(found.boxes.astype(np.float64), one, np.zeros(1, bool))[:, 0]  # (D,)
        near = int(np.argmax(overlap)) if overlap.max(initial=0.0) > 0 else None
        iou = 0.0 if near is None else float(overlap[near])
        yield Example(kind, photo, near, g, iou, float(shares[g]))
