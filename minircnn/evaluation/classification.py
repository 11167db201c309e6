"""How good labels of whole photos are: one label a photo, or a set of them."""

from __future__ import annotations

import numpy as np

from minircnn.arrays import as_plain
from minircnn.checks import checked, whole
from minircnn.structures import BoolArray, FloatArray, IntArray


def top_k_accuracy(scores: FloatArray, labels: IntArray, k: int = 1) -> float:
    """Return the share of photos whose label is among the `k` best scores.

    ILSVRC's top-5 error is one minus this. Of equal scores the later class comes first, as in scikit-learn.

    Parameters
    ----------
    scores : (N, K) float array
    labels : (N,) int array
        Columns, 0..K − 1.
    k : int

    Raises
    ------
    ValueError
        If there is no photo, shapes disagree, a score is NaN or a label is no column.

    Examples
    --------
    >>> from minircnn.evaluation import top_k_accuracy
    >>> scores = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    >>> [top_k_accuracy(scores, np.array([0, 1]), k) for k in (1, 2)]
    [0.5, 1.0]
    """
    checked("k", k, whole(1))
    scores, labels = _scores(scores), as_plain(labels, "labels")
    if labels.shape != (len(scores),) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be ({len(scores)},) whole numbers, got {labels.dtype} {labels.shape}")
    if not (labels.min() >= 0 and labels.max() < scores.shape[1]):
        raise ValueError(f"labels must lie in 0..{scores.shape[1] - 1}, got {labels.min()}..{labels.max()}")
    order = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :k]  # (N, k)
    return float((order == labels[:, None]).any(axis=1).mean())


def multilabel_average_precision(scores: FloatArray, present: BoolArray) -> FloatArray:
    """Return the average precision (K,) of each class over photos that may show several.

    Σ (recall gained · precision) over the distinct scores, best first: the area under the steps, without the
    envelope that VOC puts over its curves. NaN for a class that no photo shows; the mean over the classes is
    ``np.nanmean``.

    Parameters
    ----------
    scores : (N, K) float array
    present : (N, K) bool array
        Whether the photo shows the class.

    Raises
    ------
    ValueError
        If there is no photo, shapes disagree or a score is NaN.

    Examples
    --------
    >>> from minircnn.evaluation import multilabel_average_precision
    >>> scores, present = np.array([[0.9, 0], [0.5, 0], [0.1, 0]]), np.array([[1, 0], [0, 0], [1, 0]]) > 0
    >>> multilabel_average_precision(scores, present)  # ½ · 1 + ½ · 2/3
    array([0.8333,    nan])
    """
    scores, present = _scores(scores), as_plain(present, "present")
    if present.shape != scores.shape or present.dtype != np.bool_:
        raise ValueError(f"present must be {scores.shape} of bool, got {present.dtype} {present.shape}")
    columns = zip(scores.T, present.T, strict=True)
    return np.array([_average_precision(s, p) if p.any() else np.nan for s, p in columns])


def _average_precision(scores: FloatArray, present: BoolArray) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(present[order])
    ranked = scores[order]
    last_of_equals = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # infinite ones can be equal
    recall = hits[last_of_equals] / hits[-1]
    precision = hits[last_of_equals] / (last_of_equals + 1)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def _scores(scores: FloatArray) -> FloatArray:
    scores = as_plain(scores, "scores")
    if scores.ndim != 2 or 0 in scores.shape or scores.dtype.kind not in "iuf" or np.isnan(scores).any():
        raise ValueError(f"scores must be (N, K) numbers of at least one photo, got shape {scores.shape}")
    return scores.astype(np.float64)
