"""Masks and panoptic segments out of boxes and a class map: a baseline, no network of its own.

A box says which object, the class map which pixels: the pixels of its class in its box are taken for its
mask. Two objects of a class that touch within a box are one mask, and what sticks out of a box is lost. Mask
R-CNN learns this step; here it is only cut, as a measure of what learning it is worth.
"""

from __future__ import annotations

import numpy as np

from minircnn.checks import checked, real
from minircnn.evaluation import MaskDetections
from minircnn.panoptic import BACKGROUND, PanopticMap, Segment
from minircnn.scene import VOID
from minircnn.structures import BoolArray, Detections, FloatArray, IntArray


def cut_masks(detections: Detections, class_map: IntArray, *, agnostic: bool = False) -> MaskDetections:
    """Return each detection with the pixels of its class in its box; those without any are left out.

    Parameters
    ----------
    detections : Detections
    class_map : (H, W) int array
        0 background, 1..K in the detections' own numbering, 255 void.
    agnostic : bool
        Take all pixels in the box that are of any class: where the boxes name objects better than the map
        names pixels.

    Examples
    --------
    >>> from minircnn import Detections
    >>> from minircnn.training.ladder import cut_masks
    >>> found = Detections(np.array([[0.0, 0, 2, 1]]), np.array([0.9]), np.array([1]), ("cat",))
    >>> cut_masks(found, np.array([[1, 0, 1]])).masks.astype(int)
    array([[[1, 0, 0]]])
    """
    masks = np.array([_inside(b, class_map) for b in detections.boxes], dtype=bool)
    any_class = (class_map != BACKGROUND) & (class_map != VOID)
    own = any_class if agnostic else class_map == detections.labels[:, None, None]
    masks = masks.reshape(-1, *class_map.shape) & own
    filled = masks.any(axis=(1, 2))
    return MaskDetections(
        masks[filled], detections.scores[filled], detections.labels[filled], detections.class_names
    )


def merge_panoptic(
    detections: Detections,
    class_map: IntArray,
    *,
    min_score: float = 0.5,
    min_free: float = 0.5,
    agnostic: bool = False,
) -> PanopticMap:
    """Return segments that tile the photo: objects by their boxes, and background.

    Best score first, each detection takes the pixels of its mask that are still free. If those are less than
    `min_free` of the mask, or the score is below `min_score`, there is no such segment (as in section 7 of
    Kirillov et al. 2019). Pixels of a class that no box claims are left void.

    Parameters
    ----------
    detections : Detections
        Best score first.
    class_map : (H, W) int array
    min_score, min_free : float
    agnostic : bool
        As for :func:`cut_masks`.

    Raises
    ------
    ValueError
        If a number is outside its range.
    """
    checked("min_free", min_free, real(0, 1))
    shown = detections.above(checked("min_score", min_score, real()))
    masks = cut_masks(shown, class_map, agnostic=agnostic)
    ids = np.zeros(class_map.shape, dtype=np.int32)
    segments: list[Segment] = []
    for mask, label in zip(masks.masks, masks.labels.tolist(), strict=True):
        free = mask & (ids == 0)
        if free.any() and free.sum() >= min_free * mask.sum():
            segments.append(Segment(len(segments) + 1, label))
            ids[free] = len(segments)
    background = class_map == BACKGROUND
    if background.any():
        segments.append(Segment(len(segments) + 1, BACKGROUND))
        ids[background] = len(segments)
    return PanopticMap(ids, tuple(segments), detections.class_names)


def _inside(box: FloatArray, class_map: IntArray) -> BoolArray:
    """Return the pixels (H, W) whose centre lies in the box."""
    height, width = class_map.shape
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    across, down = (x >= box[0]) & (x < box[2]), (y >= box[1]) & (y < box[3])
    inside: BoolArray = down[:, None] & across[None, :]
    return inside
