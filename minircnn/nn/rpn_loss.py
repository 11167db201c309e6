"""The loss of Faster R-CNN's region proposal network, with its gradients."""

from __future__ import annotations

from dataclasses import dataclass

from minircnn.arrays import Array, array_namespace, read_numbers
from minircnn.nn.checks import require_finite, require_real
from minircnn.nn.losses import at_least_single, own_column, smooth_l1


@dataclass(frozen=True)
class RPNLoss:
    """Value and gradients of :func:`rpn_loss`.

    Attributes
    ----------
    total : float
        ``objectness + lam * localization``.
    objectness, localization : float
        The two parts, localization before the factor `lam`.
    d_objectness : (N, 2) float array
    d_offsets : (N, 4) float array
    """

    total: float
    objectness: float
    localization: float
    d_objectness: Array
    d_offsets: Array


def rpn_loss(
    objectness: Array, offsets: Array, labels: Array, targets: Array, *, lam: float = 1.0, sigma: float = 3.0
) -> RPNLoss:
    """Return L = 1/N_cls Σ L_cls(p, p*) + λ/N_reg Σ p* L_reg(t, t*): equation 1 of Faster R-CNN.

    N_cls and N_reg are both the number S of anchors that were drawn, as in the released code. (The paper has
    N_reg = 2,400, the cells of the map, and λ = 10: 10/2400 of each box, beside 1/256 of S = 256 here.)

    Parameters
    ----------
    objectness : (N, 2) float array
        Logits; column 0 is background, column 1 object.
    offsets : (N, 4) float array
        t: tx, ty, tw, th from anchor to object.
    labels : (N,) int array
        p*: 1 object, 0 background, -1 not drawn. Rows of -1 have no part in the loss, whatever they hold.
    targets : (N, 4) float array
        t*; only rows of objects are read.
    lam : float
        λ, at least 0.
    sigma : float
        Of the smooth L1 loss (3 in the released code; the paper has Fast R-CNN's, 1).

    Raises
    ------
    ValueError
        If shapes disagree, a label is none of -1, 0, 1, or `lam` or `sigma` is impossible.

    Examples
    --------
    >>> from minircnn.nn import rpn_loss
    >>> labels, undecided, offsets = np.array([1, 0, -1]), np.zeros((3, 2)), np.zeros((3, 4))
    >>> loss = rpn_loss(undecided, offsets, labels, offsets + 1)
    >>> round(loss.objectness, 4), round(loss.localization, 4)  # ln 2, and 4 (1 - 1/18) / 2
    (0.6931, 1.8889)
    """
    xp = array_namespace(objectness, offsets, labels, targets)
    rows = objectness.shape[0] if objectness.ndim else 0
    shapes = tuple(tuple(x.shape) for x in (objectness, offsets, labels, targets))
    if shapes != ((rows, 2), (rows, 4), (rows,), (rows, 4)):
        raise ValueError(
            "expected objectness (N, 2), offsets (N, 4), labels (N,) and targets (N, 4), got "
            + ", ".join(map(str, shapes))
        )
    require_finite(0, lam=lam)
    require_real(targets, "targets")
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"labels must be whole numbers, got dtype {labels.dtype}")
    labels = xp.astype(labels, xp.int64)  # -1 is no number in formats without signs
    objectness, offsets = at_least_single(objectness, "objectness"), at_least_single(offsets, "offsets")
    drawn, is_object = (labels >= 0)[:, None], (labels > 0)[:, None]  # (N, 1) each

    shifted = objectness - xp.max(objectness, axis=1, keepdims=True)
    log_p = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))  # (N, 2)
    own = own_column(labels, 2)  # (N, 2), nothing in a row of -1
    zeros = xp.zeros_like(log_p)
    # one wait for a GPU: the sum, the number of drawn anchors, and whether the labels are right
    good = (labels >= -1) & (labels <= 1)
    classification, count, all_good = read_numbers(
        xp.sum(xp.where(own, -log_p, zeros)), xp.sum(xp.astype(drawn, xp.int64)), xp.all(good)
    )
    if not all_good:
        row = int(xp.argmin(xp.astype(good, xp.int8)))
        raise ValueError(f"labels must be -1, 0 or 1, got {int(labels[row])} in row {row}")
    count = max(count, 1)  # S
    classification /= count
    d_objectness = xp.where(drawn, xp.exp(log_p) - xp.astype(own, log_p.dtype), zeros) / count

    # where nothing is asked for, both are 0: no loss, no slope
    nothing = xp.zeros_like(offsets)
    predicted = xp.where(is_object, offsets, nothing)
    wanted = xp.where(is_object, xp.astype(targets, offsets.dtype), nothing)
    localization, d_offsets = smooth_l1(predicted, wanted, sigma=sigma)
    localization /= count
    return RPNLoss(
        classification + lam * localization,
        classification,
        localization,
        d_objectness,
        d_offsets * (lam / count),
    )
