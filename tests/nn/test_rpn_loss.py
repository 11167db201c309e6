from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.nn import gradcheck, rpn_loss, smooth_l1, softmax_cross_entropy

few = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 10**6)


def example(rng, labels):
    """Logits, offsets, labels and targets, some offsets near their targets and some far."""
    rows = len(labels)
    targets = rng.standard_normal((rows, 4))
    offsets = targets + rng.choice([0.05, 1.0], (rows, 4)) * rng.standard_normal((rows, 4))
    return 3 * rng.standard_normal((rows, 2)), offsets, np.array(labels, dtype=np.int64), targets


def test_known_values(xp):
    """Three anchors drawn of four, one with an object; undecided, ln 2 each; a box that is off by 1 once."""
    offsets, targets = np.zeros((4, 4)), np.ones((4, 4))
    targets[1] = [1, 0, 0, 0]
    loss = rpn_loss(
        xp.zeros((4, 2)), xp.asarray(offsets), xp.asarray([0, 1, -1, 0]), xp.asarray(targets), lam=2.0
    )
    assert loss.objectness == pytest.approx(np.log(2))
    assert loss.localization == pytest.approx((1 - 1 / 18) / 3)
    assert loss.total == pytest.approx(loss.objectness + 2 * loss.localization)
    sixth = 1 / 6
    expected = [[-sixth, sixth], [sixth, -sixth], [0, 0], [-sixth, sixth]]
    np.testing.assert_allclose(to_host(loss.d_objectness), expected, rtol=1e-12)
    np.testing.assert_allclose(to_host(loss.d_offsets)[1], [-2 / 3, 0, 0, 0], rtol=1e-12)
    assert not to_host(loss.d_offsets)[[0, 2, 3]].any()


@few
@given(seeds, st.lists(st.sampled_from([-1, 0, 1]), max_size=12), st.sampled_from([0.5, 1.0, 10.0]))
def test_equal_to_the_textbook(seed, labels, lam):
    case = example(np.random.default_rng(seed), labels)
    loss = rpn_loss(*case, lam=lam, sigma=2.0)
    total, d_objectness, d_offsets = textbook.rpn_loss(*case, lam, 2.0)
    assert loss.total == pytest.approx(total)
    np.testing.assert_allclose(loss.d_objectness, d_objectness, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(loss.d_offsets, d_offsets, rtol=1e-9, atol=1e-12)


def test_its_parts_are_the_losses_of_fast_rcnn(rng):
    objectness, offsets, labels, targets = example(rng, [1, 0, -1, 1, 0, 0])
    loss = rpn_loss(objectness, offsets, labels, targets)
    drawn, positive = labels >= 0, labels == 1
    assert loss.objectness == pytest.approx(softmax_cross_entropy(objectness[drawn], labels[drawn])[0])
    assert loss.localization == pytest.approx(
        smooth_l1(offsets[positive], targets[positive], sigma=3.0)[0] / 5
    )


@settings(deadline=None, max_examples=10)
@given(seeds, st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=5))
def test_gradients_by_differences(seed, labels):
    rng = np.random.default_rng(seed)
    objectness, _, labels, targets = example(rng, labels)
    # differences of 0.02 to 0.09 and 0.15 to 3: away from the joint at 1/9 and from 0
    size = np.where(
        rng.random(targets.shape) < 0.5, rng.uniform(0.02, 0.09, targets.shape), rng.uniform(0.15, 3)
    )

    def lose(objectness, offsets):
        loss = rpn_loss(objectness, offsets, labels, targets, lam=2.0)
        return loss.total, (loss.d_objectness, loss.d_offsets)

    report = gradcheck(lose, objectness, targets + rng.choice([-1, 1], targets.shape) * size, rng=rng)
    assert report.ok, report


