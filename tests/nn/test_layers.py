"""Linear, Flatten, ReLU, Dropout, local response normalisation, Concat, and what chains of them keep."""

import numpy as np
import pytest

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.nn import (
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Scale,
    Sequential,
    gradcheck,
    he_normal,
    normal,
    xavier_uniform,
)


def away_from_zero(rng, shape):
    return rng.uniform(0.1, 1, shape) * rng.choice([-1, 1], shape)


def test_linear(xp, rng):
    layer = Linear(5, 3, rng=rng)
    layer.bias.data += 1
    weight, bias = layer.weight.data, layer.bias.data
    layer.to(xp)
    x = rng.standard_normal((4, 5), dtype=np.float32)
    y = layer(xp.asarray(x))
    np.testing.assert_allclose(to_host(y), textbook.linear(x, weight, bias), rtol=1e-5)
    ours = layer.backward(y), layer.weight.grad, layer.bias.grad
    for gradient, expected in zip(ours, textbook.linear_backward(to_host(y), x, weight), strict=True):
        np.testing.assert_allclose(to_host(gradient), expected, rtol=1e-5)


def test_linear_gradient(rng):
    layer = Linear(5, 3, rng=rng)
    layer.astype(np.float64)
    assert gradcheck(layer, rng.standard_normal((4, 5)), rng=rng).ok


@pytest.mark.parametrize("make", [lambda rng: Linear(5, 3, rng=rng)])
def test_frozen_linear_keeps_and_computes_nothing(make, rng):
    layer = make(rng)
    layer.freeze()
    layer.needs_input_grad = False
    y = layer(np.ones((2, 5), np.float32))
    assert layer.backward(y) is None
    assert layer.weight.grad is None
    assert layer._x is None


def test_relu(xp):
    layer = ReLU()
    x, dy = np.array([-1.0, 0.0, 2.0]), np.array([5.0, 6.0, 7.0])
    y = to_host(layer(xp.asarray(x)))
    np.testing.assert_array_equal(y, [0, 0, 2])
    np.testing.assert_array_equal(y, textbook.relu(x))
    dx = to_host(layer.backward(xp.asarray(dy)))
    np.testing.assert_array_equal(dx, [0, 0, 7])
    np.testing.assert_array_equal(dx, textbook.relu_backward(dy, x))


def test_relu_gradient(rng):
    assert gradcheck(ReLU(), away_from_zero(rng, (2, 3, 4, 5)), rng=rng).ok


def test_flatten(xp, rng):
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    layer = Flatten()
    y = layer(xp.asarray(x))
    np.testing.assert_array_equal(to_host(y), x.reshape(2, 12))
    np.testing.assert_array_equal(to_host(layer.backward(y)), x)
    assert layer(xp.zeros((0, 3, 2, 2))).shape == (0, 12)
    assert gradcheck(Flatten(), rng.standard_normal((2, 3, 2, 2)), rng=rng).ok


def test_flatten_does_not_depend_on_the_layout(rng):
    x = rng.standard_normal((2, 3, 4, 5))
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(Flatten()(last), x.reshape(2, 60))


def test_dropout_in_training_keeps_the_expected_value(xp):
    layer = Dropout(0.25)
    layer.rng = np.random.default_rng(0)
    x = xp.ones((100, 200), dtype=xp.float32)
    y = to_host(layer(x))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert y.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(to_host(layer.backward(x)), y)
    assert y.dtype == np.float32


def test_dropout_is_the_identity_in_evaluation():
    layer = Dropout(0.5)
    layer.eval()
    x = np.ones((3, 4))
    assert layer(x) is x
    assert layer.backward(x) is x


def test_dropout_wants_a_generator():
    with pytest.raises(ValueError, match="random generator"):
        Dropout(0.5)(np.ones((3, 4)))
    with pytest.raises(ValueError, match="rate"):
        Dropout(1.0)


def test_dropout_gradient(rng):
    layer = Dropout(0.5)
    layer.rng = np.random.default_rng(3)
    assert gradcheck(layer, rng.standard_normal((4, 5)), rng=rng).ok


@pytest.mark.parametrize("settings", [{}, {"size": 3, "alpha": 0.5, "beta": 0.6, "k": 2.0}, {"size": 1}])
def test_local_response_norm(settings, rng):
    layer = LocalResponseNorm(**settings)
    x = 3 * rng.standard_normal((2, 7, 3, 4))
    expected = textbook.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-13)
    assert gradcheck(layer, x, rng=rng).ok


@pytest.mark.parametrize("beta", [0.75, 0.5])
def test_local_response_norm_in_single_precision(beta, rng):
    x = (30 * rng.standard_normal((2, 7, 3, 4))).astype(np.float32)
    layer = LocalResponseNorm(5, alpha=0.1, beta=beta)
    y = layer(x)
    assert y.dtype == layer.backward(y).dtype == np.float32
    expected = textbook.local_response_norm(x.astype(float), 5, 0.1, beta, 1.0)
    np.testing.assert_allclose(y, expected, rtol=2e-6)


def test_local_response_norm_with_a_window_wider_than_the_map(rng):
    x = rng.standard_normal((2, 2, 3, 4))
    layer = LocalResponseNorm(9, alpha=1.0)
    np.testing.assert_allclose(layer(x), textbook.local_response_norm(x, 9, 1.0, 0.75, 1.0))
    assert gradcheck(layer, x, rng=rng).ok


def test_local_response_norm_wants_an_odd_window():
    with pytest.raises(ValueError, match="odd"):
        LocalResponseNorm(4)


