"""Boxes, x1, y1, x2, y2: how much two overlap, and one as seen from another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minircnn.structures import FloatArray

Box = Sequence[float]


def iou(a: Box, b: Box) -> float:
    """Return intersection over union, 0 if the two do not meet (Everingham et al. 2010, equation 3)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def box_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the IoU of every box of a (A, 4) with every box of b (B, 4), (A, B)."""
    table = np.zeros((len(a), len(b)))
    for i, one in enumerate(a.tolist()):
        for j, other in enumerate(b.tolist()):
            table[i, j] = iou(one, other)
    return table


def encode(proposal: Box, target: Box) -> tuple[float, float, float, float]:
    """Return tx, ty, tw, th from the proposal to the target (Girshick et al. 2014, equations 6 to 9)."""
    px, py, pw, ph = _centre_and_size(proposal)
    gx, gy, gw, gh = _centre_and_size(target)
    return (gx - px) / pw, (gy - py) / ph, math.log(gw / pw), math.log(gh / ph)


def decode(proposal: Box, offsets: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the box that the offsets make of the proposal (Girshick et al. 2014, equations 1 to 4).

    No side grows by more than 1000 / 16, so that the exponential stays finite whatever was predicted.
    """
    px, py, pw, ph = _centre_and_size(proposal)
    tx, ty, tw, th = offsets
    x, y = px + tx * pw, py + ty * ph
    w, h = pw * math.exp(min(tw, math.log(1000 / 16))), ph * math.exp(min(th, math.log(1000 / 16)))
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def clip_box(box: Box, height: float, width: float) -> tuple[float, float, float, float]:
    """Return the part of a box that lies on the photo."""
    x1, x2 = (min(max(x, 0), width) for x in (box[0], box[2]))
    y1, y2 = (min(max(y, 0), height) for y in (box[1], box[3]))
    return x1, y1, x2, y2


def _centre_and_size(box: Box) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
