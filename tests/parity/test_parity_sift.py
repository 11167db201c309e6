"""SIFT beside OpenCV's, recorded and live."""

import numpy as np
import pytest
import skimage.data

from minircnn.features import SIFT_STYLES, sift_features
from minircnn.imaging import exact_grey

LEAST_MATCHED, LEAST_EQUAL = 0.999, 0.995
TOLERANCE = 0.02  # pixels of position and size, degrees


def assert_equal_sets(image, xy, sizes, angles, descriptors, least=LEAST_MATCHED):
    """Raise unless nearly all key points are ours, and nearly all of their descriptors."""
    ours, own = sift_features(image, SIFT_STYLES["opencv"])
    matched = equal = 0
    for row in range(len(xy)):
        near = np.abs(ours.xy - xy[row]).max(axis=1) < TOLERANCE
        near &= np.abs(ours.sizes - sizes[row]) < TOLERANCE
        near &= np.abs((ours.angles - angles[row] + 180) % 360 - 180) < TOLERANCE
        matched += near.any()
        equal += (np.abs(own[near] - descriptors[row].astype(np.float32)) <= 1).all(axis=1).any()
    assert matched >= least * len(xy)
    assert equal >= LEAST_EQUAL * matched
    assert abs(len(ours) - len(xy)) <= max(2, 0.001 * len(xy))


@pytest.mark.parametrize("name", ["astronaut", "camera"])
def test_it_finds_the_recorded_key_points(shared_data, name):
    golden = shared_data / "classical" / "golden"
    if not golden.is_dir():
        pytest.skip(f"no recorded results at {golden}")
    with np.load(golden / f"sift_{name}.npz") as kept, np.load(golden / "astronaut_grey.npz") as grey:
        image = grey["astronaut_grey_cv2"] if name == "astronaut" else skimage.data.camera()
        assert_equal_sets(image, kept["xy"], kept["size"], kept["angle"], kept["descriptor"])


@pytest.mark.parametrize("name", ["coins", "chelsea"])
def test_it_finds_the_key_points_of_opencv(name):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "SIFT_create"):
        pytest.skip("this OpenCV has no SIFT")
    image = getattr(skimage.data, name)()
    image = image if image.ndim == 2 else exact_grey(image)
    points, descriptors = cv2.SIFT_create().detectAndCompute(image, None)
    xy = np.array([point.pt for point in points], np.float32)
    sizes, angles = (np.array([getattr(p, what) for p in points], np.float32) for what in ("size", "angle"))
    assert_equal_sets(image, xy, sizes, angles, descriptors)


def test_grey_levels_are_opencvs(rng):
    cv2 = pytest.importorskip("cv2")
    image = rng.integers(0, 256, (60, 50, 3)).astype(np.uint8)
    np.testing.assert_array_equal(exact_grey(image), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
