"""Bilinear up-sampling and the loss of pixels equal their loops and their finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.nn import UpsampleBilinear, gradcheck, pixel_cross_entropy, softmax_cross_entropy
from minircnn.nn.upsample import axis_shares

SIDE = st.integers(1, 7)


@settings(deadline=None, max_examples=60)
@given(SIDE, SIDE, st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32))
def test_up_sampling_is_that_of_the_loops(height, width, rows, columns, seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal((2, 3, height, width)), rng.standard_normal((2, 3, rows, columns))
    layer = UpsampleBilinear((rows, columns))
    np.testing.assert_allclose(layer(x), textbook.upsample_bilinear(x, rows, columns), atol=1e-12)
    expected = textbook.upsample_bilinear_backward(dy, height, width)
    np.testing.assert_allclose(layer.backward(dy), expected, atol=1e-12)


@given(st.integers(1, 9), st.integers(1, 30))
def test_shares_are_those_of_a_mean(cells, length):
    shares = axis_shares(cells, length)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize("size", [(17, 11), (7, 6), (3, 20)])
def test_gradients_of_up_sampling(size, rng):
    assert gradcheck(UpsampleBilinear(size), rng.standard_normal((2, 3, 7, 6)), rng=rng).ok


def test_up_sampling_keeps_the_number_format_and_a_constant(rng):
    x = np.full((1, 2, 3, 4), 7, dtype=np.float32)
    y = UpsampleBilinear((9, 13))(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, 7, rtol=1e-6)


def test_up_sampling_in_another_array_library(xp):
    layer = UpsampleBilinear((4, 6))
    x = xp.asarray(np.arange(12.0).reshape(1, 2, 2, 3))
    y = layer(x)
    dx = layer.backward(y)
    assert type(y) is type(dx) is type(x)
    np.testing.assert_allclose(to_host(y), textbook.upsample_bilinear(to_host(x), 4, 6))


@pytest.mark.parametrize("size", [(0, 4), (4, 2.5), (True, 3)])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match="must be a whole number, at least 1"):
        UpsampleBilinear(size)


def test_what_is_no_map_is_refused():
    with pytest.raises(ValueError, match="expected x of shape"):
        UpsampleBilinear((3, 3))(np.zeros((3, 3)))


def test_a_layer_that_is_not_trained_keeps_nothing(rng):
    layer = UpsampleBilinear((4, 4))
    layer.needs_input_grad = False
    layer(rng.standard_normal((1, 1, 2, 2)))
    assert layer.backward(rng.standard_normal((1, 1, 4, 4))) is None


@settings(deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_the_loss_of_pixels_is_that_of_rows_without_void(seed, all_void):
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((2, 4, 3, 5))
    labels = np.where((rng.random((2, 3, 5)) < 0.3) | all_void, 255, rng.integers(0, 4, (2, 3, 5)))
    loss, gradient = pixel_cross_entropy(logits, labels)
    rows, known = logits.transpose(0, 2, 3, 1).reshape(-1, 4), labels.ravel() != 255
    expected, slopes = softmax_cross_entropy(rows[known], labels.ravel()[known])
    assert loss == pytest.approx(expected)
    flat = gradient.transpose(0, 2, 3, 1).reshape(-1, 4)
    np.testing.assert_allclose(flat[known], slopes, atol=1e-14)
    assert not flat[~known].any()


def test_weights_of_classes_are_those_of_a_mean(rng, xp):
    logits, labels = rng.standard_normal((1, 3, 2, 2)), np.array([[[0, 1], [2, 255]]])
    weights = np.array([0.5, 2.0, 1.0])
    loss, gradient = pixel_cross_entropy(
        *(xp.asarray(a) for a in (logits, labels)), weights=xp.asarray(weights)
    )
    own = [pixel_cross_entropy(logits, np.where(labels == k, k, 255))[0] for k in range(3)]
    assert loss == pytest.approx((weights * own).sum() / weights.sum())
    assert gradcheck(lambda x: pixel_cross_entropy(x, labels, weights=weights), logits, rng=rng).ok
    assert to_host(gradient).shape == logits.shape


@pytest.mark.parametrize(
    ("logits", "labels", "weights", "message"),
    [
        (np.zeros((1, 2, 3, 3)), np.zeros((1, 3, 2), int), None, "expected logits"),
        (np.zeros((2, 3)), np.zeros(2, int), None, "expected logits"),
        (np.zeros((1, 2, 1, 1)), np.array([[[2]]]), None, r"labels must lie in 0\.\.1, got 2"),
        (np.zeros((1, 2, 1, 1)), np.array([[[0.0]]]), None, "labels must be whole numbers"),
        (np.zeros((1, 2, 1, 1)), np.array([[[0]]]), np.ones(3), r"weights must have shape \(2,\)"),
        (np.zeros((1, 2, 1, 1), int), np.array([[[0]]]), None, "logits must be floating-point"),
    ],
)
def test_what_does_not_fit_has_no_loss(logits, labels, weights, message):
    with pytest.raises(ValueError, match=message):
        pixel_cross_entropy(logits, labels, weights=weights)
