"""Faster R-CNN's anchors: which there are, and what the network is to say of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minircnn.structures import BoolArray, FloatArray, IntArray
from minircnn.textbook.boxes import box_iou


def base_anchors(
    base_size: float, ratios: Sequence[float], scales: Sequence[float], rounded: bool = True
) -> FloatArray:
    """Return the anchors (A, 4) of the first cell of a map (Ren et al. 2017, section 3.1.1).

    A square of `base_size` becomes as many times as high as wide as a ratio says, its area being the same,
    then a scale enlarges it. The released code rounds in between.
    """
    anchors = []
    for ratio in ratios:
        width = math.sqrt(base_size**2 / ratio)
        width = round(width) if rounded else width
        height = round(width * ratio) if rounded else width * ratio
        for scale in scales:
            half_width, half_height = width * scale / 2, height * scale / 2
            centre = base_size / 2
            anchors.append(
                [centre - half_width, centre - half_height, centre + half_width, centre + half_height]
            )
    return np.array(anchors)


def grid_anchors(base: FloatArray, height: int, width: int, stride: float) -> FloatArray:
    """Return the anchors (height · width · A, 4) of all cells: those of the first, shifted by the stride."""
    anchors = np.zeros((height, width, len(base), 4))
    for row, column, a in np.ndindex(height, width, len(base)):
        x, y = column * stride, row * stride
        anchors[row, column, a] = base[a] + [x, y, x, y]
    return anchors.reshape(-1, 4)


def label_anchors(
    anchors: FloatArray,
    objects: FloatArray,
    usable: BoolArray,
    positive_iou: float = 0.7,
    negative_iou: float = 0.3,
) -> tuple[IntArray, IntArray]:
    """Return for each anchor 1 (object), 0 (background) or -1 (ignored), and its object's number or -1.

    Ren et al. 2017, section 3.1.2: anchors (N, 4), objects (G, 4). What crosses the border of the photo is
    not usable (section 3.3).
    """
    overlap = box_iou(anchors, objects)  # (N, G)
    of_photo = [n for n in range(len(anchors)) if usable[n]]
    labels, best_object = np.full(len(anchors), -1), np.full(len(anchors), -1)
    for n in of_photo:
        if all(overlap[n] < negative_iou):
            labels[n] = 0
    for g in range(len(objects)):
        largest = max((overlap[n, g] for n in of_photo), default=0.0)
        for n in of_photo:
            if largest > 0 and overlap[n, g] == largest:  # where none meets the object, all would be equal
                labels[n] = 1
    for n in of_photo:
        if any(overlap[n] >= positive_iou):
            labels[n] = 1
    for n in range(len(anchors)):
        if any(overlap[n] > 0):
            best_object[n] = overlap[n].argmax()
    return labels, best_object
