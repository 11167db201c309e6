"""The softmax loss of a class for every pixel."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace, read_numbers
from minircnn.nn.losses import at_least_single, labels_fit, own_column, refuse_labels

VOID = 255
"""The label of pixels that have no part in the loss (PASCAL VOC)."""


def pixel_cross_entropy(
    logits: Array, labels: Array, *, void: int = VOID, weights: Array | None = None
) -> tuple[float, Array]:
    """Return the mean of −log softmax(logits)[label] over the pixels that are not void, and its gradient.

    Long, Shelhamer and Darrell 2015, section 4.1 (there summed, here the mean, so that the learning rate does
    not depend on the photo's size). Of no pixels the loss is 0.

    Parameters
    ----------
    logits : (N, K+1, H, W) float array
        Channel 0 is background.
    labels : (N, H, W) int array
        0..K, or `void`.
    void : int
    weights : (K+1,) float array, optional
        How much a pixel of each class counts in the mean: where most pixels are background, a small weight of
        it lets the others be heard. Default: 1 each.

    Raises
    ------
    ValueError
        If shapes disagree, or a label is neither 0..K nor void.

    Examples
    --------
    >>> from minircnn.nn import pixel_cross_entropy
    >>> loss, gradient = pixel_cross_entropy(np.zeros((1, 2, 1, 2)), np.array([[[1, 255]]]))
    >>> round(loss, 4)  # log 2: the void pixel does not count
    0.6931
    >>> gradient[0, :, 0, 0]
    array([ 0.5, -0.5])
    """
    xp = array_namespace(logits, labels)
    logits = at_least_single(logits, "logits")
    shape = tuple(logits.shape)
    if len(shape) != 4 or tuple(labels.shape) != (shape[0], *shape[2:]):
        raise ValueError(
            f"expected logits (N, K+1, H, W) and labels (N, H, W), got {shape} and {tuple(labels.shape)}"
        )
    if weights is not None and tuple(weights.shape) != (shape[1],):
        raise ValueError(f"weights must have shape ({shape[1]},), one per class, got {tuple(weights.shape)}")
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"labels must be whole numbers, got dtype {labels.dtype}")
    classes = shape[1]
    rows = xp.reshape(xp.permute_dims(logits, (0, 2, 3, 1)), (-1, classes))  # (P, K+1), P = N·H·W
    labels = xp.reshape(xp.astype(labels, xp.int64), (-1,))  # (P,)
    known = labels != void
    labels = xp.where(known, labels, xp.zeros_like(labels))
    own = xp.astype(own_column(labels, classes), rows.dtype)  # (P, K+1)
    counts = xp.astype(known, rows.dtype)
    if weights is not None:
        counts = counts * xp.sum(own * xp.astype(weights, rows.dtype), axis=1)
    total = xp.sum(counts)
    counts = counts / xp.where(total > 0, total, xp.ones_like(total))  # (P,), 1 together

    shifted = rows - xp.max(rows, axis=1, keepdims=True)
    log_p = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
    loss, fit = read_numbers(-xp.sum(counts * xp.sum(log_p * own, axis=1)), labels_fit(labels, classes))
    if not fit:
        refuse_labels(labels, classes)
    gradient = xp.reshape((xp.exp(log_p) - own) * counts[:, None], (shape[0], *shape[2:], classes))
    return loss, xp.permute_dims(gradient, (0, 3, 1, 2))
