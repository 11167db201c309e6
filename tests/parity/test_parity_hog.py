"""HOG against OpenCV and scikit-image: the same numbers, the same windows."""

import dataclasses

import numpy as np
import pytest
from skimage.data import astronaut, chelsea
from skimage.feature import hog

from minircnn.boxes import clip_boxes
from minircnn.detectors import HogSVM
from minircnn.features import HOG_STYLES, HogWindows, hog_blocks
from minircnn.imaging import read_image


@pytest.fixture
def cv2():
    module = pytest.importorskip("cv2")
    if not hasattr(module, "HOGDescriptor"):
        pytest.skip("this OpenCV was built without HOGDescriptor")
    return module


@pytest.fixture
def golden(shared_data):
    path = shared_data / "classical" / "golden" / "hog.npz"
    if not path.is_file():
        pytest.skip("no recorded results of OpenCV")
    return path


def crops(rng):
    photo = astronaut()
    yield photo[80:208, 150:214]
    yield photo[80:208, 150:214, 1]
    yield rng.integers(0, 256, (128, 64, 3), dtype=np.uint8)
    yield np.repeat(
        rng.integers(0, 3, (128, 64, 1), dtype=np.uint8) * 90, 3, axis=2
    )  # equal channels, flat parts


def test_descriptors_equal_those_of_opencv(cv2, rng):
    windows = HogWindows(hog=HOG_STYLES["opencv"])
    for crop in crops(rng):
        reversed_ = crop if crop.ndim == 2 else crop[:, :, ::-1]
        theirs = cv2.HOGDescriptor().compute(np.ascontiguousarray(reversed_)).ravel()
        np.testing.assert_allclose(windows.of_crop(crop), theirs, atol=1e-6)


def raw_of_opencv(cv2, photo, numbers):
    descriptor = cv2.HOGDescriptor()
    descriptor.setSVMDetector(numbers)
    found, scores = descriptor.detectMultiScale(
        np.ascontiguousarray(photo[:, :, ::-1]), 0, (8, 8), (0, 0), 1.05, 0
    )
    boxes = np.array(found, np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes, np.ravel(scores)


def assert_same_windows(ours, theirs, size):
    boxes, scores = clip_boxes(ours[0], *size), ours[1][:, 0]  # OpenCV clips
    assert boxes.shape == theirs[0].shape
    order, other = np.lexsort([*boxes.T, scores.round(4)]), np.lexsort([*theirs[0].T, theirs[1].round(4)])
    np.testing.assert_array_equal(boxes[order], theirs[0][other])
    np.testing.assert_allclose(scores[order], theirs[1][other], atol=1e-5)


def test_raw_windows_of_all_scales_equal_those_of_opencv(cv2):
    numbers = np.ravel(cv2.HOGDescriptor_getDefaultPeopleDetector())
    people = HogSVM.people(numbers)
    count = 0
    for photo in (astronaut(), chelsea(), astronaut()[:301, :263], astronaut()[::2, ::3]):
        theirs = raw_of_opencv(cv2, photo, numbers)
        assert_same_windows(people.raw_windows(photo), theirs, photo.shape[:2])
        count += len(theirs[0])
    assert count > 0


def test_raw_windows_of_photos_of_people_equal_those_of_opencv(cv2, shared_data):
    numbers = np.ravel(cv2.HOGDescriptor_getDefaultPeopleDetector())
    people = HogSVM.people(numbers)
    paths = sorted((shared_data / "classical" / "penn_fudan" / "images").glob("*"))
    if not paths:
        pytest.skip("no photos of people")
    for path in paths[:: len(paths) // 4]:
        photo = read_image(path)
        theirs = raw_of_opencv(cv2, photo, numbers)
        assert len(theirs[0]) > 0
        assert_same_windows(people.raw_windows(photo), theirs, photo.shape[:2])


def test_what_opencv_computed_once_is_computed_here(golden):
    recorded, photo = np.load(golden), astronaut()
    people = HogSVM.people(golden)
    np.testing.assert_array_equal(people.svms.coef_[0], recorded["people_detector"][:-1])
    crop = np.ascontiguousarray(photo[100:228, 200:264])
    np.testing.assert_allclose(people.windows.of_crop(crop), recorded["descriptor_colour"], atol=1e-6)
    _, scores = next(people.levels(photo))
    columns, rows = (recorded["window_xy"] // 8).T
    np.testing.assert_allclose(scores[0, rows, columns], recorded["window_score"], atol=1e-5)
    boxes = recorded["multiscale_xywh"].astype(float)
    boxes[:, 2:] += boxes[:, :2]
    assert_same_windows(
        people.raw_windows(photo, -1.0), (boxes, recorded["multiscale_score"]), photo.shape[:2]
    )


@pytest.mark.parametrize(
    "options", [{}, {"transform_sqrt": True}, {"orientations": 6, "pixels_per_cell": (5, 5)}]
)
def test_blocks_equal_those_of_scikit_image(options):
    choices = dataclasses.replace(
        HOG_STYLES["skimage"],
        gamma="sqrt" if "transform_sqrt" in options else "none",
        bins=options.get("orientations", 9),
        cell=options.get("pixels_per_cell", (8, 8))[0],
    )
    for photo in (chelsea(), chelsea()[:, :, 0], astronaut()[3:140, 7:99]):
        axis = None if photo.ndim == 2 else -1
        theirs = hog(photo, feature_vector=False, channel_axis=axis, **options)
        ours = hog_blocks(photo, choices)
        different = np.abs(ours - theirs.reshape(ours.shape)) > 1e-6
        # the angles of roots can lie on the other side of a bin's edge in double precision, which they have
        # there
        assert different.mean() < 0.01 if "transform_sqrt" in options else not different.any()


@pytest.mark.parametrize("norm", ["L1", "L1-sqrt", "L2"])
def test_norms_equal_those_of_scikit_image(norm):
    choices = dataclasses.replace(HOG_STYLES["skimage"], norm=norm.lower())
    theirs = hog(chelsea()[:96, :96], feature_vector=False, channel_axis=-1, block_norm=norm)
    ours = hog_blocks(chelsea()[:96, :96], choices)
    np.testing.assert_allclose(ours, theirs.reshape(ours.shape), atol=1e-6)
