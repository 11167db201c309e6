"""Cached features are believed only where their files fit, and never where they are not finite."""

import errno
import json
import logging
import os

import numpy as np
import pytest
import small_detectors

from minircnn.data import Scenes
from minircnn.proposals import SlidingWindow
from minircnn.training import compute_proposals, feature_files
from minircnn.training.box_regression import BoxRegressionSettings, train_box_regressors
from minircnn.training.feature_cache import cache_features
from minircnn.training.feature_files import CacheError, make_room
from minircnn.training.regions import PhotoReader, region_records
from minircnn.training.svms import SVMSettings, train_svms

SCENES = Scenes("train", count=3, size=128, heights=(24, 56))
WINDOWS = SlidingWindow(sizes=(40, 70), relative_stride=0.5)
RECORDS = region_records(SCENES, compute_proposals(SCENES, WINDOWS, limit=12, progress=False))
NAMES = ("fc7.npy", "pool5.npy", "done.json")


def features(folder, dataset=SCENES, records=RECORDS, detector=None, **options):
    detector = detector or small_detectors.rcnn(SCENES.class_names, WINDOWS, batch=7)
    return cache_features(
        detector, PhotoReader(dataset), records, folder, min_iou=0.3, progress=False, **options
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    features(folder)
    return {name: (folder / name).read_bytes() for name in NAMES}


@pytest.fixture
def folder(whole, tmp_path):
    for name, payload in whole.items():
        (tmp_path / name).write_bytes(payload)
    return tmp_path


def assert_whole(folder, whole):
    assert {name: (folder / name).read_bytes() for name in NAMES} == whole


class Watched(Scenes):
    """Scenes that note which of them were looked at."""

    def __init__(self):
        super().__init__("train", count=3, size=128, heights=(24, 56))
        self.seen = []

    def image(self, index):
        self.seen.append(index)
        return super().image(index)


DIGESTS = ["a", "b", "c"]


def test_whole_features_are_not_computed_again(folder, whole):
    watched = Watched()
    features(folder, watched, digests=DIGESTS)
    assert watched.seen == [0, 1, 2]  # of photos called otherwise
    features(folder, watched, digests=DIGESTS)
    assert watched.seen == [0, 1, 2]


def test_a_replaced_photo_has_other_features(folder, whole):
    class Replaced(Scenes):
        def image(self, index):
            return super().image(index) if index else np.zeros((128, 128, 3), np.uint8)

    other = Replaced("train", count=3, size=128, heights=(24, 56))
    features(folder, other)  # the same weights and regions
    assert (folder / "fc7.npy").read_bytes() != whole["fc7.npy"]
    features(folder)
    assert_whole(folder, whole)


def cut(name, length):
    return lambda folder: os.truncate(folder / name, length)


def other_array(name, array):
    return lambda folder: np.save(folder / name, array)


def flipped(name):
    """Damage that leaves a number: a bit of the last feature of the first photo."""

    def flip(folder):
        array = np.lib.format.open_memmap(folder / name, "r+")
        array.view(np.uint32)[0, -1] ^= 1 << 22
        array.flush()

    return flip


def done(**changes):
    def change(folder):
        state = json.loads((folder / "done.json").read_text())
        (folder / "done.json").write_text(json.dumps({**state, **changes}))

    return change


DAMAGES = {
    "fc7 cut": cut("fc7.npy", 2000),
    "fc7 without its last byte": lambda folder: os.truncate(
        folder / "fc7.npy", (folder / "fc7.npy").stat().st_size - 1
    ),
    "fc7 empty": cut("fc7.npy", 0),
    "pool5 cut in the header": cut("pool5.npy", 20),
    "fc7 missing": lambda folder: (folder / "fc7.npy").unlink(),
    "pool5 missing": lambda folder: (folder / "pool5.npy").unlink(),
    "fc7 longer": lambda folder: (folder / "fc7.npy").write_bytes((folder / "fc7.npy").read_bytes() + b"x"),
    "fc7 of another shape": other_array("fc7.npy", np.zeros((3, 4), np.float32)),
    "pool5 of another type": lambda folder: np.save(
        folder / "pool5.npy", np.load(folder / "pool5.npy").astype(np.int32)
    ),
    "fc7 no array": lambda folder: (folder / "fc7.npy").write_text("features"),
    "fc7 with a flipped bit": flipped("fc7.npy"),
    "pool5 with a flipped bit": flipped("pool5.npy"),
    "done empty": cut("done.json", 0),
    "done torn": cut("done.json", 30),
    "done a list": lambda folder: (folder / "done.json").write_text("[]"),
    "done without a number": lambda folder: (folder / "done.json").write_text('{"key": "x"}'),
    "more done than there are": done(photos=4),
    "less than nothing done": done(photos=-1),
    "a text done": done(photos="3"),
    "truth done": done(photos=True),
    "a list as key": done(key=["x"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_right_is_computed_again(folder, whole, damage, caplog):
    DAMAGES[damage](folder)
    with caplog.at_level(logging.INFO, "minircnn"):
        features(folder)
    assert_whole(folder, whole)
    assert any("computed again" in r.getMessage() for r in caplog.records)


def test_a_folder_begun_anew_vouches_for_nothing_of_before(folder, whole, monkeypatch):
    """Run A, another run stopped before its first photo, run A again."""
    broken = Watched()
    monkeypatch.setattr(feature_files, "_reserve", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        features(folder, broken, digests=DIGESTS)
    assert not any(folder.iterdir())
    monkeypatch.undo()
    features(folder)
    assert_whole(folder, whole)


def test_a_network_that_diverged_is_named_when_features_are_made(tmp_path):
    detector = small_detectors.rcnn(SCENES.class_names, WINDOWS, batch=7)
    parameter = dict(detector.network.named_parameters())["head.fc7.bias"]
    parameter.data[0] = np.nan
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(CacheError, match=r"photo 1 \('train_00000'\) are not finite: .*lower learning rate"),
    ):
        features(tmp_path, detector=detector)
    assert not (tmp_path / "done.json").exists()


def test_float16_that_is_too_small_is_named(tmp_path):
    detector = small_detectors.rcnn(SCENES.class_names, WINDOWS, batch=7)
    for name, parameter in detector.network.named_parameters():
        if name.endswith("fc7.weight"):
            parameter.data *= np.float32(1e8)
    with pytest.raises(CacheError, match=r"65504.*--cache-dtype float32"):
        features(tmp_path, detector=detector, dtype="float16")


LEARN = {
    "fc7": lambda cache: train_svms(cache, RECORDS, SVMSettings(), progress=False),
    "pool5": lambda cache: train_box_regressors(cache, RECORDS, BoxRegressionSettings(min_iou=0.3), 20.0),
}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", LEARN)
def test_features_that_were_spoilt_on_the_disk_do_not_reach_svms_and_regressions(folder, name, value):
    cache = features(folder)
    getattr(cache, name)[-1, 0] = value  # the disk spoils them once they were looked at
    with pytest.raises(
        CacheError, match=rf"{name}: the features of photo 3 \('train_00002'\) are not finite"
    ):
        LEARN[name](cache)


def test_features_too_large_to_be_scaled_are_refused(folder):
    cache = features(folder)
    cache.fc7[:] = 1e30
    with pytest.raises(CacheError, match="too large: the network has diverged"):
        cache.scale("fc7", 20.0)


SHAPES = {"fc7": (200, 1000), "pool5": (0, 7)}
SIZE = 200 * 1000 * 4


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be reserved here")
def test_room_is_taken_before_the_work(tmp_path):
    make_room(tmp_path, SHAPES, np.dtype(np.float32))
    assert (tmp_path / "fc7.npy").stat().st_blocks * 512 >= SIZE


@pytest.mark.parametrize("system", ["without the call", "a file system without it"])
def test_where_room_cannot_be_reserved_it_is_written(tmp_path, monkeypatch, system):
    if system == "without the call":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", failing(errno.EOPNOTSUPP), raising=False)
    make_room(tmp_path, SHAPES, np.dtype(np.float32))
    for name, shape in SHAPES.items():
        array = np.load(tmp_path / f"{name}.npy")
        assert array.shape == shape
        assert not array.any()


def failing(number):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_full_disk_is_an_error_with_a_way_out(folder, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.ENOSPC), raising=False)
    with pytest.raises(CacheError, match=r"No space left on device.*--cache-dtype float16"):
        features(folder, digests=DIGESTS)
    assert not any(folder.iterdir())  # nothing half made stays


def test_another_failure_of_the_disk_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_files, "_reserve", failing(errno.EIO))
    with pytest.raises(OSError, match="error"):
        make_room(tmp_path, SHAPES, np.dtype(np.float32))


def test_room_that_old_features_take_counts_as_free(tmp_path, monkeypatch):
    (tmp_path / "fc7.npy").write_bytes(b"old")

    def usage(folder):
        there = (folder / "fc7.npy").exists()
        return type("Usage", (), {"free": 0 if there else SIZE})

    monkeypatch.setattr(feature_files.shutil, "disk_usage", usage)
    make_room(tmp_path, SHAPES, np.dtype(np.float32))
    with pytest.raises(CacheError, match=r"has 0\.0 GB free"):
        make_room(tmp_path, {"fc7": (300, 1000)}, np.dtype(np.float32))


@pytest.mark.parametrize("trusted", [True, False])
def test_features_of_an_older_version_are_finished_only_where_the_run_is_one_of_it(folder, whole, trusted):
    from minircnn.training.feature_cache import _key

    detector = small_detectors.rcnn(SCENES.class_names, WINDOWS, batch=7)
    done(key=_key(detector, RECORDS, "float32", 0.3), photos=2, checksum=None)(folder)
    watched = Watched()
    features(folder, watched, digests=DIGESTS, trust_old=trusted)
    assert watched.seen == ([2] if trusted else [0, 1, 2])
    assert (folder / "fc7.npy").read_bytes() == whole["fc7.npy"]
