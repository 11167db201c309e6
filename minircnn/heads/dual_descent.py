"""Dual coordinate descent for many linear SVMs at once, over one shared set of features.

Each class solves liblinear's ``-s 3`` problem (L2-regularised, L1 hinge; Hsieh et al. 2008, equation 1)

    min_w  ½ wᵀw + Σᵢ Cᵢ max(0, 1 − yᵢ wᵀxᵢ),      xᵢ extended by the constant `bias_feature`.

Its dual has one variable per example. With βᵢ = yᵢαᵢ the weights are w = Σᵢ βᵢxᵢ and one coordinate step is

    βᵢ ← clip(βᵢ + (yᵢ − wᵀxᵢ) / xᵢᵀxᵢ, between 0 and yᵢCᵢ),

which has the same form for all K classes, so one step moves the i-th variable of every class. How the steps
of a block of examples are taken with two matrix products is told in :mod:`minircnn.kernels.block_descent`.

A class is done when its duality gap is small: primal minus dual objective, which bounds how far the primal
is from its optimum, whatever way led there. Each pass estimates the gap from the scores that its visits have
seen anyway; where the estimate promises an end, all examples are scored again and the exact gap decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.arrays import HostArray, as_plain
from minircnn.checks import checked, real, whole
from minircnn.heads.features import require_finite
from minircnn.kernels.block_descent import Descent
from minircnn.structures import FloatArray, IntArray


@dataclass(frozen=True)
class SVMProblem:
    """What one linear SVM minimises; the defaults are those of R-CNN's released code."""

    C: float = 1e-3
    """Cost of a unit of hinge loss, on features whose mean norm is 20."""
    positive_weight: float = 2.0
    """Factor on `C` for the positives."""
    bias_feature: float = 10.0
    """The constant that extends every example; its weight is regularised like all others. 0: no intercept."""


@dataclass(frozen=True)
class DualSolution:
    """K linear classifiers and the certificate that they solve their problems.

    Parameters
    ----------
    weights : (K, D) float array
    intercepts : (K,) float array
        ``bias_feature`` times the weight of the bias feature: ``scores = X @ weights.T + intercepts``.
    beta : (n, K) float array
        Signed dual variables yα; pass them on to start the next fit.
    scores : (n, K) float array
        Of the examples.
    objective : (K,) float64 array
        Primal objective of each class.
    gap : (K,) float64 array
        Primal minus dual objective: no weights have an objective lower than ``objective - gap``.
    epochs : int
        Passes over the examples.
    converged : (K,) bool array
        ``gap <= tol * objective``.
    """

    weights: FloatArray
    intercepts: FloatArray
    beta: FloatArray
    scores: FloatArray
    objective: FloatArray
    gap: FloatArray
    epochs: int
    converged: HostArray


@np.errstate(over="ignore", invalid="ignore")  # what overflows is found at the end, and said in words
def fit_one_vs_rest(
    features: HostArray,
    labels: IntArray,
    problem: SVMProblem | None = None,
    *,
    tol: float = 1e-4,
    max_epochs: int = 1000,
    rng: np.random.Generator,
    beta: FloatArray | None = None,
) -> DualSolution:
    """Solve K linear SVMs that share features but not examples.

    Parameters
    ----------
    features : (n, D) float array
        May be a memory map; float16 and float32 are worked on in float32, float64 in float64.
    labels : (n, K) int array
        +1 and -1; 0 where the example takes no part in the class's problem.
    problem : SVMProblem, optional
        Default: R-CNN's.
    tol : float
        A class is done when its duality gap is below this fraction of its objective.
    max_epochs : int
    rng : numpy.random.Generator
        Draws the order of the examples.
    beta : (n, K) float array, optional
        Where to start (clipped into the box). Default: zeros.

    Returns
    -------
    DualSolution

    Raises
    ------
    ValueError
        If shapes disagree, labels hold anything but -1, 0 and +1, a number of the problem makes no sense, or
        the features are not finite or too large to be computed with.

    Notes
    -----
    Besides the features, memory is a few times n·K numbers and 2·n·128 inner products.
    """
    features, labels = as_plain(features, "features"), as_plain(labels, "labels")
    if features.ndim != 2 or labels.ndim != 2 or len(features) != len(labels):
        raise ValueError(f"features (n, D) and labels (n, K) needed, got {features.shape} and {labels.shape}")
    if not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError("labels must be -1, 0 (not in this class's problem) or +1")
    problem = problem or SVMProblem()
    _check(problem, tol, max_epochs)
    require_finite(features, "features")
    dtype = np.float64 if features.dtype == np.float64 else np.float32
    y: HostArray = labels.astype(dtype)  # (n, K)
    # (n, K), 0 outside the problem
    cost: HostArray = (np.where(y > 0, problem.C * problem.positive_weight, problem.C) * np.abs(y)).astype(
        dtype
    )
    descent = Descent(features, y, cost, problem.bias_feature**2, beta)
    objective, gap = descent.certificate()
    if not np.isfinite(objective).all():
        raise ValueError(_TOO_LARGE)
    open_classes, epochs = gap > tol * objective, 0
    parts = descent.blocks() if open_classes.any() else []
    while open_classes.any() and epochs < max_epochs:
        blocks = parts[epochs % len(parts)]
        moved = [descent.visit(blocks[i], open_classes, rng) for i in rng.permutation(len(blocks))]
        epochs += 1
        now, gap_now = descent.certificate()
        if (gap_now <= tol * now)[open_classes].any() or not any(moved) or epochs == max_epochs:
            descent.score_all()
            now, gap_now = descent.certificate()
            objective = np.where(open_classes, now, objective)
            gap = np.where(open_classes, gap_now, gap)
            open_classes = gap > tol * objective
        if not any(moved):
            break  # at the optimum as far as the working precision can tell
    if not (np.isfinite(descent.weights).all() and np.isfinite(objective).all()):
        raise ValueError(_TOO_LARGE)
    return DualSolution(
        descent.weights,
        descent.intercepts,
        descent.beta,
        descent.scores,
        objective,
        gap,
        epochs,
        ~open_classes,
    )


_TOO_LARGE = "features are too large for C and bias_feature: scale them (feature_scale)"


def _check(problem: SVMProblem, tol: float, max_epochs: int) -> None:
    """Raise ValueError naming the first number that makes no sense, whatever the features are scaled by."""
    for name in ("C", "positive_weight", "bias_feature"):
        value = getattr(problem, name)
        if not (0 < value < 1e100 or (value == 0 and name == "bias_feature")):
            raise ValueError(f"{name} must be above 0, and finite, got {value}")
    checked("tol", tol, real(0, 1, below=True))
    checked("max_epochs", max_epochs, whole(1))
