"""Sizes of objects as shares of their photo.

Shares, not COCO's square pixels (small below 32², large above 96²): the networks see a photo brought to one
size, so the share tells how large they see an object, whatever camera took it. COCO's bands are among the
figures of ``evaluate_coco``.
"""

from __future__ import annotations

import numpy as np

from minircnn.boxes.geometry import box_area
from minircnn.structures import Annotations, FloatArray, IntArray

_LIMITS = (0.02, 0.08, 0.25)

SIZES = ("< 2 %", "2-8 %", "8-25 %", "> 25 %")
"""The bands, by the share of the photo's area that a box covers; a limit belongs to the band above."""


def photo_shares(boxes: FloatArray, photo: Annotations) -> FloatArray:
    """Return which share of the photo each of `boxes` (R, 4) covers; a limit belongs to the band above."""
    shares: FloatArray = box_area(boxes.astype(np.float64)) / (photo.height * photo.width)
    return shares


def size_bands(boxes: FloatArray, photo: Annotations) -> IntArray:
    """Return the index (R,) into :data:`SIZES` of each box."""
    return np.searchsorted(_LIMITS, photo_shares(boxes, photo), side="right")
