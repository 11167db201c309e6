import numpy as np
import pytest
from box_strategies import real_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import MAX_LOG_SCALE, decode, encode

quick = settings(deadline=None, max_examples=60)


def test_known_values(xp):
    proposals = xp.asarray([[0.0, 0.0, 10.0, 20.0]])
    targets = xp.asarray([[5.0, 10.0, 25.0, 20.0]])  # centre (15, 15), 20 x 10
    expected = [[(15 - 5) / 10, (15 - 10) / 20, np.log(2), np.log(0.5)]]
    np.testing.assert_allclose(to_host(encode(proposals, targets)), expected, atol=1e-15)
    np.testing.assert_allclose(
        to_host(decode(proposals, encode(proposals, targets))), to_host(targets), atol=1e-12
    )


def test_zero_boxes(xp):
    none = xp.zeros((0, 4))
    assert encode(none, none).shape == (0, 4)
    assert decode(none, none).shape == (0, 4)
    assert decode(none, xp.zeros((0, 84))).shape == (0, 84)


def test_class_specific_sets_share_the_proposal(xp, rng):
    proposals = np.array([[0.0, 0.0, 10.0, 20.0], [5.0, 5.0, 8.0, 9.0]])
    deltas = rng.normal(0, 0.3, (2, 12))
    proposals, deltas = xp.asarray(proposals), xp.asarray(deltas)
    together = to_host(decode(proposals, deltas))
    for m in range(3):
        own = to_host(decode(proposals, deltas[:, 4 * m : 4 * m + 4]))
        np.testing.assert_array_equal(together[:, 4 * m : 4 * m + 4], own)


def test_growth_is_bounded(xp):
    proposals = xp.asarray([[0.0, 0.0, 16.0, 16.0]], dtype=xp.float32)
    x1, y1, x2, y2 = to_host(decode(proposals, xp.asarray([[0.0, 0.0, 1e30, 2.0]], dtype=xp.float32)))[0]
    assert x2 - x1 == pytest.approx(1000, rel=1e-6)
    assert y2 - y1 == pytest.approx(16 * np.exp(2), rel=1e-6)
    assert pytest.approx(np.log(62.5)) == MAX_LOG_SCALE


def test_shrinking_is_not_bounded():
    boxes = decode(np.array([[0.0, 0.0, 16.0, 16.0]]), np.array([[0.0, 0.0, -1e30, -8.0]]))
    np.testing.assert_allclose(boxes, [[8, 8 - 8 * np.exp(-8), 8, 8 + 8 * np.exp(-8)]])


@pytest.mark.parametrize("bad", [[3.0, 0.0, 3.0, 5.0], [0.0, 5.0, 5.0, 4.0], [0.0, 0.0, 1e-20, 5.0]])
def test_side_that_is_not_positive_is_named(xp, bad):
    good = [0.0, 0.0, 4.0, 4.0]
    with pytest.raises(ValueError, match="proposal 2 has sides"):
        encode(xp.asarray([good, good, bad]), xp.asarray([good] * 3))
    with pytest.raises(ValueError, match="target 1 has sides"):
        encode(xp.asarray([good] * 3), xp.asarray([good, bad, good]))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 proposals but 1 targets"):
        encode(np.ones((2, 4)), np.ones((1, 4)))
    for shape in [(1, 4), (2, 6), (2,)]:
        with pytest.raises(ValueError, match="deltas must have shape"):
            decode(np.ones((2, 4)), np.ones(shape))


@quick
@given(real_boxes(min_count=1, max_count=6, min_side=20), real_boxes(min_count=6, max_count=6, min_side=20))
def test_decode_inverts_encode(proposals, targets):
    targets = targets[: len(proposals)]  # no side grows beyond 1000 / 20 = 50 < 62.5 times
    np.testing.assert_allclose(decode(proposals, encode(proposals, targets)), targets, rtol=0, atol=1e-9)


@quick
@given(
    real_boxes(min_count=3, max_count=3),
    hnp.arrays(np.float64, (3, 4), elements=st.floats(-3, 3)),
)
def test_encode_inverts_decode(proposals, deltas):
    # Corners near 1000 carry errors of 1e-13 each; a side of at least 0.05 makes that 1e-11 of it.
    np.testing.assert_allclose(encode(proposals, decode(proposals, deltas)), deltas, rtol=0, atol=1e-9)


@quick
@given(real_boxes(min_count=4, max_count=4), real_boxes(min_count=4, max_count=4))
def test_encode_equals_the_textbook(proposals, targets):
    expected = [textbook.encode(p, t) for p, t in zip(proposals.tolist(), targets.tolist(), strict=True)]
    np.testing.assert_allclose(encode(proposals, targets), expected, rtol=1e-9, atol=1e-9)


@quick
@given(
    real_boxes(min_count=3, max_count=3), hnp.arrays(np.float64, (3, 4), elements=st.floats(-9, 9))
)  # beyond the largest growth, log(1000 / 16)
def test_decode_equals_the_textbook(proposals, offsets):
    expected = [textbook.decode(p, t) for p, t in zip(proposals.tolist(), offsets.tolist(), strict=True)]
    np.testing.assert_allclose(decode(proposals, offsets), expected, rtol=1e-12, atol=1e-9)


@quick
@given(real_boxes(min_count=4, max_count=4), real_boxes(min_count=4, max_count=4), st.floats(0.25, 4))
def test_targets_ignore_position_and_scale(proposals, targets, scale):
    moved = encode(proposals * scale + 7, targets * scale + 7)
    np.testing.assert_allclose(moved, encode(proposals, targets), rtol=1e-9, atol=1e-9)


@quick
@given(real_boxes())
def test_no_delta_no_change(boxes):
    np.testing.assert_allclose(decode(boxes, np.zeros_like(boxes)), boxes, rtol=0, atol=1e-12 * 1000)
    np.testing.assert_array_equal(encode(boxes, boxes), np.zeros_like(boxes))
