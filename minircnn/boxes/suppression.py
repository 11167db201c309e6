"""Greedy non-maximum suppression: one box per object.

A box is dropped when its IoU with a better-scored *kept* box is greater than the threshold (at exactly
the threshold it stays). Equal scores keep their input order.

Where boxes crowd about objects, the few best ones drop almost all others, so the best are compared with
everything that is left, in tables. Where boxes lie apart, nearly all stay and such tables hold almost only
zeros, so only boxes near each other are compared (:mod:`minircnn.boxes.neighbours`).
"""

from __future__ import annotations

import array_api_compat
import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, as_plain, from_lists, is_host
from minircnn.boxes.geometry import TABLE, as_boxes, box_iou, columns, iou_of_columns
from minircnn.boxes.neighbours import find_candidates, suppress_neighbours
from minircnn.checks import checked, optional, real, whole
from minircnn.kernels.split import split

_BLOCK = 64  # boxes decided at once: on a GPU a (64, R) table of IoU values is the largest array made
_MANY = 256  # so many boxes are worth a look for neighbours,
_FEW_DROPPED = 1 / 8  # if a block drops a smaller share of the boxes than this
_AT_ONCE = 1 << 18  # so many IoU values of classes' own boxes are worth one table for all of them


def nms(boxes: Array, scores: Array, iou_threshold: float, *, limit: int | None = None) -> Array:
    """Return which boxes greedy non-maximum suppression keeps (R-CNN, section 2.2).

    Boxes are taken in blocks of descending score. A block is first decided among its own boxes, then its
    survivors suppress everything after it in one vectorised pass. On the CPU, once a block drops only few of
    many, the others are decided together, from the pairs that lie near enough to overlap. Memory stays O(R),
    at most about 4 kB a box.

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    scores : (R,) array
        Higher is better; not NaN.
    iou_threshold : float
        In [0, 1]. A box is dropped if its IoU with a kept, better one is greater.
    limit : int, optional
        Stop when so many are kept: Faster R-CNN wants the first 300 of 6,000, which saves most of the work.

    Returns
    -------
    (kept,) int array
        Indices into `boxes`, best score first.

    Raises
    ------
    ValueError
        If the shapes do not fit together, a coordinate is not finite, a score is NaN, the threshold is
        outside [0, 1] or the limit no whole number.

    Examples
    --------
    >>> from minircnn.boxes import nms
    >>> nms([[0, 0, 4, 4], [0, 0, 4, 3], [8, 8, 9, 9]], [0.8, 0.9, 0.3], 0.5)  # the first two: IoU 0.75
    array([1, 2])
    """
    checked("limit", limit, optional(whole(0)))
    return _kept(*_checked(boxes, scores, iou_threshold), iou_threshold, limit)


def _kept(boxes: Array, scores: Array, iou_threshold: float, limit: int | None = None) -> Array:
    """Return which of `boxes`, already checked, stay: the best `limit` of them."""
    xp = array_namespace(boxes)
    order = _best_first(scores)  # (R,)
    rows = xp.take(columns(boxes), order, axis=1)  # (5, R)
    kept = [order[:0]]
    wanted = order.shape[0] if limit is None else limit
    look_below = order.shape[0] if is_host(boxes) and limit is None else 0
    while (count := order.shape[0]) > 0 and wanted > 0:
        size = _BLOCK if count > 2 * _BLOCK else count
        block = rows[:, :size]  # (5, B)
        overlaps = iou_of_columns(block[:, :, None], block[:, None, :]) > iou_threshold  # (B, B)
        survivors = xp.nonzero(_greedy(overlaps))[0]  # (S,)
        kept.append(xp.take(order, survivors[: min(wanted, survivors.shape[0])]))
        wanted -= kept[-1].shape[0]
        dropped = _overlapped(rows[:, size:], xp.take(block, survivors, axis=1), iou_threshold)
        rest = xp.nonzero(~dropped)[0] + size  # (R',)
        rows, order = xp.take(rows, rest, axis=1), xp.take(order, rest)
        left = order.shape[0]
        if _MANY < left < look_below and count - left < _FEW_DROPPED * count:
            candidates = find_candidates(rows, iou_threshold)
            if candidates is not None:
                kept.append(order[suppress_neighbours(rows, candidates, iou_threshold)])
                break
            look_below = left // 2  # still too crowded
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
        As :func:`nms`, or if there is not one label per box, a whole number.

    Examples
    --------
    >>> from minircnn.boxes import batched_nms
    >>> batched_nms([[0, 0, 4, 4], [0, 0, 4, 3], [0, 0, 4, 4]], [0.8, 0.9, 0.3], [1, 1, 2], 0.5)
    array([1, 2])
    """
    boxes, scores = _checked(boxes, scores, iou_threshold)
    labels = as_plain(from_lists(labels, "labels"), "labels")
    xp = array_namespace(boxes, labels)
    if labels.shape != scores.shape:
        raise ValueError(f"{scores.shape[0]} scores but labels of shape {tuple(labels.shape)}")
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"labels must be whole numbers, got dtype {labels.dtype}")
    if is_host(boxes):
        classes, row, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if 0 < len(classes) * sizes.max(initial=0) ** 2 <= _AT_ONCE:
            return _kept_of_small_classes(boxes, scores, row, sizes, iou_threshold)
    else:
        classes = xp.unique_values(labels)  # (classes present,)
    kept = [xp.argsort(scores)[:0]]
    for c in range(classes.shape[0]):
        of_class = xp.nonzero(labels == classes[c])[0]  # (R_c,)
        chosen = _kept(xp.take(boxes, of_class, axis=0), xp.take(scores, of_class), iou_threshold)
        kept.append(xp.take(of_class, chosen))
    together = xp.sort(xp.concat(kept))  # in input order, which settles ties below
    order = _best_first(xp.take(scores, together))
    return xp.take(together, order)


def _kept_of_small_classes(
    boxes: HostArray, scores: HostArray, row: HostArray, sizes: HostArray, iou_threshold: float
) -> HostArray:
    """Return which boxes stay, best first, with all classes decided at once from one table of IoU values.

    `row` (R,) is the class of each box, 0..K − 1, and `sizes` (K,) how many boxes a class has.
    """
    order = _best_first(scores)  # (R,)
    grouped = order[np.argsort(row[order], kind="stable")]  # class by class, best first
    used = np.arange(sizes.max()) < sizes[:, None]  # (K, B): a line for each class, filled from the left
    index = np.zeros(used.shape, dtype=np.intp)
    index[used] = grouped
    own = columns(boxes)[:, index]  # (5, K, B); what fills the lines up stands last and drops nobody
    overlaps = np.empty((*used.shape, used.shape[1]), dtype=bool)  # (K, B, B)
    for some in split(len(sizes), size=TABLE // used.shape[1] ** 2):
        table = iou_of_columns(own[:, some, :, None], own[:, some, None, :])
        np.greater(table, iou_threshold, out=overlaps[some])
    stays = np.zeros(len(scores), dtype=bool)
    stays[index[used & _greedy(overlaps)]] = True
    kept: HostArray = order[stays[order]]
    return kept


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

    Examples
    --------
    >>> from minircnn.boxes import nms_explained
    >>> kept, by = nms_explained([[0, 0, 4, 4], [0, 0, 4, 3], [8, 8, 9, 9]], [0.8, 0.9, 0.3], 0.5)
    >>> kept.tolist(), by.tolist()
    ([1, 2], [1, 1, 2])
    """
    boxes, scores = _checked(boxes, scores, iou_threshold)
    xp = array_namespace(boxes)
    kept = _kept(boxes, scores, iou_threshold)
    keepers = xp.take(boxes, kept, axis=0)  # (kept, 4)
    own = xp.arange(boxes.shape[0], dtype=kept.dtype, device=array_api_compat.device(boxes))  # (R,)
    blocks = [kept[:0]]
    for block in split(boxes.shape[0], size=_BLOCK):
        index = own[block]  # (B,)
        overlaps = box_iou(boxes[block, :], keepers) > iou_threshold  # (B, kept)
        # Keepers stand in order of score, so the first that overlaps is the one that came by first.
        first = xp.take(kept, xp.argmax(xp.astype(overlaps, xp.int8), axis=1))  # (B,)
        is_kept = xp.any(index[:, None] == kept[None, :], axis=1)  # (B,)
        blocks.append(xp.where(is_kept, index, first))
    return kept, xp.concat(blocks)


