import hypothesis.strategies as st
import numpy as np
import pytest
from bins_by_pixel import by_pixel
from hypothesis import given, settings

from minircnn import textbook
from minircnn.imaging import COLOUR_SPACES, convert, smooth
from minircnn.proposals.region_features import (
    neighbouring_regions,
    quantise_colour,
    quantise_texture,
    region_features,
)

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def random_labels(rng, shape, most=6):
    labels = rng.integers(0, most, shape)
    return np.unique(labels, return_inverse=True)[1].reshape(shape)


@settings(deadline=None, max_examples=40)
@given(SIZES, st.sampled_from(COLOUR_SPACES), st.integers(0, 2**31))
def test_features_equal_the_textbook(shape, space, seed):
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, shape)
    channels = convert(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), space)
    bins = quantise_colour(channels), quantise_texture(channels)
    color, texture = by_pixel(*bins)
    np.testing.assert_array_equal(color, textbook.color_bins(channels))
    features = region_features(labels, *bins)
    for region in range(labels.max() + 1):
        expected = textbook.describe_region(labels == region, color, texture)
        np.testing.assert_allclose(features.colour[region], expected.color, atol=1e-6)
        theirs = expected.texture.reshape(-1, 2, 4, 10).swapaxes(
            1, 2
        )  # ours: an axis' two sides side by side
        np.testing.assert_allclose(features.texture[region], theirs.ravel(), atol=1e-6)
        assert features.size[region] == expected.size
        np.testing.assert_array_equal(features.boxes[region], expected.box)


@settings(deadline=None, max_examples=25)
@given(SIZES, st.integers(0, 2**31))
def test_texture_equals_the_textbook(shape, seed):
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, shape)
    channels = rng.uniform(0, 255, (*shape, 2)).astype(np.float32)
    bins = quantise_colour(channels), quantise_texture(channels)
    texture, expected = by_pixel(*bins)[1], textbook.texture_bins(channels)
    assert (
        np.abs(texture - expected).max() <= 1
    )  # a response within rounding of a bin's edge may fall to either side
    features = region_features(labels, *bins)
    for region in range(labels.max() + 1):
        described = textbook.describe_region(labels == region, by_pixel(*bins)[0], expected)
        theirs = described.texture.reshape(2, 2, 4, 10).swapaxes(1, 2)
        moved = np.abs(features.texture[region].reshape(theirs.shape) - theirs).sum() * described.size
        assert moved < 0.5


@pytest.mark.parametrize("space", ["HSV", "Lab"])
def test_histograms_use_their_range(space, rng):
    """Also where the values of a photo span a small part of what the space allows."""
    noise = smooth(rng.normal(120, 60, (80, 80, 3)), 1.0)
    channels = convert(np.clip(noise, 0, 255), space)
    labels = np.zeros((80, 80), int)
    features = region_features(labels, quantise_colour(channels), quantise_texture(channels))
    texture = features.texture.reshape(3, 8, 10)
    assert (texture > 0).mean() > 0.8
    weak = texture[:, :, 0] * 24
    assert (weak < 0.9).all()  # half of all responses point to the other side and count as none
    np.testing.assert_allclose([features.colour.sum(), features.texture.sum()], 1, rtol=1e-5)


@settings(deadline=None, max_examples=50)
@given(SIZES, st.sampled_from([4, 8]), st.integers(0, 2**31))
def test_neighbours_touch(shape, connectivity, seed):
    labels = random_labels(np.random.default_rng(seed), shape)
    pairs = neighbouring_regions(labels, connectivity)
    assert [tuple(p) for p in pairs.tolist()] == textbook.neighbouring_pairs(labels, connectivity)


def test_overlapping_boxes_are_not_neighbours():
    """A ring and what lies beyond it: the box of the core overlaps all, but only the ring touches it."""
    labels = np.zeros((7, 7), int)
    labels[1:6, 1:6], labels[3, 3] = 1, 2
    np.testing.assert_array_equal(neighbouring_regions(labels), [[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="4 or 8"):
        neighbouring_regions(labels, 6)
