"""A linear SVM, trained by dual coordinate descent."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray, IntArray


def fit_linear_svm(
    features: FloatArray,
    labels: IntArray,
    C: float = 1e-3,
    positive_weight: float = 2.0,
    bias_feature: float = 10.0,
    epochs: int = 100,
) -> tuple[FloatArray, float]:
    """Return weight (D,) and intercept of min ½ wᵀw + Σ C_i max(0, 1 − y_i wᵀx_i), labels y in {−1, +1}.

    Hsieh et al. 2008, algorithm 1: one dual variable per example, each moved to its best value in turn. Every
    example is extended by `bias_feature`, whose weight makes the intercept; C_i is C, for positives times
    `positive_weight`. Examples of label 0 take no part. The defaults are R-CNN's.
    """
    used = labels != 0
    X = np.concatenate([features, np.full((len(features), 1), bias_feature)], axis=1)[used]  # (n, D + 1)
    y = labels[used]
    alpha, w = np.zeros(len(X)), np.zeros(X.shape[1])
    for _ in range(epochs):
        for i in range(len(X)):
            slope = y[i] * (w @ X[i]) - 1
            most = C * positive_weight if y[i] > 0 else C
            best = min(max(alpha[i] - slope / (X[i] @ X[i]), 0.0), most)
            w += (best - alpha[i]) * y[i] * X[i]
            alpha[i] = best
    return w[:-1], float(w[-1] * bias_feature)
