"""R-CNN's bounding-box regression: ridge regression from features to box offsets."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray


def fit_ridge_regression(
    features: FloatArray, targets: FloatArray, regularization: float = 1000.0, whitening: float = 1e-3
) -> tuple[FloatArray, FloatArray]:
    """Return weight (D, 4) and intercept (4,) that predict targets (n, 4) from features (n, D).

    Girshick et al. 2014, appendix C, equation 5. As in the authors' code the targets are whitened first:
    their mean is taken off and their covariance divided out.
    """
    mean = targets.mean(axis=0)
    values, vectors = np.linalg.eigh((targets - mean).T @ (targets - mean) / len(targets))
    whiten = vectors @ np.diag(1 / np.sqrt(values + whitening)) @ vectors.T  # (4, 4)
    X = np.concatenate([features, np.ones((len(features), 1))], axis=1)  # (n, D + 1)
    inverse = np.linalg.inv(X.T @ X + regularization * np.eye(X.shape[1]))
    whitened_weight = inverse @ X.T @ (targets - mean) @ whiten  # (D + 1, 4)
    weight = whitened_weight @ np.linalg.inv(whiten)
    return weight[:-1], weight[-1] + mean
