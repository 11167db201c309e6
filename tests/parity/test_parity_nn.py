"""Every layer and loss equals PyTorch, forward and backward, on the same numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402

from minircnn.nn import (  # noqa: E402
    SGD,
    Conv2d,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    RoIAlign,
    RoIPool,
    Sequential,
    SpatialPyramidPool,
    UpsampleBilinear,
    hinge_loss,
    l2_loss,
    multi_task_loss,
    pixel_cross_entropy,
    smooth_l1,
    softmax_cross_entropy,
)

TOLERANCE = {np.float64: 1e-12, np.float32: 2e-5}
"""On the difference, relative to the largest value."""


@pytest.fixture(params=[np.float64, np.float32], ids=["float64", "float32"])
def dtype(request):
    return request.param


def tensor(x):
    return torch.from_numpy(np.ascontiguousarray(x)).requires_grad_(np.issubdtype(x.dtype, np.floating))


def assert_same(ours, theirs, dtype):
    expected = theirs.detach().numpy()
    assert ours.shape == expected.shape
    assert ours.dtype == expected.dtype == dtype
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(expected).max()))


def check_layer(layer, twin, x, rng, dtype):
    """Compare output, dLoss/dx and parameter gradients; `twin` maps tensors x, weight, bias to y."""
    layer.astype(dtype)
    x = x.astype(dtype)
    parameters = [tensor(p.data) for _, p in layer.named_parameters()]
    tx = tensor(x)
    y, ty = layer(x), twin(tx, *parameters)
    assert_same(y, ty, dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    ty.backward(torch.from_numpy(dy))
    assert_same(layer.backward(dy), tx.grad, dtype)
    for (_, ours), theirs in zip(layer.named_parameters(), parameters, strict=True):
        assert_same(ours.grad, theirs.grad, dtype)


# (channels, filters, k, stride, padding, groups, (N, H, W)): those of AlexNet, VGG16 and SqueezeNet, narrower
CONVOLUTIONS = [
    (3, 12, 11, 4, 0, 1, (2, 67, 59)),
    (12, 16, 5, 1, 2, 2, (2, 13, 15)),
    (16, 24, 3, 1, 1, 1, (3, 13, 13)),
    (24, 16, 3, 1, 1, 2, (3, 13, 13)),
    (3, 8, 3, 1, 1, 1, (1, 60, 70)),
    (3, 8, 3, 2, 0, 1, (2, 33, 32)),
    (3, 8, 7, 2, 0, 1, (2, 33, 32)),
    (16, 8, 1, 1, 0, 1, (2, 14, 13)),
    (4, 8, 2, 3, 4, 1, (2, 14, 13)),
]


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_conv2d(case, rng, dtype):
    channels, filters, k, stride, padding, groups, (n, h, w) = case
    layer = Conv2d(channels, filters, k, stride=stride, padding=padding, groups=groups, rng=rng)
    layer.bias.data = rng.standard_normal(filters)
    check_layer(
        layer,
        lambda x, w, b: F.conv2d(x, w, b, stride, padding, groups=groups),
        rng.standard_normal((n, channels, h, w)),
        rng,
        dtype,
    )


def test_linear(rng, dtype):
    check_layer(Linear(30, 20, rng=rng), F.linear, rng.standard_normal((7, 30)), rng, dtype)


def test_relu(rng, dtype):
    check_layer(ReLU(), F.relu, rng.standard_normal((2, 3, 5, 6)), rng, dtype)


def test_flatten(rng, dtype):
    check_layer(Flatten(), lambda x: x.flatten(1), rng.standard_normal((2, 3, 5, 6)), rng, dtype)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("k", "stride", "padding"), [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0)])
def test_max_pool(k, stride, padding, ceil_mode, rng, dtype):
    for size in (12, 13, 14):
        x = rng.integers(0, 6, (2, 3, size, 11))  # ties: both take the first maximum
        check_layer(
            MaxPool2d(k, stride, padding, ceil_mode),
            lambda x: F.max_pool2d(x, k, stride, padding, ceil_mode=ceil_mode),
            x,
            rng,
            dtype,
        )


def test_global_average_pool(rng, dtype):
    check_layer(
        GlobalAveragePool(), lambda x: x.mean(dim=(2, 3)), rng.standard_normal((2, 3, 5, 6)), rng, dtype
    )


@pytest.mark.parametrize("settings", [(5, 1e-4, 0.75, 1.0), (3, 0.3, 0.6, 2.0)])
def test_local_response_norm(settings, rng, dtype):
    check_layer(
        LocalResponseNorm(*settings),
        lambda x: F.local_response_norm(x, *settings),
        20 * rng.standard_normal((2, 12, 5, 6)),
        rng,
        dtype,
    )


def test_a_chain_in_channels_last(rng, dtype):
    """Layers hand their maps on in channels-last memory; the chain equals PyTorch's all the same."""
    net = Sequential(
        conv1=Conv2d(3, 8, 3, stride=2, rng=rng),
        relu1=ReLU(),
        norm1=LocalResponseNorm(),
        pool1=MaxPool2d(3, 2, ceil_mode=True),
        conv2=Conv2d(8, 6, 3, padding=1, groups=2, rng=rng),
        relu2=ReLU(),
        flatten=Flatten(),
        fc=Linear(6 * 7 * 7, 5, rng=rng),
    )

    def twin(x, w1, b1, w2, b2, w3, b3):
        x = F.local_response_norm(F.relu(F.conv2d(x, w1, b1, 2)), 5)
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        return F.linear(F.relu(F.conv2d(x, w2, b2, padding=1, groups=2)).flatten(1), w3, b3)

    check_layer(net, twin, rng.standard_normal((2, 3, 31, 31)), rng, dtype)


