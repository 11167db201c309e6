"""Areas, overlaps, clipping and mirroring of boxes.

A box is ``x1, y1, x2, y2`` in pixels, half-open and continuous: pixel j covers [j, j+1), so a width
is ``x2 - x1`` and a crop is ``image[y1:y2, x1:x2]``. No function adds 1 or an epsilon. Zero boxes, shape
(0, 4), are fine everywhere.

Every function computes in float32 or float64: half precision is promoted to float32 (the area of 300 × 300
pixels is beyond it), whole numbers to float64, and so are coordinates beyond 10¹⁵, whose products float32
cannot hold. A coordinate that is no finite number raises ValueError; to see that there is none, every call
waits for the GPU if the boxes lie there. So detectors decide about boxes on the host.
"""

from __future__ import annotations

import math

import array_api_compat

from minircnn.arrays import Array, array_namespace, as_plain, clip, from_lists, to_host
from minircnn.checks import checked, real
from minircnn.kernels.split import split_for_cache

TABLE = 1 << 15
"""IoU values computed at once on the CPU: what is made on the way to them stays in the core's cache."""


_LARGEST = {32: 1e15, 64: 1e150}
"""What coordinates may measure in numbers of so many bits; their products and sums are then finite too."""


def as_boxes(boxes: Array, what: str = "boxes") -> Array:
    """Return `boxes` (R, 4), an array or lists, in floating point, wide enough for areas.

    Raises
    ------
    TypeError, ValueError
        Naming `what`, if it is neither or the shape is not (R, 4); and the row, if a coordinate is not
        finite.
    """
    boxes = as_plain(from_lists(boxes, what, empty=(0, 4)), what)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        mend = ": one box is a row too, [[x1, y1, x2, y2]] or box[None]" if boxes.shape == (4,) else ""
        raise ValueError(f"{what} must have shape (R, 4), got {tuple(boxes.shape)}{mend}")
    return as_numbers(boxes, what)


def as_numbers(values: Array, what: str) -> Array:
    """Return `values` (R, ...) in a floating-point format whose products do not overflow.

    Raises
    ------
    TypeError, ValueError
        Naming `what`, if they are no array of real numbers; and the row of one not finite or beyond 10¹⁵⁰.
    """
    values = as_plain(from_lists(values, what), what)
    xp = array_namespace(values)
    if not xp.isdtype(values.dtype, ("real floating", "integral")):
        raise ValueError(f"{what} must be real numbers, got dtype {values.dtype}")
    if xp.isdtype(values.dtype, "integral"):
        return xp.astype(values, xp.float64)
    if (bits := xp.finfo(values.dtype).bits) < 32:
        values, bits = xp.astype(values, xp.float32), 32
    if math.prod(values.shape) == 0:
        return values
    largest = float(xp.max(xp.abs(values)))  # NaN if any is
    if largest > _LARGEST[32] and bits == 32:
        values, bits = xp.astype(values, xp.float64), 64
    if not largest <= _LARGEST[min(bits, 64)]:
        _refuse(values, what)
    return values


def _refuse(values: Array, what: str) -> None:
    """Name the first row of `values` that holds an impossible number."""
    xp = array_namespace(values)
    rows = xp.reshape(values, (values.shape[0], -1))
    largest = min(_LARGEST[64], float(xp.finfo(values.dtype).max))
    good = xp.all(xp.abs(rows) <= largest, axis=1)  # False for NaN too
    row = int(xp.argmin(xp.astype(good, xp.int8)))
    numbers = [float(v) for v in to_host(rows[row, :])]
    odd = next(v for v in numbers if not abs(v) <= largest)
    raise ValueError(f"{what}: row {row}: {odd} is {'too large' if math.isfinite(odd) else 'not finite'}")


def box_area(boxes: Array) -> Array:
    """Return the areas (R,) of boxes (R, 4), in square pixels; a reversed box has area 0.

    Examples
    --------
    >>> from minircnn.boxes import box_area
    >>> box_area([[0, 0, 4, 3]])
    array([12.])
    """
    boxes = as_boxes(boxes)
    return _side(boxes[:, 2] - boxes[:, 0]) * _side(boxes[:, 3] - boxes[:, 1])  # (R,)


