"""Training of HOG + SVM: what is learned from, what rounds of hard negatives add, how a run goes on."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from trained_detectors import SCENES

from minircnn.boxes import box_iou
from minircnn.detectors import HogSVM
from minircnn.features import HogSettings, HogWindows, PyramidSettings
from minircnn.heads import LinearSVMs
from minircnn.structures import Annotations
from minircnn.training import (
    HOG_SVM_PRESETS,
    HogSVMSettings,
    NegativeSettings,
    WindowSVMSettings,
    train,
    train_hog_svm_on_crops,
)
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.hog_negatives import (
    DatasetPhotos,
    Negatives,
    PhotosWithoutObjects,
    eligible_windows,
    hard_negatives,
    random_negatives,
)
from minircnn.training.hog_rounds import read_trace, train_rounds
from minircnn.training.hog_svm import describe_objects

WINDOWS = HogWindows((32, 32), (8, 8), pyramid=PyramidSettings(step=1.3, padding=8))
SETTINGS = HogSVMSettings(
    window=(32, 32),
    margin=(8, 8),
    hog=HogSettings(cell=8),
    pyramid=WINDOWS.pyramid,
    rounds=2,
    svm=WindowSVMSettings(C=1.0),
    negatives=NegativeSettings(per_photo=5, hard_above=-1.0, hard_per_photo=7),
)
PHOTOS = DatasetPhotos(SCENES)


class Squares:
    """Photos of noise with bright squares and dark ones."""

    name, class_names, flippable = "squares", ("bright", "dark"), True
    image_ids = ("0", "1", "2")

    def __init__(self):
        rng = np.random.default_rng(3)
        self.boxes = [
            np.array([[10 + 9 * i, 20, 26 + 9 * i, 36], [60, 50, 84, 74 + i]], float) for i in range(3)
        ]
        self.images = [rng.integers(100, 140, (100, 110, 3), dtype=np.uint8) for _ in range(3)]
        for image, boxes in zip(self.images, self.boxes.copy(), strict=True):
            for (x1, y1, x2, y2), grey in zip(boxes.astype(int), (250, 0), strict=True):
                image[y1:y2, x1:x2] = grey

    def __len__(self):
        return 3

    def image(self, index):
        return self.images[index]

    def annotations(self, index):
        boxes = self.boxes[index].astype(np.float32)
        return Annotations(
            boxes,
            np.array([1, 2]),
            self.class_names,
            difficult=np.array([False, index == 1]),
            height=100,
            width=110,
        )


def test_objects_are_windows_around_their_boxes_and_mirrored_ones_where_that_is_allowed():
    squares = Squares()
    found = describe_objects(squares, SETTINGS, progress=False)
    assert [len(own) for own in found] == [6, 4]  # one dark square is difficult
    np.testing.assert_array_equal(found[0][0], WINDOWS.of_boxes(squares.image(0), squares.boxes[0][:1])[0])
    squares.flippable = False
    assert [len(own) for own in describe_objects(squares, SETTINGS, progress=False)] == [3, 2]
    never = dataclasses.replace(SETTINGS, flip=False)
    assert [len(own) for own in describe_objects(Squares(), never, progress=False)] == [3, 2]


def test_a_window_that_overlaps_an_object_is_no_negative_of_its_class():
    squares, level = Squares(), WINDOWS.levels(Squares().image(0))[0]
    rows, columns = WINDOWS.grid(level)
    places = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    free = eligible_windows(DatasetPhotos(squares), 0, WINDOWS, level, places, NegativeSettings(), 2)
    iou = box_iou(WINDOWS.objects(WINDOWS.boxes(level, places)), squares.boxes[0])
    np.testing.assert_array_equal(free, iou < 0.3)
    assert 0 < free.sum() < free.size


def test_random_windows_are_those_asked_for_and_always_the_same():
    one = random_negatives(PHOTOS, 1, WINDOWS, SETTINGS.negatives, 10, seed=4)
    again = random_negatives(PHOTOS, 1, WINDOWS, SETTINGS.negatives, 10, seed=4)
    other = random_negatives(PHOTOS, 1, WINDOWS, SETTINGS.negatives, 10, seed=5)
    assert len(one) == 5
    assert one.eligible.any(axis=1).all()
    np.testing.assert_array_equal(one.features, again.features)
    assert not np.array_equal(one.features, other.features)
    tiny = PhotosWithoutObjects([np.zeros((20, 20, 3), np.uint8), np.zeros((33, 33, 3), np.uint8)])
    windows = dataclasses.replace(WINDOWS, pyramid=PyramidSettings())
    assert len(random_negatives(tiny, 0, windows, SETTINGS.negatives, 1, 0)) == 0
    assert len(random_negatives(tiny, 1, windows, SETTINGS.negatives, 1, 0)) == 1  # it has one window


def test_hard_windows_are_the_worst_false_alarms():
    squares = Squares()
    rng = np.random.default_rng(0)
    weights = LinearSVMs.from_weights(
        rng.normal(size=(2, WINDOWS.dim)).astype(np.float32), np.zeros(2, np.float32)
    )
    detector = HogSVM(("bright", "dark"), None, weights, WINDOWS)
    settings = NegativeSettings(hard_above=1.0, hard_per_photo=6)
    found = hard_negatives(DatasetPhotos(squares), 0, detector, settings)
    own = np.where(found.eligible, weights.scores(found.features), -np.inf).max(axis=1)
    np.testing.assert_allclose(own, found.scores, atol=1e-4)
    assert len(found) == 6
    everything = hard_negatives(
        DatasetPhotos(squares), 0, detector, dataclasses.replace(settings, hard_per_photo=10**6)
    )
    assert everything.scores.min() > 1.0
    np.testing.assert_array_equal(np.sort(found.scores), np.sort(everything.scores)[-6:])


def test_only_the_worst_are_kept_when_there_are_too_many():
    some = Negatives(np.arange(4, dtype=np.float32)[:, None], np.ones((4, 1), bool), np.float32([3, 1, 2, 9]))
    np.testing.assert_array_equal(some.worst(2).features.ravel(), [0, 3])
    assert some.worst(4) is some


def test_rounds_add_what_was_taken_for_an_object(tmp_path):
    run = train(SCENES, SETTINGS, tmp_path, progress=False)
    trace = read_trace(tmp_path)
    assert [record["round"] for record in trace] == [0, 1, 2]
    assert trace[0]["hard"] == 0
    assert trace[0]["negatives"] == 4 * 5
    for before, after in itertools.pairwise(trace):
        assert 0 < after["hard"] <= 4 * 7
        assert after["negatives"] == before["negatives"] + after["hard"]
    assert trace[0]["objects"] == sum(len(SCENES.annotations(i).labels) for i in range(4))
    assert isinstance(run.detector, HogSVM)
    assert run.detector.windows == SETTINGS.windows
    found = run.detector.detect(SCENES.image(0))
    assert (found.scores > 0).any()


def test_classes_without_an_object_are_named(tmp_path, caplog):
    with caplog.at_level("WARNING", logger="minircnn"):
        train(SCENES, dataclasses.replace(SETTINGS, rounds=0), tmp_path, progress=False)
    assert "no object to learn '1', '2' from" in caplog.text


def test_without_rounds_there_are_random_windows_alone(tmp_path):
    train(SCENES, dataclasses.replace(SETTINGS, rounds=0), tmp_path, progress=False)
    assert len(read_trace(tmp_path)) == 1


def test_a_run_that_is_stopped_anywhere_goes_on_to_the_same_detector(tmp_path, monkeypatch):
    train(SCENES, SETTINGS, tmp_path / "straight", progress=False)
    monkeypatch.setattr(CheckpointClock, "due", lambda self: True)

    class Stop(KeyboardInterrupt):
        pass

    calls = []

    def stopping(*arguments):
        calls.append(arguments)
        if len(calls) in (3, 8):
            raise Stop
        return hard_negatives(*arguments)

    monkeypatch.setattr("minircnn.training.hog_rounds.hard_negatives", stopping)
    for stop in (True, True, False):
        try:
            train(SCENES, SETTINGS, tmp_path / "again", resume=True, progress=False)
        except Stop:
            assert stop
    assert len(calls) == 8 + 2  # two rounds of four photos, and those at which it was stopped
    for name in ("model.safetensors", "hog-svm.trace.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_other_settings_begin_anew(tmp_path):
    train(SCENES, dataclasses.replace(SETTINGS, rounds=0), tmp_path, progress=False)
    before = read_trace(tmp_path)[0]
    (tmp_path / "model.safetensors").unlink()
    train(SCENES, dataclasses.replace(SETTINGS, rounds=0, seed=1), tmp_path, resume=True, progress=False)
    assert read_trace(tmp_path)[0] != before


def test_crops_as_they_come(rng):
    crops = np.zeros((8, 40, 40, 3), np.uint8)  # with four pixels more than a window on every side
    crops[:, 12:28, 12:28] = rng.integers(90, 255, (8, 1, 1, 3))
    noise = [rng.integers(0, 255, (70, 60, 3), dtype=np.uint8) for _ in range(3)]
    detector = train_hog_svm_on_crops(crops, noise, SETTINGS, class_name="square")
    photo = np.zeros((80, 80, 3), np.uint8)
    photo[32:48, 24:40] = 200
    found = detector.detect(photo)
    assert found.names()[0] == "square"
    assert box_iou(found.boxes[:1], np.array([[24.0, 32, 40, 48]], np.float32))[0, 0] > 0.7
    for wrong in (crops[0], crops.astype(float), crops[:0]):
        with pytest.raises(ValueError, match="positives must be crops"):
            train_hog_svm_on_crops(wrong, noise, SETTINGS)
    with pytest.raises(ValueError, match="a crop of 31×31 pixels holds no window of 32×32"):
        train_hog_svm_on_crops(crops[:, :31, :31], noise, SETTINGS)


def test_what_nothing_can_be_learned_from_is_said():
    windows, some = WINDOWS, {"rounds": 0, "svm": SETTINGS.svm, "negatives": SETTINGS.negatives}
    with pytest.raises(ValueError, match="there is no object to learn from"):
        train_rounds([np.zeros((0, windows.dim), np.float32)], PHOTOS, windows, **some)
    tiny = PhotosWithoutObjects([np.zeros((9, 9, 3), np.uint8)])
    with pytest.raises(ValueError, match="no photo has a window of 32×32 pixels without an object"):
        train_rounds([np.ones((1, windows.dim), np.float32)], tiny, windows, progress=False, **some)


def test_settings_say_what_a_window_is_and_are_plain_for_a_file():
    assert HogSVMSettings(window=[64, 128]).window == (64, 128)
    assert HOG_SVM_PRESETS["paper"].windows.dim == 3780
    with pytest.raises(ValueError, match="window must be whole cells"):
        HogSVMSettings(window=(60, 128))
    with pytest.raises(ValueError, match="rounds must be at least 0"):
        HogSVMSettings(rounds=-1)


def test_the_trace_is_a_line_of_json_a_round(tmp_path):
    train(SCENES, dataclasses.replace(SETTINGS, rounds=1), tmp_path, progress=False)
    lines = (tmp_path / "hog-svm.trace.jsonl").read_text().splitlines()
    assert [json.loads(line)["round"] for line in lines] == [0, 1]
    assert read_trace(tmp_path / "nowhere") == []
