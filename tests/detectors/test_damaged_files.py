"""Whatever happened to a detector's file: it loads as it was written, or a StorageError names it and why."""

import copy
import json
import os
import struct

import numpy as np
import pytest
import small_detectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from minircnn.detectors import StorageError, load_detector, save_detector
from minircnn.detectors.storage import read_bundle, write_bundle
from minircnn.proposals import SelectiveSearch, SlidingWindow

NAMES = ("cat", "dog")
MAKE = {
    "bag-of-words": lambda: small_detectors.bag_of_words(NAMES, SelectiveSearch("single", limit=50)),
    "fast-rcnn": lambda: small_detectors.fast_rcnn(NAMES, SelectiveSearch("single", limit=50)),
    "rcnn": lambda: small_detectors.rcnn(NAMES, SlidingWindow((20,))),
    "sppnet": lambda: small_detectors.sppnet(NAMES, SelectiveSearch("fast")),
    "hog-svm": lambda: small_detectors.hog_svm(NAMES),
}
PHOTO = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
BOXES = np.array([[0, 0, 40, 30], [5, 5, 20, 25]])
quick = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return, for each kind, its file's bytes, arrays and settings."""
    folder = tmp_path_factory.mktemp("stored")
    found = {}
    for name, make in MAKE.items():
        save_detector(folder / name, make())
        found[name] = ((folder / name).read_bytes(), *read_bundle(folder / name))
    return found


@pytest.fixture(params=sorted(MAKE))
def file(request, stored):
    return stored[request.param]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def assert_refused(path, words):
    with pytest.raises(StorageError, match=words) as error:
        load_detector(path)
    assert str(path) in str(error.value)
    assert len(str(error.value)) > len(str(path)) + 10


def written_by_hand(path, arrays, header):
    """Write a file as older versions did, without a digest."""
    path.write_bytes(save(arrays, metadata={"minircnn": json.dumps(header)}))


def places(settings, here=()):
    """Yield the way to every value of nested settings."""
    if here:
        yield here
    if isinstance(settings, dict | list):
        for key in settings if isinstance(settings, dict) else range(len(settings)):
            yield from places(settings[key], (*here, key))


THINGS = [None, True, -1, 0, 0.5, 7, 1e308, float("nan"), float("-inf"), 10**400, "", "x", [], [1], {}]


@pytest.mark.parametrize("kind", sorted(MAKE))
@quick
@given(data=st.data())
def test_a_changed_header_is_refused_or_still_a_detector(kind, stored, data, tmp_path):
    path = tmp_path / "model.safetensors"
    _, arrays, original = stored[kind]
    header = copy.deepcopy(original)
    *way, last = data.draw(st.sampled_from(list(places(header))))
    parent = header
    for key in way:
        parent = parent[key]
    change = data.draw(st.sampled_from(["delete", "nest", "thing"]))
    if change == "delete":
        del parent[last]
    else:
        parent[last] = [parent[last]] if change == "nest" else data.draw(st.sampled_from(THINGS))
    written_by_hand(path, arrays, header)
    try:
        detector = load_detector(path)
    except StorageError:
        return
    found = detector.detect(PHOTO, proposals=BOXES)
    assert np.isfinite(found.scores).all()
    save_detector(path, detector)


@pytest.mark.parametrize("kind", sorted(MAKE))
def test_a_missing_field_is_named(kind, stored, path):
    _, arrays, header = stored[kind]
    for name in header.keys() - {"detector"}:
        written_by_hand(path, arrays, {k: v for k, v in header.items() if k != name})
        assert_refused(path, name)


def test_a_missing_an_unknown_and_a_wrong_array_is_named(file, path):
    _, arrays, header = file
    for name, array in arrays.items():
        written_by_hand(path, {k: v for k, v in arrays.items() if k != name}, header)
        assert_refused(path, name.removeprefix("network."))
        for wrong in (array[:1], array.astype(np.float64) * np.nan, np.where(array == array, np.inf, 0)):
            if wrong.size and (wrong.shape != array.shape or not np.isfinite(wrong).all()):
                written_by_hand(path, arrays | {name: wrong}, header)
                assert_refused(path, "shape|not finite|SVMs")
        if array.size:
            written_by_hand(path, arrays | {name: np.full_like(array, np.nan)}, header)
            assert_refused(path, rf"array {name} holds numbers that are not finite")
            written_by_hand(path, arrays | {name: np.full(array.shape, 1e300)}, header)
            assert_refused(path, rf"array {name} holds numbers that are not finite")


