"""Labels of whole photos, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from minircnn.evaluation import multilabel_average_precision, top_k_accuracy


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 4), st.booleans())
def test_top_k_is_scikit_learns(seed, photos, k, ties):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random((photos, 5)), 1 if ties else 8)
    labels = rng.integers(0, 5, photos)
    expected = metrics.top_k_accuracy_score(labels, scores, k=k, labels=range(5))
    assert top_k_accuracy(scores, labels, k) == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 15), st.booleans())
def test_average_precision_is_scikit_learns(seed, photos, ties):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random((photos, 4)), 1 if ties else 8)
    present = rng.random((photos, 4)) < 0.4
    for k, ap in enumerate(multilabel_average_precision(scores, present)):
        if present[:, k].any():
            assert ap == pytest.approx(metrics.average_precision_score(present[:, k], scores[:, k]))
        else:
            assert np.isnan(ap)


@pytest.mark.parametrize(
    ("scores", "labels", "k", "message"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), 1, "at least one photo"),
        (np.array([[np.nan, 0]]), np.array([0]), 1, "numbers of at least one photo"),
        (np.zeros((2, 3)), np.array([0]), 1, r"labels must be \(2,\)"),
        (np.zeros((1, 3)), np.array([3]), 1, r"labels must lie in 0\.\.2"),
        (np.zeros((1, 3)), np.array([0]), 0, "k must be at least 1"),
    ],
)
def test_what_is_no_answer_is_refused(scores, labels, k, message):
    with pytest.raises(ValueError, match=message):
        top_k_accuracy(scores, labels, k)


def test_presence_is_a_table_of_true_and_false():
    with pytest.raises(ValueError, match=r"present must be \(1, 2\) of bool"):
        multilabel_average_precision(np.zeros((1, 2)), np.zeros((1, 2)))


def test_infinite_scores_can_be_equal():
    scores, present = np.array([[3.0], [3.0], [1.0]]), np.array([[False], [True], [True]])
    expected = multilabel_average_precision(scores, present)
    for low, high in ((1.0, np.inf), (-np.inf, 3.0)):
        infinite = np.where(scores == 3, high, low)
        np.testing.assert_array_equal(multilabel_average_precision(infinite, present), expected)


def test_lists_are_no_arrays():
    with pytest.raises(TypeError, match="labels must be an array"):
        top_k_accuracy(np.eye(2), [0, 1])
    with pytest.raises(TypeError, match="present must be an array"):
        multilabel_average_precision(np.eye(2), [[True, False], [True, True]])
