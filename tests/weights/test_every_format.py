"""One byte wrong, or the end missing, in a file of every format: arrays, or a WeightsError."""

import tracemalloc

import numpy as np
import pytest
from caffe_files import caffemodel
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_files import both_formats

from minircnn.weights import WeightsError, open_weights, write_weights

ARRAYS = {"a.weight": np.arange(4, dtype=np.float32).reshape(2, 2), "a.bias": np.ones(2, np.float32)}
RECORD = {"backbone": "tiny", "normalization": {"scale": 0.5}}
FORMS = {
    "own.safetensors": ".safetensors",
    "own.npz": ".npz",
    "zip.pth": ".pth",
    "legacy.pt": ".pth",
    "new.caffemodel": ".caffemodel",
    "old.caffemodel": ".caffemodel",
}


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """Small files by their paths: what is in them."""
    folder = tmp_path_factory.mktemp("formats")
    zipped, legacy = both_formats(ARRAYS)
    contents = {
        **{name: write_weights(folder / name, ARRAYS, RECORD).read_bytes() for name in list(FORMS)[:2]},
        "zip.pth": zipped,
        "legacy.pt": legacy,
        "new.caffemodel": caffemodel(ARRAYS),
        "old.caffemodel": caffemodel(ARRAYS, old=True, packed=False),
    }
    return {folder / name: contents[name] for name in FORMS}


def read_or_refuse(path, content):
    """What the file holds, None if it was refused; within a megabyte."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        found, words = open_weights(path), f"{path}: "
    except WeightsError as error:
        found, words = None, str(error)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6
    assert words.startswith(f"{path}: ")
    return found


def test_whole_files_are_read(valid):
    for path, content in valid.items():
        found = read_or_refuse(path, content)
        assert found.form == FORMS[path.name]
        assert found.record == (RECORD if path.name.startswith("own") else {})
        assert found.arrays.keys() == ARRAYS.keys()
        for name, expected in ARRAYS.items():
            np.testing.assert_array_equal(found.arrays[name], expected)


FILES = st.sampled_from(range(len(FORMS)))
PLACES = st.floats(0, 1, exclude_max=True)


@settings(deadline=None, max_examples=200)
@given(FILES, PLACES)
def test_a_file_that_is_cut_short_is_refused(valid, number, place):
    path, content = list(valid.items())[number]
    assert read_or_refuse(path, content[: int(place * len(content))]) is None


@settings(deadline=None, max_examples=400)
@given(FILES, PLACES, st.integers(1, 255))
def test_a_wrong_byte_gives_arrays_or_an_error(valid, number, place, change):
    path, content = list(valid.items())[number]
    wrong = bytearray(content)
    wrong[int(place * len(content))] ^= change
    found = read_or_refuse(path, bytes(wrong))
    assert found is None or all(isinstance(array, np.ndarray) for array in found.arrays.values())


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "what minircnn notes in its files is damaged here"),
        ('{"format": 2, "detector": "rcnn"}', "holds a whole detector, not the weights of a backbone"),
        ('{"weights": 2}', "no weights in a format known to this version"),
        ("[" * 10**5, "cannot be read"),
    ],
)
def test_a_record_of_another_kind_is_refused(tmp_path, monkeypatch, ending, text, words):
    monkeypatch.setattr("minircnn.weights.record.json.dumps", lambda *_, **__: text)
    path = write_weights(tmp_path / f"w.{ending}", ARRAYS, {})
    with pytest.raises(WeightsError, match=words):
        open_weights(path)
