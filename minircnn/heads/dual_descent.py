"""Dual coordinate descent for many linear SVMs at once, over one shared set of features.

Each class solves liblinear's ``-s 3`` problem (L2-regularised, L1 hinge; Hsieh et al. 2008, equation 1)

    min_w  ½ wᵀw + Σᵢ Cᵢ max(0, 1 − yᵢ wᵀxᵢ),      xᵢ extended by the constant `bias_feature`.

Its dual has one variable per example. With βᵢ = yᵢαᵢ the weights are w = Σᵢ βᵢxᵢ and one coordinate step is

    βᵢ ← clip(βᵢ + (yᵢ − wᵀxᵢ) / xᵢᵀxᵢ, between 0 and yᵢCᵢ),

which has the same form for all K classes, so one step moves the i-th variable of every class. Steps are
taken in small blocks of examples: margins and inner products of a block come from matrix products, and the
sequential part sees only (block × block) and (block × K) numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.structures import FloatArray, IntArray

BLOCK = 48
"""Examples per block: the block's rows stay in cache, the sequential part stays short."""

CHUNK = 8192
"""Rows converted to the working dtype at a time, where all features are passed over."""

GRAM_BYTES = 512 * 2**20
"""Largest Gram matrix kept; above this the solver works on the weights instead."""


@dataclass(frozen=True)
class DualSolution:
    """K linear classifiers and the certificate that they solve their problems.

    Parameters
    ----------
    weights : (D, K) float array
    intercepts : (K,) float array
        ``bias_feature`` times the weight of the bias feature: ``scores = X @ weights + intercepts``.
    beta : (n, K) float array
        Signed dual variables yα; pass them on to start the next fit.
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
    objective: FloatArray
    gap: FloatArray
    epochs: int
    converged: HostArray


def fit_one_vs_rest(
    features: HostArray,
    labels: IntArray,
    *,
    C: float = 1e-3,
    positive_weight: float = 2.0,
    bias_feature: float = 10.0,
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
    C : float
        Cost of a unit of hinge loss. R-CNN: 1e-3.
    positive_weight : float
        Factor on `C` for the positives. R-CNN: 2.
    bias_feature : float
        The constant that extends every example; its weight is regularised like all others. R-CNN: 10.
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
        If shapes disagree or labels hold anything but -1, 0 and +1.

    Notes
    -----
    Besides the features, memory is n·K numbers and, for n up to 2·D, the n·n Gram matrix (at most
    512 MiB; larger problems work on the weights and need no Gram matrix).
    """
    if features.ndim != 2 or labels.ndim != 2 or len(features) != len(labels):
        raise ValueError(f"features (n, D) and labels (n, K) needed, got {features.shape} and {labels.shape}")
    if not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError("labels must be -1, 0 (not in this class's problem) or +1")
    dtype = np.float64 if features.dtype == np.float64 else np.float32
    y: HostArray = labels.astype(dtype)  # (n, K)
    limit = (np.where(y > 0, C * positive_weight, C) * y).astype(dtype)  # (n, K), 0 outside the problem
    low, high = np.minimum(limit, 0), np.maximum(limit, 0)
    start = np.zeros_like(y) if beta is None else np.clip(beta.astype(dtype), low, high)
    small = len(features) <= 2 * features.shape[1] and len(features) ** 2 * y.itemsize <= GRAM_BYTES
    space = (_GramSpace if small else _WeightSpace)(features, start, bias_feature**2)
    step = 1 / np.maximum(space.diagonal, np.finfo(dtype).tiny)[:, None]  # (n, 1)
    margins = space.margins()
    objective, gap = _certificate(margins, y, limit, start)
    open_classes, epochs = gap > tol * objective, 0
    while open_classes.any() and epochs < max_epochs:
        blocks = _blocks(_movable(margins, y, space.beta, low, high) & open_classes, rng)
        if not blocks:
            break  # at the optimum as far as the working precision can tell
        for rows in blocks:
            gram, block_margins = space.block(rows)
            new = _descend(
                gram,
                block_margins,
                y[rows],
                space.beta[rows],
                low[rows],
                high[rows],
                step[rows] * open_classes,
            )
            space.move(rows, new)
        epochs += 1
        margins = space.margins()
        now, gap_now = _certificate(margins, y, limit, space.beta)
        objective = np.where(open_classes, now, objective)
        gap = np.where(open_classes, gap_now, gap)
        open_classes = gap > tol * objective
    weights, intercepts = _weights(features, space.beta, bias_feature**2)
    return DualSolution(weights, intercepts, space.beta, objective, gap, epochs, ~open_classes)


def _movable(margins: HostArray, y: HostArray, beta: HostArray, low: HostArray, high: HostArray) -> HostArray:
    """Tell which variables (n, K) a coordinate step would move: not at a bound that it is pushed against."""
    push = y - margins
    return ((push > 0) & (beta < high)) | ((push < 0) & (beta > low))