@pytest.mark.parametrize("kind", sorted(MAKE))
@quick
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_found(kind, stored, place, bit, tmp_path):
    """Half of the tries fall into the header, which is small."""
    path = tmp_path / "model.safetensors"
    payload, arrays, header = stored[kind]
    end = 8 + struct.unpack("<Q", payload[:8])[0]
    where = int(2 * place * end) if place < 0.5 else end + int((2 * place - 1) * (len(payload) - end))
    broken = bytearray(payload)
    broken[where] ^= 1 << bit
    path.write_bytes(broken)
    try:
        found, settings = read_bundle(path)
    except StorageError:
        return
    assert {name: settings[name] for name in header} == header  # only the name of the digest was hit
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_every_length_that_is_too_short_is_refused(file, path):
    payload = file[0]
    for length in (0, 1, 7, 8, 9, 100, len(payload) // 2, len(payload) - 1):
        path.write_bytes(payload[:length])
        assert_refused(path, "is damaged")
    path.write_bytes(payload + b"more")
    assert_refused(path, "is damaged")


@pytest.mark.parametrize("value", [1, None, float("nan"), [[]], {"a": "b"}])
def test_settings_that_were_changed_after_writing_are_found(value, file, path):
    payload, arrays, header = file
    end = 8 + struct.unpack("<Q", payload[:8])[0]
    written = json.loads(json.loads(payload[8:end])["__metadata__"]["minircnn"])
    assert written.keys() == {*header, "sha256"}
    for name in written.keys() - {"sha256"}:
        if written[name] == value:
            continue
        written_by_hand(path, arrays, written | {name: value})
        assert_refused(path, r"is damaged: it does not hold what was written \(sha256\)")
    written_by_hand(path, arrays, written | {"sha256": value})
    if value is not None:
        assert_refused(path, "sha256")
    written_by_hand(path, arrays, written)
    load_detector(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "its header holds no settings"),
        ("null", "its header holds no settings"),
        ("5", "its header holds no settings"),
        ('"text"', "its header holds no settings"),
        ("{", "is damaged"),
        ("", "is damaged"),
        ("[" * 100_000, "is damaged"),
        ("{}", "holds no detector"),
        ('{"detector": "rcnn"}', "it lacks 'format'"),
        ('{"detector": ["rcnn"], "format": 2}', "holds no detector that can be used"),
        ('{"detector": "rcnn", "format": 99}', r"newer minircnn \(format 99\)"),
        ('{"detector": "rcnn", "format": 0}', "of the unknown format 0"),
        ('{"detector": "rcnn", "format": -1}', "of the unknown format -1"),
        ('{"detector": "rcnn", "format": "2"}', "of the unknown format '2'"),
        ('{"detector": "rcnn", "format": 2.0}', r"of the unknown format 2\.0"),
        ('{"detector": "rcnn", "format": true}', "of the unknown format True"),
        ('{"detector": "rcnn", "format": null}', "of the unknown format None"),
        ('{"detector": "yolo", "format": 2}', "of the unknown kind 'yolo'; known are"),
        ('{"detector": "rcnn", "format": 1}', "it lacks 'backbone'"),
    ],
)
def test_headers_that_are_none(text, words, path):
    path.write_bytes(save({"a": np.zeros(2, np.float32)}, metadata={"minircnn": text}))
    assert_refused(path, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backbone": {"name": "resnet", "options": {}}}, "backbone.name must be one of"),
        ({"backbone": {"name": "tiny", "options": {"depth": 3}}}, "depth"),
        ({"backbone": {"name": "tiny", "options": {"weights": "/etc/passwd"}}}, "must be those of tiny"),
        (
            {"backbone": {"name": "tiny", "options": {"widths": [10**9, 10**9]}}},
            "holds no detector that can be",
        ),
        ({"backbone": 5}, "backbone must be a mapping of names to values, got 5"),
        ({"proposer": {"type": "EdgeBoxes", "settings": {}}}, "proposer's type must be one of .*'EdgeBoxes'"),
        (
            {"proposer": {"type": "SelectiveSearch", "settings": {"speed": 1}}},
            "has no field 'speed'; there are",
        ),
        (
            {"proposer": {"type": "SelectiveSearch", "settings": {"limit": -5}}},
            r"limit must be at least 1.* -5",
        ),
        ({"proposer": {"type": "ProposalFile", "settings": {}}}, "lacks the field 'path'"),
        ({"proposer": {"type": "ProposalFile", "settings": {"path": "/none.npz"}}}, "no such file"),
        ({"proposer": {"type": "SlidingWindow", "settings": {"stride": 0}}}, "stride must be at least 1"),
        ({"proposer": "SelectiveSearch"}, "a proposer is described by"),
        ({"proposer": None}, "proposer must be a proposer, got None"),
        ({"postprocess": {"top_per_class": -1}}, r"postprocess\.top_per_class must be at least 1, got -1"),
        ({"postprocess": {"soft": True}}, "postprocess has no field 'soft'; there are min_score"),
        ({"postprocess": []}, "postprocess must be a mapping of names"),
        ({"batch": "5"}, "batch must be a whole number, got '5'"),
        ({"batch": -1}, "batch must be at least 1, got -1"),
        ({"class_names": "ab"}, "class_names must be a tuple of one or more names, got 'ab'"),
        ({"class_names": ["a", "a"]}, "class_names must be a tuple of different names"),
        ({"class_names": ["a", "b", "c"]}, "holds no detector that can be used"),
        ({"scale": {"short_side": 0}}, r"scale\.short_side must be at least 1"),
        ({"scale": {"short_side": 600, "max_long_side": "x"}}, "max_long_side"),
        ({"scale": [600, 1000]}, "scale must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_header_is_said(change, words, stored, path):
    _, arrays, header = stored["fast-rcnn"]
    written_by_hand(path, arrays, header | change)
    assert_refused(path, words)


def test_a_crop_that_the_network_does_not_take_is_refused(stored, path):
    _, arrays, header = stored["rcnn"]
    for size in (7, 96):
        written_by_hand(path, arrays, header | {"warp": {"crop_size": size, "context": 3}})
        assert_refused(path, rf"warp\.crop_size {size} does not fit")


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "F4", "X9"])
def test_number_formats_that_numpy_has_not(dtype, path):
    size = 4 if dtype == "BF16" else 2
    header = {
        "a": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]},
        "__metadata__": {"minircnn": "{}"},
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))
    assert_refused(path, "is damaged or no safetensors file")


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        load_detector(tmp_path / "none.safetensors")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="link"):
        load_detector(tmp_path / "link")
    assert_refused(tmp_path, "is a folder, not a file")
    os.mkfifo(tmp_path / "pipe")
    assert_refused(tmp_path / "pipe", "is a pipe or a device, not a file")


