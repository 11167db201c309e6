"""The networks' shapes, their inputs, and SqueezeNet against the real Caffe."""

import json

import numpy as np
import pytest
from PIL import Image

from minircnn.backbones import BACKBONES, Normalization, build_backbone
from minircnn.imaging import read_image
from minircnn.nn import RoIPool

SMALL = {
    "tiny": {},
    "alexnet": {"widths": (8, 8)},
    "alexnet_torchvision": {"widths": (8, 8)},
    "vgg16": {"widths": (8, 8), "roi_size": 2},
}
NETWORKS = [
    *((name, SMALL.get(name, {})) for name in BACKBONES),
    ("alexnet", {"widths": (8,)}),
    ("vgg16", {"widths": (8,), "roi_size": 3}),
    ("squeezenet1_0", {"widths": (8,), "roi_size": 4, "pooled_scale": 0.125}),
    ("squeezenet1_1", {"widths": (8, 6), "roi_size": 5, "dropout": 0.0}),
]


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_the_record_tells_the_truth(name, options, rng):
    net = build_backbone(name, rng=rng, **options)
    net.eval()
    crops = rng.normal(size=(2, 3, net.crop_size, net.crop_size)).astype(np.float32)
    feature_map = net.features.forward(crops)
    assert feature_map.dtype == np.float32
    assert feature_map.shape[1] == net.channels
    assert abs(feature_map.shape[2] - net.crop_size / net.stride) <= 3  # convolutions without padding
    pooled = net.last_pool.forward(feature_map)
    if hasattr(net.head, "fc6"):
        assert pooled.shape[2:] == (net.roi_size, net.roi_size)
    features = net.head.forward(pooled)
    assert features.shape == (2, net.feature_dim)
    np.testing.assert_array_equal(features, net.forward(crops))
    assert (features >= 0).all()
    assert features.std() > 0
    names = dict(net.features.children())
    assert all(layer in names for layer in net.frozen)


@pytest.mark.parametrize("roi_size", [1, 4, 7])
def test_torchvisions_alexnet_pools_any_size(rng, roi_size):
    net = build_backbone("alexnet_torchvision", rng=rng, widths=(8, 8), roi_size=roi_size)
    features = net.features.forward(np.zeros((1, 3, net.crop_size, net.crop_size), np.float32))
    assert net.last_pool.forward(features).shape[2:] == (roi_size, roi_size)
    names = [name for name, _ in net.head.children()]
    assert names == ["flatten", "drop5", "fc6", "relu6", "drop6", "fc7", "relu7"]
    dry = build_backbone("alexnet_torchvision", widths=(8, 8), dropout=0.0, classifier=True)
    assert [name for name, _ in dry.classifier.children()] == [
        "flatten",
        "fc6",
        "relu6",
        "fc7",
        "relu7",
        "fc8",
    ]


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_options_rebuild_the_same_network(name, options, rng):
    net = build_backbone(name, rng=rng, **options)
    again = build_backbone(name, **json.loads(json.dumps(net.options)))
    assert again.normalization == net.normalization
    assert {n: p.data.shape for n, p in again.named_parameters()} == {
        n: p.data.shape for n, p in net.named_parameters()
    }
    assert not any(p.data.any() for _, p in again.named_parameters())


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_the_smallest_input_just_gives_a_map(name, options, rng):
    net = build_backbone(name, rng=rng, **options)
    net.eval()
    side = net.smallest_input
    assert min(net.features(np.zeros((1, 3, side, side), np.float32)).shape) > 0
    if side > 1:
        with pytest.raises(ValueError, match=r"too few|smaller than"):
            net.features(np.zeros((1, 3, side - 1, side - 1), np.float32))


def test_tiny_serves_roi_pooling_and_learns_through_it(rng):
    net = build_backbone("tiny", rng=rng)
    pool = RoIPool(net.roi_size, 1 / net.stride)
    net.train()
    pool.training = True
    photo = rng.normal(size=(1, 3, 64, 96)).astype(np.float32)
    rois = np.array([[0, 0, 40, 40], [20, 10, 90, 60]], np.float32)
    pooled = pool.forward(net.features.forward(photo), rois, np.zeros(2, np.int64))
    features = net.head.forward(pooled)
    net.features.backward(pool.backward(net.head.backward(np.ones_like(features))))
    assert all(p.grad is not None and p.grad.any() for _, p in net.named_parameters())


def test_wrong_names_and_options_are_refused():
    with pytest.raises(ValueError, match=r"unknown backbone 'resnet'; there are .*tiny"):
        build_backbone("resnet")
    with pytest.raises(TypeError, match="classes"):
        build_backbone("tiny", classes=3)
    with pytest.raises(ValueError, match="classifier=True"):
        build_backbone("tiny").classify(np.zeros((1, 3, 48, 48), np.float32))


