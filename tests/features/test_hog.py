"""Histograms of oriented gradients against plain loops, and what must hold for them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.features import HOG_STYLES, HogSettings, hog_blocks, normalize_blocks
from minircnn.features.gradients import band_gradients, band_votes, channels

few = settings(deadline=None, max_examples=12, derandomize=True)


def photo(rng, height, width, *, gray=False):
    """A photo with structure, and some channels that are equally strong."""
    coarse = rng.integers(0, 256, (height // 3 + 1, width // 3 + 1, 3))
    image = coarse.repeat(3, axis=0).repeat(3, axis=1)[:height, :width] + rng.integers(
        -9, 9, (height, width, 1)
    )
    image = np.clip(image, 0, 255).astype(np.uint8)
    return image[:, :, 0].copy() if gray else image


VARIANTS = {
    **HOG_STYLES,
    "signed": HogSettings(signed=True, bins=12),
    "signed, polynomial, replicated": HogSettings(signed=True, arctan="polynomial", border="replicate"),
    "gray": HogSettings(color="gray", gamma="sqrt", norm="l2"),
    "l1": HogSettings(norm="l1", cell=4, block=3, layout="columns", mean=True),
    "l1-sqrt": HogSettings(norm="l1-sqrt", block=1, sigma=None, soft_bins=False),
    "hard cells": HogSettings(bilinear=False, eps_rule="per-value", eps=0.1),
}


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("name", VARIANTS)
def test_blocks_equal_those_of_the_loops(name, gray, rng):
    choices = VARIANTS[name]
    image = photo(rng, 27, 30, gray=gray)
    made = hog_blocks(image, choices)
    assert made.shape == textbook.hog_blocks(image, choices).shape
    np.testing.assert_allclose(made, textbook.hog_blocks(image, choices), atol=2e-6)


def test_bands_and_sizes_change_nothing(rng, monkeypatch):
    image = photo(rng, 93, 71)
    for name in ("paper", "skimage"):
        whole = hog_blocks(image, HOG_STYLES[name])
        monkeypatch.setattr("minircnn.features.hog._BAND", 8)
        np.testing.assert_allclose(hog_blocks(image, HOG_STYLES[name]), whole, atol=1e-6)
        monkeypatch.undo()


def test_cells_may_begin_anywhere_and_see_what_lies_before(rng):
    image = photo(rng, 60, 60)
    inner = hog_blocks(image[3:, 5:], HogSettings())[1:, 1:]
    np.testing.assert_allclose(hog_blocks(image, HogSettings(), start=(3 + 8, 5 + 8)), inner, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (15, 40), (2, 2), (16, 16)])
def test_photos_of_any_size_have_as_many_blocks_as_fit(size):
    image = np.full((*size, 3), 7, np.uint8)
    rows, columns = (max(0, side // 8 - 1) for side in size)
    blocks = hog_blocks(image)
    assert blocks.shape == (rows, columns, 36)
    assert not blocks.any()


@pytest.mark.parametrize("border", ["reflect", "replicate"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3)])
def test_gradients_of_narrow_photos_equal_the_loops(border, size, rng):
    choices = HogSettings(border=border)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    dx, dy = band_gradients(channels(image, choices), slice(0, size[0]), choices)
    for y in range(size[0]):
        for x in range(size[1]):
            assert (dx[y, x], dy[y, x]) == textbook.strongest_gradient(image.astype(float), y, x, choices)


@pytest.mark.parametrize("name", ["paper", "opencv", "skimage"])
def test_all_votes_of_a_pixel_are_the_strength_of_its_gradient(name, rng):
    choices = HOG_STYLES[name]
    planes = channels(photo(rng, 12, 20), choices)
    votes = np.empty((12, 11, 20), np.float32)
    band_votes(planes, slice(0, 12), slice(0, 20), choices, votes)
    dx, dy = band_gradients(planes, slice(0, 12), choices)
    np.testing.assert_allclose(votes[:, 1:-1].sum(axis=1), np.hypot(dx, dy), rtol=1e-5, atol=1e-5)


@few
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 60))
def test_light_and_contrast_change_nothing_without_gamma(seed, contrast, light):
    image = photo(np.random.default_rng(seed), 32, 40) // 4
    choices = HogSettings(eps=1e-3)
    brighter = (image * contrast + light).astype(np.uint8)
    np.testing.assert_allclose(hog_blocks(brighter, choices), hog_blocks(image, choices), atol=1e-4)


def test_with_gamma_light_matters():
    image = photo(np.random.default_rng(0), 32, 40) // 4
    difference = hog_blocks(image + 60, HOG_STYLES["opencv"]) - hog_blocks(image, HOG_STYLES["opencv"])
    assert np.abs(difference).max() > 1e-2


def mirrored(blocks, choices):
    """Blocks of the mirrored photo, from those of the photo: cells and orientations change places."""
    rows, columns, _ = blocks.shape
    parts = blocks.reshape(rows, columns, choices.block, choices.block, choices.bins)
    if choices.layout == "columns":
        parts = parts.transpose(0, 1, 3, 2, 4)
    parts = parts[:, ::-1, :, ::-1, ::-1]  # 180° - the angle
    if choices.layout == "columns":
        parts = parts.transpose(0, 1, 3, 2, 4)
    return parts.reshape(blocks.shape)


@few
@given(st.integers(0, 2**32 - 1))
def test_a_mirrored_photo_has_the_same_numbers_elsewhere_if_the_gaussian_is_centered(seed):
    image = photo(np.random.default_rng(seed), 32, 48)
    centered = HogSettings(sigma=4.0)
    expected = mirrored(hog_blocks(image, centered), centered)
    np.testing.assert_allclose(hog_blocks(image[:, ::-1], centered), expected, atol=2e-6)
    off = dataclasses.replace(centered, sigma_shift=0.5)  # as OpenCV's
    difference = hog_blocks(image[:, ::-1], off) - mirrored(hog_blocks(image, off), off)
    assert np.abs(difference).max() > 1e-3


@pytest.mark.parametrize("name", VARIANTS)
def test_no_block_is_longer_than_one(name, rng):
    choices = VARIANTS[name]
    blocks = hog_blocks(photo(rng, 60, 60), choices)
    assert blocks.min() >= 0
    assert blocks.max() <= 1
    power = 2 if choices.norm != "l1" else 1
    assert (blocks**power).sum(axis=-1).max() <= 1 + 1e-6
    again = np.zeros((3, choices.block_dim), np.float32)
    assert not normalize_blocks(again, choices).any()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((9, 9, 3), np.float32), r"uint8, got \(9, 9, 3\) of float32"),
        (np.zeros((9, 9, 4), np.uint8), r"\(9, 9, 4\)"),
        (np.zeros((0, 9), np.uint8), r"\(0, 9\)"),
        (np.zeros(9, np.uint8), r"\(9,\)"),
    ],
)
def test_what_is_no_photo_is_refused(image, words):
    with pytest.raises(ValueError, match=words):
        hog_blocks(image)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bins": 1}, r"hog\.bins must be between 2 and 255, got 1"),
        ({"gamma": "log"}, r"hog\.gamma must be one of none, sqrt"),
        ({"sigma": 0}, r"hog\.sigma must be above 0"),
        ({"norm": "l3"}, r"hog\.norm"),
        ({"color": "blue"}, r"hog\.color"),
    ],
)
def test_choices_that_make_no_sense_are_named(fields, words):
    with pytest.raises(ValueError, match=words):
        HogSettings(**fields)
