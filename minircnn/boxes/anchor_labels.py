"""What the region proposal network is to say of each anchor, and which anchors a training step sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Array, array_namespace, as_plain, from_lists, like, to_host
from minircnn.boxes.geometry import as_boxes, box_iou
from minircnn.checks import checked, real, require_order, whole

OBJECT, BACKGROUND, IGNORED = 1, 0, -1
"""What an anchor is labelled; what is ignored has no part in the loss."""


@dataclass(frozen=True)
class AnchorLabels:
    """The anchors' labels, and the objects that they belong to.

    Parameters
    ----------
    labels : (N,) int64 array
        OBJECT, BACKGROUND or IGNORED.
    best_gt : (N,) int64 array
        Row of the object that the anchor overlaps most (the first of equals); -1 where none overlaps.
    best_anchor_iou : (G,) float array
        Of each object, its largest IoU with a usable anchor. Where it is 0 the object has no anchor, and the
        network learns nothing of it.
    """

    labels: Array
    best_gt: Array
    best_anchor_iou: Array


def label_anchors(
    anchors: Array,
    gt: Array,
    *,
    positive_iou: float = 0.7,
    negative_iou: float = 0.3,
    usable: Array | None = None,
) -> AnchorLabels:
    """Tell which anchors hold an object and which none (Faster R-CNN, section 3.1.2).

    An anchor is OBJECT if no other overlaps one of the objects more (every one of several that overlap it
    equally), or if its IoU with an object is at least `positive_iou`; else BACKGROUND if its IoU with all
    objects is below `negative_iou`; else IGNORED. An object that no anchor overlaps makes no OBJECT; taken
    literally, the rule would make one of every anchor, as all attain its maximum, 0.

    Parameters
    ----------
    anchors : (N, 4) array
    gt : (G, 4) array
        The objects, G ≥ 0, in the same pixels.
    positive_iou, negative_iou : float
        In [0, 1], the second at most the first.
    usable : (N,) bool array, optional
        The others are IGNORED and have no part in an object's maximum; :func:`anchors_inside` tells them.
        None: all are usable.

    Raises
    ------
    ValueError
        If shapes disagree, a coordinate is not finite or a threshold is impossible.
    """
    anchors, gt = as_boxes(anchors, "anchors"), as_boxes(gt, "gt")
    xp = array_namespace(anchors, gt)  # refuses a mixture of libraries
    positive_iou = checked("positive_iou", positive_iou, real(0, 1))
    negative_iou = checked("negative_iou", negative_iou, real(0, 1))
    require_order("negative_iou", negative_iou, "positive_iou", positive_iou)
    usable = xp.ones_like(anchors[:, 0], dtype=xp.bool) if usable is None else _mask(usable, anchors)
    iou = box_iou(anchors, gt)  # (N, G)
    if 0 in iou.shape:
        none = xp.full_like(anchors[:, 0], -1, dtype=xp.int64)  # (N,)
        labels = xp.where(usable, xp.full_like(none, BACKGROUND), xp.full_like(none, IGNORED))
        return AnchorLabels(labels, none, xp.zeros_like(gt[:, 0], dtype=iou.dtype))
    best_iou = xp.max(iou, axis=1)  # (N,)
    best_gt = xp.astype(xp.argmax(iou, axis=1), xp.int64)  # (N,)
    best_anchor_iou = xp.max(xp.where(usable[:, None], iou, xp.zeros_like(iou)), axis=0)  # (G,)
    is_best = xp.any((iou == best_anchor_iou) & (best_anchor_iou > 0), axis=1)  # (N,)
    is_object = usable & (is_best | (best_iou >= positive_iou))
    is_background = usable & (best_iou < negative_iou) & ~is_object
    labels = xp.full_like(best_gt, IGNORED)
    labels = xp.where(is_background, xp.full_like(labels, BACKGROUND), labels)
    labels = xp.where(is_object, xp.full_like(labels, OBJECT), labels)
    return AnchorLabels(labels, xp.where(best_iou > 0, best_gt, xp.full_like(best_gt, -1)), best_anchor_iou)


def sample_anchors(
    labels: Array, *, count: int = 256, object_fraction: float = 0.5, rng: np.random.Generator
) -> Array:
    """Draw the anchors of one training step: all but the drawn ones become IGNORED (Faster R-CNN, 3.1.3).

    Anchors of objects are drawn without replacement, at most `count` · `object_fraction`; background fills
    up. Where there is too little of it, fewer are drawn. The result lies where `labels` lie.

    Parameters
    ----------
    labels : (N,) int array
        As :func:`label_anchors` gives them.
    count : int
    object_fraction : float
        In [0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    (N,) int64 array

    Raises
    ------
    ValueError
        If `labels` is not (N,) whole numbers -1, 0 or 1, or a number is impossible.
    """
    labels = as_plain(from_lists(labels, "labels"), "labels")
    host = to_host(labels)
    if (
        host.ndim != 1
        or host.dtype.kind not in "iu"
        or not np.isin(host, (OBJECT, BACKGROUND, IGNORED)).all()
    ):
        raise ValueError(f"labels must be (N,) whole numbers -1, 0 or 1, got {host.dtype} {host.shape}")
    checked("count", count, whole(0))
    checked("object_fraction", object_fraction, real(0, 1))
    objects, background = np.flatnonzero(host == OBJECT), np.flatnonzero(host == BACKGROUND)
    num_objects = min(int(count * object_fraction), len(objects))
    num_background = min(count - num_objects, len(background))
    sampled = np.full(len(host), IGNORED, dtype=np.int64)
    sampled[rng.choice(objects, num_objects, replace=False)] = OBJECT
    sampled[rng.choice(background, num_background, replace=False)] = BACKGROUND
    return like(sampled, labels)


def _mask(usable: Array, anchors: Array) -> Array:
    usable = as_plain(from_lists(usable, "usable"), "usable")
    xp = array_namespace(usable, anchors)
    if tuple(usable.shape) != (anchors.shape[0],) or not xp.isdtype(usable.dtype, "bool"):
        raise ValueError(
            f"usable must be ({anchors.shape[0]},) bool, got {usable.dtype} {tuple(usable.shape)}"
        )
    return usable
