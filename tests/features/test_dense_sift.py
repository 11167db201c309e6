"""Dense SIFT: the loop of one descriptor, that of key points, OpenCV's, and what holds for any photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.features import DenseSiftSettings, dense_sift
from minircnn.features.dense_sift import Grid, vote_map
from minircnn.features.sift.pyramid import blur

UNIT = DenseSiftSettings(root=False, least_contrast=0)


def photo(seed, height, width):
    rng = np.random.default_rng(seed)
    image = blur(rng.normal(size=(height, width)).astype(np.float32), 1.5)
    return np.clip(128 + 200 * image, 0, 255).astype(np.uint8)


@given(st.integers(0, 99), st.integers(3, 50), st.integers(3, 50), st.integers(1, 7), st.floats(1.0, 6.0))
@settings(max_examples=15)
def test_a_descriptor_is_the_loop(seed, height, width, step, cell):
    image = photo(seed, height, width)
    found, grid = dense_sift(image, DenseSiftSettings(step, (cell,), root=False, least_contrast=0))
    assert found.shape == (1, *grid.shape, 128)
    rng = np.random.default_rng(seed)
    i, j = rng.integers(0, grid.shape[0]), rng.integers(0, grid.shape[1])
    loop = textbook.sift_descriptor(
        image.astype(np.float32), int(grid.rows[i]), int(grid.columns[j]), cell / 3, 0.0
    )
    np.testing.assert_allclose(found[0, i, j], loop, atol=3e-4)


def test_votes_are_the_gradients(rng):
    channel = rng.normal(size=(9, 11)).astype(np.float32)
    votes = vote_map(channel)
    length = np.hypot(channel[1:-1, 2:] - channel[1:-1, :-2], channel[:-2, 1:-1] - channel[2:, 1:-1])
    np.testing.assert_allclose(votes.sum(axis=0)[1:-1, 1:-1], length, rtol=1e-5)
    assert votes[:, [0, -1]].sum() == votes[:, :, [0, -1]].sum() == 0


@given(st.integers(1, 200), st.integers(1, 30))
def test_the_grid_lies_in_the_middle(length, step):
    points = Grid.of(length, 1, step).rows
    assert (np.diff(points) == step).all()
    assert points[0] >= 0
    assert points[-1] < length
    assert abs(points[0] - (length - 1 - points[-1])) <= 1
    assert length - 1 - points[-1] < step


def test_opencv_describes_the_same_points():
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "SIFT_create"):
        pytest.skip("this OpenCV has no SIFT")
    image, size = photo(1, 90, 120), 4.0
    ours, grid = dense_sift(
        image, DenseSiftSettings(10, (1.5 * size,), (1.6**2 - 0.5**2) ** 0.5, root=False, least_contrast=0)
    )
    points = [cv2.KeyPoint(float(x), float(y), size, 0.0, 0, 0) for y in grid.rows for x in grid.columns]
    _, theirs = cv2.SIFT_create().compute(image, points)
    assert np.abs(512 * ours.reshape(-1, 128) - theirs).max() <= 2


def test_a_mirrored_photo_has_mirrored_descriptors():
    image = photo(2, 41, 61)  # whose grid of every fifth pixel is symmetrical
    found, _ = dense_sift(image, DenseSiftSettings(5, (3.0, 5.0), root=False, least_contrast=0))
    mirrored, _ = dense_sift(
        np.ascontiguousarray(image[:, ::-1]), DenseSiftSettings(5, (3.0, 5.0), root=False, least_contrast=0)
    )
    cells = found.reshape(2, *found.shape[1:3], 4, 4, 8)
    swapped = cells[:, :, ::-1, :, ::-1][..., (4 - np.arange(8)) % 8]
    np.testing.assert_allclose(mirrored.reshape(cells.shape), swapped, atol=1e-5)


@given(st.floats(0.5, 0.9), st.integers(0, 20))
@settings(max_examples=5)
def test_light_changes_little(factor, shift):
    image = photo(3, 40, 40)
    first, _ = dense_sift(image, UNIT)
    other, _ = dense_sift(np.rint(image * factor + shift).astype(np.uint8), UNIT)
    assert (first * other).sum(axis=-1).min() > 0.97


def test_flat_patches_are_nothing():
    found, _ = dense_sift(np.full((30, 30), 7, np.uint8) + (np.arange(30) % 2 == 0)[:, None].astype(np.uint8))
    assert not found.any()


def test_roots_are_unit_vectors():
    found, _ = dense_sift(photo(4, 40, 40), DenseSiftSettings(least_contrast=0.0))
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)


def test_opponent_colors_are_three_parts(rng):
    image = np.repeat(photo(5, 40, 50)[..., None], 3, axis=2)
    found, _ = dense_sift(image, DenseSiftSettings(color="opponent"))
    assert found.shape[-1] == 3 * 128
    assert not found[..., :256].any()  # grey has no colour
    grey, _ = dense_sift(image[..., 0], DenseSiftSettings())
    np.testing.assert_allclose(found[..., 256:] * np.sqrt(3), grey, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (5, 3)])
def test_small_photos_have_points(shape):
    found, grid = dense_sift(np.zeros(shape, np.uint8))
    assert found.shape[1:3] == grid.shape
    assert min(grid.shape) >= 1


def test_colors_of_a_grey_photo_are_refused():
    with pytest.raises(ValueError, match="RGB"):
        dense_sift(np.zeros((9, 9), np.uint8), DenseSiftSettings(color="opponent"))


@pytest.mark.parametrize("wrong", [{"step": 0}, {"cells": ()}, {"cells": (0.5,)}, {"color": "lab"}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=f"dense.{next(iter(wrong))}"):
        DenseSiftSettings(**wrong)
