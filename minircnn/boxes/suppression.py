"""Greedy non-maximum suppression: one box per object.

A box is dropped when its IoU with a better-scored *kept* box is greater than the threshold (at exactly
the threshold it stays). Equal scores keep their input order.
"""

from __future__ import annotations

import array_api_compat

from minircnn.arrays import Array, array_namespace
from minircnn.boxes.geometry import as_boxes, box_iou, columns, iou_of_columns

_BLOCK = 64  # boxes decided at once: a (64, R) table of IoU values is the largest array made


def nms(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Return which boxes greedy non-maximum suppression keeps (R-CNN, section 2.2).

    Boxes are taken in blocks of descending score. A block is first decided among its own boxes, then its
    survivors suppress everything after it in one vectorised pass; memory stays O(R).

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    scores : (R,) array
        Higher is better; not NaN.
    iou_threshold : float
        In [0, 1]. A box is dropped if its IoU with a kept, better one is greater.

    Returns
    -------
    (kept,) int array
        Indices into `boxes`, best score first.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a score is NaN or the threshold is outside [0, 1].
    """
    xp = array_namespace(boxes, scores)
    boxes = _checked(boxes, scores, iou_threshold)
    rows = columns(boxes)  # (4, R)
    remaining = xp.argsort(scores, descending=True, stable=True)  # (R,)
    kept = [remaining[:0]]
    while remaining.shape[0]:
        size = min(_BLOCK, remaining.shape[0])
        block, remaining = remaining[:size], remaining[size:]  # (B,), (R',)
        members = xp.take(rows, block, axis=1)  # (4, B)
        survivors = block[_greedy(iou_of_columns(members, members) > iou_threshold)]  # (S,)
        kept.append(survivors)
        keepers, rest = xp.take(rows, survivors, axis=1), xp.take(rows, remaining, axis=1)
        remaining = remaining[~xp.any(iou_of_columns(keepers, rest) > iou_threshold, axis=0)]
    return xp.concat(kept)


def batched_nms(boxes: Array, scores: Array, labels: Array, iou_threshold: float) -> Array:
    """Run :func:`nms` on each class by itself; boxes of different classes never suppress each other.

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    scores : (R,) array
    labels : (R,) int array
    iou_threshold : float
        In [0, 1].

    Returns
    -------
    (kept,) int array
        Indices into `boxes`, best score first over all classes.

    Raises
    ------
    ValueError
        As :func:`nms`, or if there is not one label per box.
    """
    xp = array_namespace(boxes, scores, labels)
    boxes = _checked(boxes, scores, iou_threshold)
    if labels.shape != scores.shape:
        raise ValueError(f"{scores.shape[0]} scores but labels of shape {tuple(labels.shape)}")
    classes = xp.unique_values(labels)  # (classes present,)
    kept = [xp.argsort(scores)[:0]]
    for c in range(classes.shape[0]):
        of_class = xp.nonzero(labels == classes[c])[0]  # (R_c,)
        chosen = nms(xp.take(boxes, of_class, axis=0), xp.take(scores, of_class), iou_threshold)
        kept.append(xp.take(of_class, chosen))
    together = xp.sort(xp.concat(kept))  # in input order, so that the stable sort below settles ties
    order = xp.argsort(xp.take(scores, together), descending=True, stable=True)
    return xp.take(together, order)


def nms_explained(boxes: Array, scores: Array, iou_threshold: float) -> tuple[Array, Array]:
    """Run :func:`nms` and say for every box which kept box removed it.

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    scores : (R,) array
    iou_threshold : float
        In [0, 1].

    Returns
    -------
    kept : (kept,) int array
        As :func:`nms` returns it.
    suppressed_by : (R,) int array
        Index of the best-scored kept box that overlaps the box by more than the threshold; a kept box
        has its own index.

    Raises
    ------
    ValueError
        As :func:`nms`.
    """
    xp = array_namespace(boxes, scores)
    boxes = _checked(boxes, scores, iou_threshold)
    kept = nms(boxes, scores, iou_threshold)
    keepers = xp.take(boxes, kept, axis=0)  # (kept, 4)
    own = xp.arange(boxes.shape[0], dtype=kept.dtype, device=array_api_compat.device(boxes))  # (R,)
    blocks = [kept[:0]]
    for start in range(0, boxes.shape[0], _BLOCK):
        stop = min(start + _BLOCK, boxes.shape[0])
        index = own[start:stop]  # (B,)
        overlaps = box_iou(boxes[start:stop, :], keepers) > iou_threshold  # (B, kept)
        # Keepers stand in order of score, so the first that overlaps is the one that came by first.
        first = xp.take(kept, xp.argmax(xp.astype(overlaps, xp.int8), axis=1))  # (B,)
        is_kept = xp.any(index[:, None] == kept[None, :], axis=1)  # (B,)
        blocks.append(xp.where(is_kept, index, first))
    return kept, xp.concat(blocks)


def _greedy(overlaps: Array) -> Array:
    """Decide a block of boxes in descending order of score among themselves.

    Box j stays if no *staying* box i < j overlaps it. Starting from "all stay", repeating this rule
    settles at least one more leading box per round, hence ends at the greedy result; chains of boxes
    that decide each other are short, so a few rounds do.

    Parameters
    ----------
    overlaps : (B, B) bool array
        Whether two boxes overlap by more than the threshold.

    Returns
    -------
    (B,) bool array
    """
    xp = array_namespace(overlaps)
    earlier = xp.triu(xp.astype(overlaps, xp.int8), k=1) > 0  # (B, B), earlier[i, j] only for i < j
    keep = ~xp.any(earlier[:0, :], axis=0)  # (B,) all True
    while True:
        revised = ~xp.any(earlier & keep[:, None], axis=0)  # (B,)
        if bool(xp.all(revised == keep)):
            return keep
        keep = revised


def _checked(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    xp = array_namespace(boxes, scores)
    boxes = as_boxes(boxes)
    if scores.shape != boxes.shape[:1]:
        raise ValueError(f"{boxes.shape[0]} boxes but scores of shape {tuple(scores.shape)}")
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold must lie in [0, 1], got {iou_threshold}")
    if xp.isdtype(scores.dtype, "real floating") and bool(xp.any(xp.isnan(scores))):
        raise ValueError("a score is NaN")
    return boxes
