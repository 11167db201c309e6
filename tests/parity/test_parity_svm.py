"""The SVM solver against liblinear: equal objective, equal decision values."""

import numpy as np
import pytest

from minircnn.heads import LinearSVMs

svm = pytest.importorskip("sklearn.svm")


def objective(X, y, w, b):
    margins = X @ w + b
    cost = np.where(y > 0, 2e-3, 1e-3)
    return 0.5 * (w @ w + (b / 10) ** 2) + cost @ np.maximum(0, 1 - y * margins)


@pytest.mark.parametrize(("n", "d"), [(600, 64), (200, 512)])
def test_equals_liblinear(rng, n, d):
    classes = rng.integers(0, 4, n)
    X = np.maximum(rng.normal(size=(n, d)) + 0.4 * rng.normal(size=(4, d))[classes], 0)
    X *= 20 / np.linalg.norm(X, axis=1).mean()
    ours = LinearSVMs(feature_norm=None, tol=1e-6, max_iter=5000).fit(X, classes)
    scores = ours.decision_function(X)
    for k in range(4):
        y = np.where(classes == k, 1, -1)
        peer = svm.LinearSVC(
            loss="hinge", C=1e-3, intercept_scaling=10, class_weight={1: 2, -1: 1}, tol=1e-8, max_iter=10**6,
            random_state=0,
        ).fit(X, y)  # fmt: skip
        best = objective(X, y, peer.coef_[0], peer.intercept_[0])
        assert objective(X, y, ours.coef_[k], ours.intercept_[k]) == pytest.approx(best, rel=1e-5)
        np.testing.assert_allclose(scores[:, k], peer.decision_function(X), atol=2e-3)
