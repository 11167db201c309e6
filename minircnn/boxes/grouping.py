"""Windows that fire together become one box: how sliding-window detectors merged theirs before NMS.

Viola and Jones (CVPR 2001, section 5) average the windows of each overlapping set. The rule here is the one
of OpenCV: windows are alike if their edges differ by little, likeness spreads from neighbour to neighbour,
and a group counts if enough windows belong to it.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from minircnn.columns import check_boxes
from minircnn.structures import BoolArray, FloatArray, IntArray

_AT_ONCE = 1 << 22  # pairs of boxes compared at once: what they hold is bounded


def group_boxes(
    boxes: FloatArray, *, min_neighbors: int = 3, eps: float = 0.2
) -> tuple[FloatArray, IntArray, IntArray]:
    """Merge boxes that are alike, and drop groups of too few.

    Two boxes are alike if each edge of one lies within ``eps · (least width + least height) / 2`` of the
    other's. Groups are what such pairs connect; a group becomes the mean of its boxes, in whole pixels. One
    that lies inside another that is stronger, give or take `eps` of that one's size, is dropped.

    Parameters
    ----------
    boxes : (R, 4) float array
        ``x1, y1, x2, y2``, half-open.
    min_neighbors : int
        A group needs **more** boxes than this. 0: every box stays as it is, a group of its own.
    eps : float
        How far edges may lie apart, as a part of the box.

    Returns
    -------
    merged : (M, 4) float array
    counts : (M,) int array
        Boxes of each group.
    group : (R,) int array
        Row of `merged` that a box went into, -1 where its group was dropped.

    Raises
    ------
    ValueError
        If the boxes are none, `min_neighbors` is negative or `eps` is not in [0, 1).

    Examples
    --------
    >>> from minircnn.boxes import group_boxes
    >>> boxes = np.array([[10.0, 10, 30, 30], [12, 10, 32, 30], [60, 60, 70, 70]])
    >>> group_boxes(boxes, min_neighbors=1)
    (array([[11., 10., 31., 30.]]), array([2]), array([ 0,  0, -1]))
    """
    check_boxes(boxes, "windows to group")
    if min_neighbors < 0 or not 0 <= eps < 1:
        raise ValueError(f"min_neighbors must be >= 0 and eps in [0, 1), got {min_neighbors} and {eps}")
    if min_neighbors == 0 or len(boxes) == 0:
        each = np.arange(len(boxes))
        return boxes.copy(), np.ones(len(boxes), np.int64), each
    label = _connected(boxes, eps)  # (R,)
    counts = np.bincount(label)  # (M,)
    edges = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)  # left, top, width, height
    sums = np.stack([np.bincount(label, weights=column) for column in edges.T], axis=1)  # (M, 4)
    # in single precision and to the nearest even number, as the groups of OpenCV are
    mean = np.rint(sums.astype(np.float32) * (np.float32(1) / counts.astype(np.float32))[:, None])
    enough = counts > min_neighbors
    keep = np.flatnonzero(enough)
    keep = keep[~_inside_a_stronger(mean[keep], counts[keep], eps)]
    place = np.full(len(counts), -1)
    place[keep] = np.arange(len(keep))
    merged = np.concatenate([mean[:, :2], mean[:, :2] + mean[:, 2:]], axis=1).astype(boxes.dtype)
    return merged[keep], counts[keep], place[label]


def _connected(boxes: FloatArray, eps: float) -> IntArray:
    """Return the number of each box's group (R,), in the order of their first boxes."""
    order = np.argsort(boxes[:, 0], kind="stable")
    rows = boxes[order].T  # (4, R), from left to right
    sides = rows[2:] - rows[:2]  # (2, R)
    # of two boxes that are alike, the right one begins within the left one's own reach, give or take rounding
    farthest = rows[0] + eps * sides.sum(axis=0) * 0.5 + 1e-3
    length = np.maximum(np.searchsorted(rows[0], farthest, side="right") - np.arange(len(boxes)) - 1, 0)
    ends = np.cumsum(length)  # of each box's run of candidates
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    first = 0
    while first < len(boxes):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _AT_ONCE, side="right")))
        some = slice(first, last)
        one = np.repeat(np.arange(first, last), length[some])
        other = one + 1 + np.arange(len(one)) - np.repeat(ends[some] - length[some] - done, length[some])
        reach = eps * np.minimum(sides[:, one], sides[:, other]).sum(axis=0) * 0.5
        alike = (np.abs(rows[:, one] - rows[:, other]) <= reach).all(axis=0)
        ones.append(order[one[alike]])
        others.append(order[other[alike]])
        first = last
    pairs = (np.concatenate(ones), np.concatenate(others))
    graph = coo_array((np.ones(len(pairs[0]), bool), pairs), shape=(len(boxes),) * 2)
    label: IntArray = connected_components(graph, directed=False)[1].astype(np.int64)
    return label


def _inside_a_stronger(groups: FloatArray, counts: IntArray, eps: float) -> BoolArray:
    """Return for each group (left, top, width, height) whether a stronger one holds it."""
    slack = np.rint(groups[:, 2:] * eps)  # (M, 2)
    low, high = groups[:, :2] - slack, groups[:, :2] + groups[:, 2:] + slack
    begins = (groups[:, None, :2] >= low[None]).all(axis=-1)  # (M, M): row inside column
    ends = (groups[:, None, :2] + groups[:, None, 2:] <= high[None]).all(axis=-1)
    stronger = (counts[None] > np.maximum(3, counts[:, None])) | (counts[:, None] < 3)
    held = begins & ends & stronger
    np.fill_diagonal(held, False)
    result: BoolArray = held.any(axis=1)
    return result
