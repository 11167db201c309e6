import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_layouts import LAYOUTS

from minircnn import textbook
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.convolution.im2col import make_bands
from minircnn.nn import Conv2d, gradcheck

# (channels, filters, k, stride, padding, groups, (N, H, W))
GEOMETRIES = [
    (3, 4, 3, 1, 1, 1, (2, 6, 5)),
    (4, 6, 5, 1, 2, 2, (2, 7, 7)),
    (3, 4, 11, 4, 0, 1, (2, 27, 23)),
    (3, 4, 3, 2, 1, 1, (1, 8, 9)),
    (4, 6, 1, 1, 0, 1, (3, 5, 4)),
    (4, 6, 1, 2, 0, 2, (3, 5, 4)),
    (2, 3, 2, 3, 4, 1, (1, 5, 6)),
    (2, 3, 1, 1, 2, 1, (1, 4, 4)),
    (2, 3, 3, 1, 0, 1, (2, 3, 3)),
]


def make(channels, filters, k, stride, padding, groups, dtype=np.float64):
    rng = np.random.default_rng(1)
    layer = Conv2d(channels, filters, k, stride=stride, padding=padding, groups=groups, rng=rng)
    layer.bias.data = rng.standard_normal(filters)
    layer.astype(dtype)
    return layer


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", GEOMETRIES)
def test_equals_plain_loops(case, layout, rng):
    *geometry, (n, h, w) = case
    layer = make(*geometry)
    x = rng.standard_normal((n, geometry[0], h, w))
    weight, bias = layer.weight.data, layer.bias.data
    y = layer(LAYOUTS[layout](x))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, textbook.conv2d(x, weight, bias, *geometry[3:]), rtol=0, atol=1e-12)
    dy = rng.standard_normal(y.shape)
    ours = layer.backward(LAYOUTS[layout](dy)), layer.weight.grad, layer.bias.grad
    for gradient, expected in zip(ours, textbook.conv2d_backward(dy, x, weight, *geometry[3:]), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("case", GEOMETRIES)
def test_gradients(case, rng):
    *geometry, (n, h, w) = case
    report = gradcheck(make(*geometry), rng.standard_normal((n, geometry[0], h, w)), rng=rng, max_elements=60)
    assert report.ok, report


@pytest.mark.parametrize("shape", [(1, 70, 60), (9, 30, 30), (40, 6, 6)])
def test_many_bands_equal_one(shape, rng, monkeypatch):
    """Bands of rows and of images join without a seam, forward and backward."""
    n, h, w = shape
    x, layer = rng.standard_normal((n, 4, h, w)), make(4, 6, 3, 1, 1, 2)
    strided = make(4, 6, 3, 2, 1, 1)
    assert len(make_bands((n, h, w), 4 * 9 * 8, True)) > 1

    def run():
        results = []
        for conv in (layer, strided):
            conv.zero_grad()
            y = conv(x)
            results += [y, conv.backward(y), conv.weight.grad, conv.bias.grad]
        return results

    banded = run()
    monkeypatch.setattr("minircnn.kernels.convolution.im2col.BAND_POSITIONS", 10**9)
    for a, b in zip(banded, run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-9)


@given(st.integers(0, 40), st.integers(1, 90), st.integers(1, 90), st.integers(1, 20000))
def test_bands_cover_everything_once(n, height, width, row_bytes):
    seen = np.zeros((n, height), dtype=int)
    for band in make_bands((n, height, width), row_bytes, True):
        seen[band.first : band.last, band.top : band.bottom] += 1
    assert (seen == 1).all()


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 4), st.integers(1, 9), st.integers(1, 9))
def test_output_size_counts_windows(k, stride, padding, height, width):
    geometry = ConvGeometry(k, stride, padding, 1)
    if min(height, width) + 2 * padding < k:
        with pytest.raises(ValueError, match="smaller than"):
            geometry.output_size(height, width)
        return
    starts = [s for s in range(0, height + 2 * padding - k + 1, stride)]
    assert geometry.output_size(height, width)[0] == len(starts)


def test_float32_stays_float32(rng):
    layer = Conv2d(3, 4, 3, padding=1, rng=rng)
    y = layer(rng.standard_normal((2, 3, 5, 5), dtype=np.float32))
    dx = layer.backward(y)
    assert y.dtype == dx.dtype == layer.weight.grad.dtype == layer.bias.grad.dtype == np.float32


def test_no_images(rng):
    layer = Conv2d(3, 4, 3, rng=rng)
    y = layer(np.zeros((0, 3, 8, 8), np.float32))
    assert y.shape == (0, 4, 6, 6)
    assert layer.backward(y).shape == (0, 3, 8, 8)
    assert not layer.weight.grad.any()


def test_memory_is_channels_last_and_weights_keep_their_values(rng):
    layer = Conv2d(3, 4, 3, rng=rng)
    before = layer.weight.data.copy()
    y = layer(rng.standard_normal((2, 3, 8, 8), dtype=np.float32))
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_array_equal(layer.weight.data, before)
    laid_out = layer.weight.data
    layer(rng.standard_normal((2, 3, 8, 8), dtype=np.float32))
    assert np.shares_memory(layer.weight.data, laid_out)  # laid out once, not at every call


def test_frozen_layer_computes_no_weight_gradient(rng):
    layer = Conv2d(3, 4, 3, rng=rng)
    layer.freeze()
    y = layer(rng.standard_normal((2, 3, 8, 8), dtype=np.float32))
    assert layer.backward(y).shape == (2, 3, 8, 8)
    assert layer.weight.grad is None
    assert layer.bias.grad is None


def test_skips_unused_input_gradient(rng):
    layer = Conv2d(3, 4, 3, rng=rng)
    layer.needs_input_grad = False
    y = layer(rng.standard_normal((2, 3, 8, 8), dtype=np.float32))
    assert layer.backward(y) is None
    assert layer.weight.grad.shape == (4, 3, 3, 3)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 4, 8, 8)])
def test_wrong_input_is_named(shape):
    with pytest.raises(ValueError, match=r"expected x of shape \(N, 3, H, W\)"):
        Conv2d(3, 4, 3)(np.zeros(shape, np.float32))


def test_groups_must_divide():
    with pytest.raises(ValueError, match="groups"):
        Conv2d(3, 4, 3, groups=2)
