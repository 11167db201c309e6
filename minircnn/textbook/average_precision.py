"""Average precision of one class, as PASCAL VOC measures it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minircnn.textbook.boxes import Box, iou


class Found(NamedTuple):
    """A detection: its score, the number of its photo, and its box."""

    score: float
    photo: int
    box: Box


class Truth(NamedTuple):
    """An object: the number of its photo, its box, and whether it counts neither as found nor as missed."""

    photo: int
    box: Box
    difficult: bool = False


def precision_recall(
    detections: Sequence[Found], objects: Sequence[Truth], iou_threshold: float = 0.5
) -> tuple[list[float], list[float]]:
    """Return recall and precision after each detection that counts, the best score first.

    Everingham et al. 2010, section 4.2: a detection is right if it overlaps its object, the one it overlaps
    most, by at least the threshold, and no better detection has found that object.
    """
    to_find = sum(not truth.difficult for truth in objects)
    recall, precision = [], []
    found: set[int] = set()
    wrong = 0
    for _, photo, box in sorted(detections, key=lambda detection: -detection.score):  # stable
        overlaps = [iou(box, truth.box) if truth.photo == photo else 0.0 for truth in objects]
        best = max(range(len(objects)), key=lambda g: overlaps[g], default=-1)  # the first of equals
        if best < 0 or overlaps[best] < iou_threshold or best in found:
            wrong += 1
        elif objects[best].difficult:
            continue
        else:
            found.add(best)
        recall.append(len(found) / to_find)
        precision.append(len(found) / (len(found) + wrong))
    return recall, precision


def area_under_curve(recall: Sequence[float], precision: Sequence[float]) -> float:
    """Return the area under the best precision at each recall or a higher one (VOC since 2010)."""
    area, before = 0.0, 0.0
    for i, reached in enumerate(recall):
        area += (reached - before) * max(precision[i:])
        before = reached
    return area


def eleven_point_average(recall: Sequence[float], precision: Sequence[float]) -> float:
    """Return the mean of the best precision at a recall of 0, 0.1, ..., 1 or higher (VOC 2007)."""
    total = 0.0
    for tenth in range(11):
        total += max((p for r, p in zip(recall, precision, strict=True) if r >= tenth / 10), default=0.0)
    return total / 11
