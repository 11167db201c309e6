"""Reading weights: every format, every way a file can be wrong."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from minircnn.backbones import Normalization, WeightsError, build_backbone, load_weights, read_weights

SMALL = {"channels": (2, 2, 3, 3), "widths": (4, 5), "roi_size": 2}


@pytest.fixture
def net(rng):
    return build_backbone("tiny", rng=rng, **SMALL)


def arrays_of(backbone):
    return {name: parameter.data for name, parameter in backbone.named_parameters()}


def test_safetensors_and_npz_round_trip(net, tmp_path):
    expected = arrays_of(net)
    save_file({k: np.ascontiguousarray(v) for k, v in expected.items()}, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", **expected)
    for file in ("w.safetensors", "w.npz"):
        loaded = build_backbone("tiny", weights=tmp_path / file, **SMALL)
        for name, values in arrays_of(loaded).items():
            np.testing.assert_array_equal(values, expected[name])


def test_half_precision_becomes_the_networks_precision(net, tmp_path):
    np.savez(tmp_path / "w.npz", **{k: v.astype(np.float16) for k, v in arrays_of(net).items()})
    loaded = build_backbone("tiny", weights=tmp_path / "w.npz", **SMALL)
    assert {v.dtype for v in arrays_of(loaded).values()} == {np.dtype(np.float32)}


def spoil(arrays, name, values):
    return {k: v for k, v in (arrays | {name: values}).items() if v is not None}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("conv2.bias", None, r"w\.npz: array 'conv2\.bias' of shape \(2,\) is missing for tiny"),
        ("conv2.bias", np.zeros(7), r"w\.npz: array 'conv2\.bias' has shape \(7,\), tiny needs \(2,\)"),
        ("conv2.bias", np.array([0.0, np.nan]), r"'conv2\.bias' \(float64\) is not all finite"),
        ("conv2.bias", np.zeros(2, int), r"'conv2\.bias' \(int64\) is not all finite"),
        ("conv9.bias", np.zeros(2), r"tiny has no place for 'conv9\.bias'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_whole(net, tmp_path, name, values, message):
    before = {k: v.copy() for k, v in arrays_of(net).items()}
    np.savez(tmp_path / "w.npz", **spoil({k: v + 1 for k, v in before.items()}, name, values))
    with pytest.raises(WeightsError, match=message):
        load_weights(net, tmp_path / "w.npz")
    for key, value in arrays_of(net).items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize("ending", ["safetensors", "npz", "pth"])
@pytest.mark.parametrize("content", [b"", b"nonsense, and some more of it", pickle.dumps({"a": 1})])
def test_broken_files_are_named(tmp_path, ending, content):
    path = tmp_path / f"broken.{ending}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"broken\.{ending}: cannot be read"):
        read_weights(path)


def test_missing_and_unknown_files_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"gone\.npz: no such file"):
        read_weights(tmp_path / "gone.npz")
    (tmp_path / "w.h5").write_bytes(b"x")
    with pytest.raises(WeightsError, match="unknown kind of file"):
        read_weights(tmp_path / "w.h5")


class Attack:
    """Unpickled without care, this makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_is_not_run(tmp_path, zipped):
    trap = tmp_path / "trap"
    path = tmp_path / "evil.pth"
    raw = pickle.dumps({"weight": Attack(trap)})
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("evil/data.pkl", raw)
    else:
        path.write_bytes(raw)
    with pytest.raises(WeightsError, match="which no weights need; not run"):
        read_weights(path)
    assert not trap.exists()


class Storage:
    """Pickles as a reference to raw numbers, as PyTorch writes it."""


class TensorPickler(pickle.Pickler):
    def persistent_id(self, obj):
        return ("storage", "FloatStorage", "0", "cpu", 6) if isinstance(obj, Storage) else None


def test_a_tensor_cannot_reach_beyond_its_numbers(tmp_path):
    # pickled by hand, with protocol 0 text for the call of torch's function
    def archive(offset, shape, strides):
        buffer = io.BytesIO()
        TensorPickler(buffer, protocol=2).dump((Storage(), offset, shape, strides, False, None))
        arguments = buffer.getvalue()[2:-1]  # without the header and the final stop
        raw = b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."
        path = tmp_path / "t.pth"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("t/data.pkl", raw)
            file.writestr("t/data/0", np.arange(6, dtype=np.float32).tobytes())
        return path

    np.testing.assert_array_equal(read_weights(archive(1, (2, 2), (1, 2)))["w"], [[1, 3], [2, 4]])
    for bad in [(3, (2, 2), (2, 1)), (-1, (2,), (1,)), (0, (100,), (0,)), (5, (2,), (-1,))]:
        with pytest.raises(WeightsError, match="beyond its numbers"):
            read_weights(archive(*bad))


def test_values_beyond_the_networks_precision_are_refused(net, tmp_path):
    np.savez(tmp_path / "w.npz", **(arrays_of(net) | {"conv2.bias": np.array([0, 1e300])}))
    with pytest.raises(WeightsError, match=r"'conv2\.bias' \(float64\) is not all finite float32"):
        load_weights(net, tmp_path / "w.npz")


def test_two_names_of_one_array_are_refused(tmp_path):
    net = build_backbone("squeezenet1_1")
    arrays = arrays_of(net)
    arrays["features.0.bias"] = arrays["conv1.bias"]
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(WeightsError, match=r"'conv1\.bias' and 'features\.0\.bias' are both 'conv1\.bias'"):
        load_weights(net, tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channels": (2, 2, 3)}, "channels must be four numbers"),
        ({"channels": (2, 2, 3, 0)}, "must be a whole number, at least 1"),
        ({"widths": (4, 4, 4)}, "widths must be one or two numbers"),
        ({"roi_size": 0}, "must be a whole number, at least 1, got 0"),
        ({"dropout": float("nan")}, "dropout rate"),
    ],
)
def test_impossible_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        build_backbone("tiny", **options)
    with pytest.raises(ValueError, match="normalization must be one of caffe, torchvision, got 'imagenet'"):
        build_backbone("squeezenet1_1", normalization="imagenet")


@pytest.mark.parametrize(
    "wrong",
    [{"std": (1.0, 0.0, 1.0)}, {"mean": (0.0, np.nan, 0.0)}, {"scale": 0.0}, {"channel_order": "grb"}],
)
def test_a_normalization_divides_by_no_zero(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Normalization(**wrong)
