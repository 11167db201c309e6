"""Kinds of weight files: told by their content, refused by name, read or refused when damaged."""

import io
import json
import os

import numpy as np
import pytest
from damaged_files import damaged
from hypothesis import given, settings
from safetensors.numpy import save, save_file
from torch_files import archive, both_formats, dictionary

from minircnn.weights import WeightsError, read_weights


def test_brain_floats_in_safetensors_become_single_precision(tmp_path):
    exact = np.array([[1.0, -2.5], [0.0, 3.0]], np.float32)
    write_safetensors(tmp_path / "w.safetensors", "BF16", [2, 2], (exact.view("<u4") >> 16).astype("<u2"))
    np.testing.assert_array_equal(read_weights(tmp_path / "w.safetensors")["w"], exact)


def write_safetensors(path, dtype, shape, values):
    raw = np.asarray(values).tobytes()
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(raw)]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw)


def test_formats_that_numpy_lacks_are_refused_by_name(tmp_path):
    write_safetensors(tmp_path / "w.safetensors", "F8_E4M3", [2], np.zeros(2, np.uint8))
    with pytest.raises(WeightsError, match=r"w\.safetensors: cannot be read \(array 'w' .* F8_E4M3"):
        read_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "header",
    ["[]", "null", "5", '{"w": 1}', '{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 8]}}', "{"],
)
def test_broken_safetensors_headers_are_refused(tmp_path, header):
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(8))
    with pytest.raises(WeightsError, match=r"w\.safetensors: cannot be read"):
        read_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("ending", ["safetensors", "npz", "pth", "PT"])
def test_the_content_of_a_renamed_file_decides(tmp_path, ending):
    expected = {"a": np.ones((2, 3), np.float32)}
    save_file(expected, tmp_path / "a.safetensors")
    np.savez(tmp_path / "b.npz", **expected)
    zipped, legacy = both_formats(expected)
    for content in (*((tmp_path / n).read_bytes() for n in ("a.safetensors", "b.npz")), zipped, legacy):
        (tmp_path / f"renamed.{ending}").write_bytes(content)
        np.testing.assert_array_equal(read_weights(tmp_path / f"renamed.{ending}")["a"], expected["a"])


def test_folders_pipes_and_empty_files_are_no_weights(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "empty.safetensors").touch()
    for name, words in {
        "folder.npz": "a folder or a pipe",
        "pipe.pth": "a folder or a pipe",
        "empty.safetensors": "is empty",
    }.items():
        with pytest.raises(WeightsError, match=words):
            read_weights(tmp_path / name)


def test_a_file_without_arrays_says_so(tmp_path):
    np.savez(tmp_path / "w.npz")
    (tmp_path / "w.pth").write_bytes(archive(dictionary({"model_weights": b"}"}), {}))
    for name in ("w.npz", "w.pth"):
        with pytest.raises(WeightsError, match=rf"{name}: (holds no arrays|cannot be read)"):
            read_weights(tmp_path / name)


ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.float16)}


def npz_bytes(write):
    buffer = io.BytesIO()
    write(buffer, **ARRAYS)
    return buffer.getvalue()


VALID = {
    "w.safetensors": save(ARRAYS),
    "w.npz": npz_bytes(np.savez),
    "packed.npz": npz_bytes(np.savez_compressed),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged_weights")


@settings(deadline=None, max_examples=150)
@given(damaged(VALID))
def test_damaged_files_are_read_or_refused(folder, drawn):
    name, content = drawn
    (folder / name).write_bytes(content)
    try:
        found = read_weights(folder / name)
    except WeightsError as error:
        found = str(error)
    if content == VALID[name]:
        for key, values in ARRAYS.items():
            np.testing.assert_array_equal(found[key], values)
    else:
        assert isinstance(found, dict) or found.startswith(str(folder / name))