def fire(rng):
    return Concat(
        expand1x1=Sequential(conv=Conv2d(3, 4, 1, rng=rng), relu=ReLU()),
        expand3x3=Sequential(conv=Conv2d(3, 2, 3, padding=1, rng=rng), relu=ReLU()),
    )


def test_concat_joins_on_channels(rng):
    layer = fire(rng)
    x = rng.standard_normal((2, 3, 5, 6), dtype=np.float32)
    y = layer(x)
    np.testing.assert_array_equal(y[:, :4], layer.expand1x1(x))
    np.testing.assert_array_equal(y[:, 4:], layer.expand3x3(x))
    names = [name for name, _ in layer.named_parameters()]
    assert names == [
        "expand1x1.conv.weight", "expand1x1.conv.bias", "expand3x3.conv.weight", "expand3x3.conv.bias",
    ]  # fmt: skip


def test_concat_gradient(rng):
    layer = fire(rng)
    layer.astype(np.float64)
    assert gradcheck(layer, rng.standard_normal((2, 3, 4, 4)), rng=rng).ok


def test_concat_needs_a_layer():
    with pytest.raises(ValueError, match="at least one"):
        Concat()


def test_concat_in_a_frozen_prefix_keeps_nothing(rng):
    net = Sequential(fire=fire(rng), conv=Conv2d(6, 2, 1, rng=rng), relu=ReLU())
    net.fire.freeze()
    net.prepare_training()
    y = net(rng.standard_normal((1, 3, 4, 4), dtype=np.float32))
    assert net.backward(y) is None
    assert net.conv.weight.grad is not None
    assert net.fire.expand3x3.conv._x is None
    assert net.fire.expand3x3.relu._y is None


def test_concat_with_one_frozen_branch_trains_the_other(rng):
    net = Sequential(fire=fire(rng))
    net.fire.expand1x1.freeze()
    net.prepare_training()
    y = net(rng.standard_normal((1, 3, 4, 4), dtype=np.float32))
    assert net.backward(y) is None
    assert net.fire.expand1x1.conv.weight.grad is None
    assert net.fire.expand3x3.conv.weight.grad is not None


def test_concat_after_a_trainable_layer_passes_the_gradient_on(rng):
    net = Sequential(conv=Conv2d(2, 3, 1, rng=rng), fire=fire(rng))
    net.fire.freeze()
    net.conv.freeze()
    net.prepare_training()
    net.conv.weight.trainable = True
    net.prepare_training()  # once more, with other layers frozen
    y = net(rng.standard_normal((1, 2, 4, 4), dtype=np.float32))
    net.backward(y)
    assert net.conv.weight.grad.any()


def test_evaluation_keeps_nothing(rng):
    net = Sequential(conv=Conv2d(3, 4, 3, rng=rng), relu=ReLU(), lrn=LocalResponseNorm())
    net.eval()
    net(rng.standard_normal((1, 3, 5, 5), dtype=np.float32))
    assert net.conv._x is None
    assert net.relu._y is None
    assert net.lrn._x is None


def test_initialisers(rng):
    w = he_normal(rng, (200, 50, 3, 3))
    assert w.dtype == np.float32
    assert w.std() == pytest.approx(np.sqrt(2 / 450), rel=0.02)
    assert normal(rng, (300, 300), 0.01).std() == pytest.approx(0.01, rel=0.02)
    u = xavier_uniform(rng, (200, 100))
    assert np.abs(u).max() <= np.sqrt(6 / 300)
    assert u.std() == pytest.approx(np.sqrt(2 / 300), rel=0.02)


def test_weights_without_a_generator_are_zeros():
    assert not Linear(3, 2).weight.data.any()
    assert not Conv2d(3, 2, 1).weight.data.any()


def test_units_are_dropped_where_nothing_below_is_trained(rng):
    net = Sequential(fc6=Linear(4, 4, rng=rng), drop6=Dropout(0.5), fc7=Linear(4, 4, rng=rng))
    net.fc6.freeze()
    net.prepare_training()
    net.drop6.rng = rng
    assert net.drop6.training
    y = net.drop6(np.ones((50, 4), np.float32))
    assert (y == 0).any()
    assert net.backward(net(np.ones((5, 4), np.float32))) is None
    assert net.fc7.weight.grad is not None


def test_scale_multiplies_forward_and_backward(xp):
    layer = Scale(0.125)
    x = xp.asarray([[8.0, -4.0]])
    assert to_host(layer(x)).tolist() == [[1, -0.5]]
    assert to_host(layer.backward(x)).tolist() == [[1, -0.5]]
    with pytest.raises(ValueError, match="factor must be a finite number above 0, got 0"):
        Scale(0)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Linear(3, 2, rng=np.random.default_rng(0)), np.ones((4, 3), np.float32)),
        (Conv2d(3, 2, 3, padding=1, rng=np.random.default_rng(0)), np.ones((1, 3, 5, 5), np.float32)),
        (ReLU(), np.ones((4, 3), np.float32)),
        (MaxPool2d(2), np.ones((1, 3, 4, 4), np.float32)),
        (LocalResponseNorm(5), np.ones((1, 8, 4, 4), np.float32)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_backward_without_a_forward_in_training_mode_says_so(layer, x):
    layer.train()
    y = layer(x)
    layer.backward(np.ones_like(y))
    layer.eval()
    layer(x)
    layer.train()
    with pytest.raises(RuntimeError, match="backward without a forward in training mode"):
        layer.backward(np.ones_like(y))
