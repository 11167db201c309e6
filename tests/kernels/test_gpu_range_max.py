"""Maxima over rectangles on a GPU equal those on the host; sums of gradients do not depend on the order."""

import numpy as np
import pytest

from minircnn.arrays import to_host
from minircnn.kernels.maxima import gpu_range_max, range_max
from minircnn.kernels.maxima.gpu_range_max import exact_sums


def scene(rng, dtype, regions=9, bins=5, channels=7):
    """Draw maps of small integers (many ties), rectangles, some of them empty, and the maps they lie on."""
    n, height, width = 2, int(rng.integers(1, 20)), int(rng.integers(1, 20))
    maps = rng.integers(-3, 4, (n, height, width, channels)).astype(dtype)
    maps[rng.random(maps.shape) < 0.1] *= -1  # also -0
    limits = [height + 1, height + 1, width + 1, width + 1]
    return maps, rng.integers(0, limits, (regions, bins, 4)), rng.integers(0, n, regions)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_they_equal_those_on_the_host(dtype, gpu):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        host = scene(rng, dtype, regions=int(rng.integers(0, 10)))
        device = [gpu.asarray(a) for a in host]
        for keep in (False, True):
            expected, winners = range_max.rectangle_maxima(*host, keep_winner=keep)
            ours, ours_winners = gpu_range_max.rectangle_maxima(*device, keep_winner=keep)
            assert ours.dtype == dtype
            np.testing.assert_array_equal(to_host(ours), expected)
        dy = rng.integers(-9, 10, expected.shape).astype(dtype)  # sums of whole numbers are exact
        np.testing.assert_array_equal(
            to_host(gpu_range_max.scatter_to_winners(gpu.asarray(dy), ours_winners)),
            range_max.scatter_to_winners(dy, winners),
        )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_not_a_number_wins_as_on_the_host(dtype, gpu):
    maps = np.ones((1, 2, 3, 1), dtype)
    maps[0, 1, 1], maps[0, 0, 2] = np.nan, 5
    host = maps, np.array([[[0, 2, 0, 3], [0, 2, 2, 3]]]), np.array([0])
    for keep in (False, True):
        expected, _ = range_max.rectangle_maxima(*host, keep_winner=keep)
        ours, _ = gpu_range_max.rectangle_maxima(*(gpu.asarray(a) for a in host), keep_winner=keep)
        np.testing.assert_array_equal(to_host(ours), expected)
        assert np.isnan(expected[0, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_sums_are_right_and_the_same_in_any_order(size, dtype, gpu, rng):
    count = 3000
    values = (rng.standard_normal((count, 2)) * 10.0 ** rng.integers(-6, 1, (count, 2)) * size).astype(dtype)
    places = rng.integers(0, 40, (count, 2)) * 2 + [0, 1]  # a column has places of its own
    expected = np.zeros(80)
    np.add.at(expected, places.ravel(), values.ravel().astype(np.float64))
    sums = to_host(exact_sums(gpu.asarray(places), gpu.asarray(values), 80, most=count))
    assert sums.dtype == dtype
    largest = np.abs(values).max()
    # each value is rounded to 2^-50 of the largest or better, and the sum to `dtype`
    tolerance = count * 2.0**-50 * largest + np.finfo(dtype).eps * np.abs(expected).max()
    np.testing.assert_allclose(sums, expected, rtol=0, atol=tolerance)
    for _ in range(5):
        order = rng.permutation(count)
        again = exact_sums(gpu.asarray(places[order]), gpu.asarray(values[order]), 80, most=count)
        np.testing.assert_array_equal(to_host(again), sums)


def test_the_largest_sums_do_not_overflow(gpu):
    """The bound is reached: all values are the largest, and go to one place."""
    for count in (1, 2, 3, 255, 256, 257):
        for value in (1.0, -1.0, 1.5, np.nextafter(2.0, 0)):
            places, values = gpu.zeros((count, 1), dtype=np.int64), gpu.full((count, 1), value)
            assert to_host(exact_sums(places, values, 1, most=count))[0] == count * value


def test_nothing_and_zeros_sum_to_zero(gpu):
    for count in (0, 3):
        places, values = gpu.zeros((count, 1), dtype=np.int64), gpu.zeros((count, 1))
        np.testing.assert_array_equal(to_host(exact_sums(places, values, 4, most=count)), np.zeros(4))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_no_number_that_is_not_finite_gets_lost(bad, gpu):
    values = gpu.asarray(np.array([[1.0], [bad], [2.0]]))
    assert np.isnan(to_host(exact_sums(gpu.asarray(np.array([[0], [1], [2]])), values, 3, most=1))).all()
