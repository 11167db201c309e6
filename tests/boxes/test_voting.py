"""Box voting against its plain loops."""

import numpy as np
from box_strategies import real_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import nms, vote_boxes

quick = settings(deadline=None, max_examples=60)


def test_known_values(xp):
    boxes = xp.asarray([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 8.0], [50.0, 0.0, 60.0, 10.0]])
    voted = vote_boxes(boxes[:1, :], boxes, xp.asarray([0.75, 0.25, 1.0]), 0.5)
    assert to_host(voted).tolist() == [[0, 0, 10, 9.5]]


def test_the_threshold_itself_votes(xp):
    boxes = xp.asarray([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]])  # IoU exactly 0.5
    scores = xp.asarray([0.5, 0.5])
    assert to_host(vote_boxes(boxes[:1, :], boxes, scores, 0.5)).tolist() == [[0, 0, 10, 7.5]]
    assert to_host(vote_boxes(boxes[:1, :], boxes, scores, 0.51)).tolist() == [[0, 0, 10, 10]]


def test_margins_below_zero_do_not_vote(xp):
    boxes = xp.asarray([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0]])
    voted = vote_boxes(boxes, boxes, xp.asarray([-0.5, -1.0]), 0.5)
    np.testing.assert_array_equal(to_host(voted), to_host(boxes))


@quick
@given(real_boxes(min_count=1), st.data())
def test_equals_the_plain_loops(boxes, data):
    scores = np.array([data.draw(st.floats(-1, 1)) for _ in boxes])
    iou = data.draw(st.sampled_from([0.1, 0.3, 0.5, 1.0]))
    kept = nms(boxes, scores, 0.3)
    voted = vote_boxes(boxes[kept], boxes, scores, iou)
    expected = textbook.vote_boxes(kept.tolist(), boxes, scores, iou)
    np.testing.assert_allclose(voted, expected, rtol=1e-9, atol=1e-9)


@quick
@given(real_boxes(min_count=1))
def test_a_vote_stays_among_the_voters(boxes):
    voted = vote_boxes(boxes, boxes, np.ones(len(boxes)), 0.5)
    assert (voted >= boxes.min(axis=0) - 1e-9).all()
    assert (voted <= boxes.max(axis=0) + 1e-9).all()
