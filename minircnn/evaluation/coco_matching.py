"""COCO's matching of the detections of one class and photo to its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from minircnn.interop.coco import coco_sides
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray, IntArray

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""The ten thresholds T."""

AREA_RANGES = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]])
"""The area ranges A (all, small, medium, large) in square pixels, both ends included."""


@dataclass(frozen=True)
class ImageMatches:
    """What became of the detections of one class in one photo.

    Parameters
    ----------
    scores : (D,) float array
        Descending.
    matched, ignored : (A, T, D) bool arrays
        By area range and threshold: whether the detection took an object, and whether it counts as
        neither right nor wrong.
    num_gt : (A,) int array
        Objects to find in each area range.
    """

    scores: FloatArray
    matched: BoolArray
    ignored: BoolArray
    num_gt: IntArray


class Shapes(Protocol):
    """What the matching asks of the detections and objects of one photo, be they boxes or masks."""

    def areas(self, chosen: IntArray) -> FloatArray:
        """Return the areas (D,) of the chosen detections, in square pixels."""
        ...

    def overlap(self, chosen: IntArray, objects: BoolArray, crowd: BoolArray) -> FloatArray:
        """Return the overlap (D, G) of chosen detections and chosen objects; `crowd` (G,) is of these."""
        ...


@dataclass(frozen=True)
class BoxShapes:
    """The boxes of one photo's detections (D, 4) and objects (G, 4)."""

    found: FloatArray
    objects: FloatArray

    def areas(self, chosen: IntArray) -> FloatArray:
        """Return the areas of the chosen detections."""
        return coco_area(self.found[chosen].astype(np.float64))

    def overlap(self, chosen: IntArray, objects: BoolArray, crowd: BoolArray) -> FloatArray:
        """Return the overlap of chosen detections and chosen objects."""
        boxes = self.found[chosen].astype(np.float64)
        return coco_overlap(boxes, self.objects[objects].astype(np.float64), crowd)


def match_image(
    detections: Detections,
    annotations: Annotations,
    shapes: Shapes,
    areas: FloatArray,
    label: int,
    limit: int,
) -> ImageMatches | None:
    """Match the best `limit` detections of class `label` in one photo; None if the class does not occur."""
    of_class = np.flatnonzero(detections.labels == label)
    objects = annotations.labels == label
    if len(of_class) == 0 and not objects.any():
        return None
    scores = detections.scores[of_class].astype(np.float64)
    order = np.argsort(-scores, kind="stable")[:limit]
    chosen = of_class[order]  # (D,)
    crowd = annotations.difficult[objects]  # (G,)
    ignored_gt = crowd | _outside(areas[objects].astype(np.float64))  # (A, G)
    overlap = shapes.overlap(chosen, objects, crowd)  # (D, G)
    matched, ignored = _match(overlap, crowd, ignored_gt)
    ignored |= ~matched & _outside(shapes.areas(chosen))[:, None, :]
    return ImageMatches(scores[order], matched, ignored, np.count_nonzero(~ignored_gt, axis=1))


def coco_area(boxes: FloatArray) -> FloatArray:
    """Return the areas (R,) as COCO computes them, of the sides in its files."""
    area: FloatArray = np.prod(coco_sides(boxes), axis=1)
    return area


def _match(overlap: FloatArray, crowd: BoolArray, ignored_gt: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Let each detection in turn take the best object still free, at all areas and thresholds at once.

    Objects to find go before ignored ones however well these overlap; among equals the last wins.

    Parameters
    ----------
    overlap : (D, G) float array
    crowd : (G,) bool array
        Objects that stay free when taken.
    ignored_gt : (A, G) bool array

    Returns
    -------
    matched, ignored : (A, T, D) bool arrays
    """
    num_areas, num_thresholds = len(AREA_RANGES), len(IOU_THRESHOLDS)
    matched = np.zeros((num_areas, num_thresholds, len(overlap)), dtype=bool)
    ignored = np.zeros_like(matched)
    free = np.ones((num_areas, num_thresholds, overlap.shape[1]), dtype=bool)  # (A, T, G)
    area, level = np.ogrid[:num_areas, :num_thresholds]
    if overlap.shape[1] == 0:
        return matched, ignored
    # What overlaps nothing by the lowest threshold matches nothing: only the others are looked at.
    for d in np.flatnonzero(overlap.max(axis=1) >= IOU_THRESHOLDS[0]):
        possible = free & (overlap[d] >= IOU_THRESHOLDS[:, None])  # (A, T, G)
        to_find = possible & ~ignored_gt[:, None, :]
        eligible = np.where(to_find.any(axis=2, keepdims=True), to_find, possible)
        value = np.where(eligible, overlap[d], -1.0)
        best = overlap.shape[1] - 1 - np.argmax(value[..., ::-1], axis=2)  # (A, T), the last of equals
        hit = possible[area, level, best]  # (A, T)
        matched[..., d] = hit
        ignored[..., d] = hit & ignored_gt[area, best]
        free[area, level, best] &= ~hit | crowd[best]
    return matched, ignored


def coco_overlap(boxes: FloatArray, objects: FloatArray, crowd: BoolArray) -> FloatArray:
    """Return the IoU (D, G); for a crowd region, the share of the detection that lies inside it."""
    low = np.maximum(boxes[:, None, :2], objects[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], objects[None, :, 2:])
    intersection = np.prod(np.maximum(high - low, 0.0), axis=2)  # (D, G)
    area = coco_area(boxes)[:, None]  # (D, 1)
    union = area + coco_area(objects) - intersection  # (D, G)
    whole = np.where(crowd, area, union)
    overlap: FloatArray = intersection / np.where(intersection > 0, whole, 1.0)
    return overlap


def _outside(area: FloatArray) -> BoolArray:
    """Tell which areas lie outside each range: (G,) -> (A, G)."""
    return (area < AREA_RANGES[:, :1]) | (area > AREA_RANGES[:, 1:])