def _best_first(scores: Array) -> Array:
    """Return the indices that sort `scores` (R,) in descending order, equal ones in input order."""
    xp = array_namespace(scores)
    if is_host(scores):
        ascending = np.argsort(scores)  # several times as fast as the stable sort,
        values = scores[ascending]
        if not (values[1:] == values[:-1]).any():  # and the same unless scores are equal
            return ascending[::-1]
    return xp.argsort(scores, descending=True, stable=True)


def _overlapped(rows: Array, keepers: Array, iou_threshold: float) -> Array:
    """Tell which of `rows` (5, R) overlap any of `keepers` (5, S) by more than the threshold; (R,)."""
    xp = array_namespace(rows)
    count, keepers = rows.shape[1], keepers[:, :, None]
    pieces = split(count, size=TABLE // _BLOCK if is_host(rows) else count) or [slice(0, 0)]
    return xp.concat(
        [xp.any(iou_of_columns(keepers, rows[:, None, piece]) > iou_threshold, axis=0) for piece in pieces]
    )


def _greedy(overlaps: Array) -> Array:
    """Decide a block of boxes in descending order of score among themselves.

    Box j stays if no *staying* box i < j overlaps it. Starting from "all stay", repeating this rule
    settles at least one more leading box per round, hence ends at the greedy result; chains of boxes
    that decide each other are short, so a few rounds do.

    Parameters
    ----------
    overlaps : (..., B, B) bool array
        Whether two boxes overlap by more than the threshold.

    Returns
    -------
    (..., B) bool array
    """
    xp = array_namespace(overlaps)
    place = xp.arange(overlaps.shape[-1], device=array_api_compat.device(overlaps))  # (B,)
    earlier = overlaps & (place[:, None] < place[None, :])  # (..., B, B), earlier[i, j] only for i < j
    keep = ~xp.any(earlier[..., :0, :], axis=-2)  # (..., B) all True
    while True:
        revised = ~xp.any(earlier & keep[..., None], axis=-2)  # (..., B)
        if bool(xp.all(revised == keep)):
            return keep
        keep = revised


def _checked(boxes: Array, scores: Array, iou_threshold: float) -> tuple[Array, Array]:
    boxes, scores = as_boxes(boxes), as_plain(from_lists(scores, "scores"), "scores")
    xp = array_namespace(boxes, scores)  # refuses a mixture of libraries
    if scores.shape != boxes.shape[:1]:
        raise ValueError(f"{boxes.shape[0]} boxes but scores of shape {tuple(scores.shape)}")
    checked("iou_threshold", iou_threshold, real(0, 1))
    if not xp.isdtype(scores.dtype, ("real floating", "integral")):
        raise ValueError(f"scores must be real numbers, got dtype {scores.dtype}")
    if xp.isdtype(scores.dtype, "real floating") and bool(xp.any(nan := xp.isnan(scores))):
        raise ValueError(f"scores: row {int(xp.argmax(xp.astype(nan, xp.int8)))}: a score is NaN")
    return boxes, scores
