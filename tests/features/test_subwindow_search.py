"""Efficient subwindow search: brute force over all boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minircnn import textbook
from minircnn.features import best_subwindow

MAPS = arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(-9, 9))


@given(MAPS)
def test_it_is_brute_force(weights):
    found = best_subwindow(weights)
    score, _ = textbook.best_box(weights)
    assert found.score == score
    x1, y1, x2, y2 = found.box
    assert weights[y1:y2, x1:x2].sum() == score  # of several, any


@given(MAPS)
def test_it_counts_the_boxes(weights):
    height, width = weights.shape
    found = best_subwindow(weights)
    loop = sum(1 for t in range(height) for b in range(t, height) for _ in range(width * (width + 1) // 2))
    assert found.boxes == loop
    assert found.evaluated <= 2 * found.boxes + 64  # each set is cut once


def test_few_boxes_are_looked_at(rng):
    weights = rng.normal(-0.5, 0.3, (60, 80))
    weights[20:40, 30:60] += 1.5
    found = best_subwindow(weights)
    assert found.boxes == 60 * 61 // 2 * (80 * 81 // 2)
    assert found.evaluated < found.boxes / 100
    np.testing.assert_allclose(found.box, [30, 20, 60, 40], atol=2)


def test_it_gives_up_where_told():
    with pytest.raises(ValueError, match="not found within 3 bounds"):
        best_subwindow(np.random.default_rng(0).normal(size=(9, 9)), most=3)


@pytest.mark.parametrize("wrong", [np.ones(3), np.ones((0, 2)), np.full((2, 2), np.inf)])
def test_what_is_no_map_is_refused(wrong):
    with pytest.raises(ValueError, match="finite numbers"):
        best_subwindow(wrong)
