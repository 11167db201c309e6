import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minircnn import textbook
from minircnn.kernels.convolution import im2col, winograd
from minircnn.kernels.convolution.choice import choose_algorithm
from minircnn.kernels.convolution.cook_toom import cook_toom
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.convolution.tiles import OUTPUTS, batches, make_blocks, spans
from minircnn.nn import Conv2d, ReLU, Sequential, gradcheck


def correlate(signal, taps):
    """The textbook: every output is the sum of the products under the filter."""
    return [
        sum(signal[i + j] * taps[j] for j in range(len(taps))) for i in range(len(signal) - len(taps) + 1)
    ]


@pytest.mark.parametrize(("outputs", "taps"), [(1, 1), (2, 3), (4, 3), (6, 3), (2, 5), (4, 5), (3, 2)])
def test_matrices_correlate_exactly(outputs, taps, rng):
    """In fractions, where nothing is rounded: the matrices hold powers of two and small fractions."""
    n = outputs + taps - 1
    back, filters, there = (
        [[Fraction(v).limit_denominator(10**6) for v in row] for row in m] for m in cook_toom(outputs, taps)
    )
    signal = [Fraction(int(v)) for v in rng.integers(-9, 10, n)]
    weights = [Fraction(int(v)) for v in rng.integers(-9, 10, taps)]

    def times(matrix, vector):
        return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]

    products = [a * b for a, b in zip(times(filters, weights), times(there, signal), strict=True)]
    assert times(back, products) == correlate(signal, weights)


def test_too_large_tiles_are_refused():
    with pytest.raises(ValueError, match="points"):
        cook_toom(8, 3)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([3, 5]),
    st.integers(0, 2),
    st.integers(1, 3),
    st.tuples(st.integers(1, 3), st.integers(5, 14), st.integers(5, 14)),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 60),
)
@example(3, 1, 2, (2, 13, 9), 2, 3, 1)  # a block for every tile
def test_equals_plain_loops(k, padding, groups, shape, channels, filters, tiles):
    """Forward and both gradients, whatever the edges, groups and the cut into blocks."""
    rng = np.random.default_rng(0)
    n, height, width = shape
    geometry = ConvGeometry(k, 1, padding, groups)
    x = rng.standard_normal((n, height, width, groups * channels))
    weight = rng.standard_normal((groups * filters, k, k, channels))
    bias = rng.standard_normal(groups * filters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "BLOCK_BYTES", tiles * 8 * (OUTPUTS + k - 1) ** 2 * (channels + filters))
        patch.setattr(winograd, "SMALL_FILTERS", 4)  # both ways of sharing are met
        patch.setattr(winograd, "BATCH_TILES", 2 * tiles)
        patch.setattr(winograd, "BATCH_BYTES", 2 * winograd.BLOCK_BYTES)
        u = winograd.prepare_filters(weight, geometry, keep=True)
        y = winograd.convolve(x, u, bias, geometry)
        rectified = winograd.convolve(x, u, bias, geometry, rectify=True)
        d_weight = winograd.weight_gradient(x, y, geometry)
        dx = winograd.input_gradient(y, weight, geometry, (height, width))
    logical = x.transpose(0, 3, 1, 2), weight.transpose(0, 3, 1, 2)
    expected = textbook.conv2d(*logical, bias, 1, padding, groups).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(rectified, np.maximum(expected, 0), rtol=0, atol=1e-11)
    gradients = textbook.conv2d_backward(y.transpose(0, 3, 1, 2), *logical, 1, padding, groups)
    for ours, theirs in zip((dx, d_weight), gradients, strict=False):
        np.testing.assert_allclose(ours, theirs.transpose(0, 2, 3, 1), atol=1e-12 * np.abs(ours).max())


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(1, 70), st.integers(1, 70), st.integers(0, 300))
def test_blocks_hold_every_tile_once(n, height, width, tiles):
    seen = np.zeros((n, math.ceil(height / OUTPUTS), math.ceil(width / OUTPUTS)), dtype=int)
    blocks = make_blocks((n, height, width), tiles)
    for block in blocks:
        seen[block] += 1
        assert 1 <= block.tiles <= max(1, tiles)
    assert (seen == 1).all()
    again = [block for some in batches(blocks, 2 * tiles) for block in some]
    assert again == blocks
    assert spans(blocks)[1] == seen.size


