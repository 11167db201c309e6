import numpy as np
import pytest

from minircnn.nn import Linear, gradcheck


class WrongBias(Linear):
    """A layer of a user who forgot a factor."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad *= 2
        return dx


def test_finds_a_wrong_gradient_and_says_where(rng):
    layer = WrongBias(4, 3, rng=rng)
    layer.astype(np.float64)
    report = gradcheck(layer, rng.standard_normal((5, 4)), rng=rng)
    assert not report.ok
    wrong = {row.name for row in report.rows if row.max_error > report.tolerance}
    assert wrong == {"bias"}
    line = next(line for line in str(report).splitlines() if "bias" in line)
    assert line.startswith("✗")
    assert "analytic" in line


def test_finds_nan(rng):
    report = gradcheck(lambda x: (float(x.sum()), np.full_like(x, np.nan)), np.ones(3), rng=rng)
    assert not report.ok


def test_leaves_inputs_and_weights_as_they_were(rng):
    layer = Linear(4, 3, rng=rng)
    layer.astype(np.float64)
    x, weight = rng.standard_normal((5, 4)), layer.weight.data.copy()
    kept = x.copy()
    report = gradcheck(layer, x, rng=rng, max_elements=5)
    assert report.ok
    assert [row.checked for row in report.rows] == [5, 3, 5]
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(layer.weight.data, weight)
    assert layer.weight.grad is None


def test_wants_float64(rng):
    with pytest.raises(TypeError, match="float64"):
        gradcheck(Linear(4, 3, rng=rng), rng.standard_normal((5, 4)), rng=rng)


def test_frozen_parameters_are_not_checked(rng):
    layer = Linear(4, 3, rng=rng)
    layer.astype(np.float64)
    layer.freeze()
    assert [row.name for row in gradcheck(layer, rng.standard_normal((5, 4)), rng=rng).rows] == ["x"]
