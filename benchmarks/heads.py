"""Linear SVMs, mining and ridge regression against scikit-learn (liblinear; LAPACK), at R-CNN's settings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_info

from benchmarks.harness import Contest, Work, close_to
from minircnn.heads import BoxRegressor, MiningSettings, fit_one_vs_rest, mine_and_train

GAP = 1e-3
"""Both sides must come this close to the least objective, as a fraction of it."""

LIBLINEAR_TOL = 0.003
"""A tolerance of liblinear's own kind at which it does so on this data; 0.004 misses it now and then (its
threads share one generator, so that its runs differ)."""


def works() -> Iterator[Work]:
    """Yield the rows of this chapter."""
    yield Work("20 linear SVMs", "5,000 × 4,096, 20 classes", "liblinear", partial(_svms, 5000, 4096, 20))
    for photos, d in ((40, 1024), (15, 4096)):
        name = f"{photos} photos × 500 × {d:,}, 20 classes"
        yield Work("SVM training with mining", name, "liblinear", partial(_mining, photos, d))
    for n in (500, 2000):
        yield Work("ridge regression", f"{n:,} × 9,216, 4 targets", "scikit-learn", partial(_ridge, n, 9216))


def fc7_like(n: int, d: int, classes: int, positives: int, pull: float = 0.2) -> tuple[Any, Any]:
    """Return features (n, d) like those of a network's last hidden layer, and labels (n,), -1 for background.

    A quarter of the values is not zero, the mean norm is 20, and a class or kind of background shows as a
    slight pull to a prototype of its own.
    """
    rng = np.random.default_rng(0)
    kinds = classes + 30
    prototypes = rng.standard_normal((kinds, d), dtype=np.float32)
    rest = rng.integers(classes, kinds, n - classes * positives)
    kind = rng.permutation(np.concatenate([np.repeat(np.arange(classes), positives), rest]))
    strength = pull * rng.uniform(0.3, 1.3, (n, 1)).astype(np.float32)
    x = rng.standard_normal((n, d), dtype=np.float32)
    x += strength * prototypes[kind]
    x -= 0.6
    np.maximum(x, 0, out=x)
    x *= 20 / np.linalg.norm(x, axis=1).mean()
    return x, np.where(kind < classes, kind, -1)


def objective(x: Any, y: Any, weights: Any, intercept: float) -> float:
    """Return the primal objective of one class in float64, ±1 in `y`."""
    hinge = np.maximum(0, 1 - y * (x @ weights + intercept))
    return float(weights @ weights / 2 + (intercept / 10) ** 2 / 2 + np.where(y > 0, 2e-3, 1e-3) @ hinge)


def liblinear(x: Any, y: Any, tol: float) -> tuple[Any, float]:
    """Return liblinear's weights (D,) and intercept for labels ±1, with R-CNN's settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        svm = LinearSVC(
            loss="hinge",
            dual=True,
            C=1e-3,
            intercept_scaling=10,
            class_weight={1: 2},
            tol=tol,
            random_state=0,
        ).fit(x, y)
    return svm.coef_[0], float(svm.intercept_[0])


def _svms(n: int, d: int, classes: int) -> Contest:
    """One-vs-rest SVMs; liblinear gets float64 rows without their zeros and a thread per class."""
    x, kind = fc7_like(n, d, classes, positives=75)
    labels = np.where(kind[:, None] == np.arange(classes), 1, -1)
    exact = x.astype(np.float64)
    sparse = csr_matrix(exact)
    best = fit_one_vs_rest(exact, labels, tol=1e-5, rng=np.random.default_rng(1)).objective

    def ours() -> list[tuple[Any, float]]:
        solution = fit_one_vs_rest(x, labels, tol=GAP, rng=np.random.default_rng(0))
        return list(zip(solution.weights, solution.intercepts, strict=True))

    def theirs() -> list[tuple[Any, float]]:
        # liblinear works without the interpreter lock
        fit = delayed(liblinear)
        columns = (fit(sparse, labels[:, k], LIBLINEAR_TOL) for k in range(classes))
        return Parallel(cpu_share(), backend="threading")(columns)  # type: ignore[no-any-return]

    def check(a: list[tuple[Any, float]], b: list[tuple[Any, float]]) -> str:
        excess = [
            [objective(exact, labels[:, k], *side[k]) / best[k] - 1 for k in range(classes)]
            for side in (a, b)
        ]
        assert np.max(excess) < GAP, f"objectives above the least by up to {np.max(excess, axis=1)}"
        return "objectives above the least by {:.0e} and {:.0e}".format(*np.max(excess, axis=1))

    return Contest(ours, theirs, check)


