"""What losses, gradient clipping, SGD and loading refuse: what would pass in silence."""

import numpy as np
import pytest

from minircnn.arrays import array_namespace, to_host
from minircnn.nn import (
    SGD,
    Linear,
    Parameter,
    clip_gradients,
    hinge_loss,
    l2_loss,
    multi_task_loss,
    smooth_l1,
    softmax,
    softmax_cross_entropy,
)


@pytest.mark.parametrize("label", [3, -1, 2**40])
def test_a_label_that_is_no_column_is_named(xp, label):
    labels = xp.asarray([0, label])
    with pytest.raises(ValueError, match=rf"labels must lie in 0\.\.2, got {label} in row 1"):
        softmax_cross_entropy(xp.zeros((2, 3)), labels)
    with pytest.raises(ValueError, match=rf"labels must lie in 0\.\.2, got {label} in row 1"):
        multi_task_loss(xp.zeros((2, 3)), xp.zeros((2, 12)), labels, xp.zeros((2, 4)))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0]), r"labels \(R,\)"),
        (np.array([[0], [1]]), r"labels \(R,\)"),
        (np.array([0.0, 1.0]), "labels must be whole numbers, got dtype float64"),
        (np.array([True, False]), "labels must be whole numbers, got dtype bool"),
    ],
)
def test_labels_are_one_whole_number_a_row(labels, words):
    with pytest.raises(ValueError, match=words):
        softmax_cross_entropy(np.zeros((2, 3)), labels)


def test_labels_in_few_bits_count_many_columns(rng):
    logits = rng.standard_normal((2, 300))
    few_bits = softmax_cross_entropy(logits, np.array([3, 200], np.uint8))
    np.testing.assert_equal(few_bits, softmax_cross_entropy(logits, np.array([3, 200])))


@pytest.mark.parametrize("loss", [smooth_l1, l2_loss, hinge_loss])
def test_losses_do_not_broadcast(loss):
    with pytest.raises(ValueError, match=r"of shape \(3, 4\) but .* of shape \(4,\)"):
        loss(np.zeros((3, 4)), np.ones(4))


def test_hinge_signs_and_lambda_are_checked(xp):
    with pytest.raises(ValueError, match="signs must be 1 or -1"):
        hinge_loss(xp.zeros((2,)), xp.asarray([0.0, 1.0]))
    for lam in (-1.0, np.nan):
        with pytest.raises(ValueError, match="lam must be"):
            multi_task_loss(np.zeros((1, 2)), np.zeros((1, 8)), np.array([1]), np.zeros((1, 4)), lam=lam)


def test_losses_of_half_precision_are_computed_in_single(rng):
    logits, labels = rng.standard_normal((4096, 21)).astype(np.float16), rng.integers(0, 21, 4096)
    wide = logits.astype(np.float32)
    assert softmax_cross_entropy(logits, labels)[0] == softmax_cross_entropy(wide, labels)[0]
    np.testing.assert_array_equal(softmax(logits), softmax(wide))
    far = np.full((300, 4), 300, np.float16)
    assert l2_loss(far, 0 * far)[0] == 0.5 * 1200 * 300**2
    assert smooth_l1(far, 0 * far)[0] == 1200 * 299.5
    with pytest.raises(ValueError, match="logits must be floating-point numbers"):
        softmax_cross_entropy(np.zeros((2, 3), int), np.array([0, 1]))


def parameters(*gradients):
    named = []
    for i, gradient in enumerate(gradients):
        parameter = Parameter(array_namespace(gradient).zeros_like(gradient))
        parameter.grad = gradient
        named.append((f"layer{i}.weight", parameter))
    return named


@pytest.mark.parametrize("size", [1e19, 1e30, 1e38])
def test_huge_gradients_are_clipped_not_erased(xp, size):
    named = parameters(
        xp.asarray([3 * size, 0.0], dtype=xp.float32), xp.asarray([-2 * size, 0.0], dtype=xp.float32)
    )
    assert clip_gradients(named, 0.01) == pytest.approx(13**0.5 * size)
    clipped = [float(p.grad[0]) for _, p in named]
    np.testing.assert_allclose(clipped, [0.03 / 13**0.5, -0.02 / 13**0.5], rtol=1e-6)


def test_gradients_in_half_precision_have_the_right_norm():
    named = parameters(np.full(4, 1000, np.float16), np.full(4, 1e-4, np.float16))
    assert clip_gradients(named[1:], 1.0) == pytest.approx(2e-4, rel=1e-3)
    assert clip_gradients(named[:1], 1.0) == pytest.approx(2000)
    np.testing.assert_allclose(named[0][1].grad, 0.5, rtol=1e-3)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_named(xp, odd):
    named = parameters(xp.asarray([1.0, 2.0]), xp.asarray([1.0, odd]))
    with pytest.raises(ValueError, match=r"the gradient of layer1\.weight is not finite"):
        clip_gradients(named, 1.0)
    np.testing.assert_array_equal(to_host(named[0][1].grad), [1, 2])


@pytest.mark.parametrize("bound", [0.0, -1.0, np.nan])
def test_a_bound_on_gradients_is_positive(bound):
    with pytest.raises(ValueError, match="max_norm must be a finite number above 0"):
        clip_gradients(parameters(np.ones(2)), bound)


def test_a_rate_set_later_is_checked_before_the_step():
    ((name, parameter),) = parameters(np.ones(2))
    sgd = SGD([(name, parameter)], lr=0.1)
    sgd.lr = np.nan
    with pytest.raises(ValueError, match="lr must be"):
        sgd.step()
    np.testing.assert_array_equal(parameter.data, [0, 0])


STATES = [
    ({"weight": np.full((2, 3), np.nan, np.float32)}, r"weight \(float32\) is not all finite"),
    ({"weight": np.full((2, 3), np.inf, np.float32)}, r"weight \(float32\) is not all finite"),
    ({"weight": np.full((2, 3), 1e300)}, r"weight \(float64\) is not all finite float32 numbers"),
    ({"weight": np.ones((2, 3), int)}, r"weight \(int64\) is not all finite"),
    ({"weight": np.ones((2, 3), complex)}, r"weight \(complex128\) is not all finite"),
    ({"weight": np.ones((2, 3), bool)}, r"weight \(bool\) is not all finite"),
    ({"bias": np.ones(1, np.float32)}, r"weight bias: the network needs shape \(2,\), the file holds \(1,\)"),
]


@pytest.mark.parametrize(("change", "words"), STATES)
def test_a_state_that_does_not_fit_is_refused_whole(change, words):
    layer = Linear(3, 2)
    good = {"weight": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)}
    with pytest.raises(ValueError, match=words):
        layer.load_state_dict(good | change)
    assert not layer.weight.data.any()
    assert not layer.bias.data.any()


def test_missing_and_unknown_names_are_listed():
    with pytest.raises(KeyError, match=r"missing \['bias'\], unknown \['biases'\]"):
        Linear(3, 2).load_state_dict({"weight": np.ones((2, 3)), "biases": np.ones(2)})


@pytest.mark.parametrize(("change", "words"), STATES[:-1])
def test_momentum_that_is_not_finite_is_refused(change, words):
    sgd = SGD(Linear(3, 2).named_parameters(), lr=0.1)
    with pytest.raises(ValueError, match="momentum " + words):
        sgd.load_state_dict({"bias": np.ones(2, np.float32), **change})
    assert sgd.state_dict() == {}
