"""Every layer and loss gives on a GPU what it gives on the host, and leaves there what it makes.

Numbers agree to rounding. Sums run in another order, over up to 800 terms, and the host convolves some maps
by Winograd's method, whose transforms lose more. That is up to tens of units in the last place of the largest
number in a result; UNITS are allowed, in float64 2·10⁻¹⁴ of it: a mistake would be larger by far.
"""

import copy
import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
from counting import counted
from layer_cases import EXPORTED_LAYERS, EXPORTED_LOSSES, LAYERS, LOSSES, on_channels_last

from minircnn.arrays import to_host
from minircnn.nn import (
    SGD,
    Conv2d,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    RoIPool,
    clip_gradients,
    rpn_loss,
    softmax_cross_entropy,
)

UNITS = 100
KEEP_NO_ARRAY = {"Flatten", "Scale", "GlobalAveragePool", "UpsampleBilinear"}
"""Their backward pass needs nothing but shapes, so host arrays may come back through it."""
DTYPES = [np.float32, np.float64]


def parts(result):
    """Return what a layer or a loss gave as a flat list of arrays and numbers."""
    if dataclasses.is_dataclass(result):
        result = [getattr(result, field.name) for field in dataclasses.fields(result)]
    if isinstance(result, Mapping):
        result = list(result.values())
    return list(result) if isinstance(result, tuple | list) else [result]


def assert_same(gpu, on_device, on_host):
    """Assert that results on a GPU lie there, and equal the host's to rounding."""
    for ours, expected in zip(parts(on_device), parts(on_host), strict=True):
        if isinstance(expected, float):
            assert ours == pytest.approx(expected, rel=UNITS * float(np.finfo(np.float32).eps))
            continue
        assert isinstance(ours, gpu.ndarray)
        assert ours.dtype == expected.dtype
        assert ours.shape == expected.shape
        largest = np.abs(expected).max(initial=0)
        tolerance = UNITS * float(np.finfo(expected.dtype).eps) * largest
        np.testing.assert_allclose(to_host(ours), expected, rtol=0, atol=tolerance)


def twins(case, dtype, gpu):
    """Return the case's layer on the host and on the GPU, and its input on both."""
    host, device = copy.deepcopy(case.layer), copy.deepcopy(case.layer)
    host.astype(dtype)
    device.astype(dtype)
    device.to(gpu)
    x = case.x.astype(dtype, order="K")
    return host, device, x, gpu.asarray(x)


