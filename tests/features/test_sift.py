"""SIFT: its loops, what holds for any photo, and OpenCV's numbers."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.features import (
    SIFT_STYLES,
    SiftSettings,
    describe,
    find_keypoints,
    gaussian_pyramid,
    sift_features,
)
from minircnn.features.sift.descriptors import describe_points
from minircnn.features.sift.extrema import _candidates
from minircnn.features.sift.gradients import gradients
from minircnn.features.sift.orientation import orientation_histograms
from minircnn.features.sift.pyramid import blur
from minircnn.imaging import smooth

PAPER = SIFT_STYLES["paper"]


def texture(seed, height=60, width=70):
    """A grey photo with blobs of many sizes."""
    rng = np.random.default_rng(seed)
    total = sum(smooth(rng.normal(size=(height, width)), sigma) * sigma for sigma in (1, 2, 4, 8))
    return np.clip(128 + 60 * total, 0, 255).astype(np.uint8)


def one_level(image, row, column, scale):
    """Return how `image` alone is given to the functions that read the pyramid's buffer."""
    size = np.array([image.shape])
    return image.ravel(), np.zeros(1, np.int64), size, np.array([[row, column]]), np.float32([scale])


@given(st.integers(0, 99), st.integers(0, 39), st.integers(0, 49), st.floats(1.5, 3.5))
@settings(max_examples=15)
def test_one_histogram_is_the_loop(seed, row, column, scale):
    image = texture(seed, 40, 50).astype(np.float32)
    (found,) = orientation_histograms(*one_level(image, row, column, scale), PAPER)
    loop = textbook.orientation_histogram(image, row, column, float(np.float32(scale)))
    np.testing.assert_allclose(found, loop, rtol=1e-3, atol=0.1)
    assert found.sum() == pytest.approx(sum(loop), rel=1e-4)


@given(st.integers(0, 99), st.integers(0, 39), st.integers(0, 49), st.floats(1.5, 2.5), st.floats(0, 359))
@settings(max_examples=10)
def test_one_descriptor_is_the_loop(seed, row, column, scale, angle):
    image = texture(seed, 40, 50).astype(np.float32)
    scale = float(np.float32(scale))
    (found,) = describe_points(*one_level(image, row, column, scale), np.float32([angle]), PAPER)
    loop = textbook.sift_descriptor(image, row, column, scale, float(np.float32(angle)))
    np.testing.assert_allclose(found, loop, atol=2e-4)


@pytest.mark.parametrize("style", ["paper", "opencv"])
def test_candidates_are_those_of_the_loop(rng, style):
    is_extremum = textbook.is_extremum if style == "paper" else _is_extremum_or_equal
    differences = rng.integers(-4, 5, (5, 17, 19)).astype(np.float32)
    if style == "paper":
        differences += rng.normal(size=differences.shape).astype(np.float32) * 0.01  # no two are equal
    found = _candidates(differences, SIFT_STYLES[style])
    expected = [
        np.ravel_multi_index((level, row, column), differences.shape)
        for level in (1, 2, 3)
        for row in range(5, 12)
        for column in range(5, 14)
        if is_extremum(differences, level, row, column)
    ]
    assert found.tolist() == expected
    assert expected


def _is_extremum_or_equal(differences, level, row, column):
    around = differences[level - 1 : level + 2, row - 1 : row + 2, column - 1 : column + 2]
    value = differences[level, row, column]
    return value == (around.max() if value > 0 else around.min()) and abs(value) > 1


def test_a_blur_is_the_separable_filter(rng):
    image = rng.normal(size=(150, 70)).astype(np.float32)
    reach = 8
    padded = np.pad(image, reach * 2, mode="reflect")
    np.testing.assert_allclose(blur(image, 2.0), smooth(padded, 2.0)[16:-16, 16:-16], atol=2e-6)


def test_a_tiny_photo_is_blurred_without_end():
    assert np.allclose(blur(np.full((1, 2), 3, np.float32), 3.0), 3)


def test_the_polynomial_is_the_arctangent(rng):
    pixels = rng.normal(size=900).astype(np.float32)
    places = np.arange(100, 800)
    length, exact = gradients(pixels, places, np.full(700, 30), polynomial=False)
    same, near = gradients(pixels, places, np.full(700, 30), polynomial=True)
    np.testing.assert_array_equal(length, same)
    assert np.abs((exact - near + 180) % 360 - 180).max() < 0.02


def blob(x, y, sigma=4.0, size=64):
    """A grey photo of one Gaussian blob whose centre is at (x, y) in half-open coordinates."""
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    return np.rint(20 + 200 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))).astype(
        np.uint8
    )


