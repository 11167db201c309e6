"""SqueezeNet's published weights in every format: the same predictions on real photos."""

import numpy as np
import pytest
from caffe_files import caffemodel
from safetensors.numpy import save_file
from torch_files import both_formats

from minircnn.backbones import build_backbone
from minircnn.backbones.converting import convert_weights
from minircnn.imaging import read_image, resize_image
from minircnn.weights import open_weights

FILES = {"squeezenet1_0": "squeezenet_v1.0_caffe_fp32.npz", "squeezenet1_1": "squeezenet_v1.1_tv_fp16.npz"}
OWNERS = {"squeezenet1_0": "caffe", "squeezenet1_1": "torchvision"}
PLACES = {"squeezenet1_0": (3, 4, 5, 7, 8, 9, 10, 12), "squeezenet1_1": (3, 4, 6, 7, 9, 10, 11, 12)}


def torchvisions_name(name, key):
    layer, kind = key.rsplit(".", 1)
    if layer in ("conv1", "conv10"):
        return f"{'features.0' if layer == 'conv1' else 'classifier.1'}.{kind}"
    fire, part = layer.split("/")
    return f"features.{PLACES[name][int(fire[4:]) - 2]}.{part.replace('squeeze1x1', 'squeeze')}.{kind}"


@pytest.fixture(params=FILES)
def original(request, shared_data):
    """Name of the network, its file, and the arrays in single precision."""
    path = shared_data / "weights" / FILES[request.param]
    with np.load(path) as stored:
        return request.param, path, {key: values.astype(np.float32) for key, values in stored.items()}


def written_in_every_format(folder, name, arrays):
    """Yield files of the same weights from each source."""
    theirs = {torchvisions_name(name, key): values for key, values in arrays.items()}
    zipped, legacy = both_formats(theirs)
    contents = {
        "zip.pth": zipped,
        "legacy.pth": legacy,
        "new.caffemodel": caffemodel(arrays),
        "old.caffemodel": caffemodel(arrays, old=True),
        "double.caffemodel": caffemodel(arrays, double=True),
    }
    for file, content in contents.items():
        (folder / file).write_bytes(content)
        yield folder / file
    save_file(arrays, folder / "plain.safetensors")
    yield folder / "plain.safetensors"
    for source in ("plain.safetensors", "new.caffemodel", "zip.pth"):
        for ending in ("safetensors", "npz"):
            out = folder / f"{source.split('.')[0]}_imported.{ending}"
            convert_weights(open_weights(folder / source), name, out, origin=OWNERS[name])
            yield out


def crops_of(shared_data, net, count):
    folder = shared_data / "imagenet_sample"
    for line in (folder / "labels.txt").read_text().splitlines()[:count]:
        image = read_image(folder / line.split()[0])
        yield net.normalization.apply(resize_image(image, net.crop_size, net.crop_size))


def test_every_format_gives_the_same_predictions(original, shared_data, tmp_path):
    name, path, arrays = original
    net = build_backbone(name, weights=path, classifier=True)
    net.eval()
    crops = list(crops_of(shared_data, net, 2))
    expected = [net.classify(crop) for crop in crops]
    files = list(written_in_every_format(tmp_path, name, arrays))
    assert len(files) == 12
    for file in files:
        made = build_backbone(name, weights=file, classifier=True)
        made.eval()
        assert made.normalization == net.normalization, file
        for crop, scores in zip(crops, expected, strict=True):
            np.testing.assert_array_equal(made.classify(crop), scores, err_msg=file.name)