def crop(features, roi, stride):
    """Return the cells of a region inside the map (C, h, w), by Caffe's rounding."""
    x1, y1, x2, y2 = (int(v) for v in np.floor((roi - [0, 0, 1, 1]) / stride + 0.5))
    return features[:, y1 : y2 + 1, x1 : x2 + 1]


def regions_inside(rng, height, width, stride, count):
    """Draw regions of whole pixels whose cells lie inside the map."""
    corners = rng.integers(0, [(width - 1) * stride, (height - 1) * stride], (count, 2, 2))
    boxes = np.sort(corners, axis=1).reshape(count, 4).astype(float)
    boxes[:, 2:] += 1
    return boxes


@pytest.mark.parametrize("output_size", [(7, 7), (6, 6), (3, 2)])
def test_roi_pool_is_adaptive_pooling_of_the_crop(output_size, rng, dtype):
    """Inside the map the bins are those of adaptive max pooling, empty ones and clipping aside."""
    features = rng.integers(0, 9, (2, 4, 11, 13)).astype(dtype)
    rois, owner = regions_inside(rng, 11, 13, 16, 30), rng.integers(0, 2, 30)
    layer, tf = RoIPool(output_size, 1 / 16), tensor(features)
    y = layer(features, rois, owner)
    ty = torch.stack(
        [
            F.adaptive_max_pool2d(crop(tf[int(i)], roi, 16), output_size)
            for roi, i in zip(rois, owner, strict=True)
        ]
    )
    np.testing.assert_array_equal(y, ty.detach().numpy())
    dy = rng.standard_normal(y.shape).astype(dtype)
    ty.backward(torch.from_numpy(dy))
    assert_same(layer.backward(dy), tf.grad, dtype)


