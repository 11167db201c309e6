"""The proposal layer in loops: what it promises, and that the fast functions in a row do the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.boxes import AnchorSettings, base_anchors, clip_boxes, decode, grid_anchors, large_enough, nms
from minircnn.nn import gradcheck, softmax

few = settings(max_examples=25)
ANCHORS = grid_anchors(base_anchors(AnchorSettings(scales=(1, 2))), 4, 5, 16)  # (120, 4)
SIZE = 60, 75  # height, width


def outputs(seed):
    """Logits with few different values, so that scores are equal, and offsets of the anchors."""
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 3, (120, 2)).astype(float), rng.normal(0, 0.4, (120, 4))


@few
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 7, 60, 500]),
    st.sampled_from([0.3, 0.7]),
    st.sampled_from([0, 5, 300]),
    st.sampled_from([0.0, 16.0, 25.0, 80.0]),
)
def test_proposals_are_those_of_the_fast_functions(seed, before, nms_iou, after, min_size):
    objectness, offsets = outputs(seed)
    boxes, scores = textbook.propose(
        objectness,
        offsets,
        ANCHORS,
        SIZE,
        top_before=before,
        nms_iou=nms_iou,
        top_after=after,
        min_size=min_size,
    )
    moved = clip_boxes(decode(ANCHORS, offsets), *SIZE)
    large = np.flatnonzero(large_enough(moved, min_size))
    probability = softmax(objectness)[:, 1]
    best = large[np.argsort(-probability[large], kind="stable")][:before]
    kept = best[nms(moved[best], probability[best], nms_iou)][:after]
    np.testing.assert_allclose(boxes, moved[kept], rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores, probability[kept], rtol=1e-12)

    assert len(boxes) == len(scores) <= min(before, after)
    assert (boxes >= 0).all()
    assert (boxes <= [75, 60, 75, 60]).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= min_size).all()
    assert (np.diff(scores) <= 0).all()
    overlap = textbook.box_iou(boxes, boxes)
    assert (overlap[~np.eye(len(boxes), dtype=bool)] <= nms_iou).all()


def test_of_equal_scores_the_earlier_anchor_is_first():
    apart = np.array([[0, 0, 20, 20], [40, 0, 60, 20], [0, 30, 20, 50], [40, 30, 60, 50]], float)
    scored = np.array([[0, 1], [0, 2], [0, 1], [0, 2]], float)
    boxes, _ = textbook.propose(
        scored, np.zeros((4, 4)), apart, SIZE, top_before=3, nms_iou=0.7, top_after=300, min_size=16
    )
    np.testing.assert_array_equal(boxes, apart[[1, 3, 0]])


def test_no_anchor_no_proposal():
    none = np.zeros((0, 4))
    boxes, scores = textbook.propose(
        np.zeros((0, 2)), none, none, SIZE, top_before=6000, nms_iou=0.7, top_after=300, min_size=16
    )
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))


def test_gradients_of_the_loop(rng):
    labels, targets = np.array([1, 0, -1, 1, 0]), rng.standard_normal((5, 4))
    offsets = targets + rng.choice([-1, 1], (5, 4)) * rng.choice([0.05, 0.6], (5, 4))

    def lose(objectness, offsets):
        loss, *gradients = textbook.rpn_loss(objectness, offsets, labels, targets, 0.5)
        return loss, tuple(gradients)

    assert gradcheck(lose, rng.standard_normal((5, 2)), offsets, rng=rng).ok


def test_the_continuous_anchors_of_the_loop():
    exact = textbook.base_anchors(16, [2], [8], rounded=False)[0]
    assert exact[2] - exact[0] == pytest.approx(128 / 2**0.5)
    assert exact[3] - exact[1] == pytest.approx(128 * 2**0.5)
