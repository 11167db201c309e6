"""Losses: functions that return the value and the gradient.

All stay inside the array API standard, and compute in float32 at least. Whether labels and signs are right
is read together with the value: a GPU is waited for once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from minircnn.arrays import Array, array_namespace, clip, read_numbers
from minircnn.checks import checked, real
from minircnn.nn.checks import require_finite, require_real


def softmax(logits: Array) -> Array:
    """Return probabilities over the last axis of `logits` (R, K+1), safe for logits of any size.

    Examples
    --------
    >>> from minircnn.nn import softmax
    >>> softmax(np.log([[1.0, 2.0, 5.0]]))
    array([[0.125, 0.25 , 0.625]])
    """
    xp = array_namespace(logits)
    logits = at_least_single(logits, "logits")
    if logits.shape[0] == 0:
        return logits
    e = xp.exp(logits - xp.max(logits, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def softmax_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Return the mean of −log softmax(logits)[label] and its gradient, (R, K+1).

    L_cls(p, u) = −log p_u, section 2.3 of Fast R-CNN. `labels` (R,) are 0..K, 0 being background; of no rows
    the loss is 0.

    Raises
    ------
    ValueError
        If there is not one whole number 0..K for each row of `logits`.

    Examples
    --------
    >>> from minircnn.nn import softmax_cross_entropy
    >>> loss, gradient = softmax_cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(loss, 4), gradient  # log 4
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    xp = array_namespace(logits, labels)
    logits = at_least_single(logits, "logits")
    if logits.ndim != 2 or tuple(labels.shape) != (logits.shape[0],):
        raise ValueError(
            f"expected logits (R, K+1) and labels (R,), got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"labels must be whole numbers, got dtype {labels.dtype}")
    rows = logits.shape[0]
    if rows == 0:
        return 0.0, logits
    shifted = logits - xp.max(logits, axis=1, keepdims=True)
    e = xp.exp(shifted)
    total = xp.sum(e, axis=1, keepdims=True)  # (R, 1)
    own = xp.astype(own_column(labels, logits.shape[1]), logits.dtype)  # (R, K+1)
    loss = xp.sum(xp.log(total[:, 0])) - xp.sum(shifted * own)
    value, fit = read_numbers(loss, labels_fit(labels, logits.shape[1]))
    if not fit:
        refuse_labels(labels, logits.shape[1])
    return value / rows, (e / total - own) / rows


def smooth_l1(prediction: Array, target: Array, *, sigma: float = 1.0) -> tuple[float, Array]:
    """Return the sum of smooth-L1 differences and the gradient with respect to `prediction`.

    ½(σx)² where |x| < 1/σ², else |x| − ½/σ²: equation 3 of Fast R-CNN, where σ is 1. A larger σ makes the
    parabola shorter; the straight lines keep their slope. Arrays of different shapes and a `sigma` beyond
    0.001 to 1000 raise ValueError.

    Examples
    --------
    >>> from minircnn.nn import smooth_l1
    >>> smooth_l1(np.array([0.5, 3.0]), np.zeros(2))  # ½ · 0.5² + (3 − ½)
    (2.625, array([0.5, 1. ]))
    """
    xp = array_namespace(prediction, target)
    checked("sigma", sigma, real(0.001, 1000))
    x = _difference(prediction, target)
    size = xp.abs(x)
    steepness = float(sigma) ** 2  # of the parabola's slope
    near = size < 1 / steepness
    value = xp.where(near, 0.5 * steepness * x * x, size - 0.5 / steepness)
    # the sign of a far x, at least 1/σ² large, without `array_api_compat`'s `sign`, which waits for a GPU
    return read_numbers(xp.sum(value))[0], xp.where(near, steepness * x, clip(2 * steepness * x, -1, 1))


def l2_loss(prediction: Array, target: Array) -> tuple[float, Array]:
    """Return ½ Σ (prediction − target)² and its gradient with respect to `prediction`.

    Arrays of different shapes raise ValueError.

    Examples
    --------
    >>> from minircnn.nn import l2_loss
    >>> l2_loss(np.array([0.5, 3.0]), np.zeros(2))
    (4.625, array([0.5, 3. ]))
    """
    xp = array_namespace(prediction, target)
    x = _difference(prediction, target)
    return 0.5 * read_numbers(xp.sum(x * x))[0], x


def hinge_loss(scores: Array, signs: Array) -> tuple[float, Array]:
    """Return Σ max(0, 1 − sign · score) and its gradient with respect to `scores` (0 at the corner).

    The loss of a linear SVM (L1 hinge), as R-CNN's classifiers minimise it; `signs` are ±1, shaped as
    `scores`, or ValueError is raised.

    Examples
    --------
    >>> from minircnn.nn import hinge_loss
    >>> hinge_loss(np.array([2.0, 0.5, 0.5]), np.array([1, 1, -1]))
    (2.0, array([ 0., -1.,  1.]))
    """
    xp = array_namespace(scores, signs)
    scores = at_least_single(scores, "scores")
    require_real(signs, "signs")
    _require_one_shape(scores, signs, "scores", "signs")
    signs = xp.astype(signs, scores.dtype)
    margin = 1 - signs * scores
    violated = margin > 0
    zero = xp.zeros_like(scores)
    loss, good = read_numbers(xp.sum(xp.where(violated, margin, zero)), xp.all(xp.abs(signs) == 1))
    if not good:
        raise ValueError("signs must be 1 or -1")
    return loss, xp.where(violated, -signs, zero)


@dataclass(frozen=True)
class MultiTaskLoss:
    """Value and gradients of :func:`multi_task_loss`.

    Attributes
    ----------
    total : float
        ``classification + lam * localisation``.
    classification, localisation : float
        The two parts, localisation before the factor `lam`.
    d_cls_score : (R, K+1) float array
    d_bbox_pred : (R, 4(K+1)) or (R, 4) float array
    """

    total: float
    classification: float
    localisation: float
    d_cls_score: Array
    d_bbox_pred: Array


def multi_task_loss(
    cls_score: Array,
    bbox_pred: Array,
    labels: Array,
    bbox_targets: Array,
    *,
    lam: float = 1.0,
    box_loss: Callable[[Array, Array], tuple[float, Array]] = smooth_l1,
) -> MultiTaskLoss:
    """Return L = L_cls(p, u) + λ [u ≥ 1] L_loc(tᵘ, v): equation 1 of Fast R-CNN.

    The box loss is summed over the foreground regions' own class block and divided by the number of *all*
    regions R, as in the original code.

    Parameters
    ----------
    cls_score : (R, K+1) float array
        Logits; column 0 is background.
    bbox_pred : (R, 4(K+1)) or (R, 4) float array
        K+1 blocks of tx, ty, tw, th; the block is the label, so block 0 is unused. Or one block that serves
        every class.
    labels : (R,) int array
        u, 0..K.
    bbox_targets : (R, 4) float array
        v; rows of background are ignored, whatever they hold.
    lam : float
        λ, at least 0.
    box_loss : callable
        L_loc: ``box_loss(prediction, target)`` returns a sum over all numbers and its gradient, as
        :func:`smooth_l1` and :func:`l2_loss` do.

    Raises
    ------
    ValueError
        If shapes disagree, a label is none of 0..K or `lam` is negative or not finite.

    Examples
    --------
    >>> from minircnn.nn import multi_task_loss
    >>> scores, offsets = np.zeros((2, 2)), np.zeros((2, 8))
    >>> targets = np.array([[0, 0, 0, 0], [3.0, 0, 0, 0]])
    >>> loss = multi_task_loss(scores, offsets, np.array([0, 1]), targets)
    >>> round(loss.classification, 4), loss.localisation  # log 2, and (3 − ½) / 2 regions
    (0.6931, 1.25)
    """
    xp = array_namespace(cls_score, bbox_pred, labels, bbox_targets)
    if cls_score.ndim != 2:
        raise ValueError(f"cls_score must have shape (R, K+1), got {tuple(cls_score.shape)}")
    rows, columns = cls_score.shape
    shapes = (tuple(bbox_pred.shape), tuple(labels.shape), tuple(bbox_targets.shape))
    blocks = 1 if shapes[0] == (rows, 4) else columns
    if shapes != ((rows, 4 * blocks), (rows,), (rows, 4)):
        raise ValueError(
            f"expected bbox_pred ({rows}, {4 * columns}) or ({rows}, 4), labels ({rows},) and bbox_targets "
            f"({rows}, 4) beside cls_score ({rows}, {columns}), got {shapes[0]}, {shapes[1]} and {shapes[2]}"
        )
    require_finite(0, lam=lam)
    classification, d_cls_score = softmax_cross_entropy(cls_score, labels)
    foreground = xp.reshape(labels > 0, (rows, 1, 1))
    offsets = xp.reshape(bbox_pred, (rows, blocks, 4))  # (R, K+1, 4) or (R, 1, 4)
    own = foreground
    if blocks == columns:
        own = xp.reshape(own_column(labels, columns), (rows, columns, 1)) & foreground  # (R, K+1, 1)
    # where nothing is asked for, the prediction is its own target: no loss, no slope
    targets = xp.where(own, xp.reshape(bbox_targets, (rows, 1, 4)), offsets)
    localisation, d_offsets = box_loss(offsets, targets)
    localisation /= max(rows, 1)
    d_bbox_pred = xp.reshape(d_offsets, (rows, 4 * blocks)) * (lam / max(rows, 1))
    return MultiTaskLoss(
        classification + lam * localisation, classification, localisation, d_cls_score, d_bbox_pred
    )


def own_column(labels: Array, columns: int) -> Array:
    """Return (R, columns) bool: True at each row's label."""
    xp = array_namespace(labels)
    numbers = xp.arange(columns, dtype=xp.int64)  # more than the labels' own format may count
    return xp.astype(labels, xp.int64)[:, None] == numbers[None, :]