def test_roi_align_reads_maps_as_grid_sampling_does(rng, dtype):
    """PyTorch's own interpolation, at the points of every bin."""
    features = rng.standard_normal((1, 4, 11, 13)).astype(dtype)
    corners = rng.uniform(-8, np.array([13, 11]) * 16 + 8, (40, 2, 2))  # up to half a cell off the map
    rois = np.sort(corners, axis=1).reshape(40, 4)
    layer, tf = RoIAlign((3, 2), 1 / 16), tensor(features)
    y = layer(features, rois)
    points = [
        (low + (high - low) * (np.arange(2 * bins)[:, None] + 0.5) / (2 * bins)).T
        for low, high, bins in ((rois[:, 1], rois[:, 3], 3), (rois[:, 0], rois[:, 2], 2))
    ]
    down, across = (2 * at / (16 * size) - 1 for at, size in zip(points, (11, 13), strict=True))
    grid = np.stack(np.broadcast_arrays(across[:, None, :], down[:, :, None]), axis=-1).astype(dtype)
    values = F.grid_sample(
        tf.expand(40, -1, -1, -1), torch.from_numpy(grid), padding_mode="border", align_corners=False
    )
    ty = F.avg_pool2d(values, 2)
    assert_same(y, ty, dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    ty.backward(torch.from_numpy(dy))
    assert_same(layer.backward(dy), tf.grad, dtype)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_roi_align_is_that_of_torchvision(samples, rng, dtype):
    ops = pytest.importorskip("torchvision.ops")
    features = rng.standard_normal((2, 4, 11, 13)).astype(dtype)
    corners = rng.uniform(-40, 16 * 15, (60, 2, 2))  # some leave the map
    rois = np.sort(corners, axis=1).reshape(60, 4).astype(dtype)
    owner = rng.integers(0, 2, 60)
    layer, tf = RoIAlign((3, 2), 1 / 16, samples=samples), tensor(features)
    y = layer(features, rois, owner)
    theirs = torch.from_numpy(np.concatenate([owner[:, None].astype(dtype), rois], axis=1))
    ty = ops.roi_align(tf, theirs, (3, 2), 1 / 16, samples, aligned=True)
    assert_same(y, ty, dtype)
    dy = rng.standard_normal(y.shape).astype(dtype)
    ty.backward(torch.from_numpy(dy))
    assert_same(layer.backward(dy), tf.grad, dtype)


def test_spatial_pyramid_is_adaptive_pooling_at_every_level(rng, dtype):
    features = rng.integers(0, 9, (2, 4, 11, 13)).astype(dtype)
    rois, owner = regions_inside(rng, 11, 13, 16, 30), rng.integers(0, 2, 30)
    rois[:, 2:] = np.maximum(rois[:, 2:], rois[:, :2] + 34)  # at least one cell's position inside
    rois[:, 2:] = np.minimum(rois[:, 2:], [13 * 16, 11 * 16])
    rois[:, :2] = np.minimum(rois[:, :2], rois[:, 2:] - 34)
    layer, tf = SpatialPyramidPool((1, 2, 3, 6), 1 / 16), tensor(features)
    y = layer(features, rois, owner)
    rows = []
    for (x1, y1, x2, y2), i in zip(rois / 16, owner, strict=True):
        top, bottom, left, right = (
            int(v) for v in (np.floor(y1) + 1, np.ceil(y2), np.floor(x1) + 1, np.ceil(x2))
        )
        cells = tf[int(i)][:, top:bottom, left:right]
        rows.append(torch.cat([F.adaptive_max_pool2d(cells, level).flatten() for level in (1, 2, 3, 6)]))
    ty = torch.stack(rows)
    np.testing.assert_array_equal(y, ty.detach().numpy())
    dy = rng.standard_normal(y.shape).astype(dtype)
    ty.backward(torch.from_numpy(dy))
    assert_same(layer.backward(dy), tf.grad, dtype)


def check_loss(value, gradient, expected, prediction, dtype):
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=max(TOLERANCE[dtype], 1e-12))
    assert_same(gradient, prediction.grad, dtype)


def test_softmax_cross_entropy(rng, dtype):
    logits, labels = (5 * rng.standard_normal((9, 4))).astype(dtype), rng.integers(0, 4, 9)
    t = tensor(logits)
    check_loss(*softmax_cross_entropy(logits, labels), F.cross_entropy(t, tensor(labels)), t, dtype)


