import numpy as np
import pytest

from minircnn.arrays import to_host
from minircnn.nn import (
    SGD,
    Conv2d,
    MultiStepSchedule,
    Parameter,
    ReLU,
    Sequential,
    StepSchedule,
    clip_gradients,
)


def test_step_follows_the_equation(xp, rng):
    w, g = rng.standard_normal(4), rng.standard_normal((3, 4))
    parameter = Parameter(xp.asarray(w.copy()), lr_multiplier=2.0, decay_multiplier=0.5)
    sgd = SGD([("w", parameter)], lr=0.1, momentum=0.9, weight_decay=0.01)
    v = np.zeros(4)
    for i in range(3):
        sgd.lr = 0.1 / (i + 1)
        parameter.grad = xp.asarray(g[i].copy())
        sgd.step()
        v = 0.9 * v + 2 * sgd.lr * (g[i] + 0.005 * w)
        w = w - v
        np.testing.assert_allclose(to_host(parameter.data), w, rtol=1e-13)
    np.testing.assert_array_equal(to_host(parameter.grad), g[2])


def test_frozen_and_unreached_parameters_stay(rng):
    frozen, unreached = Parameter(np.ones(2), trainable=False), Parameter(np.ones(2))
    frozen.grad = np.ones(2)
    SGD([("a", frozen), ("b", unreached)], lr=1.0).step()
    np.testing.assert_array_equal([frozen.data, unreached.data], np.ones((2, 2)))


def test_momentum_survives_saving_bit_for_bit(rng):
    def train(sgd, parameter, rounds, seed):
        generator = np.random.default_rng(seed)
        for _ in range(rounds):
            parameter.grad = generator.standard_normal((3, 4)).astype(np.float32)
            sgd.step()

    straight = Parameter(np.ones((3, 4), np.float32))
    first = SGD([("w", straight)], lr=0.1)
    train(first, straight, 2, 0)
    resumed = Parameter(straight.data.copy())
    second = SGD([("w", resumed)], lr=0.1)
    second.load_state_dict({name: v.copy() for name, v in first.state_dict().items()})
    train(first, straight, 2, 1)
    train(second, resumed, 2, 1)
    assert straight.data.tobytes() == resumed.data.tobytes()
    assert straight.data.dtype == np.float32


def test_training_resumes_bit_for_bit_from_saved_arrays(rng):
    """Layers lay weights out in memory as they like; files hold plain arrays. It must not show."""

    def make():
        net = Sequential(a=Conv2d(4, 8, 3, rng=np.random.default_rng(1)), relu=ReLU(), b=Conv2d(8, 8, 3))
        return net, SGD(net.named_parameters(), lr=0.01)

    def train(net, sgd, images):
        for x in images:
            sgd.zero_grad()
            net.backward(net(x))
            clip_gradients(net.named_parameters(), 1.0)
            sgd.step()

    images = rng.standard_normal((4, 2, 4, 20, 20), dtype=np.float32)
    net, sgd = make()
    net.b.bias.data += 1
    train(net, sgd, images[:2])
    other, other_sgd = make()
    saved = {name: np.array(w, order="C") for name, w in net.state_dict().items()}
    assert all(v.flags.c_contiguous for v in sgd.state_dict().values())
    other.load_state_dict(saved)
    other_sgd.load_state_dict(sgd.state_dict())
    train(net, sgd, images[2:])
    train(other, other_sgd, images[2:])
    for (name, ours), (_, theirs) in zip(net.named_parameters(), other.named_parameters(), strict=True):
        assert ours.data.tobytes() == theirs.data.tobytes(), name


def test_wrong_momentum_is_named():
    sgd = SGD([("w", Parameter(np.ones(3)))], lr=0.1)
    with pytest.raises(KeyError, match="bias"):
        sgd.load_state_dict({"bias": np.ones(3)})
    with pytest.raises(ValueError, match="momentum w"):
        sgd.load_state_dict({"w": np.ones(4)})


def test_zero_grad():
    parameter = Parameter(np.ones(3))
    parameter.grad = np.ones(3)
    SGD([("w", parameter)], lr=0.1).zero_grad()
    assert parameter.grad is None


def test_clip_gradients(xp):
    a, b, frozen = (Parameter(xp.zeros(2)) for _ in range(3))
    a.grad, b.grad, frozen.grad = xp.asarray([3.0, 0.0]), xp.asarray([0.0, 4.0]), xp.asarray([9.0, 9.0])
    frozen.trainable = False
    named = [("a", a), ("b", b), ("frozen", frozen)]
    assert clip_gradients(named, 10.0) == 5.0
    np.testing.assert_array_equal(to_host(a.grad), [3, 0])
    assert clip_gradients(named, 1.0) == 5.0
    np.testing.assert_allclose(to_host(b.grad), [0, 0.8])
    np.testing.assert_array_equal(to_host(frozen.grad), [9, 9])


def test_schedules():
    step = StepSchedule(lr=0.1, gamma=0.5, step=10)
    assert [step(i) for i in (0, 9, 10, 25)] == pytest.approx([0.1, 0.1, 0.05, 0.025])
    multi = MultiStepSchedule(lr=1.0, gamma=0.1, milestones=(3, 5))
    assert [multi(i) for i in (0, 2, 3, 4, 5)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])
