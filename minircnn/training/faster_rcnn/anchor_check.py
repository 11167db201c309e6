"""Whether the anchors suit the objects of a data set: seen before hours of training, not after."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from minircnn.boxes import AnchorSettings, base_anchors
from minircnn.detectors import ImageScale
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.regions import RegionRecord

logger = logging.getLogger("minircnn")

_WORTH_A_WARNING = 0.05  # of the objects


def check_anchors(
    dataset: DetectionDataset,
    records: Sequence[RegionRecord],
    anchors: AnchorSettings,
    scale: ImageScale,
    negative_iou: float,
) -> None:
    """Compare the anchors' shapes with the photos and their objects, as the network sees both.

    Anchors across the border are left out in training: a photo that is smaller than all of them teaches the
    region proposal network nothing. An object that no anchor resembles, wherever it lies, teaches next to
    nothing. If there are many, a warning says so.

    Raises
    ------
    ValueError
        If no anchor fits into any photo.
    """
    base = base_anchors(anchors)
    shapes = base[:, 2:] - base[:, :2]  # (A, 2): width, height
    small, best, largest = 0, [], np.zeros(2)
    for index, record in enumerate(records):
        if not record.num_gt:
            continue
        truth = dataset.annotations(index)
        factor = scale.factor(truth.height, truth.width)
        size = np.array([truth.width, truth.height]) * factor
        fitting = shapes[(shapes <= size).all(axis=1)]
        largest = np.maximum(largest, size)
        if len(fitting):
            best.append(_best_iou((record.gt[:, 2:] - record.gt[:, :2]) * factor, fitting))
        small += not len(fitting)
    if not best:
        width, height = shapes[shapes.prod(axis=1).argmin()]
        raise ValueError(
            f"anchors.scales: the smallest anchor has {width:.0f} x {height:.0f} pixels and the photos of "
            f"{dataset.name} at most {largest[0]:.0f} x {largest[1]:.0f}: none lies inside, so nothing could "
            "be learnt. Take smaller anchors, or enlarge the photos (scale.short_side)"
        )
    if small:
        logger.warning("%s: %d photos are smaller than all anchors", dataset.name, small)
    unlike, objects = int((np.concatenate(best) < negative_iou).sum()), sum(map(len, best))
    if unlike > _WORTH_A_WARNING * objects:
        logger.warning(
            "%s: %d of %d objects resemble no anchor (IoU below %g even at the same place): choose other "
            "anchors.scales and anchors.ratios (minircnn anchors DATA suggests some)",
            dataset.name,
            unlike,
            objects,
            negative_iou,
        )


def _best_iou(sides: FloatArray, shapes: FloatArray) -> FloatArray:
    """Return the largest IoU (G,) of boxes with these sides (G, 2) and one of the shapes (A, 2) on them."""
    shared = np.minimum(sides[:, None], shapes[None]).prod(axis=2)  # (G, A)
    union = sides.prod(axis=1)[:, None] + shapes.prod(axis=1)[None] - shared
    best: FloatArray = (shared / union).max(axis=1)
    return best
