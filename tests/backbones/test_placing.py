"""Which arrays of a file go where: fully connected layers may be missing or of other sizes, nothing else."""

import logging

import numpy as np
import pytest
from safetensors.numpy import save_file

from minircnn.backbones import WeightsError, build_backbone, load_weights
from minircnn.backbones.placing import backbones_for
from minircnn.weights import open_weights

SMALL = {"channels": (2, 2, 3, 3), "roi_size": 2}


def arrays_of(backbone):
    return {name: np.ascontiguousarray(parameter.data) for name, parameter in backbone.named_parameters()}


@pytest.fixture
def saved(tmp_path, rng):
    """The arrays of a small network, and its file."""
    arrays = arrays_of(build_backbone("tiny", rng=rng, widths=(4, 5), **SMALL))
    save_file(arrays, tmp_path / "w.safetensors")
    return arrays, tmp_path / "w.safetensors"


def without(arrays, path, *prefixes):
    save_file({name: a for name, a in arrays.items() if not name.startswith(prefixes)}, path)
    return path


def test_convolutions_alone_are_enough(saved, tmp_path, caplog):
    arrays, _ = saved
    path = without(arrays, tmp_path / "conv.safetensors", "fc")
    with caplog.at_level(logging.INFO, "minircnn"):
        made = build_backbone("tiny", weights=path, rng=np.random.default_rng(3), widths=(6, 7), **SMALL)
    assert caplog.messages == [
        f"{path}: the file holds no fully connected layers; fc6, fc7 start from random weights"
    ]
    for name, values in arrays_of(made).items():
        if name.startswith("conv"):
            np.testing.assert_array_equal(values, arrays[name])
        else:
            assert bool(values.any()) == name.endswith("weight")
    assert made.head.fc6.weight.data.std() == pytest.approx(np.sqrt(2 / 12), rel=0.3)
    again = build_backbone("tiny", weights=path, rng=np.random.default_rng(3), widths=(6, 7), **SMALL)
    np.testing.assert_array_equal(again.head.fc7.weight.data, made.head.fc7.weight.data)


def test_fully_connected_layers_of_other_sizes_are_left_out(saved, caplog):
    arrays, path = saved
    with caplog.at_level(logging.INFO, "minircnn"):
        made = build_backbone("tiny", weights=path, rng=np.random.default_rng(3), widths=(4, 6), **SMALL)
    assert caplog.messages == [
        f"{path}: fc7.weight has shape (5, 4) in the file and (6, 4) here; fc6, fc7 start from random weights"
    ]
    np.testing.assert_array_equal(made.features.conv4.weight.data, arrays["conv4.weight"])
    assert not np.array_equal(made.head.fc6.weight.data, arrays["fc6.weight"])  # all or none


def test_what_fits_is_loaded_and_nothing_is_drawn(saved, caplog):
    arrays, path = saved
    rng = np.random.default_rng(3)
    with caplog.at_level(logging.INFO, "minircnn"):
        made = build_backbone("tiny", weights=path, rng=rng, widths=(4, 5), **SMALL)
    assert caplog.messages == []
    assert rng.bit_generator.state == np.random.default_rng(3).bit_generator.state
    for name, values in arrays_of(made).items():
        np.testing.assert_array_equal(values, arrays[name])


def test_without_a_generator_nothing_is_made_up(saved):
    _, path = saved
    net = build_backbone("tiny", widths=(6, 7), **SMALL)
    words = (
        r"fc6.weight has shape \(4, 12\) in the file and \(6, 12\) here, so fc6, fc7 must be drawn: give rng"
    )
    with pytest.raises(WeightsError, match=words):
        load_weights(net, path)
    assert not any(values.any() for values in arrays_of(net).values())


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (("fc7",), r"array 'fc7\.weight' of shape \(5, 4\) is missing for tiny"),
        (("fc7.bias",), r"array 'fc7\.bias' of shape \(5,\) is missing"),
        (("conv4", "fc"), r"array 'conv4\.weight' .* is missing"),
    ],
)
def test_anything_else_that_is_missing_is_an_error(saved, tmp_path, rng, missing, words):
    arrays, _ = saved
    path = without(arrays, tmp_path / "some.safetensors", *missing)
    with pytest.raises(WeightsError, match=words):
        build_backbone("tiny", weights=path, rng=rng, widths=(4, 5), **SMALL)


