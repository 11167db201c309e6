"""Boxes as regression targets relative to a proposal, and back.

With (x, y) the centre and (w, h) the size of a box, the target of proposal P and object G is

    t_x = (G_x - P_x) / P_w,   t_y = (G_y - P_y) / P_h,   t_w = log(G_w / P_w),   t_h = log(G_h / P_h)

(R-CNN, appendix C, equations 6-9): shifts are measured in proposal sizes and scales in logarithms, so
a target does not depend on where the proposal lies or how large it is.
"""

from __future__ import annotations

import math

from minircnn.arrays import Array, array_namespace, clip, to_host
from minircnn.boxes.geometry import as_boxes, as_numbers
from minircnn.profiling import stage

MAX_LOG_SCALE = math.log(1000 / 16)
"""Largest ``t_w``, ``t_h`` that :func:`decode` applies: a 16-pixel proposal grows to 1000 at most.

An untrained regressor can predict anything; without the bound ``exp`` overflows.
"""

LEAST_SIDE = 1e-15
"""Pixels; what is smaller counts as no side, as the offsets in units of it would be beyond all numbers."""


def encode(proposals: Array, targets: Array) -> Array:
    """Return t_x, t_y, t_w, t_h (R, 4) that turn each proposal (R, 4) into its target box (R, 4).

    R-CNN, equations 6-9.

    Raises
    ------
    ValueError
        Naming the row, if a coordinate is not finite or a side not positive (less than 10⁻¹⁵ pixels, by which
        one cannot divide).

    Examples
    --------
    >>> from minircnn.boxes import encode
    >>> encode([[0, 0, 10, 10]], [[0, 5, 20, 15]])  # half a side right and down, twice as wide
    array([[0.5   , 0.5   , 0.6931, 0.    ]])
    """
    proposals, targets = as_boxes(proposals, "proposals"), as_boxes(targets, "targets")
    xp = array_namespace(proposals, targets)  # refuses a mixture of libraries
    if proposals.shape != targets.shape:
        raise ValueError(f"{proposals.shape[0]} proposals but {targets.shape[0]} targets")
    p_x, p_y, p_w, p_h = _centre_form(proposals)
    g_x, g_y, g_w, g_h = _centre_form(targets)
    _require_positive(p_w, p_h, "proposal")
    _require_positive(g_w, g_h, "target")
    return xp.stack(
        [(g_x - p_x) / p_w, (g_y - p_y) / p_h, xp.log(g_w / p_w), xp.log(g_h / p_h)], axis=1
    )  # (R, 4)


@stage("decoding")
def decode(proposals: Array, deltas: Array) -> Array:
    """Return the boxes that `deltas` make of the proposals (R, 4): R-CNN, equations 1-4.

    `deltas` are (R, 4); or one set of four per class, (R, M, 4) or (R, 4 M), all applied to the same
    proposal. The boxes have their shape and are not clipped to the image. The inverse of :func:`encode` as
    long as no side grows beyond ``exp(MAX_LOG_SCALE)`` = 62.5 times. Shapes that do not fit, and numbers that
    are not finite, raise ValueError.

    Examples
    --------
    >>> from minircnn.boxes import decode
    >>> decode([[0, 0, 10, 10]], [[0.5, 0.5, np.log(2), 0]])  # encode's example backwards
    array([[ 0.,  5., 20., 15.]])
    """
    proposals, deltas = as_boxes(proposals, "proposals"), as_numbers(deltas, "deltas")
    xp = array_namespace(proposals, deltas)  # refuses a mixture of libraries
    in_columns = deltas.ndim == 2 and deltas.shape[1] % 4 == 0
    in_sets = deltas.ndim == 3 and deltas.shape[2] == 4
    if deltas.shape[:1] != proposals.shape[:1] or not (in_columns or in_sets):
        raise ValueError(
            f"deltas must have shape ({proposals.shape[0]}, 4), a multiple of 4 columns or "
            f"({proposals.shape[0]}, M, 4), got {tuple(deltas.shape)}"
        )
    sets = deltas.shape[1] if in_sets else deltas.shape[1] // 4
    t = xp.reshape(deltas, (deltas.shape[0], sets, 4))  # (R, M, 4)
    p_x, p_y, p_w, p_h = (column[:, None] for column in _centre_form(proposals))  # (R, 1) each
    x, y = p_x + t[..., 0] * p_w, p_y + t[..., 1] * p_h  # (R, M)
    half_w = p_w * xp.exp(clip(t[..., 2], None, MAX_LOG_SCALE)) / 2  # (R, M)
    half_h = p_h * xp.exp(clip(t[..., 3], None, MAX_LOG_SCALE)) / 2  # (R, M)
    boxes = xp.stack([x - half_w, y - half_h, x + half_w, y + half_h], axis=2)  # (R, M, 4)
    return xp.reshape(boxes, deltas.shape)


def _centre_form(boxes: Array) -> tuple[Array, Array, Array, Array]:
    """Split (R, 4) boxes into centre x, centre y, width, height, each (R,)."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return boxes[:, 0] + width / 2, boxes[:, 1] + height / 2, width, height


def _require_positive(width: Array, height: Array, what: str) -> None:
    xp = array_namespace(width)
    good = (width >= LEAST_SIDE) & (height >= LEAST_SIDE)
    if not bool(xp.all(good)):
        row = int(to_host(xp.argmin(xp.astype(good, xp.int8))))
        raise ValueError(
            f"{what} {row} has sides {float(width[row])} x {float(height[row])}; both must be positive"
        )
