"""The region proposal network's head and proposal layer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.arrays import to_host
from minircnn.boxes import AnchorSettings, base_anchors, box_iou, grid_anchors
from minircnn.heads import ProposalLayerSettings, RPNHead, propose
from minircnn.nn import Module, gradcheck

SHAPES = AnchorSettings(base_size=8.0, ratios=(0.5, 1.0, 2.0), scales=(1.0, 2.0))


def _outputs(seed, height=5, width=6, spread=1.0):
    """Random outputs for a map of this size, stride 8, and its anchors."""
    rng = np.random.default_rng(seed)
    anchors = grid_anchors(base_anchors(SHAPES), height, width, 8).astype(np.float32)
    objectness = rng.normal(size=(len(anchors), 2)).astype(np.float32)
    offsets = rng.normal(0, spread, (len(anchors), 4)).astype(np.float32)
    return objectness, offsets, anchors


def test_outputs_stand_in_the_order_of_the_anchors(rng):
    """Row, column, anchor: each output is the product of one filter and the cell's features."""
    head = RPNHead(3, 2, width=5, rng=rng)
    head.eval()
    feature_map = rng.normal(size=(2, 3, 4, 6)).astype(np.float32)
    objectness, offsets = head(feature_map)
    assert objectness.shape == (2, 4 * 6 * 2, 2)
    assert offsets.shape == (2, 4 * 6 * 2, 4)
    hidden = head.window(feature_map)
    for photo, row, column, anchor in [(0, 0, 0, 0), (1, 3, 5, 1), (0, 2, 4, 1), (1, 1, 0, 0)]:
        place = (row * 6 + column) * 2 + anchor
        cell = hidden[photo, :, row, column]
        scores = [head.cls_score.weight.data[kind * 2 + anchor, :, 0, 0] @ cell for kind in (0, 1)]
        moves = [head.bbox_pred.weight.data[anchor * 4 + i, :, 0, 0] @ cell for i in range(4)]
        np.testing.assert_allclose(objectness[photo, place], scores, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(offsets[photo, place], moves, rtol=1e-4, atol=1e-7)


def test_weights_are_drawn_as_in_the_paper(rng):
    head = RPNHead(64, 9, width=128, rng=rng)
    for name, parameter in head.named_parameters():
        if name.endswith("weight"):
            assert parameter.data.std() == pytest.approx(0.01, rel=0.1), name
        else:
            assert not parameter.data.any(), name


class _Sum(Module):
    """A weighted sum of both outputs."""

    def __init__(self, head, weights):
        self.head, self._weights = head, weights

    def forward(self, x):
        objectness, offsets = self.head(x)
        return np.array([(objectness * self._weights[0]).sum() + (offsets * self._weights[1]).sum()])

    def backward(self, dy):
        return self.head.backward(*(weights * dy[0] for weights in self._weights))


def test_gradient(rng):
    head = RPNHead(3, 2, width=4, rng=rng)
    for _, parameter in head.named_parameters():
        parameter.data = rng.normal(size=parameter.data.shape)
    weights = rng.normal(size=(2, 24, 2)), rng.normal(size=(2, 24, 4))
    report = gradcheck(_Sum(head, weights), rng.normal(size=(2, 3, 3, 4)), rng=rng, step=1e-7, tolerance=1e-5)
    assert {row.name for row in report.rows} > {"x", "head.window.conv.weight"}
    assert report.ok, str(report)


def test_on_frozen_convolutions_no_gradient_of_the_map_is_made(rng):
    head = RPNHead(3, 2, width=4, rng=rng)
    head.prepare_training(input_grad=False)
    objectness, offsets = head(rng.normal(size=(1, 3, 3, 4)).astype(np.float32))
    assert head.backward(np.ones_like(objectness), np.ones_like(offsets)) is None
    assert all(np.abs(parameter.grad).sum() > 0 for _, parameter in head.named_parameters())


def test_backward_without_forward_is_refused(rng):
    head = RPNHead(3, 2, width=4, rng=rng)
    with pytest.raises(RuntimeError, match="backward without a forward"):
        head.backward(np.zeros((1, 24, 2)), np.zeros((1, 24, 4)))


@given(
    seed=st.integers(0, 2**32 - 1),
    spread=st.floats(0, 2),
    top_before=st.none() | st.integers(1, 200),
    top_after=st.integers(1, 60),
    iou=st.floats(0.1, 0.9),
    min_size=st.floats(0.5, 12),
    scale=st.sampled_from([0.5, 1.0, 2.0]),
)
@settings(deadline=None, max_examples=60)
def test_proposals_obey_count_border_size_order_and_overlap(
    seed, spread, top_before, top_after, iou, min_size, scale
):
    objectness, offsets, anchors = _outputs(seed, spread=spread)
    rules = ProposalLayerSettings(top_before, iou, top_after, min_size)
    boxes, scores = propose(objectness, offsets, anchors, (36, 45), rules, scale)
    assert len(boxes) == len(scores) <= min(top_after, top_before or top_after)
    assert (boxes >= 0).all()
    assert (boxes[:, 2::2] <= 45).all()
    assert (boxes[:, 3::2] <= 36).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= min_size * scale).all()
    assert (np.diff(scores) <= 0).all()
    assert ((scores > 0) & (scores < 1)).all()
    overlaps = box_iou(boxes, boxes)
    np.fill_diagonal(overlaps, 0)
    assert (overlaps <= iou).all()


@given(seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_equal_scores_stay_in_the_order_of_the_anchors(seed, levels):
    _, offsets, anchors = _outputs(seed)
    objectness = np.zeros((len(anchors), 2), np.float32)
    objectness[:, 1] = np.random.default_rng(seed).integers(0, levels, len(anchors))
    # boxes far apart, so that suppression removes none
    apart = np.arange(len(anchors))[:, None] * 20.0 + np.array([0, 0, 10, 10])
    boxes, scores = propose(
        objectness, 0 * offsets, apart, (1e5, 1e5), ProposalLayerSettings(50, 0.7, 50, 1.0)
    )
    order = np.argsort(-objectness[:, 1], kind="stable")[:50]
    np.testing.assert_array_equal(boxes, apart[order])
    assert (np.diff(scores) <= 0).all()


def test_the_proposal_layer_stays_where_its_input_is(xp):
    objectness, offsets, anchors = _outputs(3)
    rules = ProposalLayerSettings(top_before=40, top_after=10, min_size=2.0)
    expected = propose(objectness, offsets, anchors, (40, 48), rules)
    boxes, scores = propose(*map(xp.asarray, (objectness, offsets, anchors)), (40, 48), rules)
    assert type(boxes) is type(xp.asarray(anchors))
    np.testing.assert_allclose(to_host(boxes), expected.boxes, rtol=1e-6)
    np.testing.assert_allclose(to_host(scores), expected.scores, rtol=1e-6)


def test_none_is_large_enough():
    objectness, offsets, anchors = _outputs(0)
    boxes, scores = propose(objectness, offsets, anchors, (4, 4), ProposalLayerSettings())
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("top_before", 0, "top_before must be"),
        ("nms_iou", 1.5, "nms_iou must be"),
        ("top_after", 0, "top_after must be"),
        ("min_size", 0.0, "min_size must be"),
    ],
)
def test_impossible_settings_are_refused(field, value, words):
    with pytest.raises(ValueError, match=words):
        ProposalLayerSettings(**{field: value})
