"""Ridge regression from features to box targets, R-CNN's bounding-box regressor.

Nearly all of the work is the matrix of inner products. It is symmetric, so half of it is computed; and it is
as large as the fewer of examples and features, whichever form of the solution that takes. In single precision
it is off by about its trace times the rounding error, which must be small against λ, since λ is all that
keeps the matrix from being singular. At R-CNN's λ = 1000 it is (the weights then agree to 1e-6 with those of
double precision); where it is not, everything is done again in double precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from minircnn.arrays import HostArray
from minircnn.checks import real
from minircnn.heads.features import LARGEST, check_parameters, require_finite
from minircnn.kernels.products import matmul
from minircnn.kernels.split import split
from minircnn.kernels.threads import parallel_for
from minircnn.structures import FloatArray

GRAM_ERROR = 0.01
"""Largest rounding error of the inner products, as a fraction of λ and by a bound some ten times too large,
that single precision may make."""

GRAM_PARTS = 4
"""Cuts of the matrix of inner products along each side: ten pieces to share, of which four are symmetric."""


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
    coef_ : (T, D) float array
        Weights in whitened targets, in the precision of the features; T = 4 for boxes.
    intercept_ : (T,) float array
    target_mean_ : (T,) float64 array
    unwhiten_ : (T, T) float64 array
        V (D + whitening)^(1/2) Vᵀ; ``predict`` multiplies with it.
    n_features_in_ : int

    Examples
    --------
    >>> from minircnn.heads import BoxRegressor
    >>> x = np.array([[-1.0], [0.0], [1.0]])
    >>> BoxRegressor(regularization=2).fit(x, 3 * x[:, 0]).predict(x)  # slope 3 · 2 / (2 + 2)
    array([-1.5,  0. ,  1.5])
    """

    def __init__(self, regularization: float = 1000.0, *, whitening: float = 1e-3) -> None:
        self.regularization = regularization
        self.whitening = whitening

    def fit(self, X: HostArray, y: HostArray) -> BoxRegressor:
        """Fit to features `X` (n, D) and targets `y` (n, 4), or any (n, T), or (n,).

        Raises
        ------
        ValueError
            If X or y is not finite, lengths differ, there are no rows, or a parameter makes no sense: without
            `regularization` the features must tell the weights, without `whitening` all targets must vary.
        """
        check_parameters(self, regularization=real(0, LARGEST), whitening=real(0))
        X, y = validate_data(
            self,
            X,
            y,
            multi_output=True,
            y_numeric=True,
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
        )
        require_finite(X, "X")
        require_finite(y.reshape(len(y), -1), "y")
        self._flat = y.ndim == 1
        targets = y.reshape(len(y), -1).astype(np.float64)
        self.target_mean_ = targets.mean(axis=0)
        targets = targets - self.target_mean_
        values, vectors = np.linalg.eigh(targets.T @ targets / len(targets))
        root = np.sqrt(np.maximum(values, 0) + self.whitening)
        if not (root > 0).all():
            raise ValueError("whitening must be above 0 where the targets do not vary, got 0")
        self.unwhiten_ = (vectors * root) @ vectors.T
        weights = _ridge(X, targets @ (vectors / root) @ vectors.T, self.regularization)  # (D + 1, T)
        self.coef_, self.intercept_ = weights[:-1].T, weights[-1]
        return self

    def predict(self, X: HostArray) -> FloatArray:
        """Return the predicted targets of `X` (n, D), shaped like the `y` of ``fit``: (n, 4) for boxes."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False, ensure_all_finite=False)
        require_finite(X, "X")
        whitened = X @ self.coef_.T + self.intercept_  # (n, T)
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
    wide = len(X) <= X.shape[1]
    gram = symmetric_product(X if wide else X.T)
    error = np.finfo(X.dtype).eps * float(np.trace(gram, dtype=np.float64))
    if X.dtype == np.float32 and error > GRAM_ERROR * regularization:
        return _ridge(X.astype(np.float64), targets, regularization).astype(np.float32)
    targets = targets.astype(X.dtype)
    if wide:  # (X₁ᵀX₁ + λ)⁻¹X₁ᵀ = X₁ᵀ(X₁X₁ᵀ + λ)⁻¹
        gram += 1  # the column of ones
        dual = _solve(gram, targets, regularization)
        return np.concatenate([matmul(X.T, dual), dual.sum(axis=0, keepdims=True)])
    extended = np.full((len(gram) + 1, len(gram) + 1), len(X), X.dtype)
    extended[:-1, :-1] = gram
    extended[:-1, -1] = extended[-1, :-1] = X.sum(axis=0)
    right = np.concatenate([matmul(X.T, targets), targets.sum(axis=0, keepdims=True)])
    return _solve(extended, right, regularization)


def symmetric_product(rows: FloatArray) -> FloatArray:
    """Return ``rows @ rows.T``, computing what lies on and below the diagonal and copying it above."""
    size = len(rows)
    gram = np.empty((size, size), rows.dtype)
    parts = split(size, parts=GRAM_PARTS)

    def multiply(place: tuple[slice, slice]) -> None:
        low, high = place
        np.matmul(rows[low], rows[high].T, out=gram[low, high])
        if low != high:
            gram[high, low] = gram[low, high].T

    parallel_for(multiply, [(low, high) for i, low in enumerate(parts) for high in parts[: i + 1]], like=rows)
    return gram


def _solve(gram: FloatArray, right: FloatArray, regularization: float) -> FloatArray:
    """Solve (gram + λ) Z = right by Cholesky factorisation; `gram` is overwritten."""
    gram[np.diag_indices_from(gram)] += regularization
    # symmetric, so its transpose is itself, in the column order that LAPACK overwrites without a copy
    try:
        factor = cho_factor(gram.T, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"regularization {regularization:g} is too little: the features do not tell the weights ({error})"
        ) from error
    solution: FloatArray = cho_solve(factor, right, check_finite=False)
    return solution
