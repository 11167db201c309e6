"""Linear support vector machines as R-CNN trains them, as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from minircnn.arrays import Array, HostArray, as_plain, to_host
from minircnn.checks import checked, optional, real, require_array, whole
from minircnn.heads.dual_descent import SVMProblem, fit_one_vs_rest
from minircnn.heads.features import check_parameters, require_finite
from minircnn.kernels.block_descent import CHUNK
from minircnn.kernels.products import matmul
from minircnn.kernels.split import split
from minircnn.profiling import stage
from minircnn.structures import FloatArray

_POSITIVE = real(0, above=True)

FEATURE_NORM = 20.0
"""R-CNN scales its features so that their mean L2 norm is this; its C is meant for it."""


def feature_scale(features: HostArray, target_norm: float = FEATURE_NORM) -> float:
    """Return the factor that brings the mean L2 norm of `features` to `target_norm`.

    R-CNN measures it on 200 boxes of each of 200 photos.

    Parameters
    ----------
    features : (n, D) float array
        May be a memory map; read in parts.
    target_norm : float

    Raises
    ------
    ValueError
        If there are no features, all of them are zero, or one is not finite or too large to be squared.

    Examples
    --------
    >>> from minircnn.heads import feature_scale
    >>> feature_scale(np.array([[3.0, 4.0], [0.0, 15.0]]))  # norms 5 and 15, so 20 / 10
    2.0
    """
    checked("target_norm", target_norm, real(0, above=True))
    if as_plain(features, "features").ndim != 2 or features.dtype.kind not in "biuf":
        raise ValueError(f"features must be (n, D) numbers, got {features.dtype} of shape {features.shape}")
    total = 0.0
    for part in split(len(features), size=CHUNK):
        with np.errstate(over="ignore", invalid="ignore"):
            rows = np.asarray(features[part], np.float32)
            total += float(np.linalg.norm(rows, axis=1).sum(dtype=np.float64))
    if not np.isfinite(total):
        raise ValueError(f"features of shape {features.shape} hold numbers that are not finite or too large")
    if total == 0:
        raise ValueError(f"cannot scale features of shape {features.shape}: none differs from zero")
    return target_norm * len(features) / total


class LinearSVMs(ClassifierMixin, BaseEstimator):
    """One-vs-rest linear SVMs with the L1 hinge loss (R-CNN, section 2.3; liblinear's ``-s 3``).

    Per class: min ½‖(w, b/B)‖² + C Σᵢ cᵢ max(0, 1 − yᵢ(wᵀxᵢ + b)) with cᵢ = `positive_weight` for the
    class's examples and 1 for the others, B = `bias_feature`. All classes are solved together by
    dual coordinate descent (:mod:`minircnn.heads.dual_descent`).

    Parameters
    ----------
    C : float
        Cost of a unit of hinge loss, on features scaled to `feature_norm`.
    positive_weight : float
        Factor on `C` for positives.
    bias_feature : float
        Constant appended to each example; its weight is regularised. 0: no intercept.
    feature_norm : float or None
        The features are multiplied by one number so that their mean L2 norm is this, as R-CNN does;
        the default `C` and `bias_feature` are meant for it. ``coef_`` includes the number and applies to
        features as given. None: leave them as they are (liblinear's problem, exactly).
    tol : float
        Largest accepted duality gap as a fraction of the objective.
    max_iter : int
        Most passes over the examples.
    random_state : int, numpy.random.RandomState or None
        Draws the order of the examples.

    Attributes
    ----------
    classes_ : (K,) array
        The labels, sorted.
    coef_ : (K, D) or, with two classes, (1, D) float array
        Weights; with two classes those of ``classes_[1]``.
    intercept_ : (K,) or (1,) float array
    feature_scale_ : float
        The number the features were multiplied by.
    objective_, duality_gap_ : (K,) or (1,) float array
        What was reached, and by how much it can be missing the optimum at most.
    n_iter_ : int
        Passes taken.
    n_features_in_ : int

    Examples
    --------
    >>> from minircnn.heads import LinearSVMs
    >>> svm = LinearSVMs(feature_norm=None, C=10).fit(np.array([[-1.0], [1.0], [3.0]]), [0, 1, 1])
    >>> svm.coef_.round(1), svm.predict(np.array([[-0.5], [0.5]]))
    (array([[1.]]), array([0, 1]))
    """

    def __init__(
        self,
        C: float = SVMProblem.C,
        *,
        positive_weight: float = SVMProblem.positive_weight,
        bias_feature: float = SVMProblem.bias_feature,
        feature_norm: float | None = FEATURE_NORM,
        tol: float = 1e-4,
        max_iter: int = 1000,
        random_state: Any = 0,
    ) -> None:
        self.C = C
        self.positive_weight = positive_weight
        self.bias_feature = bias_feature
        self.feature_norm = feature_norm
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: HostArray, y: HostArray) -> LinearSVMs:
        """Train on features `X` (n, D) with one label each, `y` (n,) of at least two kinds.

        Raises
        ------
        ValueError
            If X is no finite matrix, lengths differ, there is only one class, or a parameter makes no sense.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` passes did not bring the duality gap below `tol`.
        """
        check_parameters(self, C=_POSITIVE, positive_weight=_POSITIVE, bias_feature=real(0))
        check_parameters(self, feature_norm=optional(_POSITIVE))
        check_parameters(self, tol=real(0, 1, below=True), max_iter=whole(1))
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_all_finite=False)
        require_finite(X, "X")
        check_classification_targets(y)
        self.classes_, code = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"LinearSVMs needs examples of two classes, got 1 class: {self.classes_[0]!r}")
        columns = np.arange(len(self.classes_)) if len(self.classes_) > 2 else np.array([1])
        self.feature_scale_ = 1.0
        if self.feature_norm is not None and X.any():
            self.feature_scale_ = feature_scale(X, self.feature_norm)
        # X scaled by s, C and B are the same problem as X as it is, s²C and B / s, with s times the weights
        # and s² times the objective: no scaled copy is needed
        squared = self.feature_scale_**2
        solution = fit_one_vs_rest(
            X,
            np.where(code[:, None] == columns, 1, -1),
            SVMProblem(self.C * squared, self.positive_weight, self.bias_feature / self.feature_scale_),
            tol=self.tol,
            max_epochs=self.max_iter,
            rng=np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1)),
        )
        if not solution.converged.all():
            open_classes = self.classes_[columns[~solution.converged]]
            warnings.warn(
                f"LinearSVMs did not converge in {self.max_iter} passes for classes {list(open_classes)}: "
                "raise max_iter, or scale the features (feature_scale)",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_ = solution.weights
        self.intercept_ = solution.intercepts
        self.objective_, self.duality_gap_ = solution.objective / squared, solution.gap / squared
        self.n_iter_ = solution.epochs
        return self

    @classmethod
    def from_weights(cls, weight: HostArray, bias: HostArray) -> LinearSVMs:
        """Return fitted SVMs of classes 1..K with the given weight (K, D) and bias (K,)."""
        require_array("the SVMs' weight", weight, (None, None))
        require_array("the SVMs' bias", bias, (weight.shape[0],))
        svms = cls()
        svms.classes_ = np.arange(1, len(bias) + 1)
        # feature by feature in memory: the product with the features reads it in rows
        svms.coef_, svms.intercept_ = np.asfortranarray(weight), np.asarray(bias)
        svms.n_features_in_ = weight.shape[1]
        return svms

    @classmethod
    def none(cls, classes: int, dim: int) -> LinearSVMs:
        """Return SVMs of `classes` classes and `dim` features that know nothing: all scores are 0."""
        return cls.from_weights(np.zeros((classes, dim), np.float32), np.zeros(classes, np.float32))

    @stage("SVMs")
    def scores(self, features: Array) -> Array:
        """Return the score (R, K) of every class for `features` (R, D), also where there are two classes.

        Nothing is checked or moved: the features lie where the weights do (:meth:`to`).
        """
        return matmul(features, self.coef_.T) + self.intercept_

    def to(self, xp: Any) -> None:
        """Move the weights to the array library `xp` (NumPy or CuPy)."""
        self.coef_, self.intercept_ = (xp.asarray(to_host(a)) for a in (self.coef_, self.intercept_))

    def decision_function(self, X: HostArray) -> FloatArray:
        """Return signed scores of `X` (n, D): (n, K), or with two classes (n,) for ``classes_[1]``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False, ensure_all_finite=False)
        require_finite(X, "X")
        scores: FloatArray = X @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: HostArray) -> HostArray:
        """Return the label with the highest score for each row of `X` (n, D)."""
        scores = self.decision_function(X)
        best = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(np.intp)
        labels: HostArray = self.classes_[best]
        return labels