def test_more_fully_connected_layers_than_here_are_left_out(saved, tmp_path, rng, caplog):
    arrays, _ = saved
    more = {"fc8.weight": np.ones((9, 5), np.float32), "fc9.weight": np.ones((9, 9), np.float32)}
    save_file({**arrays, **more}, tmp_path / "more.safetensors")
    with caplog.at_level(logging.INFO, "minircnn"):
        build_backbone("tiny", weights=tmp_path / "more.safetensors", widths=(4, 5), **SMALL)
    assert caplog.messages == [f"{tmp_path}/more.safetensors: there is no place for fc9 of the file"]
    save_file({**arrays, "fc6x.weight": np.ones(3, np.float32)}, tmp_path / "odd.safetensors")
    with pytest.raises(WeightsError, match=r"no place for 'fc6x\.weight'"):
        build_backbone("tiny", weights=tmp_path / "odd.safetensors", widths=(4, 5), **SMALL)


def test_a_reshaped_array_is_refused(saved, tmp_path, rng):
    arrays, _ = saved
    for name, shape in {"conv2.weight": (2, 2, 9), "fc6.weight": (4, 3, 2, 2), "fc7.bias": (5, 1)}.items():
        np.savez(tmp_path / "w.npz", **{**arrays, name: arrays[name].reshape(shape)})
        with pytest.raises(WeightsError, match=rf"array '{name}' has shape .*, tiny needs"):
            build_backbone("tiny", weights=tmp_path / "w.npz", rng=rng, widths=(4, 5), **SMALL)


def numbered(name, rng):
    """Weights of a backbone's convolutions under torchvision's names."""
    places = {"alexnet_torchvision": (0, 3, 6, 8, 10)}[name]
    layers = list(dict(build_backbone(name, rng=rng).features.named_parameters()).items())
    return {
        f"features.{place}.{kind}": np.ascontiguousarray(dict(layers)[f"conv{number}.{kind}"].data)
        for number, place in enumerate(places, start=1)
        for kind in ("weight", "bias")
    }


def test_each_alexnet_is_told_from_the_other(tmp_path, rng):
    theirs = numbered("alexnet_torchvision", rng)
    np.savez(tmp_path / "tv.npz", **theirs)
    np.savez(tmp_path / "caffe.npz", **arrays_of(build_backbone("alexnet", widths=(8, 8))))
    with pytest.raises(
        WeightsError, match=r"'conv1\.weight' .* missing for alexnet; .* the backbone alexnet_torchvision$"
    ):
        build_backbone("alexnet", weights=tmp_path / "tv.npz", rng=rng)
    words = r"has shape \(96, 3, 11, 11\), alexnet_torchvision needs .*; it is for the backbone alexnet$"
    with pytest.raises(WeightsError, match=words):
        build_backbone("alexnet_torchvision", weights=tmp_path / "caffe.npz", rng=rng)
    loaded = build_backbone("alexnet_torchvision", weights=tmp_path / "tv.npz", rng=rng, widths=(8, 8))
    np.testing.assert_array_equal(loaded.features.conv5.weight.data, theirs["features.10.weight"])


def test_a_file_tells_its_backbone_or_why_none_fits(tmp_path, rng):
    np.savez(tmp_path / "tv.npz", **numbered("alexnet_torchvision", rng))
    fitting, reasons = backbones_for(open_weights(tmp_path / "tv.npz"))
    assert fitting == ["alexnet_torchvision"]
    assert "vgg16 needs (64, 3, 3, 3) for 'conv1_1.weight'" in reasons["vgg16"]
    np.savez(tmp_path / "odd.npz", weight=np.ones(3))
    assert backbones_for(open_weights(tmp_path / "odd.npz"))[0] == []