@few
@given(seeds, st.lists(st.sampled_from([-1, 0, 1]), max_size=8))
def test_ignored_rows_change_nothing(seed, labels):
    rng = np.random.default_rng(seed)
    objectness, offsets, labels, targets = example(rng, labels)
    before = rpn_loss(objectness, offsets, labels, targets)
    ignored = labels < 0
    objectness[ignored], offsets[ignored], targets[labels < 1] = 1e6, np.inf, np.nan
    after = rpn_loss(objectness, offsets, labels, targets)
    np.testing.assert_equal(astuple(after), astuple(before))
    assert not after.d_objectness[ignored].any()
    assert not after.d_offsets[labels < 1].any()
    left = rpn_loss(*(array[~ignored] for array in (objectness, offsets, labels, targets)))
    assert left.total == pytest.approx(before.total)
    np.testing.assert_allclose(left.d_objectness, before.d_objectness[~ignored], rtol=1e-12)


def test_nothing_drawn_is_no_loss(xp):
    for rows in (0, 3):
        labels = xp.asarray(np.full(rows, -1))
        loss = rpn_loss(xp.ones((rows, 2)), xp.ones((rows, 4)), labels, xp.zeros((rows, 4)))
        assert loss.total == loss.objectness == loss.localization == 0
        assert not to_host(loss.d_objectness).any()
        assert not to_host(loss.d_offsets).any()


def test_gradients_have_the_format_of_what_was_predicted(xp, rng):
    objectness, offsets, labels, targets = example(rng, [1, 0, -1])
    loss = rpn_loss(
        xp.asarray(objectness, dtype=xp.float32),
        xp.asarray(offsets, dtype=xp.float32),
        xp.asarray(labels, dtype=xp.int8),
        xp.asarray(targets),
    )
    assert loss.d_objectness.dtype == loss.d_offsets.dtype == xp.float32
    assert loss.total == pytest.approx(textbook.rpn_loss(objectness, offsets, labels, targets)[0], rel=1e-5)
    half = rpn_loss(objectness.astype(np.float16), offsets.astype(np.float16), labels, targets)
    assert half.d_objectness.dtype == half.d_offsets.dtype == np.float32


def test_certain_mistakes_are_finite():
    loss = rpn_loss(np.array([[1e4, 0.0]]), np.zeros((1, 4)), np.array([1]), np.zeros((1, 4)))
    assert loss.objectness == pytest.approx(1e4)
    np.testing.assert_array_equal(loss.d_objectness, [[1, -1]])


def test_what_makes_no_sense_is_named(rng):
    objectness, offsets, labels, targets = example(rng, [1, 0, -1])
    for wrong in (
        (objectness[:, :1], offsets, labels, targets),
        (objectness, offsets[:2], labels, targets),
        (objectness, offsets, labels[:, None], targets),
        (objectness, offsets, labels, targets[:, :2]),
        (np.float64(1), offsets, labels, targets),
    ):
        with pytest.raises(ValueError, match=r"^expected objectness \(N, 2\), offsets \(N, 4\), labels"):
            rpn_loss(*wrong)
    with pytest.raises(ValueError, match=r"^labels must be -1, 0 or 1, got 2 in row 1"):
        rpn_loss(objectness, offsets, np.array([1, 2, -1]), targets)
    with pytest.raises(ValueError, match=r"^labels must be whole numbers, got dtype float64"):
        rpn_loss(objectness, offsets, labels.astype(float), targets)
    with pytest.raises(ValueError, match=r"^lam must be"):
        rpn_loss(objectness, offsets, labels, targets, lam=-1.0)
    with pytest.raises(ValueError, match=r"^sigma must be"):
        rpn_loss(objectness, offsets, labels, targets, sigma=0.0)
    with pytest.raises(ValueError, match=r"^offsets must be floating-point numbers, got dtype int64"):
        rpn_loss(objectness, labels[:, None] * np.ones(4, int), labels, targets)
    with pytest.raises(ValueError, match=r"^targets must be real numbers"):
        rpn_loss(objectness, offsets, labels, targets * 1j)