@pytest.mark.parametrize("k", [3, 5])
def test_rounding_in_float32_stays_near_that_of_plain_products(k, rng):
    """Layers as wide as the networks': the largest error, in units of the largest output."""
    geometry = ConvGeometry(k, 1, k // 2, 1)
    x = np.maximum(rng.standard_normal((1, 28, 28, 256)), 0)
    weight = rng.standard_normal((64, k, k, 256)) * 0.02
    exact = im2col.convolve(x, im2col.prepare_filters(weight, geometry), None, geometry)
    x32, weight32 = x.astype(np.float32), weight.astype(np.float32)
    y = winograd.convolve(x32, winograd.prepare_filters(weight32, geometry), None, geometry)
    assert y.dtype == np.float32
    assert np.abs(y - exact).max() < (1e-5 if k == 3 else 3e-5) * np.abs(exact).max()


def test_gradients_of_a_layer_that_takes_this_way(rng):
    layer = Conv2d(24, 24, 3, padding=1, rng=rng)
    layer.bias.data += rng.standard_normal(24).astype(np.float32)
    layer.astype(np.float64)
    x = rng.standard_normal((4, 24, 16, 16))
    pixels, weight = x.transpose(0, 2, 3, 1), layer.weight.data.transpose(0, 2, 3, 1)
    assert choose_algorithm(pixels, weight, layer.geometry) is winograd
    report = gradcheck(layer, x, rng=rng, max_elements=60)
    assert report.ok, report


@pytest.mark.parametrize(
    ("geometry", "channels", "shape"),
    [
        (ConvGeometry(3, 2, 1, 1), 32, (4, 32, 32)),  # strided
        (ConvGeometry(1, 1, 0, 1), 32, (4, 32, 32)),  # a pixel alone
        (ConvGeometry(3, 1, 3, 1), 32, (4, 32, 32)),  # more padding than its gradient can be turned around
        (ConvGeometry(3, 1, 1, 1), 3, (4, 32, 32)),  # a photo
        (ConvGeometry(3, 1, 1, 4), 32, (4, 32, 32)),  # groups of eight
        (ConvGeometry(3, 1, 1, 1), 32, (1, 8, 8)),  # few tiles
    ],
)
def test_what_gains_nothing_goes_the_plain_way(geometry, channels, shape):
    k, groups = geometry.kernel_size, geometry.groups
    x, weight = np.zeros((*shape, channels)), np.zeros((32, k, k, channels // groups))
    assert choose_algorithm(x, weight, geometry) is im2col


def test_kept_filters_follow_the_weight_however_it_changes(rng):
    layer = Conv2d(24, 24, 3, padding=1, rng=rng)
    x = rng.standard_normal((1, 24, 12, 12), dtype=np.float32)
    layer.eval()

    def expected():
        plain = im2col.convolve(
            np.ascontiguousarray(x.transpose(0, 2, 3, 1)),
            im2col.prepare_filters(layer.weight.data.transpose(0, 2, 3, 1), layer.geometry),
            layer.bias.data,
            layer.geometry,
        )
        return plain.transpose(0, 3, 1, 2)

    np.testing.assert_allclose(layer(x), expected(), atol=1e-4)
    kept = layer._filters._kept[1]
    np.testing.assert_allclose(layer(x), expected(), atol=1e-4)
    assert layer._filters._kept[1] is kept  # transformed once
    layer.weight.data[3, 2, 1, 0] += 5  # in place, behind the layer's back
    np.testing.assert_allclose(layer(x), expected(), atol=1e-4)
    layer.load_state_dict({"weight": np.ones((24, 24, 3, 3)), "bias": np.zeros(24)})
    np.testing.assert_allclose(layer(x), expected(), atol=1e-3)
    layer.astype(np.float64)
    assert layer(x).dtype == np.float64
    layer.train()
    layer(x)
    assert layer._filters._kept is None  # training changes the weight at every step: nothing is kept


def test_kept_filters_do_not_travel_with_the_layer(rng):
    layer = Conv2d(24, 24, 3, padding=1, rng=rng)
    layer.eval()
    x = rng.standard_normal((1, 24, 12, 12), dtype=np.float32)
    y = layer(x)
    assert layer._filters._kept is not None
    copy = pickle.loads(pickle.dumps(layer))
    assert copy._filters._kept is None
    np.testing.assert_array_equal(copy(x), y)


def test_a_relu_behind_is_done_by_the_convolution(rng):
    x = rng.standard_normal((2, 24, 20, 20), dtype=np.float32)
    net = Sequential(conv=Conv2d(24, 24, 3, padding=1, rng=rng), relu=ReLU(), wide=Conv2d(24, 4, 1, rng=rng))
    y = net(x)
    by_hand = net.wide(net.relu.forward(net.conv(x)))
    np.testing.assert_array_equal(y, by_hand)
    net(x)
    dx = net.backward(np.ones_like(y))
    net.wide(net.relu.forward(net.conv(x)))
    again = net.conv.backward(net.relu.backward(net.wide.backward(np.ones_like(y))))
    np.testing.assert_array_equal(dx, again)


def test_bits_do_not_depend_on_the_number_of_threads(rng):
    x = rng.standard_normal((2, 160, 30, 30), dtype=np.float32)
    net = Sequential(conv=Conv2d(160, 160, 3, padding=1, rng=rng), small=Conv2d(160, 32, 3, rng=rng))

    def run():
        net.zero_grad()
        y = net(x)
        return [a.tobytes() for a in (y, net.backward(y), net.conv.weight.grad, net.small.weight.grad)]

    with threadpool_limits(1, user_api="blas"):
        alone = run()
    with threadpool_limits(2, user_api="blas"):
        assert run() == alone


def test_double_precision_input_of_a_single_precision_layer_is_worked_in_double(rng):
    layer = Conv2d(24, 24, 3, padding=1, rng=rng)
    x = rng.standard_normal((1, 24, 40, 40))
    y = layer(x)
    exact = Conv2d(24, 24, 3, padding=1)
    exact.load_state_dict(layer.state_dict())
    exact.astype(np.float64)
    np.testing.assert_allclose(y, exact(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.backward(y), exact.backward(y), rtol=0, atol=1e-11)