def test_elementwise_losses(rng, dtype):
    a, b = (2 * rng.standard_normal((2, 9, 4))).astype(dtype)
    t = tensor(a)
    check_loss(*smooth_l1(a, b), F.smooth_l1_loss(t, torch.from_numpy(b), reduction="sum"), t, dtype)
    t = tensor(a)
    check_loss(*l2_loss(a, b), F.mse_loss(t, torch.from_numpy(b), reduction="sum") / 2, t, dtype)
    signs = rng.choice([-1, 1], a.shape)
    t = tensor(a)
    check_loss(*hinge_loss(a, signs), (1 - torch.from_numpy(signs) * t).clamp(min=0).sum(), t, dtype)


def test_multi_task_loss(rng, dtype):
    rows, columns = 8, 4
    score = rng.standard_normal((rows, columns)).astype(dtype)
    boxes = (2 * rng.standard_normal((rows, 4 * columns))).astype(dtype)
    labels, targets = rng.integers(0, columns, rows), rng.standard_normal((rows, 4)).astype(dtype)
    loss = multi_task_loss(score, boxes, labels, targets, lam=1.5)
    ts, tb, tl = tensor(score), tensor(boxes), tensor(labels)
    own = tb.reshape(rows, columns, 4)[torch.arange(rows), tl][tl > 0]
    localisation = F.smooth_l1_loss(own, torch.from_numpy(targets)[tl > 0], reduction="sum") / rows
    total = F.cross_entropy(ts, tl) + 1.5 * localisation
    total.backward()
    assert loss.total == pytest.approx(total.item(), rel=max(TOLERANCE[dtype], 1e-12))
    assert_same(loss.d_cls_score, ts.grad, dtype)
    assert_same(loss.d_bbox_pred, tb.grad, dtype)


def test_sgd_at_a_constant_rate(rng, dtype):
    """With the learning rate inside the velocity (Caffe) or outside (PyTorch), as long as it stays."""
    layer = Linear(6, 5, rng=rng)
    layer.astype(dtype)
    tw, tb = tensor(layer.weight.data.copy()), tensor(layer.bias.data.copy())
    ours = SGD(layer.named_parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    theirs = torch.optim.SGD([tw, tb], lr=0.05, momentum=0.9, weight_decay=0.01)
    for _ in range(20):
        x = rng.standard_normal((4, 6)).astype(dtype)
        for optimiser in (ours, theirs):
            optimiser.zero_grad()
        layer.backward(layer(x))
        (F.linear(torch.from_numpy(x), tw, tb) ** 2).sum().div(2).backward()
        ours.step()
        theirs.step()
    assert_same(layer.weight.data, tw, dtype)
    assert_same(layer.bias.data, tb, dtype)


@pytest.mark.parametrize("size", [(13, 11), (5, 7), (40, 28)])
def test_bilinear_up_sampling(size, rng, dtype):
    def twin(x):
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

    check_layer(UpsampleBilinear(size), twin, rng.standard_normal((2, 3, 5, 7)), rng, dtype)


def test_softmax_loss_of_pixels(rng, dtype):
    logits = rng.standard_normal((2, 4, 5, 6)).astype(dtype)
    labels = np.where(rng.random((2, 5, 6)) < 0.2, 255, rng.integers(0, 4, (2, 5, 6)))
    weights = np.array([0.2, 1, 1, 3], dtype=dtype)
    for own in (None, weights):
        theirs = tensor(logits)
        given = None if own is None else torch.from_numpy(own)
        expected = F.cross_entropy(theirs, torch.from_numpy(labels), weight=given, ignore_index=255)
        expected.backward()
        loss, gradient = pixel_cross_entropy(logits, labels, weights=own)
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        assert_same(gradient, theirs.grad, dtype)
