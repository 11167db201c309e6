"""Caffe's files: the arrays, or an error that names file and reason, in bounded time and memory."""

import itertools
import tracemalloc

import numpy as np
import pytest
from caffe_files import blob, caffemodel, chunk, layer, number, singles, varint
from damaged_files import damaged
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.weights import WeightsError, read_weights
from minircnn.weights.wire_format import WireReader

ARRAYS = {
    "conv1.weight": np.arange(36, dtype=np.float32).reshape(2, 2, 3, 3),
    "conv1.bias": np.array([1.5, -2], np.float32),
    "fire2/squeeze1x1.weight": np.ones((1, 2, 1, 1), np.float32),
    "fire2/squeeze1x1.bias": np.zeros(1, np.float32),
    "fc6.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fc6.bias": np.array([7, 8], np.float32),
}
FORMS = [
    dict(zip(("old", "packed", "double"), v, strict=True)) for v in itertools.product([True, False], repeat=3)
]


def read(tmp_path, content, name="w.caffemodel"):
    (tmp_path / name).write_bytes(content)
    return read_weights(tmp_path / name)


@pytest.mark.parametrize("form", FORMS, ids=lambda f: "-".join(key for key, value in f.items() if value))
def test_every_form_gives_the_same_arrays(tmp_path, form):
    found = read(tmp_path, caffemodel(ARRAYS, **form))
    assert list(found) == list(ARRAYS)
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == (np.float64 if form["double"] else np.float32)


def test_what_is_no_weight_is_passed_over(tmp_path):
    gradients = chunk(6, np.ones(2, "<f4").tobytes())
    content = b"".join(
        [
            chunk(1, b"net"),
            chunk(3, b"data"),
            number(4, 3),
            number(5, 1),
            layer("relu1", "ReLU", []),
            layer("conv1", "Convolution", [blob(np.ones((2, 1, 1, 1))), blob(np.zeros(2)) + gradients]),
            layer("scale1", "Scale", [blob(np.ones(2)), blob(np.ones(2)), blob(np.full(1, 5.0))]),
            chunk(102, b"anything"),
            singles(103, [1.0]),
        ]
    )
    found = read(tmp_path, content)
    assert list(found) == ["conv1.weight", "conv1.bias", "scale1.weight", "scale1.bias", "scale1.blob2"]
    np.testing.assert_array_equal(found["scale1.blob2"], [5])


def test_shapes_one_by_one_and_numbers_in_pieces_are_read(tmp_path):
    values = np.arange(200, dtype="<f4")
    pieces = chunk(5, values[:3].tobytes()) + singles(5, values[3:199]) + chunk(5, values[199:].tobytes())
    made = pieces + chunk(7, number(1, 4) + number(1, 50))
    found = read(tmp_path, layer("conv1", "Convolution", [made]))
    np.testing.assert_array_equal(found["conv1.weight"], values.reshape(4, 50))


def conv(content):
    return layer("conv1", "Convolution", [content])


NUMBERS = chunk(5, np.ones(6, "<f4").tobytes())
WRONG = {
    "two layers 'conv1' have weights": 2 * conv(blob(np.ones(2))),
    r"shape \(7,\) has 6 numbers": conv(NUMBERS + chunk(7, chunk(1, b"\x07"))),
    r"shape \(0, 0, 0, 0\) has 6 numbers": conv(NUMBERS),
    r"shape \(4611686018427387904, 4611686018427387904\) has 6 numbers": conv(
        NUMBERS + chunk(7, chunk(1, 2 * varint(2**62)))
    ),
    "something else stands where a whole number belongs": conv(number(1, -6) + NUMBERS),
    r"shape \(18446744073709551610,\) has 6": conv(NUMBERS + chunk(7, chunk(1, varint(-6)))),
    "a blob has 32 axes or more": conv(NUMBERS + chunk(7, chunk(1, b"\x01" * 10**6))),
    "of single and of double precision": conv(NUMBERS + singles(8, [1.0], "d")),
    "a blob's numbers are of another kind": conv(singles(5, [1.0], "d")),
    "buffer size must be a multiple": conv(chunk(5, b"12345")),
    "a layer with weights has no name": layer("", "Convolution", [blob(np.ones(2))]),
    "of Caffe's first format; Caffe's upgrade_net_proto_binary": chunk(2, chunk(1, b"layer")),
    "a number stands where a layer": number(100, 5),
    "promises 9223372036854775808 bytes": varint(100 << 3 | 2) + varint(2**63) + b"abc",
    "promises 4 bytes, 3 are left": varint(7 << 3 | 5) + b"123",
    "ends within a number": chunk(1, b"net") + b"\x80",
    "a number is too long": chunk(1, b"net") + b"\x20" + b"\xff" * 9 + b"\x7f",
    "unknown type 3": chunk(1, b"net") + varint(100 << 3 | 3),
    "holds no arrays": chunk(1, b"net") + layer("relu1", "ReLU", []),
    "can't decode": chunk(100, chunk(1, b"\xff\xfe")),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_named(tmp_path, words):
    with pytest.raises(WeightsError, match=rf"w\.caffemodel: (cannot be read \()?.*{words}"):
        read(tmp_path, WRONG[words])


def test_a_file_of_nothing_but_tiny_fields_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("minircnn.weights.wire_format.MOST_FIELDS", 1000)
    with pytest.raises(WeightsError, match="more than 1000 fields"):
        read(tmp_path, chunk(1, b"net") + number(5, 1) * 2000)


def test_runs_of_many_lengths_are_told_apart():
    message, expected = b"", []
    for index, length in enumerate([1, 63, 64, 65, 320, 1000, 2]):
        field = 5 + index % 2
        message += singles(field, range(length))
        expected.append((field, length))
    found = [(field, len(value)) for field, value in WireReader().fields(memoryview(message))]
    assert found == expected


@pytest.mark.parametrize("ending", ["npz", "pth", "safetensors"])
def test_a_renamed_file_is_known_by_its_content(tmp_path, ending):
    found = read(tmp_path, caffemodel(ARRAYS), f"renamed.{ending}")
    np.testing.assert_array_equal(found["fc6.weight"], ARRAYS["fc6.weight"])


VALID = {
    "new.caffemodel": caffemodel(ARRAYS),
    "old.caffemodel": caffemodel(ARRAYS, old=True),
    "single.caffemodel": caffemodel(ARRAYS, packed=False),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged_caffe")


def outcome(path, content):
    """The arrays or the error's words, and the memory it took."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        found = read_weights(path)
    except WeightsError as error:
        found = str(error)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found, peak


@settings(deadline=None, max_examples=200)
@given(damaged(VALID))
def test_damaged_files_are_read_or_refused(folder, drawn):
    name, content = drawn
    found, peak = outcome(folder / name, content)
    assert peak < 10**6
    if content == VALID[name]:
        for key, values in ARRAYS.items():
            np.testing.assert_array_equal(found[key], values)
    else:
        assert isinstance(found, dict) or found.startswith(str(folder / name))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(folder, content):
    found, peak = outcome(folder / "any.caffemodel", content)
    assert peak < 10**6
    assert isinstance(found, dict) or "any.caffemodel: " in found
