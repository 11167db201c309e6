"""Grouping windows: its loop, OpenCV's rule, and what holds for any boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.boxes import group_boxes


@st.composite
def clusters(draw):
    """Whole-numbered boxes scattered about a few places."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    places = rng.integers(0, 60, (draw(st.integers(1, 4)), 4))
    boxes = places[rng.integers(0, len(places), draw(st.integers(0, 30)))]
    boxes = boxes + rng.integers(-4, 5, boxes.shape)
    sides = np.maximum(boxes[:, 2:] // 2, 3)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + sides], axis=1).astype(np.float64)


def rows(merged, counts):
    """Return groups as sorted rows (M, 5)."""
    table = np.concatenate([merged, np.asarray(counts, np.float64)[:, None]], axis=1)
    return table[np.lexsort(table.T)]


LEAST = st.integers(1, 4)
SLACK = st.sampled_from([0.0, 0.1, 0.2, 0.5])


@given(clusters(), LEAST, SLACK)
def test_it_is_the_loop(boxes, least, eps):
    merged, counts, _ = group_boxes(boxes, min_neighbors=least, eps=eps)
    loop = textbook.group_boxes([tuple(box) for box in boxes], least, eps)
    theirs = np.array([box for box, _ in loop], np.float64).reshape(-1, 4)
    np.testing.assert_array_equal(rows(merged, counts), rows(theirs, [count for _, count in loop]))


@given(clusters(), LEAST, SLACK, st.integers(0, 1000))
def test_the_order_of_boxes_does_not_matter(boxes, least, eps, seed):
    order = np.random.default_rng(seed).permutation(len(boxes))
    merged, counts, group = group_boxes(boxes, min_neighbors=least, eps=eps)
    again, counts_again, group_again = group_boxes(boxes[order], min_neighbors=least, eps=eps)
    np.testing.assert_array_equal(rows(merged, counts), rows(again, counts_again))
    np.testing.assert_array_equal(group[order] < 0, group_again < 0)


@given(clusters(), LEAST, SLACK)
def test_each_box_knows_its_group(boxes, least, eps):
    merged, counts, group = group_boxes(boxes, min_neighbors=least, eps=eps)
    np.testing.assert_array_equal(np.bincount(group[group >= 0], minlength=len(merged)), counts)
    assert (counts > least).all()


@given(clusters(), SLACK)
def test_without_a_least_number_all_boxes_stay(boxes, eps):
    merged, counts, group = group_boxes(boxes, min_neighbors=0, eps=eps)
    np.testing.assert_array_equal(merged, boxes)
    assert (counts == 1).all()
    np.testing.assert_array_equal(group, np.arange(len(boxes)))


@given(clusters(), LEAST, SLACK)
def test_opencv_groups_alike(boxes, least, eps):
    cv2 = pytest.importorskip("cv2")
    sides = boxes[:, 2:] - boxes[:, :2]
    rectangles = [tuple(map(int, row)) for row in np.concatenate([boxes[:, :2], sides], axis=1)]
    grouped, weights = cv2.groupRectangles(rectangles, least, eps)
    theirs = np.array(grouped, np.float64).reshape(-1, 4)
    theirs[:, 2:] += theirs[:, :2]
    merged, counts, _ = group_boxes(boxes, min_neighbors=least, eps=eps)
    np.testing.assert_array_equal(rows(merged, counts), rows(theirs, np.reshape(weights, -1)))


@pytest.mark.parametrize("wrong", [{"min_neighbors": -1}, {"eps": 1.0}, {"eps": -0.1}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        group_boxes(np.array([[0.0, 0, 4, 4]]), **wrong)
