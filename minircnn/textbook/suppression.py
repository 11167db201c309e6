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