def _mining(num_photos: int, d: int) -> Contest:
    """Mine and retrain in one pass; liblinear does so from scratch, each due class on a thread."""
    classes, positives, regions, rule = 20, 60, 500, MiningSettings()
    x, kind = fc7_like(classes * positives + num_photos * regions, d, classes, 2 * positives, pull=0.25)
    own = [np.flatnonzero(kind == k)[:positives] for k in range(classes)]
    pictures = np.array_split(np.setdiff1d(np.arange(len(x)), np.concatenate(own)), num_photos)
    photos = [(x[rows], kind[rows, None] != np.arange(classes)) for rows in pictures]
    sparse = csr_matrix(x.astype(np.float64))

    def ours() -> Any:
        mined = mine_and_train([x[rows] for rows in own], photos, rng=np.random.default_rng(0))
        return mined.svms.coef_.T, mined.svms.intercept_

    def theirs() -> Any:
        weights, intercepts = np.zeros((x.shape[1], classes), np.float32), np.zeros(classes, np.float32)
        caches: list[Any] = [[] for _ in range(classes)]
        added = np.zeros(classes, np.int64)

        def train(k: int) -> None:
            rows = np.concatenate([own[k], *caches[k]])
            y = np.repeat([1, -1], [len(own[k]), len(rows) - len(own[k])])
            weights[:, k], intercepts[k] = liblinear(sparse[rows], y, LIBLINEAR_TOL)
            negatives = rows[len(own[k]) :]
            scores = sparse[negatives] @ weights[:, k] + intercepts[k]
            caches[k], added[k] = [negatives[scores >= rule.evict_below]], 0

        with Parallel(cpu_share(), backend="threading") as parallel:
            for i, (rows, (features, eligible)) in enumerate(zip(pictures, photos, strict=True)):
                hard = (features @ weights + intercepts > rule.hard_above) & eligible
                for k in range(classes):
                    caches[k].append(rows[hard[:, k]])
                added += hard.sum(axis=0)
                parallel(delayed(train)(k) for k in range(classes) if i == 0 or added[k] > rule.retrain_after)
            parallel(delayed(train)(k) for k in range(classes))
        return weights, intercepts

    used = np.concatenate([*own, *pictures])
    labels = np.where(kind[used, None] == np.arange(classes), 1, -1)
    labels[classes * positives :][labels[classes * positives :] > 0] = 0
    for k, rows in enumerate(own):
        others = np.setdiff1d(np.arange(classes * positives), np.arange(len(rows)) + k * positives)
        labels[others, k] = 0
    full = x[used].astype(np.float64)

    def check(a: Any, b: Any) -> str:
        ratios = [
            objective(full[labels[:, k] != 0], labels[labels[:, k] != 0, k], a[0][:, k], a[1][k])
            / objective(full[labels[:, k] != 0], labels[labels[:, k] != 0, k], b[0][:, k], b[1][k])
            for k in range(classes)
        ]
        assert np.abs(np.array(ratios) - 1).max() < 0.01, (
            f"objectives on all examples, ours / theirs: {ratios}"
        )
        return f"objectives on all examples, ours / theirs: {min(ratios):.4f} to {max(ratios):.4f}"

    return Contest(ours, theirs, check)


def _ridge(n: int, d: int) -> Contest:
    """Box regression of one class; scikit-learn gets whitened targets and the column of ones ready made."""
    x, _ = fc7_like(n, d, classes=1, positives=n)
    rng = np.random.default_rng(1)
    targets = x[:, :50] @ rng.normal(size=(50, 4)) + rng.normal(size=(n, 4))
    regressor = BoxRegressor()
    extended = np.concatenate([x, np.ones((n, 1), np.float32)], axis=1)
    centred = targets - targets.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / n)
    whitened = (centred @ (vectors / np.sqrt(values + regressor.whitening)) @ vectors.T).astype(np.float32)
    peer = Ridge(regressor.regularization, fit_intercept=False, solver="cholesky", copy_X=False)

    def ours() -> Any:
        regressor.fit(x, targets)
        return np.concatenate([regressor.coef_.T, regressor.intercept_[None]])

    def theirs() -> Any:
        return peer.fit(extended, whitened).coef_.T

    return Contest(ours, theirs, close_to(1e-5))


def cpu_share() -> int:
    """Return the number of threads everybody has: that of BLAS."""
    return max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
