"""Photos shared among processes give the same bits as one process, also after an interruption."""

import json
import pickle

import joblib
import numpy as np
import pytest
import small_detectors
from scene_features import scene_features

from minircnn.data import Scenes
from minircnn.data.digest import photo_digest
from minircnn.detectors.running import run_detector
from minircnn.kernels import threads
from minircnn.proposals import SlidingWindow
from minircnn.training import compute_proposals
from minircnn.training.regions import PhotoReader, region_records

WINDOWS = SlidingWindow(sizes=(40, 70), relative_stride=0.5)
SCENES = Scenes("train", count=5, size=128, heights=(24, 56))


class Unreadable(Scenes):
    """Scenes of which one cannot be read."""

    def image(self, index):
        if index == 2:
            raise OSError("the disk is gone")
        return super().image(index)

    def photo_digest(self, index):
        return photo_digest(SCENES, index)


@pytest.fixture(scope="module")
def proposals():
    return compute_proposals(SCENES, WINDOWS, limit=30, progress=False)


def features(dataset, proposals, folder, n_jobs, dtype="float32"):
    return scene_features(dataset, proposals, folder, n_jobs, batch=7, dtype=dtype)


def assert_same_files(one, other):
    for name in ("fc7.npy", "pool5.npy", "done.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.fixture(params=["1M", 64], ids=["copied", "mapped"])
def shared_memory(request):
    """Larger arrays reach the processes as read-only memory maps, as those of large networks do."""
    with joblib.parallel_config(max_nbytes=request.param):
        yield


@pytest.mark.usefixtures("shared_memory")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_features_do_not_depend_on_the_number_of_processes(proposals, tmp_path, dtype):
    alone = features(SCENES, proposals, tmp_path / "alone", 1, dtype)
    features(SCENES, proposals, tmp_path / "shared", 2, dtype)
    assert_same_files(tmp_path / "alone", tmp_path / "shared")
    assert alone.fc7.dtype == alone.pool5.dtype == dtype
    assert np.isfinite(alone.fc7).all()
    assert 0 < len(alone.pool5) < len(alone.fc7)
    assert all(alone.photo(i).any() for i in range(len(SCENES)))  # every photo was written


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_features_are_finished_to_the_same_bits(proposals, tmp_path, n_jobs):
    features(SCENES, proposals, tmp_path / "straight", 1)
    broken = Unreadable("train", count=5, size=128, heights=(24, 56))
    with pytest.raises(OSError, match="the disk is gone"):
        features(broken, proposals, tmp_path / "resumed", n_jobs)
    state = tmp_path / "resumed" / "done.json"
    done = json.loads(state.read_text())["photos"] if state.is_file() else 0
    assert done == 2 if n_jobs == 1 else done <= 2  # an error may overtake results of other processes
    before = np.load(tmp_path / "resumed" / "fc7.npy")
    features(SCENES, proposals, tmp_path / "resumed", n_jobs)
    assert_same_files(tmp_path / "straight", tmp_path / "resumed")
    rows = sum(len(r) for r in region_records(SCENES, proposals)[:done])
    np.testing.assert_array_equal(before[:rows], np.load(tmp_path / "resumed" / "fc7.npy")[:rows])


@pytest.mark.usefixtures("shared_memory")
@pytest.mark.parametrize("make", [small_detectors.fast_rcnn, small_detectors.rcnn])
def test_detections_do_not_depend_on_the_number_of_processes(make, proposals, rng):
    detector = make(SCENES.class_names, WINDOWS, rng=rng)
    alone, shared = (run_detector(detector, SCENES, proposals, n_jobs=n) for n in (1, 2))
    assert len(alone.detections) == len(shared.detections) == len(shared.seconds) == len(SCENES)
    assert sum(len(found) for found in alone.detections) > 0
    for one, other in zip(alone.detections, shared.detections, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.labels, other.labels)


def threads_of_a_process(_):
    return threads._Workers().threads()


def test_processes_share_the_processors():
    threads = joblib.Parallel(n_jobs=2)(joblib.delayed(threads_of_a_process)(i) for i in range(4))
    assert max(threads) <= max(1, joblib.cpu_count() // 2)


def test_a_reader_keeps_recent_photos_within_its_bytes():
    asked = []

    class Counted(Scenes):
        def image(self, index):
            asked.append(index)
            return super().image(index)

    scenes = Counted("train", count=4, size=64, heights=(16, 32))
    reader = PhotoReader(scenes, max_bytes=2 * 64 * 64 * 3)
    for index in (0, 1, 0, 2, 0, 1):  # 1 was the least recent when 2 came
        np.testing.assert_array_equal(reader.read(index), Scenes.image(scenes, index))
    assert asked == [0, 1, 2, 1]


def test_a_reader_keeps_no_photo_that_is_too_large():
    reader = PhotoReader(Scenes("train", count=1, size=64, heights=(16, 32)), max_bytes=1)
    np.testing.assert_array_equal(reader.read(0), reader.read(0))


def test_a_reader_travels_without_its_photos():
    reader = PhotoReader(SCENES)
    size = len(pickle.dumps(reader))
    photo = reader.read(0)
    packed = pickle.dumps(reader)
    assert len(packed) < size + photo.nbytes / 10
    np.testing.assert_array_equal(pickle.loads(packed).read(0), photo)