def test_normalization_orders_and_centres_the_channels(rng):
    image = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    caffe = Normalization("bgr", 1.0, (10.0, 20.0, 30.0))
    x = caffe.apply(image)
    assert x.shape == (1, 3, 4, 5)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[0, 0], image[..., 2] - 10.0)
    np.testing.assert_allclose(x[0, 2], image[..., 0] - 30.0)
    np.testing.assert_array_equal(caffe.fill, [30, 20, 10])
    scaled = Normalization("rgb", 1 / 255, (0.5, 0.25, 0.1), (0.2, 0.3, 0.4))
    batch = scaled.apply(np.stack([image, image[::-1]]))
    np.testing.assert_allclose(batch[1, 1], (image[::-1, :, 1] / 255 - 0.25) / 0.3, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scaled.apply(np.tile(scaled.fill, (2, 2, 1))), 0, atol=1e-6)
    with pytest.raises(ValueError, match="RGB photos"):
        scaled.apply(image[..., 0])


def rounding_only(values, recorded):
    """Within 5e-6 of the map's range; the recorded float32 values are 3e-6 off a float64 computation."""
    return np.abs(values - recorded.reshape(values.shape)).max() <= 5e-6 * np.abs(recorded).max()


def test_squeezenet1_0_reproduces_the_recorded_caffe_activations(shared_data):
    golden = np.load(shared_data / "golden" / "caffe_squeezenet_v1.0_espresso.npz")
    weights = shared_data / "weights" / "squeezenet_v1.0_caffe_fp32.npz"
    net = build_backbone("squeezenet1_0", weights=weights, classifier=True)
    net.eval()
    assert net.options["normalization"] == "caffe"
    recorded = {name: golden[name] for name in golden.files}
    x = recorded["data"].reshape(1, 3, 227, 227)
    scores = net.classify(x)[0]
    for name, layer in net.features.children():
        x = layer.forward(x)
        if name in ("pool1", "pool4"):
            assert rounding_only(x, recorded[name])
    assert rounding_only(net.last_pool.forward(x), recorded["pool8"])
    np.testing.assert_allclose(scores, recorded["pool10"].ravel(), rtol=1e-4, atol=1e-4)
    probability = np.exp(scores - scores.max())
    probability /= probability.sum()
    np.testing.assert_allclose(probability, recorded["prob"].ravel(), atol=1e-6)


def central_crops(name, images):
    """Resize and cut photos as each version's authors did; return the network's input crops.

    Pillow's resize averages when it shrinks, as the published counts had it; without that averaging one
    photo more has its class among version 1.0's first five.
    """
    for image in images:
        size, height, width = 227, 256, 256  # squashed
        if name == "squeezenet1_1":
            scale = 256 / min(image.shape[:2])
            size, height, width = 224, round(image.shape[0] * scale), round(image.shape[1] * scale)
        resized = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
        top, left = (resized.shape[0] - size) // 2, (resized.shape[1] - size) // 2
        yield resized[top : top + size, left : left + size]


@pytest.mark.parametrize(
    ("name", "file", "top1", "top5"),
    [
        ("squeezenet1_0", "squeezenet_v1.0_caffe_fp32.npz", 31, 46),
        ("squeezenet1_1", "squeezenet_v1.1_tv_fp16.npz", 31, 43),
    ],
)
def test_squeezenet_knows_its_imagenet_classes(shared_data, name, file, top1, top5):
    folder = shared_data / "imagenet_sample"
    lines = [line.split() for line in (folder / "labels.txt").read_text().splitlines() if line]
    truth = np.array([int(index) for _, index in lines])
    net = build_backbone(name, weights=shared_data / "weights" / file, classifier=True)
    net.eval()
    crops = central_crops(name, (read_image(folder / file) for file, _ in lines))
    ranks = []
    for crop, label in zip(crops, truth, strict=True):
        scores = net.classify(net.normalization.apply(crop))[0]
        ranks.append(int((scores > scores[label]).sum()))
    counts = ((np.array(ranks) < 1).sum(), (np.array(ranks) < 5).sum())
    assert counts == (top1, top5)


def test_squeezenet_with_widths_sees_the_photo_with_all_convolutions(rng):
    """The whole photo gives the map that the cut network makes of it in two parts."""
    cut = build_backbone("squeezenet1_1", rng=np.random.default_rng(0))
    whole = build_backbone("squeezenet1_1", rng=np.random.default_rng(0), widths=(8,), roi_size=4)
    for net in (cut, whole):
        net.eval()
    photo = rng.normal(size=(1, 3, 100, 140)).astype(np.float32)
    x = cut.last_pool(cut.features(photo))
    for name, layer in cut.head.children():
        x = x if name == "average" else layer(x)
    np.testing.assert_array_equal(whole.features(photo), x)
    assert [name for name, _ in whole.head.children()] == ["flatten", "scale5", "fc6", "relu6", "drop6"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("squeezenet1_1", {"widths": (8,), "classifier": True}, "leave widths or classifier away"),
        ("squeezenet1_1", {"widths": (8,), "roi_size": 14}, "roi_size must be at most 13"),
        ("squeezenet1_0", {"widths": (8, 8, 8)}, "widths must be one or two numbers"),
        ("vgg16", {"widths": ()}, "widths must be one or two numbers"),
    ],
)
def test_shapes_that_cannot_be_are_refused(name, options, words):
    with pytest.raises(ValueError, match=words):
        build_backbone(name, **options)