def test_an_older_file_without_a_digest_is_read(file, path):
    _, arrays, header = file
    written_by_hand(path, arrays, header)
    before, after = MAKE[header["detector"]](), load_detector(path)
    np.testing.assert_array_equal(
        before.detect(PHOTO, proposals=BOXES).scores, after.detect(PHOTO, proposals=BOXES).scores
    )


def test_half_precision_is_read_and_computed_in_single(file, path):
    _, arrays, header = file
    half = {name: array.astype(np.float16) for name, array in arrays.items()}
    written_by_hand(path, half, header)
    for name, array in load_detector(path).state()[1].items():
        assert array.dtype == np.float32, name
        np.testing.assert_array_equal(array, half[name].astype(np.float32))


def test_an_older_scale_whose_shorter_side_was_never_reached_is_read(stored, path):
    _, arrays, header = stored["fast-rcnn"]
    written_by_hand(path, arrays, header | {"scale": {"short_side": 1200, "max_long_side": 60}})
    detector = load_detector(path)
    _, factor = detector.scale.apply(PHOTO)
    assert factor == 60 / 40  # the longer side bounds it, as it did


def test_a_bundle_comes_back_whatever_lies_in_it(path):
    arrays = {
        "none": np.zeros((3, 4, 0), np.float32),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "other order": np.arange(4, dtype=">f4"),
        "whole": np.arange(3),
        "flags": np.array([True, False]),
    }
    write_bundle(path, arrays, {"a": [1, None, "ü"]})
    found, meta = read_bundle(path)
    assert meta == {"a": [1, None, "ü"]}
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    with pytest.raises(ValueError, match="JSON"):
        write_bundle(path, arrays, {"a": float("nan")})
