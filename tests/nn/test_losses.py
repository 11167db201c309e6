import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.nn import (
    gradcheck,
    hinge_loss,
    l2_loss,
    multi_task_loss,
    smooth_l1,
    softmax,
    softmax_cross_entropy,
)

few = settings(deadline=None, max_examples=40)


def test_softmax_sums_to_one_whatever_the_size(xp):
    p = to_host(softmax(xp.asarray([[1000.0, 1000.0], [-1000.0, 0.0]])))
    np.testing.assert_allclose(p, [[0.5, 0.5], [0, 1]])
    assert softmax(xp.zeros((0, 3))).shape == (0, 3)


@few
@given(st.integers(0, 10**6), st.floats(-100, 100))
def test_softmax_does_not_see_a_common_shift(seed, shift):
    x = np.random.default_rng(seed).standard_normal((3, 4))
    np.testing.assert_allclose(softmax(x + shift), softmax(x), rtol=1e-9)


def test_cross_entropy_row_by_row(xp, rng):
    logits, labels = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    loss, d = softmax_cross_entropy(xp.asarray(logits), xp.asarray(labels))
    expected, gradient = textbook.softmax_cross_entropy(logits, labels)
    assert loss == pytest.approx(expected)
    np.testing.assert_allclose(to_host(d), gradient, rtol=1e-12)
    p = textbook.softmax(logits)
    np.testing.assert_allclose(to_host(softmax(xp.asarray(logits))), p, rtol=1e-12)
    assert loss == pytest.approx(-np.mean([np.log(p[i, u]) for i, u in enumerate(labels)]))


def test_cross_entropy_of_no_rows(xp):
    loss, d = softmax_cross_entropy(xp.zeros((0, 3)), xp.zeros((0,), dtype=xp.int64))
    assert loss == 0
    assert d.shape == (0, 3)


def test_cross_entropy_of_a_certain_mistake_is_finite():
    loss, d = softmax_cross_entropy(np.array([[1e4, 0.0]], np.float32), np.array([1]))
    assert loss == pytest.approx(1e4)
    assert textbook.softmax_cross_entropy(np.array([[1e4, 0.0]]), np.array([1]))[0] == pytest.approx(1e4)
    assert d.dtype == np.float32


def test_smooth_l1_at_its_joints(xp):
    x = np.array([0.0, 0.5, 1.0, -3.0])
    total, d = smooth_l1(xp.asarray(x), xp.zeros(4))
    expected, gradient = textbook.smooth_l1(x, np.zeros(4))
    assert total == pytest.approx(expected)
    np.testing.assert_array_equal(to_host(d), gradient)
    assert total == pytest.approx(0 + 0.125 + 0.5 + 2.5)
    np.testing.assert_array_equal(to_host(d), [0, 0.5, 1, -1])


def test_l2_and_hinge(xp):
    total, d = l2_loss(xp.asarray([1.0, -2.0]), xp.asarray([0.0, 0.0]))
    assert total == 2.5
    np.testing.assert_array_equal(to_host(d), [1, -2])
    total, d = hinge_loss(xp.asarray([0.5, 2.0, 0.5]), xp.asarray([1, 1, -1]))
    assert total == 2.0
    np.testing.assert_array_equal(to_host(d), [-1, 0, 1])


@few
@given(st.integers(0, 10**6), st.sampled_from([0.5, 1, 3, 5.5]))
def test_smooth_l1_of_any_sigma_is_that_of_sigma_squared_x(seed, sigma):
    x = np.random.default_rng(seed).normal(0, 1 / sigma**2, (4, 3))
    loss, d = smooth_l1(x, np.zeros((4, 3)), sigma=sigma)
    expected, gradient = textbook.smooth_l1(sigma**2 * x, np.zeros((4, 3)))
    assert loss == pytest.approx(expected / sigma**2)
    np.testing.assert_allclose(d, gradient, rtol=1e-12)


def test_smooth_l1_at_the_joints_of_sigma_3(xp):
    total, d = smooth_l1(xp.asarray([0.1, -0.1, 1 / 9, 2.0]), xp.zeros(4), sigma=3.0)
    assert total == pytest.approx(0.045 + 0.045 + 1 / 18 + (2 - 1 / 18))
    np.testing.assert_allclose(to_host(d), [0.9, -0.9, 1, 1], rtol=1e-12)
    for sigma in (0.0, -1.0, np.nan, 1e200, 1e-200):
        with pytest.raises(ValueError, match=r"^sigma must be between 0\.001 and 1000"):
            smooth_l1(xp.zeros(4), xp.zeros(4), sigma=sigma)


