"""Winograd's convolution by kernels of a GPU: output and gradients equal the textbook's, block by block."""

import numpy as np
import pytest

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.kernels.convolution import gpu_winograd, im2col
from minircnn.kernels.convolution.choice import choose_algorithm
from minircnn.kernels.convolution.geometry import ConvGeometry

CASES = [  # window, padding, groups, maps, channels, filters
    (3, 1, 1, (2, 13, 10), 5, 7),
    (3, 0, 1, (1, 9, 8), 4, 3),
    (3, 2, 2, (1, 6, 7), 2, 4),
    (5, 2, 2, (2, 11, 14), 6, 4),
]


@pytest.fixture(params=[gpu_winograd.GPU_BLOCK_BYTES, 3000, 1])
def in_blocks(request, monkeypatch):
    """All tiles at once, some, one by one."""
    monkeypatch.setattr(gpu_winograd, "GPU_BLOCK_BYTES", request.param)


def drawn(rng, case, dtype):
    k, padding, groups, (n, height, width), channels, filters = case
    geometry = ConvGeometry(k, 1, padding, groups)
    x = rng.standard_normal((n, height, width, channels)).astype(dtype)
    weight = rng.standard_normal((filters, k, k, channels // groups)).astype(dtype)
    dy = rng.standard_normal((n, *geometry.output_size(height, width), filters)).astype(dtype)
    return geometry, x, weight, rng.standard_normal(filters).astype(dtype), dy


def assert_close(found, expected):
    """Within the rounding of a method that multiplies by its points' powers."""
    found = to_host(found)
    assert found.dtype == expected.dtype
    tolerance = 100 * np.finfo(found.dtype).eps * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_it_convolves_as_the_textbook_does(case, dtype, gpu, rng):
    geometry, x, weight, bias, _ = drawn(rng, case, dtype)
    _, padding, groups = case[:3]
    expected = textbook.conv2d(
        x.transpose(0, 3, 1, 2), weight.transpose(0, 3, 1, 2), bias, 1, padding, groups
    ).transpose(0, 2, 3, 1)
    filters = gpu_winograd.prepare_filters(gpu.asarray(weight), geometry)
    for rectify in (False, True):
        y = gpu_winograd.convolve(gpu.asarray(x), filters, gpu.asarray(bias), geometry, rectify=rectify)
        assert_close(y, (np.maximum(expected, 0) if rectify else expected).astype(dtype))


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_its_gradients_are_those_of_the_plain_method(case, dtype, gpu, rng):
    geometry, x, weight, _, dy = drawn(rng, case, dtype)
    size = x.shape[1:3]
    up = gpu.asarray
    assert_close(
        gpu_winograd.weight_gradient(up(x), up(dy), geometry), im2col.weight_gradient(x, dy, geometry)
    )
    assert_close(
        gpu_winograd.input_gradient(up(dy), up(weight), geometry, size),
        im2col.input_gradient(dy, weight, geometry, size),
    )


def test_it_is_chosen_for_many_channels_and_tiles(gpu):
    weight = gpu.zeros((32, 3, 3, 32), dtype=np.float32)
    large, small = (gpu.zeros((1, side, side, 32), dtype=np.float32) for side in (40, 20))
    assert choose_algorithm(large, weight, ConvGeometry(3, 1, 1, 1)) is gpu_winograd
    assert choose_algorithm(large, weight, ConvGeometry(3, 2, 1, 1)) is im2col
    assert choose_algorithm(small, weight, ConvGeometry(3, 1, 1, 1)) is im2col
