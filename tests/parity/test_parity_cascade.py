"""Cascades against OpenCV: every window that passes, and what grouping makes of them."""

import numpy as np
import pytest
from skimage import data

from minircnn.boxes import clip_boxes, group_boxes
from minircnn.files import read_json
from minircnn.heads.cascade import ScanSettings, read_cascade, scan
from minircnn.imaging import exact_grey

CASCADES = [
    "haarcascade_eye.xml",
    "haarcascade_eye_tree_eyeglasses.xml",  # tilted features, trees
    "haarcascade_frontalface_alt.xml",
    "haarcascade_frontalface_alt2.xml",  # trees
    "haarcascade_frontalface_default.xml",
    "haarcascade_profileface.xml",
    "haarcascade_smile.xml",  # 36 × 18
    "lbpcascade_frontalface_opencv_fixed.xml",
]


@pytest.fixture
def classical(shared_data):
    """The folder of cascades, photos, and what OpenCV found in them."""
    folder = shared_data / "classical"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


def as_rows(boxes, image):
    """Return boxes as OpenCV's, clipped and ``x, y, width, height``, in the order of their numbers."""
    boxes = clip_boxes(boxes.astype(np.float64), *image.shape)
    rows = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(int)
    return sorted(map(tuple, rows.tolist()))


@pytest.mark.parametrize("name", CASCADES)
@pytest.mark.parametrize("photo", ["astronaut", "camera"])
def test_detections_are_the_golden_ones(classical, name, photo):
    golden = read_json(classical / "golden" / "cascade_detections.json")["cases"][f"{name}|{photo}"]
    image = data.camera() if photo == "camera" else exact_grey(data.astronaut())
    found = scan(image, read_cascade(classical / "cascades" / name))
    assert as_rows(found.boxes, image) == sorted(map(tuple, golden["raw"]))
    grouped, counts, _ = group_boxes(found.boxes, min_neighbors=3)
    assert as_rows(grouped, image) == sorted(map(tuple, golden["grouped"]))
    assert sorted(counts) == sorted(golden["neighbours"])
    assert (np.diff(found.left) <= 0).all()
    assert found.left[-1] == len(found.boxes)


def opencv():
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("this build of OpenCV has no CascadeClassifier")
    return cv2


@pytest.mark.parametrize("factor", [1.1, 1.27])
@pytest.mark.parametrize(
    "name",
    [
        "haarcascade_frontalface_alt2.xml",
        "haarcascade_eye_tree_eyeglasses.xml",
        "lbpcascade_frontalface_opencv_fixed.xml",
    ],
)
def test_detections_are_those_of_opencv(classical, name, factor):
    cv2 = opencv()
    path = classical / "cascades" / name
    theirs, ours = cv2.CascadeClassifier(str(path)), read_cascade(path)
    photos = sorted((classical / "cmu_mit" / "images").iterdir())[::25]
    for photo in photos:
        image = cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE)
        raw = theirs.detectMultiScale(image, factor, 0)
        found = scan(image, ours, ScanSettings(scale_factor=factor))
        assert as_rows(found.boxes, image) == sorted(map(tuple, np.asarray(raw).tolist())), photo.name
        grouped, _, _ = group_boxes(found.boxes, min_neighbors=2)
        merged = theirs.detectMultiScale(image, factor, 2)
        assert as_rows(grouped, image) == sorted(map(tuple, np.asarray(merged).tolist())), photo.name


@pytest.mark.parametrize(("least", "most"), [(60, None), (0, 90), (40, 80)])
def test_the_size_of_windows_is_bounded_as_in_opencv(classical, least, most):
    cv2 = opencv()
    path = classical / "cascades" / "haarcascade_frontalface_default.xml"
    image = exact_grey(data.astronaut())
    theirs = cv2.CascadeClassifier(str(path)).detectMultiScale(
        image, 1.1, 0, minSize=(least, least), maxSize=(most or 0, most or 0)
    )
    found = scan(image, read_cascade(path), ScanSettings(min_size=least, max_size=most))
    assert as_rows(found.boxes, image) == sorted(map(tuple, np.asarray(theirs).tolist()))


def test_grey_is_that_of_opencv(rng):
    cv2 = pytest.importorskip("cv2")
    photo = rng.integers(0, 256, (300, 200, 3), dtype=np.uint8)
    np.testing.assert_array_equal(exact_grey(photo), cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY))
