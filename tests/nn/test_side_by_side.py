"""Layers side by side: convolutions write their channels where they belong."""

import numpy as np
import pytest

from minircnn.kernels.convolution import folded, im2col, winograd
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.nn import Concat, Conv2d, MaxPool2d, ReLU, Sequential


@pytest.mark.parametrize(
    ("algorithm", "geometry", "channels"),
    [
        (im2col, ConvGeometry(3, 2, 1, 1), 8),
        (im2col, ConvGeometry(1, 1, 0, 1), 8),  # the pixels themselves
        (im2col, ConvGeometry(3, 1, 1, 2), 8),
        (winograd, ConvGeometry(3, 1, 1, 1), 8),
        (winograd, ConvGeometry(3, 1, 0, 2), 8),
        (folded, ConvGeometry(11, 4, 2, 1), 3),
    ],
)
@pytest.mark.parametrize("rectify", [False, True])
def test_an_algorithm_fills_some_channels_of_a_larger_map(algorithm, geometry, channels, rectify, rng):
    k = geometry.kernel_size
    x = rng.standard_normal((3, 37, 41, channels)).astype(np.float32)
    weight = rng.standard_normal((6, k, k, channels // geometry.groups)).astype(np.float32)
    bias = rng.standard_normal(6).astype(np.float32)
    filters = algorithm.prepare_filters(weight, geometry, keep=True)
    alone = algorithm.convolve(x, filters, bias, geometry, rectify=rectify)
    joined = np.full((*alone.shape[:3], 11), 7, np.float32)
    algorithm.convolve(x, filters, bias, geometry, rectify=rectify, out=joined[..., 2:8])
    np.testing.assert_array_equal(joined[..., 2:8], alone)
    assert (np.delete(joined, range(2, 8), axis=3) == 7).all()


def fire(rng):
    return Concat(expand1x1=Conv2d(16, 64, 1, rng=rng), expand3x3=Conv2d(16, 32, 3, padding=1, rng=rng))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_convolutions_give_joined_what_each_gives_alone(mode, rng):
    layer = fire(rng)
    getattr(layer, mode)()
    x = rng.standard_normal((2, 16, 30, 33)).astype(np.float32)
    apart = np.concatenate([layer.expand1x1(x), layer.expand3x3(x)], axis=1)
    np.testing.assert_array_equal(layer(x), apart)
    np.testing.assert_array_equal(layer.forward_rectified(x), np.maximum(apart, 0))


def test_a_rectified_concatenation_learns_as_one_with_a_relu_behind(rng):
    layer, relu = fire(rng), ReLU()
    together = Sequential(expand=layer, relu=relu)
    together.train()
    x = rng.standard_normal((2, 16, 9, 8)).astype(np.float32)
    y = together(x)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = together.backward(dy)
    apart = layer.backward(np.where(y > 0, dy, 0).astype(np.float32))
    np.testing.assert_allclose(dx, apart, atol=1e-5)


def test_other_layers_are_joined_as_well(rng):
    layer = Concat(pooled=MaxPool2d(3, 1, padding=1), convolved=Conv2d(4, 3, 1, rng=rng))
    x = rng.standard_normal((1, 4, 5, 6)).astype(np.float32)
    expected = np.concatenate([layer.pooled(x), layer.convolved(x)], axis=1)
    np.testing.assert_array_equal(layer.forward_rectified(x), np.maximum(expected, 0))


@pytest.mark.parametrize("shape", [(2, 4), (1, 4, 5), (1, 3, 5, 6)])
def test_what_is_no_map_is_refused_as_by_a_single_convolution(shape, rng):
    layer = Concat(a=Conv2d(4, 3, 1, rng=rng), b=Conv2d(4, 2, 3, padding=1, rng=rng))
    with pytest.raises(ValueError, match="expected x of shape") as caught:
        layer.a(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="expected x of shape") as joined:
        layer(np.zeros(shape, np.float32))
    assert str(joined.value) == str(caught.value)


def test_maps_of_different_sizes_cannot_be_joined(rng):
    layer = Concat(small=Conv2d(4, 3, 3, rng=rng), large=Conv2d(4, 3, 1, rng=rng))
    with pytest.raises(ValueError, match="dimensions"):
        layer(rng.standard_normal((1, 4, 5, 6)).astype(np.float32))
