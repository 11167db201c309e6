"""The few operations that NumPy and CuPy do not share by one name, and what layouts cost."""

import numpy as np
import pytest
from counting import counted
from numpy.lib.stride_tricks import sliding_window_view

from minircnn.arrays import clip, like, read_numbers, sliding_windows, to_host
from minircnn.kernels.layout import elementwise, from_channels_last
from minircnn.kernels.products import matmul
from minircnn.nn import SGD, Conv2d, Parameter, clip_gradients


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 3, 1, 2), (3, 2, 1, 0), (1, 0, 2, 3)])
def test_an_array_keeps_its_layout_on_the_way_to_the_gpu(axes, gpu, rng):
    values = rng.standard_normal((2, 3, 4, 5)).transpose(axes)
    moved = like(values, gpu.empty(0), dtype=np.float32)
    assert isinstance(moved, gpu.ndarray)
    assert moved.dtype == np.float32
    assert moved.strides == values.astype(np.float32, order="K").strides
    np.testing.assert_array_equal(to_host(moved), values.astype(np.float32))


@pytest.mark.parametrize(
    "values", [2.5, [1.0, 2.0], np.float64(3), np.arange(6)[::-2], np.ones((3, 4))[:, ::2]]
)
def test_numbers_lists_and_gaps_move_too(values, gpu):
    np.testing.assert_array_equal(to_host(like(values, gpu.empty(0))), values)


def test_a_network_takes_its_layout_along(gpu, rng):
    conv = Conv2d(3, 4, 3, rng=rng)
    conv(np.zeros((1, 3, 5, 5), np.float32))  # brings the weight to channels last
    conv.to(gpu)
    assert conv.weight.data.strides == (108, 4, 36, 12)


def test_clip_is_numpys(xp):
    x = np.array([-np.inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, np.inf, np.nan], np.float32)
    for low, high in ((-1, 1), (0.25, 0.75), (None, 0.1), (0, None)):
        ours = clip(xp.asarray(x), low, high)
        assert ours.dtype == xp.float32
        np.testing.assert_array_equal(to_host(ours), np.clip(x, low, high))
    np.testing.assert_array_equal(to_host(clip(xp.asarray([-3, 3, 30]), 0, 7)), [0, 3, 7])


def test_clip_does_not_wait(gpu):
    with counted(waits=0) as work:
        clip(gpu.ones(5), 0, 1)
    work.check(waits=0)


def test_several_numbers_cost_one_wait(gpu):
    values = [gpu.asarray(np.array(v)) for v in (np.float32(0.5), 3, True)]
    with counted() as work:
        assert read_numbers(*values) == (0.5, 3.0, 1.0)
    work.check(waits=1)
    assert read_numbers() == ()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_are_those_of_numpy(stride, rng):
    x = rng.standard_normal((2, 7, 8, 3))[:, :, 1:]
    expected = sliding_window_view(x, (3, 2), axis=(1, 2))[:, ::stride, ::stride]
    ours = sliding_windows(x, (3, 2), (1, 2), stride)
    np.testing.assert_array_equal(ours, expected)
    assert np.shares_memory(ours, x)


def test_windows_on_a_gpu_are_views_and_do_not_wait(gpu, rng):
    x = rng.standard_normal((2, 7, 8, 3))
    moved = gpu.asarray(x)
    with counted(waits=0) as work:
        windows = sliding_windows(moved, (3, 3), (1, 2), 2)
    work.check(launches=0, waits=0)
    np.testing.assert_array_equal(to_host(windows), sliding_windows(x, (3, 3), (1, 2), 2))


def test_a_window_larger_than_the_map_is_refused(gpu):
    for library in (np, gpu):
        with pytest.raises(ValueError, match="a window of 5 does not fit on 4 places"):
            sliding_windows(library.ones((1, 9, 4, 1)), (5, 5), (1, 2))


def test_elementwise_keeps_the_layout(gpu, rng):
    x = from_channels_last(gpu.asarray(rng.standard_normal((2, 4, 5, 3))))
    y = gpu.asarray(rng.standard_normal(x.shape))
    total = elementwise(lambda a, b: a + b, x, y)
    assert total.strides == x.strides
    np.testing.assert_array_equal(to_host(total), to_host(x) + to_host(y))


def test_a_product_of_host_and_gpu_is_refused_in_words(gpu):
    for a, b in ((np.ones((2, 2)), gpu.ones((2, 2))), (gpu.ones((2, 2)), np.ones((2, 2)))):
        with pytest.raises(TypeError, match="expected arrays of one library"):
            matmul(a, b)


def parameters(gpu, rng, count=10):
    found = [(str(i), Parameter(gpu.asarray(rng.standard_normal((3, 4))))) for i in range(count)]
    for _, parameter in found:
        parameter.accumulate(parameter.data * 2)
    return found


def test_the_norm_of_all_gradients_costs_one_wait(gpu, rng):
    found = parameters(gpu, rng)
    expected = np.sqrt(sum(np.sum(to_host(p.grad) ** 2) for _, p in found))
    with counted() as work:
        assert clip_gradients(found, max_norm=1.0) == pytest.approx(expected)
    # square, sum and scaling of each, and all sums side by side
    work.check(launches=3 * len(found) + 1, waits=1)
    assert clip_gradients(found, max_norm=9.0) == pytest.approx(1)


def test_a_step_passes_six_times_over_each_parameter(gpu, rng):
    found = parameters(gpu, rng)
    solver = SGD(found, lr=0.1)
    solver.step()
    with counted(waits=0) as work:
        solver.step()
    work.check(launches=6 * len(found), waits=0)
