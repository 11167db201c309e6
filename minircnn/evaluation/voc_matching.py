"""Which object a detection claims, by the rule of PASCAL VOC: the one it overlaps most."""

from __future__ import annotations

import numpy as np

from minircnn.boxes.geometry import box_iou
from minircnn.structures import Annotations, BoolArray, Detections, IntArray


def claimed_objects(found: Detections, truth: Annotations, iou_threshold: float) -> IntArray:
    """Return for every detection (D,) of a photo the object of its class that it overlaps most, or -1.

    An overlap below the threshold is none. The object may be difficult, or claimed by others too.
    """
    claims = np.full(len(found), -1)  # (D,)
    if len(found) and len(truth):
        iou = box_iou(found.boxes.astype(np.float64), truth.boxes.astype(np.float64))
        iou[found.labels[:, None] != truth.labels[None, :]] = -1.0  # (D, G)
        hit = iou.max(axis=1) >= iou_threshold
        claims[hit] = iou.argmax(axis=1)[hit]
    return claims


def first_to_claim(claims: IntArray) -> BoolArray:
    """Tell which of `claims` (D,), in their order, are the first to name an object; -1 names none."""
    objects, rank = np.unique(claims, return_index=True)
    first = np.zeros(len(claims), dtype=bool)
    first[rank[objects >= 0]] = True
    return first
