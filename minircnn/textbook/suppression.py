"""Greedy non-maximum suppression."""

from __future__ import annotations

from minircnn.structures import FloatArray
from minircnn.textbook.boxes import box_iou


def nms(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    """Return which boxes (R, 4) stay, best score first (Girshick et al. 2014, section 2.2)."""
    return greedy_suppression(box_iou(boxes, boxes), scores, iou_threshold)


def greedy_suppression(overlap: FloatArray, scores: FloatArray, threshold: float) -> list[int]:
    """Take the best, strike out what overlaps it by more than the threshold; repeat with what is left.

    `overlap` (R, R) is the IoU of all pairs. Of equal scores the earlier box is better.
    """
    candidates = sorted(range(len(scores)), key=lambda i: -scores[i])  # sorted() is stable
    kept = []
    while candidates:
        best = candidates.pop(0)
        kept.append(best)
        candidates = [i for i in candidates if not overlap[best, i] > threshold]
    return kept


def vote_boxes(
    kept: list[int], boxes: FloatArray, scores: FloatArray, iou_threshold: float
) -> list[list[float]]:
    """Return the mean of the boxes (R, 4) that overlap each kept one, weighted by their scores (R,).

    Gidaris and Komodakis 2015, section 5. Scores below 0 have no weight; without a vote a box stays.
    """
    overlap = box_iou(boxes, boxes)
    voted = []
    for k in kept:
        voters = [i for i in range(len(boxes)) if overlap[k, i] >= iou_threshold and scores[i] > 0]
        total = sum(float(scores[i]) for i in voters)
        place = [sum(float(scores[i] * boxes[i, side]) for i in voters) for side in range(4)]
        voted.append([value / total for value in place] if voters else boxes[k].tolist())
    return voted
