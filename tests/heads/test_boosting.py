"""AdaBoost beside its loop, and what its inventors proved of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.heads import AdaBoost


@st.composite
def problems(draw, whole=False):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 12))
    positive = np.arange(count) < draw(st.integers(1, count - 1))
    values = rng.integers(0, 4, (3, count)) if whole else rng.normal(size=(3, count)) + 0.8 * positive
    values = values.astype(np.float32)
    values[0, 0] += 5  # at least one feature differs
    return values, positive


@given(problems())
@settings(max_examples=40)
def test_it_is_the_loop(problem):
    values, positive = problem
    boost = AdaBoost(values, positive)
    for _ in range(4):
        boost.round()
    loop = textbook.ada_boost(values.T.astype(float), list(positive), 4)
    # of two equally good stumps either may come first, and what follows then differs
    first = boost.stumps[0]
    assert first.alpha == pytest.approx(loop[0].alpha, abs=1e-6)
    if [s.feature for s in boost.stumps] == [w.feature for w in loop]:
        np.testing.assert_allclose([s.alpha for s in boost.stumps], [w.alpha for w in loop], atol=1e-6)


def test_it_is_the_loop_where_no_two_stumps_are_equal(rng):
    positive = np.arange(40) < 17
    values = (rng.normal(size=(6, 40)) + 0.7 * positive).astype(np.float32)
    boost = AdaBoost(values, positive)
    for _ in range(8):
        boost.round()
    loop = textbook.ada_boost(values.T.astype(float), list(positive), 8)
    assert [s.feature for s in boost.stumps] == [w.feature for w in loop]
    assert [s.above for s in boost.stumps] == [w.polarity == -1 for w in loop]
    np.testing.assert_allclose([s.threshold for s in boost.stumps], [w.threshold for w in loop], rtol=1e-6)
    np.testing.assert_allclose([s.alpha for s in boost.stumps], [w.alpha for w in loop], rtol=1e-9)


@given(problems(whole=True))
@settings(max_examples=40)
def test_no_stump_is_better_even_among_equal_values(problem):
    values, positive = problem
    boost = AdaBoost(values, positive)
    for _ in range(3):
        weights = boost.weights.copy()
        stump = boost.round()
        wrong = stump.positive(values[stump.feature]) != positive
        assert stump.error == pytest.approx(weights[wrong].sum(), abs=1e-12)
        for row in values:
            for threshold in np.unique(row)[1:]:
                error = weights[(row >= threshold) != positive].sum()
                assert stump.error <= min(error, 1 - error) + 1e-12


@given(problems())
def test_weights_sum_to_one_and_the_training_error_is_bounded(problem):
    values, positive = problem
    boost = AdaBoost(values, positive)
    start = boost.weights.copy()
    bound = 1.0
    for _ in range(5):
        error = boost.round().error
        assert boost.weights.sum() == pytest.approx(1.0)
        bound *= 2 * np.sqrt(error * (1 - error))
        votes = sum(s.alpha * s.positive(values[s.feature]) for s in boost.stumps)
        said = votes >= sum(s.alpha for s in boost.stumps) / 2
        assert start[said != positive].sum() <= bound + 1e-6


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(ValueError, match="positive and negative examples, got 2 and 0"):
        AdaBoost(np.zeros((1, 2), np.float32), np.ones(2, bool))
    with pytest.raises(ValueError, match="not finite"):
        AdaBoost(np.array([[np.nan, 1]], np.float32), np.array([True, False]))
    with pytest.raises(ValueError, match="no feature differs"):
        AdaBoost(np.ones((3, 2), np.float32), np.array([True, False])).round()


def test_a_threshold_lies_between_neighbouring_numbers():
    low = np.float32(1)
    values = np.array([[low, np.nextafter(low, np.float32(2))]], np.float32)
    stump = AdaBoost(values, np.array([False, True])).round()
    np.testing.assert_array_equal(stump.positive(values[0]), [False, True])


def test_the_strong_rule_and_the_cascade_in_loops():
    weak = textbook.ada_boost(np.array([[0.0], [1.0], [2.0], [3.0]]), [False, False, True, True], 2)
    assert [textbook.is_positive(weak, [x]) for x in (0.2, 2.8)] == [False, True]
    stages = [(weak, 0.0), (weak, sum(h.alpha for h in weak))]
    assert [textbook.passes_cascade(stages, [x]) for x in (0.2, 2.8)] == [1, 2]
