"""The SVM solver against a one-variable-at-a-time loop and against its own certificate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.heads import SVMProblem, fit_one_vs_rest
from minircnn.kernels import block_descent


def objective(X, y, w, b, C, positive_weight, bias):
    """Primal objective of one class, in float64; y = 0 marks examples outside its problem."""
    cost = np.where(y > 0, C * positive_weight, C) * (y != 0)
    margins = X.astype(np.float64) @ w.astype(np.float64) + b
    return 0.5 * (w.astype(np.float64) @ w + (b / bias) ** 2) + cost @ np.maximum(0, 1 - y * margins)


def problem(seed, n=60, d=5, k=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * 3).astype(dtype)
    labels = np.where(X @ rng.normal(size=(d, k)) + rng.normal(size=(n, k)) > 1, 1, -1)
    labels[rng.random((n, k)) < 0.2] = 0
    return X, labels


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(60, 5), (30, 50)], ids=["tall", "wide"])
@pytest.mark.parametrize("block", [7, 256])
def test_equals_the_sequential_loop(rng, n, d, block, monkeypatch):
    monkeypatch.setattr(block_descent, "BLOCK", block)
    X, labels = problem(1, n, d)
    solution = fit_one_vs_rest(X, labels, SVMProblem(0.05), tol=1e-10, max_epochs=20000, rng=rng)
    assert solution.converged.all()
    for k in range(labels.shape[1]):
        w, b = textbook.fit_linear_svm(X, labels[:, k], 0.05, 2.0, 10.0, 3000)
        expected = objective(X, labels[:, k], w, b, 0.05, 2.0, 10.0)
        assert solution.objective[k] == pytest.approx(expected, rel=1e-6)
        np.testing.assert_allclose(solution.weights[k], w, atol=1e-3 * np.abs(w).max())


def one_step_at_a_time(gram, gradient, low, high, order):
    """The steps of one block, one variable at a time: each knows what the earlier ones moved."""
    moved = np.zeros_like(gradient)
    for i in order:
        for k in range(gradient.shape[1]):
            step = (gradient[i, k] - gram[i] @ moved[:, k]) / gram[i, i]
            moved[i, k] = min(max(step, low[i, k]), high[i, k])
    return moved


@pytest.mark.parametrize("size", [1, 31, 32, 33, 100])
def test_a_block_in_strips_equals_one_step_at_a_time(rng, size):
    X = rng.normal(size=(size, 40)) + 1
    gram = X @ X.T
    step = 1 / np.diagonal(gram)[:, None]
    gradient = rng.normal(size=(size, 3))
    low, high = -rng.random((size, 3)) / 40, rng.random((size, 3)) / 40
    order = rng.permutation(size)[: max(1, size - 3)]
    moved = block_descent.descend(gram * step, gradient * step, low, high, order)
    np.testing.assert_allclose(moved, one_step_at_a_time(gram, gradient, low, high, order), atol=1e-12)


@given(st.integers(0, 3000))
def test_both_partitions_hold_every_example_once_and_cross_each_other(n):
    parts = block_descent.partitions(n)
    for part in parts:
        np.testing.assert_array_equal(np.sort(np.concatenate([np.arange(n)[s] for s in part])), np.arange(n))
    sizes = {len(np.arange(n)[s]) for part in parts for s in part}
    assert max(sizes) < 2 * block_descent.BLOCK
    assert max(sizes) - min(sizes) <= 1
    for one in parts[0]:
        for other in parts[-1]:
            shared = np.intersect1d(np.arange(n)[one], np.arange(n)[other])
            assert n == 0 or len(shared) >= min(sizes) // len(parts[0])


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(0, 70),
    d=st.integers(1, 90),
    C=st.sampled_from([1e-3, 0.1]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_certificate_holds_for_any_problem(seed, n, d, C, dtype):
    X, labels = problem(seed, n, d, dtype=dtype)
    solution = fit_one_vs_rest(
        X, labels, SVMProblem(C), tol=1e-3, max_epochs=3000, rng=np.random.default_rng(seed)
    )
    for k in range(labels.shape[1]):
        reached = objective(X, labels[:, k], solution.weights[k], solution.intercepts[k], C, 2.0, 10.0)
        assert reached == pytest.approx(solution.objective[k], rel=1e-4, abs=1e-7)
    assert (solution.gap >= -1e-5 * solution.objective).all()
    assert solution.converged.all()
    low = np.where(labels < 0, -C, 0) * (1 + 1e-6)
    high = np.where(labels > 0, 2 * C, 0) * (1 + 1e-6)
    assert (solution.beta >= low).all()
    assert (solution.beta <= high).all()


def test_an_example_outside_a_problem_changes_nothing(rng):
    X, labels = problem(3)
    other = X.copy()
    other[labels[:, 0] == 0] *= -5
    a = fit_one_vs_rest(X, labels[:, :1], tol=1e-9, rng=np.random.default_rng(0))
    b = fit_one_vs_rest(other, labels[:, :1], tol=1e-9, rng=np.random.default_rng(0))
    np.testing.assert_allclose(a.weights, b.weights, atol=1e-12)


def test_the_same_seed_gives_the_same_bits_and_a_warm_start_is_done_at_once():
    X, labels = problem(4)
    a, b = (fit_one_vs_rest(X, labels, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a.weights, b.weights)
    assert fit_one_vs_rest(X, labels, rng=np.random.default_rng(6), beta=a.beta).epochs == 0


def test_half_precision_features_are_worked_on_in_single(rng):
    X, labels = problem(5, dtype=np.float16)
    solution = fit_one_vs_rest(X, labels, rng=rng)
    assert solution.weights.dtype == np.float32


def test_wrong_input_is_named(rng):
    with pytest.raises(ValueError, match=r"features \(n, D\) and labels \(n, K\)"):
        fit_one_vs_rest(np.zeros((3, 2)), np.zeros(3, int), rng=rng)
    with pytest.raises(ValueError, match="labels must be"):
        fit_one_vs_rest(np.zeros((3, 2)), np.full((3, 1), 2), rng=rng)
