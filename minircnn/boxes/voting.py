"""Box voting: the boxes that suppression drops still say where the object is."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace, clip
from minircnn.boxes.geometry import box_iou


def vote_boxes(kept: Array, boxes: Array, scores: Array, iou: float) -> Array:
    """Return for each kept box the mean of the boxes near it, weighted by their scores.

    Gidaris and Komodakis, ICCV 2015, section 5.

    Parameters
    ----------
    kept : (K, 4) array
        What suppression has kept, in pixels.
    boxes : (R, 4) array
        All boxes of the class, the kept ones among them.
    scores : (R,) array
        Weights; those below 0 count as 0.
    iou : float
        Boxes vote for a kept one that they overlap by at least this.

    Returns
    -------
    (K, 4) array
        A box for which no positive score votes stays as it is.

    Examples
    --------
    >>> from minircnn.boxes import vote_boxes
    >>> boxes = np.array([[0.0, 0, 4, 4], [0, 0, 4, 3]])
    >>> vote_boxes(boxes[:1], boxes, np.array([0.75, 0.25]), 0.5)
    array([[0.  , 0.  , 4.  , 3.75]])
    """
    xp = array_namespace(kept, boxes, scores)
    weights = xp.where(box_iou(kept, boxes) >= iou, clip(scores, 0, None)[None, :], 0.0)  # (K, R)
    total = xp.sum(weights, axis=1, keepdims=True)  # (K, 1)
    voted = total > 0
    return xp.where(voted, (weights @ boxes) / xp.where(voted, total, 1.0), kept)