def _blocks(movable: HostArray, rng: np.random.Generator) -> list[IntArray]:
    """Return the examples any class can move, in random order, cut into blocks."""
    order = rng.permutation(np.flatnonzero(movable.any(axis=1)))
    return [order[i : i + BLOCK] for i in range(0, len(order), BLOCK)]


def _descend(
    gram: HostArray,
    margins: HostArray,
    y: HostArray,
    beta: HostArray,
    low: HostArray,
    high: HostArray,
    step: HostArray,
) -> HostArray:
    """Take one coordinate step per example of a block, in order; return the block's new variables (B, K).

    `gram` (B, B) holds inner products, `margins` (B, K) the scores before the block, `step` (B, K) the
    inverse of the diagonal (0 for classes that are done).
    """
    moved = np.zeros_like(beta)
    new = np.empty_like(beta)
    for i in range(len(beta)):
        margin = np.dot(gram[i, :i], moved[:i])  # what the block's earlier steps changed
        margin += margins[i]
        value = y[i] - margin
        value *= step[i]
        value += beta[i]
        np.maximum(value, low[i], out=value)
        np.minimum(value, high[i], out=value)
        new[i] = value
        np.subtract(value, beta[i], out=moved[i])
    return new


def _certificate(
    margins: HostArray, y: HostArray, limit: HostArray, beta: HostArray
) -> tuple[FloatArray, FloatArray]:
    """Return primal objective and duality gap of every class, in float64."""
    # ‖w‖² = Σ βᵢ wᵀxᵢ; limit·y = Cᵢ inside the class's problem and 0 outside; β·y = α
    norm = np.einsum("nk,nk->k", beta, margins, dtype=np.float64)
    hinge = np.maximum(1 - y * margins, 0)
    loss = np.einsum("nk,nk->k", np.abs(limit), hinge, dtype=np.float64)
    total = np.abs(beta).sum(axis=0, dtype=np.float64)
    return norm / 2 + loss, norm + loss - total


def _weights(features: HostArray, beta: HostArray, bias: float) -> tuple[FloatArray, FloatArray]:
    """Return w = Σᵢ βᵢxᵢ (D, K) and the intercepts (K,); only rows that any class uses are read."""
    weights = np.zeros((features.shape[1], beta.shape[1]), beta.dtype)
    used = np.flatnonzero(beta.any(axis=1))
    for i in range(0, len(used), CHUNK):
        rows = used[i : i + CHUNK]
        weights += features[rows].astype(beta.dtype).T @ beta[rows]
    return weights, (bias * beta.sum(axis=0, dtype=np.float64)).astype(beta.dtype)


class _WeightSpace:
    """Margins through the K weight vectors: memory D·K, any number of examples."""

    def __init__(self, features: HostArray, beta: HostArray, bias: float) -> None:
        self.features, self.beta, self.bias = features, beta, bias
        self.weights, self.intercepts = _weights(features, beta, bias)
        self.diagonal = np.concatenate(
            [np.einsum("nd,nd->n", rows, rows) for rows in self._chunks()] or [np.zeros(0, beta.dtype)]
        )
        self.diagonal += bias

    def _chunks(self) -> Any:
        for i in range(0, len(self.features), CHUNK):
            yield np.asarray(self.features[i : i + CHUNK], self.beta.dtype)

    def margins(self) -> HostArray:
        """Return the scores of all examples (n, K)."""
        parts = [rows @ self.weights for rows in self._chunks()]
        return np.concatenate(parts or [self.beta]) + self.intercepts

    def block(self, rows: IntArray) -> tuple[HostArray, HostArray]:
        """Return inner products (B, B) and scores (B, K) of the examples `rows`."""
        self.rows = np.asarray(self.features[rows], self.beta.dtype)
        return self.rows @ self.rows.T + self.bias, self.rows @ self.weights + self.intercepts

    def move(self, rows: IntArray, new: HostArray) -> None:
        """Set the variables of `rows`, the block asked for last."""
        change = new - self.beta[rows]
        self.beta[rows] = new
        self.weights += self.rows.T @ change
        self.intercepts += self.bias * change.sum(axis=0)


class _GramSpace:
    """Margins through all inner products: memory n·n, for fewer examples than features or so."""

    def __init__(self, features: HostArray, beta: HostArray, bias: float) -> None:
        rows = np.asarray(features, beta.dtype)
        self.beta = beta
        self.gram = rows @ rows.T  # (n, n)
        self.gram += bias
        self.diagonal = np.diagonal(self.gram)

    def margins(self) -> HostArray:
        """Return the scores of all examples (n, K)."""
        scores: HostArray = self.gram @ self.beta
        return scores

    def block(self, rows: IntArray) -> tuple[HostArray, HostArray]:
        """Return inner products (B, B) and scores (B, K) of the examples `rows`."""
        products = self.gram[rows]  # (B, n)
        return products[:, rows], products @ self.beta

    def move(self, rows: IntArray, new: HostArray) -> None:
        """Set the variables of `rows`."""
        self.beta[rows] = new