def labels_fit(labels: Array, columns: int) -> Array:
    """Return whether `labels` (R,) are all 0..columns − 1, as an array of one bool, on a GPU not yet read."""
    xp = array_namespace(labels)
    labels = xp.astype(labels, xp.int64)
    return xp.all((labels >= 0) & (labels < columns))


def refuse_labels(labels: Array, columns: int) -> NoReturn:
    """Raise ValueError that names the first of `labels` (R,) outside 0..columns − 1."""
    xp = array_namespace(labels)
    labels = xp.astype(labels, xp.int64)
    row = int(xp.argmin(xp.astype((labels >= 0) & (labels < columns), xp.int8)))
    raise ValueError(f"labels must lie in 0..{columns - 1}, got {int(labels[row])} in row {row}")


def at_least_single(x: Array, what: str) -> Array:
    """Return `x` in float32 if it is in half precision; raise ValueError if it is not floating point."""
    xp = array_namespace(x)
    if not xp.isdtype(x.dtype, "real floating"):
        raise ValueError(f"{what} must be floating-point numbers, got dtype {x.dtype}")
    return xp.astype(x, xp.float32) if xp.finfo(x.dtype).bits < 32 else x


def _require_one_shape(a: Array, b: Array, name: str, other: str) -> None:
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(f"{name} of shape {tuple(a.shape)} but {other} of shape {tuple(b.shape)}")


def _difference(prediction: Array, target: Array) -> Array:
    require_real(prediction, "prediction")
    require_real(target, "target")
    _require_one_shape(prediction, target, "prediction", "target")
    return at_least_single(prediction, "prediction") - target
