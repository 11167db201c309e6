"""Ridge regression from features to box targets, R-CNN's bounding-box regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from minircnn.arrays import HostArray
from minircnn.structures import FloatArray


class BoxRegressor(RegressorMixin, BaseEstimator):
    """Ridge regression on whitened targets (R-CNN, appendix C, equation 5).

    The targets' mean is taken off and their covariance S = V D Vᵀ divided out, as R-CNN's released code
    does (the paper does not say so): Y ← (Y − mean) · V (D + whitening)^(-1/2) Vᵀ. The weights then solve
    min ‖X₁ W − Y‖² + λ‖W‖², X₁ being X with a column of ones whose weight is regularised too, by one
    Cholesky factorisation for all targets.

    Parameters
    ----------
    regularization : float
        λ. R-CNN: 1000, for features of mean norm 20 (:func:`minircnn.heads.feature_scale`).
    whitening : float
        Added to the eigenvalues D so that a constant target does no harm. R-CNN: 1e-3.

    Attributes
    ----------
    coef_ : (D, T) float64 array
        Weights in whitened targets; T = 4 for boxes.
    intercept_ : (T,) float64 array
    target_mean_ : (T,) float64 array
    unwhiten_ : (T, T) float64 array
        V (D + whitening)^(1/2) Vᵀ; ``predict`` multiplies with it.
    n_features_in_ : int
    """

    def __init__(self, regularization: float = 1000.0, *, whitening: float = 1e-3) -> None:
        self.regularization = regularization
        self.whitening = whitening

    def fit(self, X: HostArray, y: HostArray) -> BoxRegressor:
        """Fit to features `X` (n, D) and targets `y` (n, 4), or any (n, T), or (n,).

        Raises
        ------
        ValueError
            If X or y is not finite, lengths differ or there are no rows.
        """
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=[np.float64, np.float32])
        self._flat = y.ndim == 1
        targets = y.reshape(len(y), -1).astype(np.float64)
        self.target_mean_ = targets.mean(axis=0)
        targets = targets - self.target_mean_
        values, vectors = np.linalg.eigh(targets.T @ targets / len(targets))
        root = np.sqrt(np.maximum(values, 0) + self.whitening)
        self.unwhiten_ = (vectors * root) @ vectors.T
        weights = _ridge(X, targets @ (vectors / root) @ vectors.T, self.regularization)  # (D + 1, T)
        self.coef_, self.intercept_ = weights[:-1], weights[-1]
        return self

    def predict(self, X: HostArray) -> FloatArray:
        """Return the predicted targets of `X` (n, D), shaped like the `y` of ``fit``: (n, 4) for boxes."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        whitened = X @ self.coef_ + self.intercept_  # (n, T)
        targets: FloatArray = whitened @ self.unwhiten_ + self.target_mean_
        return targets[:, 0] if self._flat else targets

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn: targets may have columns; λ = 1000 shrinks small features strongly."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags


def _ridge(X: FloatArray, targets: FloatArray, regularization: float) -> FloatArray:
    """Solve min ‖X₁ W − Y‖² + λ‖W‖² for W (D + 1, T), in the smaller of its two equal forms."""
    extended = np.concatenate([X, np.ones((len(X), 1), X.dtype)], axis=1).astype(np.float64)  # (n, D + 1)
    if len(extended) < extended.shape[1]:  # (XᵀX + λ)⁻¹Xᵀ = Xᵀ(XXᵀ + λ)⁻¹
        solution: FloatArray = extended.T @ _solve(extended @ extended.T, targets, regularization)
    else:
        solution = _solve(extended.T @ extended, extended.T @ targets, regularization)
    return solution


def _solve(gram: FloatArray, right: FloatArray, regularization: float) -> FloatArray:
    """Solve (gram + λ) Z = right by Cholesky factorisation; `gram` is overwritten."""
    gram[np.diag_indices_from(gram)] += regularization
    # symmetric, so its transpose is itself, in the column order that LAPACK overwrites without a copy
    factor = cho_factor(gram.T, overwrite_a=True, check_finite=False)
    solution: FloatArray = cho_solve(factor, right, check_finite=False)
    return solution
