"""What layers and networks may ask of a GPU in evaluation: no wait, and few kernel launches."""

import copy

import numpy as np
import pytest
from counting import counted
from layer_cases import LAYERS

from minircnn.backbones import build_backbone
from minircnn.kernels.convolution import gpu_winograd, im2col
from minircnn.nn import RoIPool


@pytest.fixture
def count_only(gpu, monkeypatch):
    """Leave the products out on CuPy's stand-in: large networks are counted in seconds."""
    if hasattr(gpu, "_ledger"):
        monkeypatch.setattr(gpu._products, "COUNT_ONLY", True)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_evaluation_does_not_wait(name, gpu):
    case = LAYERS[name]
    layer = copy.deepcopy(case.layer)
    layer.to(gpu)
    layer.eval()
    x = gpu.asarray(case.x.astype(np.float32))
    layer.forward(x, *case.others)  # brings the weights to their layout for good
    with counted(waits=0) as work:
        layer.forward(x, *case.others)
    work.check(launches=case.launches, waits=0)


def features(name, gpu, shape):
    """Return the convolutional layers of a backbone on the GPU, and photos."""
    layers = build_backbone(name).features
    layers.to(gpu)
    layers.eval()
    return layers, gpu.zeros(shape, dtype=np.float32)


def vgg16_launches(layers, photos):
    with counted(waits=0) as work:
        layers(photos)
    # the photo's layout; 13 convolutions: the weight's layout at the first time, filters, and of each of the
    # 20 blocks and bands tiles or patches, product, and what is left to do; four poolings
    work.check(launches=1 + 13 * 2 + 20 * 3 + 4, waits=0)


@pytest.mark.usefixtures("count_only")
def test_vgg16_of_a_small_photo_in_as_small_bands(gpu, monkeypatch):
    for module, name in ((im2col, "GPU_BAND_BYTES"), (gpu_winograd, "GPU_BLOCK_BYTES")):
        monkeypatch.setattr(module, name, getattr(module, name) // 25)
    vgg16_launches(*features("vgg16", gpu, (1, 3, 120, 200)))


def alexnet_launches(gpu, crops, **options):
    network = build_backbone("alexnet", **options)
    network.eval()
    for part in network.parts():
        part.to(gpu)
    x = gpu.zeros((crops, 3, 227, 227), dtype=np.float32)
    with counted(waits=0) as work:
        network.forward(x)
    # the layout of the crops and, the first time, of 5 weights; 4 times filters; of each of the 9 blocks and
    # bands tiles or patches, product, and what is left to do; 3 poolings, 2 normalizations, and flat to fc6
    # and fc7 (4 each)
    work.check(launches=6 + 4 + 9 * 3 + 3 + 2 + 1 + 2 * 4, waits=0)


@pytest.mark.usefixtures("count_only")
def test_alexnet_of_8_crops_in_as_small_bands(gpu, monkeypatch):
    for module, name in ((im2col, "GPU_BAND_BYTES"), (gpu_winograd, "GPU_BLOCK_BYTES")):
        monkeypatch.setattr(module, name, getattr(module, name) // 16)
    alexnet_launches(gpu, 8, widths=(32, 32))


@pytest.mark.usefixtures("count_only")
def test_squeezenet_of_a_photo(gpu):
    layers, photos = features("squeezenet1_1", gpu, (1, 3, 600, 1000))
    with counted(waits=0) as work:
        layers(photos)
    work.check(launches=100, waits=0)


@pytest.mark.parametrize("regions", [512, 2000])
def test_roi_pooling_of_many_regions(regions, gpu, rng):
    """As many launches as for few: VGG16's map of a photo, in two channels to save time."""
    corners = np.sort(rng.uniform(0, 1, (regions, 2, 2)), axis=1) * [1000, 600]
    pool = RoIPool(7, 1 / 16)
    maps = gpu.zeros((1, 2, 37, 62), dtype=np.float32)
    with counted(waits=0) as work:
        pooled = pool(maps, corners.reshape(regions, 4))  # in training, with the places of the maxima
    work.check(launches=8, waits=0)
    with counted(waits=0) as work:
        pool.backward(pooled)
    work.check(launches=20, waits=0)