@few
@given(st.integers(0, 10**6))
def test_gradients(seed):
    rng = np.random.default_rng(seed)
    a = rng.uniform(0.05, 0.95, (4, 3)) + rng.integers(-3, 3, (4, 3))  # away from the kinks at integers
    labels = rng.integers(0, 3, 4)
    assert gradcheck(lambda x: softmax_cross_entropy(x, labels), a, rng=rng).ok
    assert gradcheck(lambda x: smooth_l1(x, np.zeros((4, 3))), a, rng=rng).ok
    assert gradcheck(lambda x: l2_loss(x, np.ones((4, 3))), a, rng=rng).ok
    assert gradcheck(lambda x: hinge_loss(x, rng.choice([-1, 1], (4, 3)) * 0 + 1), a, rng=rng).ok


def example(rng, labels):
    rows = len(labels)
    return (
        rng.standard_normal((rows, 3)),
        3 * rng.standard_normal((rows, 12)),
        np.array(labels),
        rng.standard_normal((rows, 4)),
    )


def test_multi_task_loss_row_by_row(xp, rng):
    score, boxes, labels, targets = example(rng, [0, 2, 1, 2, 0])
    loss = multi_task_loss(*(xp.asarray(a) for a in (score, boxes, labels, targets)), lam=0.5)
    localisation = 0.0
    for i, u in enumerate(labels):
        if u >= 1:
            localisation += textbook.smooth_l1(boxes[i, 4 * u : 4 * u + 4], targets[i])[0] / 5
    assert loss.localisation == pytest.approx(localisation)
    assert loss.classification == pytest.approx(softmax_cross_entropy(score, labels)[0])
    assert loss.total == pytest.approx(loss.classification + 0.5 * localisation)
    total, d_cls_score, d_bbox_pred = textbook.multi_task_loss(score, boxes, labels, targets, 0.5)
    assert loss.total == pytest.approx(total)
    np.testing.assert_allclose(to_host(loss.d_cls_score), d_cls_score, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(to_host(loss.d_bbox_pred), d_bbox_pred, rtol=1e-12)
    touched = to_host(loss.d_bbox_pred).reshape(5, 3, 4).any(axis=2)
    np.testing.assert_array_equal(touched, np.eye(3, dtype=bool)[labels] & (labels > 0)[:, None])


def test_multi_task_gradient(rng):
    score, boxes, labels, targets = example(rng, [0, 2, 1])

    def loss(s, b):
        result = multi_task_loss(s, b, labels, targets, lam=2.0)
        return result.total, (result.d_cls_score, result.d_bbox_pred)

    report = gradcheck(loss, score, boxes, rng=rng)
    assert report.ok, report


def test_one_block_serves_every_class(xp, rng):
    score, boxes, labels, targets = example(rng, [0, 2, 1, 2, 0])
    one = boxes[:, :4]
    loss = multi_task_loss(*(xp.asarray(a) for a in (score, one, labels, targets)), lam=0.5)
    total, d_cls_score, d_bbox_pred = textbook.multi_task_loss(score, one, labels, targets, 0.5)
    assert loss.total == pytest.approx(total)
    np.testing.assert_allclose(to_host(loss.d_cls_score), d_cls_score, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(to_host(loss.d_bbox_pred), d_bbox_pred, rtol=1e-12)
    np.testing.assert_array_equal(to_host(loss.d_bbox_pred).any(axis=1), labels > 0)


def test_multi_task_loss_ignores_targets_of_background(rng):
    score, boxes, labels, targets = example(rng, [0, 0])
    targets[:] = np.nan
    loss = multi_task_loss(score, boxes, labels, targets)
    assert loss.localisation == 0
    assert not loss.d_bbox_pred.any()


def test_multi_task_loss_of_no_regions(xp):
    loss = multi_task_loss(
        xp.zeros((0, 3)), xp.zeros((0, 12)), xp.zeros((0,), dtype=xp.int64), xp.zeros((0, 4))
    )
    assert loss.total == 0
    assert loss.d_bbox_pred.shape == (0, 12)


def test_multi_task_loss_names_wrong_shapes(rng):
    score, boxes, labels, targets = example(rng, [0, 1])
    with pytest.raises(ValueError, match="expected bbox_pred"):
        multi_task_loss(score, boxes[:, :8], labels, targets)
