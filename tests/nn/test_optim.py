import numpy as np
import pytest

from minircnn.arrays import to_host
from minircnn.nn import SGD, MultiStepSchedule, Parameter, StepSchedule, clip_gradients


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
