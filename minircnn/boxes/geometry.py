"""Areas, overlaps, clipping and mirroring of boxes.

A box is ``x1, y1, x2, y2`` in pixels, half-open and continuous: pixel j covers [j, j+1), so a width
is ``x2 - x1`` and a crop is ``image[y1:y2, x1:x2]``. No function adds 1 or an epsilon. Integer boxes
are promoted to float64; zero boxes, shape (0, 4), are fine everywhere.
"""

from __future__ import annotations

import array_api_compat

from minircnn.arrays import Array, array_namespace


def as_boxes(boxes: Array, what: str = "boxes") -> Array:
    """Return `boxes` as a floating-point (R, 4) array of its own library.

    Raises
    ------
    ValueError
        If the shape is not (R, 4); `what` names the argument.
    """
    xp = array_namespace(boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{what} must have shape (R, 4), got {tuple(boxes.shape)}")
    if not xp.isdtype(boxes.dtype, "real floating"):
        boxes = xp.astype(boxes, xp.float64)
    return boxes


def box_area(boxes: Array) -> Array:
    """Return the area of every box in square pixels; a reversed box (x2 < x1 or y2 < y1) has area 0.

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.

    Returns
    -------
    (R,) float array
        In the dtype of `boxes` (float64 for integers).

    Raises
    ------
    ValueError
        If the shape is not (R, 4).
    """
    boxes = as_boxes(boxes)
    return _side(boxes[:, 2] - boxes[:, 0]) * _side(boxes[:, 3] - boxes[:, 1])  # (R,)


def box_iou(a: Array, b: Array) -> Array:
    """Return the intersection over union of every pair of boxes.

    The Jaccard index of two boxes as sets of points: always in [0, 1] and exactly symmetric, 1 only for
    equal boxes up to rounding. Two boxes without area have IoU 0.

    Parameters
    ----------
    a : (A, 4) array
    b : (B, 4) array
        ``x1, y1, x2, y2`` in pixels, of the same library.

    Returns
    -------
    (A, B) float array

    Raises
    ------
    ValueError
        If a shape is not (R, 4).
    TypeError
        If the arrays come from different libraries.
    """
    array_namespace(a, b)  # refuses a mixture of libraries
    return iou_of_columns(columns(as_boxes(a, "a")), columns(as_boxes(b, "b")))


def columns(boxes: Array) -> Array:
    """Return (R, 4) boxes as four contiguous rows (4, R), over which vector units run at full speed."""
    xp = array_namespace(boxes)
    return xp.stack([boxes[:, i] for i in range(4)])


def iou_of_columns(a: Array, b: Array) -> Array:
    """Return :func:`box_iou` of boxes given as :func:`columns`: (4, A), (4, B) -> (A, B)."""
    xp = array_namespace(a, b)
    width = xp.minimum(a[2, :, None], b[2, None, :])  # (A, B)
    width -= xp.maximum(a[0, :, None], b[0, None, :])
    height = xp.minimum(a[3, :, None], b[3, None, :])  # (A, B)
    height -= xp.maximum(a[1, :, None], b[1, None, :])
    intersection = _side(width)  # (A, B)
    intersection *= _side(height)
    union = _nonzero_area(a)[:, None] + _nonzero_area(b)[None, :]  # (A, B)
    union -= intersection
    intersection /= union
    return intersection


def _nonzero_area(columns: Array) -> Array:
    """Return the areas, with 1 for a box that has none: it meets nothing, so its IoU is 0 / 1, not 0 / 0."""
    xp = array_namespace(columns)
    area = _side(columns[2, :] - columns[0, :]) * _side(columns[3, :] - columns[1, :])
    return xp.where(area > 0, area, xp.ones_like(area))


def clip_boxes(boxes: Array, height: float, width: float) -> Array:
    """Return `boxes` cut to the image: x to [0, width], y to [0, height].

    A box that lies outside collapses to one without area on the nearest border.

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    height, width : float
        Size of the image in pixels.

    Returns
    -------
    (R, 4) float array

    Raises
    ------
    ValueError
        If the shape is not (R, 4).
    """
    boxes = as_boxes(boxes)
    xp = array_namespace(boxes)
    x = xp.clip(boxes[:, 0::2], 0, width)  # (R, 2)
    y = xp.clip(boxes[:, 1::2], 0, height)  # (R, 2)
    return xp.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)


def flip_boxes(boxes: Array, width: float) -> Array:
    """Return `boxes` as they lie in the horizontally mirrored image (x becomes ``width - x``).

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    width : float
        Width of the image in pixels.

    Returns
    -------
    (R, 4) float array

    Raises
    ------
    ValueError
        If the shape is not (R, 4).
    """
    boxes = as_boxes(boxes)
    xp = array_namespace(boxes)
    return xp.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)


def large_enough(boxes: Array, min_size: float) -> Array:
    """Tell for every box whether both its sides measure at least `min_size` pixels.

    Parameters
    ----------
    boxes : (R, 4) array
        ``x1, y1, x2, y2`` in pixels.
    min_size : float
        In pixels.

    Returns
    -------
    (R,) bool array

    Raises
    ------
    ValueError
        If the shape is not (R, 4).
    """
    boxes = as_boxes(boxes)
    return (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)


def _side(length: Array) -> Array:
    """Return `length`, or 0 where it is negative (the boxes are reversed or do not meet)."""
    xp = array_namespace(length)
    return xp.maximum(length, xp.zeros((), dtype=length.dtype, device=array_api_compat.device(length)))
