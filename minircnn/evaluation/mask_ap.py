"""COCO's twelve figures for masks: the matching and averaging of boxes, with the IoU of masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minircnn.columns import check_column, check_labels
from minircnn.evaluation.coco_ap import CocoResult, coco_figures
from minircnn.evaluation.pairing import paired_classes
from minircnn.scene import Scene, mask_boxes
from minircnn.structures import BoolArray, Detections, FloatArray, IntArray


@dataclass(frozen=True)
class MaskDetections:
    """Objects found in one photo, each with its mask.

    Parameters
    ----------
    masks : (D, H, W) bool array
    scores : (D,) float array
    labels : (D,) int array
        1..K; ``class_names[label - 1]`` is the name.
    class_names : tuple of str
        Of things.

    Raises
    ------
    ValueError
        If shapes disagree, a score is not finite or a label is outside 1..K.
    """

    masks: BoolArray
    scores: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if getattr(self.masks, "ndim", 0) != 3 or self.masks.dtype != np.bool_:
            raise ValueError("mask detections: masks must be (D, H, W) of bool")
        check_column(self.scores, len(self.masks), "numbers", "mask detections: scores")
        if not np.isfinite(self.scores).all():
            raise ValueError("mask detections: a score is not finite")
        check_labels(self.labels, self.class_names, len(self.masks), "mask detections")

    def __len__(self) -> int:
        return len(self.masks)

    def detections(self) -> Detections:
        """Return the same with the boxes around the masks; an empty mask has a box without area."""
        boxes = np.zeros((len(self), 4))
        filled = self.masks.any(axis=(1, 2))
        boxes[filled] = mask_boxes(self.masks[filled])
        return Detections(boxes, self.scores, self.labels, self.class_names)


def mask_iou(a: BoolArray, b: BoolArray, crowd: BoolArray | None = None) -> FloatArray:
    """Return the IoU (D, G) of masks (D, H, W) and (G, H, W).

    Where `crowd` (G,) is true it is the share of the first mask that lies inside the second, as COCO measures
    overlap with a crowd. Two empty masks have 0. Masks of different sizes raise ValueError.

    Examples
    --------
    >>> from minircnn.evaluation import mask_iou
    >>> a, b = np.array([[[1, 1, 0, 0]]]) > 0, np.array([[[0, 1, 1, 1]]]) > 0
    >>> mask_iou(a, b), mask_iou(a, b, np.array([True]))
    (array([[0.25]]), array([[0.5]]))
    """
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"masks of {a.shape[1:]} and of {b.shape[1:]} pixels")
    packed = np.packbits(b.reshape(len(b), math.prod(b.shape[1:])), axis=1)  # (G, ⌈HW/8⌉)
    shared = np.zeros((len(a), len(b)))
    for d, mask in enumerate(a):  # eight pixels at a time
        shared[d] = np.bitwise_count(packed & np.packbits(mask.ravel())).sum(axis=1, dtype=np.int64)
    areas = np.count_nonzero(a, axis=(1, 2))[:, None]  # (D, 1)
    whole = areas + np.count_nonzero(b, axis=(1, 2)) - shared
    if crowd is not None:
        whole = np.where(crowd, areas, whole)
    iou: FloatArray = shared / np.maximum(whole, 1)
    return iou


@dataclass(frozen=True)
class MaskShapes:
    """The masks of what was found (D, H, W) and of the objects (G, H, W) of one photo."""

    found: BoolArray
    objects: BoolArray

    def areas(self, chosen: IntArray) -> FloatArray:
        """Return the pixels of the chosen found ones."""
        areas: FloatArray = np.count_nonzero(self.found[chosen], axis=(1, 2)).astype(np.float64)
        return areas

    def overlap(self, chosen: IntArray, objects: BoolArray, crowd: BoolArray) -> FloatArray:
        """Return the overlap of chosen found ones and chosen objects."""
        return mask_iou(self.found[chosen], self.objects[objects], crowd)


def evaluate_coco_masks(
    found: Sequence[MaskDetections],
    scenes: Sequence[Scene],
    max_detections: tuple[int, int, int] = (1, 10, 100),
    *,
    areas: Sequence[FloatArray] | None = None,
) -> CocoResult:
    """Return the twelve COCO figures of masks (``segm``).

    Parameters
    ----------
    found, scenes : sequences, one record per photo in the same order
        The classes are those of the scenes' things. Difficult segments are treated as crowds.
    max_detections : (int, int, int)
        As for :func:`minircnn.evaluation.evaluate_coco`.
    areas : sequence of (G,) float arrays, optional
        Of each thing in square pixels, where the data set says other ones than its mask has.

    Raises
    ------
    ValueError
        If there is no photo or the records do not fit together.
    """
    annotations = [scene.objects() for scene in scenes]
    detections = [own.detections() for own in found]
    paired_classes(detections, annotations)
    for i, (own, scene) in enumerate(zip(found, scenes, strict=True)):
        if own.masks.shape[1:] != scene.masks.shape[1:]:
            raise ValueError(
                f"photo {i} ({scene.image_id}): masks of {own.masks.shape[1:]} pixels found, the scene is of "
                f"{scene.masks.shape[1:]}"
            )
    shapes = [
        MaskShapes(own.masks, scene.masks[scene.is_thing]) for own, scene in zip(found, scenes, strict=True)
    ]
    return coco_figures(detections, annotations, shapes, max_detections, areas=areas)