@pytest.mark.parametrize(("x", "y"), [(32.0, 32.0), (31.5, 30.5), (30.25, 33.0)])
def test_a_blob_is_found_where_it_is(x, y):
    keypoints = find_keypoints(gaussian_pyramid(blob(x, y), PAPER), PAPER)
    assert len(keypoints)
    np.testing.assert_allclose(keypoints.xy, np.broadcast_to([x, y], keypoints.xy.shape), atol=0.03)
    np.testing.assert_allclose(keypoints.sizes, 2 * 4.0, rtol=0.15)  # twice its σ


def test_opencvs_position_is_a_quarter_of_a_pixel_off():
    legacy = find_keypoints(gaussian_pyramid(blob(32, 32), PAPER), SiftSettings(legacy_quarter_pixel=True))
    np.testing.assert_allclose(legacy.xy + 0.5, 32.25, atol=0.03)  # whole numbers at pixel centres, and ¼


def test_the_frame_does_not_change_the_descriptors():
    image = texture(3, 90, 100)
    ours, same = sift_features(image), sift_features(image, SiftSettings(legacy_quarter_pixel=True))
    np.testing.assert_array_equal(ours[1], same[1])
    np.testing.assert_allclose(ours[0].xy, same[0].xy + 0.25, atol=1e-5)


@given(st.floats(0.5, 0.9), st.integers(0, 30))
@settings(max_examples=5)
def test_light_changes_no_descriptor(factor, shift):
    image = np.minimum(texture(5, 80, 80), 220)
    first = sift_features(image)
    pyramid = gaussian_pyramid(np.rint(image * factor + shift).astype(np.uint8), PAPER)
    again = describe(pyramid, first[0], PAPER)
    assert (first[1] * again).sum(axis=1).min() > 0.97


def test_a_turned_photo_has_the_turned_key_points():
    image = texture(7, 96, 96)
    first, descriptors = sift_features(image)
    turned, others = sift_features(
        np.ascontiguousarray(np.rot90(image))
    )  # a point (x, y) goes to (y, 96 - x)
    place = np.stack([first.xy[:, 1], 96 - first.xy[:, 0]], axis=1)
    distance = np.hypot(*(place[:, None] - turned.xy).transpose(2, 0, 1))
    turn = np.abs((first.angles[:, None] - 90 - turned.angles + 180) % 360 - 180)
    same = (distance < 0.6) & (turn < 3)  # every second pixel is taken from the other side
    assert same.any(axis=1).mean() > 0.7
    rows, columns = np.nonzero(same)
    assert np.median((descriptors[rows] * others[columns]).sum(axis=1)) > 0.95


def test_descriptors_are_unit_vectors_clipped_once():
    keypoints, descriptors = sift_features(texture(1))
    assert len(keypoints) > 10
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-5)
    whole = describe(gaussian_pyramid(texture(1), PAPER), keypoints, SIFT_STYLES["opencv"])
    assert whole.min() >= 0
    assert whole.max() <= 255
    np.testing.assert_array_equal(whole, np.rint(whole))


def test_a_limit_keeps_the_strongest():
    image = texture(2)
    every = sift_features(image)[0]
    few = sift_features(image, SiftSettings(limit=5))[0]
    assert len(few) == 5
    assert few.contrasts.min() >= np.sort(every.contrasts)[-5]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (7, 5), (16, 16)])
def test_small_photos_have_few_key_points(shape, rng):
    keypoints, descriptors = sift_features(rng.integers(0, 256, shape).astype(np.uint8))
    assert descriptors.shape == (len(keypoints), 128)


def test_a_flat_photo_has_none():
    keypoints, descriptors = sift_features(np.full((50, 50, 3), 90, np.uint8))
    assert len(keypoints) == 0
    assert descriptors.shape == (0, 128)


def test_key_points_of_another_photo_are_refused():
    keypoints, _ = sift_features(texture(1))
    keypoints = dataclasses.replace(keypoints, octaves=keypoints.octaves + 4)
    with pytest.raises(ValueError, match="another photo"):
        describe(gaussian_pyramid(texture(1, 12, 12), PAPER), keypoints, PAPER)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8)])
def test_no_photo_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8"):
        sift_features(wrong)


@pytest.mark.parametrize("wrong", [{"levels": 0}, {"contrast": -1}, {"limit": 0}, {"strict": 1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=f"sift.{next(iter(wrong))}"):
        SiftSettings(**wrong)