def update(layer):
    """Make two steps, the second with momentum; return the gradients' norm before they were clipped."""
    solver = SGD(layer.named_parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    norm = clip_gradients(layer.named_parameters(), max_norm=1.0)
    solver.step()
    solver.step()
    return norm


def test_no_layer_and_no_loss_is_missing():
    def kinds(name):
        return {type(module).__name__ for module in LAYERS[name].layer.modules()}

    assert set().union(*map(kinds, LAYERS)) == EXPORTED_LAYERS
    assert {case.loss.__name__ for case in LOSSES.values()} == EXPORTED_LOSSES


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_evaluation(name, dtype, gpu):
    host, device, x, x_device = twins(LAYERS[name], dtype, gpu)
    host.eval()
    device.eval()
    assert_same(gpu, device.forward(x_device, *LAYERS[name].others), host.forward(x, *LAYERS[name].others))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_training(name, dtype, gpu, rng):
    compare_training(LAYERS[name], dtype, gpu, rng)


@pytest.mark.parametrize("name", [name for name, case in LAYERS.items() if case.x.ndim == 4])
def test_a_layer_behind_another(name, gpu, rng):
    """Which hands on maps with channels last in memory."""
    compare_training(on_channels_last(LAYERS[name]), np.float32, gpu, rng)


def compare_training(case, dtype, gpu, rng):
    """Compare forward, backward, the parameters' gradients, and the parameters after two steps."""
    host, device, x, x_device = twins(case, dtype, gpu)
    y, y_device = host.forward(x, *case.others), device.forward(x_device, *case.others)
    assert_same(gpu, y_device, y)
    dys = tuple(rng.standard_normal(part.shape).astype(dtype) for part in parts(y))
    dx = case.backward(host, dys)
    assert_same(gpu, case.backward(device, tuple(gpu.asarray(dy) for dy in dys)), dx)
    for (_, ours), (_, theirs) in zip(device.named_parameters(), host.named_parameters(), strict=True):
        assert_same(gpu, ours.grad, theirs.grad)
    norm, expected = update(device), update(host)
    assert norm == pytest.approx(expected, rel=UNITS * float(np.finfo(dtype).eps))
    for (_, ours), (_, theirs) in zip(device.named_parameters(), host.named_parameters(), strict=True):
        assert_same(gpu, ours.data, theirs.data)


@pytest.mark.parametrize("name", [name for name, case in LAYERS.items() if case.others])
def test_regions_may_lie_on_the_gpu_too(name, gpu, rng):
    case = LAYERS[name]
    _, device, _, x = twins(case, np.float32, gpu)
    y = device.forward(x, *case.others)
    dy = gpu.asarray(rng.standard_normal(y.shape).astype(np.float32))
    dx = device.backward(dy)
    same = device.forward(x, *(gpu.asarray(other) for other in case.others))
    np.testing.assert_array_equal(to_host(same), to_host(y))
    np.testing.assert_array_equal(to_host(device.backward(dy)), to_host(dx))


@pytest.mark.parametrize("where", ["host", "gpu"])
@pytest.mark.parametrize("name", ["RoIPool", "RoIAlign", "SpatialPyramidPool"])
def test_bad_regions_are_named_wherever_they_lie(name, where, gpu):
    _, device, _, x = twins(LAYERS[name], np.float32, gpu)
    place = gpu.asarray if where == "gpu" else np.asarray
    rois, owner = np.array([[0.0, 0, 9, 9], [0, 0, np.nan, 9]]), np.array([0, 1])
    with pytest.raises(ValueError, match=r"region 1 is .*not finite"):
        device.forward(x, place(rois), place(owner))
    with pytest.raises(ValueError, match=r"image_index must lie in 0\.\.1"):
        device.forward(x, place(rois[:1]), place(owner[:1] + 2))
    with pytest.raises(TypeError, match="expected arrays of one library"):
        device.forward(x, rois, gpu.asarray(owner))


@pytest.mark.parametrize("name", LAYERS)
def test_a_mixture_of_host_and_gpu_is_refused_in_words(name, gpu):
    case = LAYERS[name]
    host, device, x, x_device = twins(case, np.float32, gpu)
    if dict(device.named_parameters()):
        for layer, wrong in ((device, x), (host, x_device)):
            with pytest.raises(TypeError, match="expected arrays of one library"):
                layer.forward(wrong, *case.others)
    dys = tuple(np.ones(part.shape, np.float32) for part in parts(device.forward(x_device, *case.others)))
    if name in KEEP_NO_ARRAY:
        assert isinstance(case.backward(device, dys), np.ndarray)
    else:
        with pytest.raises(TypeError, match="expected arrays of one library"):
            case.backward(device, dys)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss(name, dtype, gpu):
    case = LOSSES[name]
    arguments = [a.astype(dtype) if a.dtype.kind == "f" else a for a in case.arguments]
    with counted() as work:
        result = case.loss(*(gpu.asarray(a) for a in arguments))
    work.check(waits=case.waits)
    assert_same(gpu, result, case.loss(*arguments))


def test_bad_labels_are_named_on_a_gpu(gpu):
    logits = gpu.zeros((2, 3), dtype=np.float32)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.2, got 3 in row 1"):
        softmax_cross_entropy(logits, gpu.asarray(np.array([0, 3])))
    with pytest.raises(ValueError, match="labels must be -1, 0 or 1, got 2 in row 0"):
        rpn_loss(logits[:, :2], gpu.zeros((2, 4)), gpu.asarray(np.array([2, 0])), gpu.zeros((2, 4)))


def test_single_precision_weights_take_double_precision_maps(gpu, rng):
    """Whatever convolves, in whatever precision the slopes come back."""
    layers = [Conv2d(32, 24, 3, padding=1, rng=rng), Conv2d(3, 4, 3, stride=2, rng=rng), LocalResponseNorm()]
    for layer in layers:
        layer.prepare_training(input_grad=True)
        device = copy.deepcopy(layer)
        device.to(gpu)
        x = rng.standard_normal((1, 3 if layer is layers[1] else 32, 40, 36))
        y, found = layer.forward(x), device.forward(gpu.asarray(x))
        np.testing.assert_allclose(found.get(), y, rtol=1e-9, atol=1e-9)
        for dtype in (np.float32, np.float64):
            dy = rng.standard_normal(y.shape).astype(dtype)
            dx = device.backward(gpu.asarray(dy))
            np.testing.assert_allclose(dx.get(), layer.backward(dy), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, bool])
def test_maxima_of_whole_numbers_are_those_of_the_host(dtype, gpu, rng):
    maps = rng.integers(0, 2 if dtype is bool else 9, (2, 3, 8, 9)).astype(dtype)
    rois, owner = np.array([[0.0, 0, 6, 7], [2, 1, 9, 8]]), np.array([0, 1])
    for host, others in ((MaxPool2d(2), ()), (RoIPool(2, 1.0), (rois, owner)), (ReLU(), ())):
        device = copy.deepcopy(host)
        expected, found = host.forward(maps, *others), device.forward(gpu.asarray(maps), *others)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.get(), expected)


def test_weights_of_half_precision_take_slopes_of_single_precision(gpu, rng):
    host = Conv2d(32, 24, 3, padding=1, rng=rng)
    host.astype(np.float16)
    host.prepare_training(input_grad=True)
    device = copy.deepcopy(host)
    device.to(gpu)
    x, dy = rng.standard_normal((2, 32, 40, 36)).astype(np.float16), rng.standard_normal((2, 24, 40, 36))
    host.forward(x), device.forward(gpu.asarray(x))
    dx, found = host.backward(dy.astype(np.float32)), device.backward(gpu.asarray(dy.astype(np.float32)))
    for one, other in (
        (found, dx),
        (device.weight.grad, host.weight.grad),
    ):  # the host's sums are of half precision
        np.testing.assert_allclose(one.get(), other, rtol=0, atol=1e-2 * np.abs(other).max())


@pytest.mark.parametrize("name", ["Conv2d 3x3", "Conv2d 3x3 wide, of many tiles", "MaxPool2d 2/2"])
def test_slopes_of_another_shape_are_refused(name, gpu):
    case = LAYERS[name]
    host, device, x, x_device = twins(case, np.float32, gpu)
    for layer, value in ((host, x), (device, x_device)):
        y = layer.forward(value)
        for wrong in (y[:1], y[:, :, 1:]):
            with pytest.raises(ValueError, match="expected dy of shape"):
                layer.backward(wrong)