def box_iou(a: Array, b: Array) -> Array:
    """Return the intersection over union (A, B) of every pair of boxes `a` (A, 4) and `b` (B, 4).

    Lists of boxes will do. Always in [0, 1] and exactly symmetric. Two boxes without area have IoU 0. A
    mixture of array libraries raises TypeError.

    Examples
    --------
    >>> from minircnn.boxes import box_iou
    >>> box_iou([[0, 0, 4, 4]], [[2, 0, 4, 4], [2, 0, 6, 4]])  # 8 / 16, and 8 / 24
    array([[0.5   , 0.3333]])
    """
    a, b = columns(as_boxes(a, "a"))[:, :, None], columns(as_boxes(b, "b"))[:, None, :]
    xp = array_namespace(a, b)  # refuses a mixture of libraries
    count, others = a.shape[1], b.shape[2]
    pieces = split_for_cache(count, TABLE // max(1, others), a)
    if len(pieces) <= 1:
        return iou_of_columns(a, b)
    table = xp.empty((count, others), dtype=xp.result_type(a, b))
    for piece in pieces:
        table[piece, :] = iou_of_columns(a[:, piece, :], b)
    return table


def columns(boxes: Array) -> Array:
    """Return (R, 4) boxes as contiguous rows (5, R): x1, y1, x2, y2 and the area.

    The area of a box that has none is given as 1: it meets nothing, so its IoU is 0 / 1 and not 0 / 0.
    """
    xp = array_namespace(boxes)
    x1, y1, x2, y2 = (boxes[:, i] for i in range(4))
    area = _side(x2 - x1) * _side(y2 - y1)
    return xp.stack([x1, y1, x2, y2, xp.where(area > 0, area, xp.ones_like(area))])


def iou_of_columns(a: Array, b: Array) -> Array:
    """Return the IoU of boxes given as :func:`columns`, (5, ...) each, whose shapes broadcast.

    (5, P) and (5, P) are compared pair by pair; (5, A, 1) and (5, 1, B) make a table (A, B).
    """
    xp = array_namespace(a, b)
    width = xp.minimum(a[2, ...], b[2, ...])
    width -= xp.maximum(a[0, ...], b[0, ...])
    height = xp.minimum(a[3, ...], b[3, ...])
    height -= xp.maximum(a[1, ...], b[1, ...])
    nothing = xp.zeros_like(width)  # an array, as NumPy's vectorised maximum takes no single number
    intersection = xp.maximum(width, nothing)
    intersection *= xp.maximum(height, nothing)
    union = a[4, ...] + b[4, ...]
    union -= intersection
    intersection /= union
    return intersection


def clip_boxes(boxes: Array, height: float, width: float) -> Array:
    """Return boxes (R, 4) cut to the image; one that lies outside collapses on the nearest border.

    A size that is negative or no finite number raises ValueError.

    Examples
    --------
    >>> from minircnn.boxes import clip_boxes
    >>> clip_boxes([[-5, 2, 12, 30]], height=20, width=10)
    array([[ 0.,  2., 10., 20.]])
    """
    boxes = as_boxes(boxes)
    height, width = checked("height", height, real(0)), checked("width", width, real(0))
    xp = array_namespace(boxes)
    x = clip(boxes[:, 0::2], 0, width)  # (R, 2)
    y = clip(boxes[:, 1::2], 0, height)  # (R, 2)
    return xp.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)


def flip_boxes(boxes: Array, width: float) -> Array:
    """Return boxes (R, 4) as they lie in the horizontally mirrored image: x becomes ``width - x``.

    A width that is negative or no finite number raises ValueError.

    Examples
    --------
    >>> from minircnn.boxes import flip_boxes
    >>> flip_boxes([[0, 0, 4, 3]], width=10)
    array([[ 6.,  0., 10.,  3.]])
    """
    boxes = as_boxes(boxes)
    width = checked("width", width, real(0))
    xp = array_namespace(boxes)
    return xp.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)


def large_enough(boxes: Array, min_size: float) -> Array:
    """Tell for every box (R, 4) whether both its sides measure at least `min_size` pixels, a number.

    Examples
    --------
    >>> from minircnn.boxes import large_enough
    >>> large_enough([[0, 0, 20, 20], [0, 0, 40, 10]], 20)
    array([ True, False])
    """
    boxes = as_boxes(boxes)
    min_size = checked("min_size", min_size, real())
    return (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)


def _side(length: Array) -> Array:
    """Return `length`, or 0 where it is negative (the boxes are reversed or do not meet)."""
    xp = array_namespace(length)
    return xp.maximum(length, xp.zeros((), dtype=length.dtype, device=array_api_compat.device(length)))
