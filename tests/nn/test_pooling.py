import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from memory_layouts import LAYOUTS

from minircnn import textbook
from minircnn.nn import GlobalAveragePool, MaxPool2d, gradcheck

# (k, stride, padding, ceil_mode, H, W)
CASES = [
    (2, 2, 0, False, 8, 9),
    (3, 2, 0, False, 13, 13),
    (3, 2, 0, True, 12, 14),
    (3, 2, 1, True, 13, 12),
    (3, 1, 1, False, 9, 9),
    (2, 3, 0, True, 11, 10),
    (3, 2, 0, True, 2, 5),
    (1, 1, 0, False, 3, 3),
]


def distinct(rng, shape):
    """Draw values that differ by far more than a finite difference's step."""
    return rng.permutation(np.prod(shape)).reshape(shape) * 0.01


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES)
def test_equals_plain_loops(case, layout, rng):
    *settings_, h, w = case
    layer = MaxPool2d(*settings_)
    x = rng.integers(-3, 3, (2, 3, h, w)).astype(float)  # many ties
    expected, where = textbook.max_pool2d(x, *settings_)
    y = layer(LAYOUTS[layout](x))
    np.testing.assert_array_equal(y, expected)
    dy = rng.standard_normal(y.shape)
    dx = layer.backward(LAYOUTS[layout](dy))
    np.testing.assert_allclose(dx, textbook.max_pool2d_backward(dy, where, x.shape), rtol=0, atol=1e-13)
    layer.eval()
    np.testing.assert_array_equal(layer(x), expected)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 2),
    st.booleans(),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_any_geometry_equals_plain_loops(k, stride, padding, ceil_mode, h, w):
    assume(padding < k)
    layer = MaxPool2d(k, stride, padding, ceil_mode)
    x = np.random.default_rng(h * 10 + w).integers(0, 4, (1, 2, h, w)).astype(np.float32)
    try:
        y = layer(x)
    except ValueError:
        assert not ceil_mode or min(h, w) + 2 * padding - k <= -stride
        return
    expected, where = textbook.max_pool2d(x, k, stride, padding, ceil_mode)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(layer.backward(y), textbook.max_pool2d_backward(y, where, x.shape))


def test_many_pieces_equal_one(rng, monkeypatch):
    x = rng.integers(0, 50, (2, 4, 40, 30)).astype(np.float32)
    whole = MaxPool2d(3, 2, ceil_mode=True)
    y = whole(x)
    dx = whole.backward(y)
    monkeypatch.setattr("minircnn.nn.pooling.PIECE_VALUES", 100)
    np.testing.assert_array_equal(whole(x), y)
    np.testing.assert_array_equal(whole.backward(y), dx)


def test_first_of_equal_values_gets_the_gradient():
    layer = MaxPool2d(2)
    layer(np.zeros((1, 1, 2, 2)))
    np.testing.assert_array_equal(layer.backward(np.ones((1, 1, 1, 1)))[0, 0], [[1, 0], [0, 0]])


@pytest.mark.parametrize("case", CASES)
def test_max_pool_gradient(case, rng):
    *settings_, h, w = case
    assert gradcheck(MaxPool2d(*settings_), distinct(rng, (2, 3, h, w)), rng=rng).ok


def test_average_pool(rng):
    x = rng.standard_normal((2, 3, 4, 5))
    layer = GlobalAveragePool()
    np.testing.assert_allclose(layer(x), x.reshape(2, 3, 20).mean(axis=2))
    assert gradcheck(layer, x, rng=rng).ok


def test_average_pool_stays_inside_the_standard(xp):
    layer = GlobalAveragePool()
    y = layer(xp.ones((2, 3, 4, 5)))
    dx = layer.backward(y)
    assert dx.shape == (2, 3, 4, 5)
    assert float(dx[0, 0, 0, 0]) == pytest.approx(1 / 20)


def test_nothing_is_kept_where_nothing_is_needed(rng):
    layer = MaxPool2d(2)
    layer.needs_input_grad = False
    y = layer(rng.standard_normal((1, 2, 4, 4)))
    assert layer.backward(y) is None
    assert layer._winner is None


def test_no_regions():
    layer = MaxPool2d(2)
    y = layer(np.zeros((0, 3, 6, 6), np.float32))
    assert y.shape == (0, 3, 3, 3)
    assert layer.backward(y).shape == (0, 3, 6, 6)


def test_map_smaller_than_the_window():
    with pytest.raises(ValueError, match="too few"):
        MaxPool2d(3)(np.zeros((1, 1, 2, 2)))


def test_padding_must_be_less_than_the_window():
    with pytest.raises(ValueError, match="padding"):
        MaxPool2d(2, padding=2)
