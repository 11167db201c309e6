"""HOG + SVM as a detector: windows as boxes, boxes as windows, OpenCV's numbers, grouping."""

import dataclasses

import numpy as np
import pytest
import small_detectors

from minircnn.detectors import HogSVM, PostprocessSettings, load_detector, save_detector
from minircnn.detectors.hog_svm import read_numbers
from minircnn.features import HogSettings, HogWindows, PyramidSettings
from minircnn.heads import LinearSVMs

WINDOWS = HogWindows((32, 48), (8, 8), pyramid=PyramidSettings(step=1.3, padding=16))


@pytest.fixture
def detector():
    return small_detectors.hog_svm(("cat", "dog"))


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (25, 20, 3), dtype=np.uint8).repeat(5, axis=0).repeat(5, axis=1)


def test_windows_are_boxes_inside_the_photo_each_once_and_of_each_class_the_best(detector, image):
    view = detector.look(image)
    assert view.windows.min() >= 0
    assert (view.windows[:, 2:].max(axis=0) <= [100, 125]).all()
    assert len(np.unique(view.windows, axis=0)) == len(view.windows)
    raw, scores = detector.raw_windows(image, -np.inf)
    assert raw.min() < 0  # with padding, windows reach over the rim
    boxes = detector.windows.objects(raw)
    cut = np.clip(boxes, 0, [100, 125, 100, 125]).astype(np.float32)
    for box, best in zip(view.windows[::17], view.scores[::17], strict=True):
        np.testing.assert_array_equal(best, scores[(cut == box).all(axis=1)].max(axis=0))


def test_only_windows_are_kept_that_decisions_are_made_from(detector, image):
    few = dataclasses.replace(detector, postprocess=PostprocessSettings(top_per_class=5))
    many = dataclasses.replace(detector, postprocess=PostprocessSettings(top_per_class=10**6))
    assert 5 <= len(few.look(image).windows) <= 10
    everything, found = many.look(image), few.look(image)
    for k in range(2):
        np.testing.assert_array_equal(np.sort(found.scores[:, k])[-5:], np.sort(everything.scores[:, k])[-5:])
    strict = dataclasses.replace(detector, postprocess=PostprocessSettings(min_score=1e6))
    assert len(strict.detect(image)) == 0


def test_a_box_from_outside_scores_as_the_window_it_is(detector, image):
    level = detector.windows.levels(image)[0]
    places = np.array([[5, 4], [4, 6]])
    boxes = detector.windows.objects(detector.windows.boxes(level, places)).astype(np.float32)
    scores = next(detector.levels(image))[1][:, places[:, 0], places[:, 1]].T
    np.testing.assert_allclose(detector.judge_crops(image, boxes), scores, atol=1e-4)


def test_alike_windows_are_grouped_where_that_is_asked_for():
    windows = HogWindows((32, 32), (8, 8))
    weights = np.zeros((2, windows.dim), np.float32)
    detector = HogSVM(("a", "b"), None, LinearSVMs.from_weights(weights, np.zeros(2, np.float32)), windows)
    image = np.zeros((80, 80, 3), np.uint8)
    view = detector.look(image)
    boxes = np.array([[10, 10, 30, 30], [11, 10, 31, 30], [10, 11, 30, 31], [50, 50, 70, 70]], np.float32)
    scores = np.array([[1, -1], [3, -1], [2, 4], [5, -1]], np.float32)
    places = np.repeat(boxes[:, None], 2, axis=1)
    grouped = dataclasses.replace(detector, group_neighbors=2).decide(view, scores, places)
    np.testing.assert_array_equal(grouped.boxes, [[10, 10, 30, 30]])
    assert grouped.scores.tolist() == [3]
    alone = dataclasses.replace(detector, group_neighbors=0).decide(view, scores, places)
    assert sorted(zip(alone.labels.tolist(), alone.scores.tolist(), strict=True)) == [(1, 3), (1, 5), (2, 4)]
    none = dataclasses.replace(detector, group_neighbors=2).decide(view, scores[:0], places[:0])
    assert len(none) == 0


def test_a_photo_without_room_for_a_window_has_no_detections(detector):
    tight = dataclasses.replace(detector, windows=dataclasses.replace(WINDOWS, pyramid=PyramidSettings()))
    assert len(tight.detect(np.zeros((20, 20, 3), np.uint8))) == 0


def test_numbers_of_opencv_are_read_from_any_file(tmp_path, rng):
    numbers = rng.normal(size=3781).astype(np.float32)
    np.save(tmp_path / "p.npy", numbers[:, None])
    np.savez(tmp_path / "p.npz", other=np.zeros(9000), people_detector=numbers)
    (tmp_path / "p.txt").write_text("\n".join(repr(float(v)) for v in numbers) + "\n")
    for name in ("p.npy", "p.npz", "p.txt"):
        people = HogSVM.people(tmp_path / name)
        np.testing.assert_array_equal(people.svms.coef_[0], numbers[:-1])
        np.testing.assert_array_equal(people.svms.intercept_, numbers[-1:])
    assert people.class_names == ("person",)
    save_detector(tmp_path / "people.safetensors", people)
    assert load_detector(tmp_path / "people.safetensors").windows == people.windows


@pytest.mark.parametrize("count", [3780, 3782, 1])
def test_a_wrong_number_of_numbers_shows_the_sum(count):
    with pytest.raises(
        ValueError, match=rf"64×128 pixels takes 7·15·36 \+ 1 = 3,781 numbers .* got {count:,}"
    ):
        HogSVM.people(np.zeros(count))
    other = HogWindows((48, 96), (12, 12), hog=HogSettings(bins=8))
    with pytest.raises(ValueError, match=r"48×96 pixels takes 5·11·32 \+ 1 = 1,761 numbers"):
        HogSVM.people(np.zeros(count), windows=other)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"1 2 x"),
        ("a.npy", b""),
        ("a.npz", b"PK"),
        ("a.txt", b""),
        ("a.txt", b"1 nan"),
        ("a.npy", b"\x93NUMPY"),
    ],
)
def test_files_without_numbers_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: no numbers can be read"):
        read_numbers(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="none"):
        read_numbers(tmp_path / "none.npy")


@pytest.mark.parametrize("numbers", [np.full(3781, 1e300), np.full(3781, np.nan), np.zeros(3781, complex)])
def test_numbers_that_are_none_are_refused(numbers):
    with pytest.raises(ValueError, match="must be finite, and within single precision"):
        HogSVM.people(numbers)


def test_parts_that_do_not_fit_are_named(detector):
    with pytest.raises(ValueError, match=r"the SVMs' weight must have shape \(2, 540\)"):
        dataclasses.replace(detector, svms=LinearSVMs.none(2, 9))
    for windows in (None, HogSettings()):
        with pytest.raises(ValueError, match="windows must be HogWindows"):
            dataclasses.replace(detector, windows=windows)
    with pytest.raises(ValueError, match="group_neighbors must be at least 0, or none, got -1"):
        dataclasses.replace(detector, group_neighbors=-1)
    with pytest.raises(ValueError, match=r"HOG \+ SVM runs on the CPU: leave --device cpu"):
        detector.to(object())
