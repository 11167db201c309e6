"""Fast R-CNN's losses, each with its gradient."""

from __future__ import annotations

import math

import numpy as np

from minircnn.structures import FloatArray, IntArray


def softmax(logits: FloatArray) -> FloatArray:
    """Return the probabilities (R, K+1) that logits (R, K+1) stand for."""
    p = np.zeros(logits.shape)
    for r, row in enumerate(logits.tolist()):
        largest = max(row)  # a common shift changes nothing, and exp stays finite
        total = sum(math.exp(value - largest) for value in row)
        p[r] = [math.exp(value - largest) / total for value in row]
    return p


def softmax_cross_entropy(logits: FloatArray, labels: IntArray) -> tuple[float, FloatArray]:
    """Return the mean of −log p_u over the rows, u being their labels, and its gradient (R, K+1).

    Girshick 2015, section 2.3, L_cls.
    """
    rows = len(logits)
    loss, gradient = 0.0, softmax(logits) / rows
    for r, u in enumerate(labels):
        row = logits[r] - logits[r].max()  # −log p_u stays finite even where p_u is rounded to 0
        loss += (math.log(np.exp(row).sum()) - row[u]) / rows
        gradient[r, u] -= 1 / rows
    return loss, gradient


def smooth_l1(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    """Return Σ smooth(prediction − target) and its gradient (Girshick 2015, equations 2 and 3)."""
    loss, gradient = 0.0, np.zeros(prediction.shape)
    for place in np.ndindex(prediction.shape):
        x = float(prediction[place] - target[place])
        if abs(x) < 1:
            loss += 0.5 * x**2
            gradient[place] = x
        else:
            loss += abs(x) - 0.5
            gradient[place] = math.copysign(1, x)
    return loss, gradient


def multi_task_loss(
    cls_score: FloatArray, bbox_pred: FloatArray, labels: IntArray, targets: FloatArray, lam: float = 1.0
) -> tuple[float, FloatArray, FloatArray]:
    """Return L = L_cls(p, u) + λ [u ≥ 1] L_loc(tᵘ, v) and its gradients by cls_score and bbox_pred.

    Girshick 2015, equation 1, the mean over the regions: cls_score (R, K+1), bbox_pred (R, 4(K+1)), labels u
    (R,), targets v (R, 4). Only the block of the region's own class is compared, background has none. Where
    bbox_pred is (R, 4), its one block serves every class.
    """
    loss, d_cls_score = softmax_cross_entropy(cls_score, labels)
    d_bbox_pred = np.zeros(bbox_pred.shape)
    for r, u in enumerate(labels):
        if u >= 1:
            own = slice(0, 4) if bbox_pred.shape[1] == 4 else slice(4 * u, 4 * u + 4)
            value, gradient = smooth_l1(bbox_pred[r, own], targets[r])
            loss += lam * value / len(labels)
            d_bbox_pred[r, own] = lam * gradient / len(labels)
    return loss, d_cls_score, d_bbox_pred
