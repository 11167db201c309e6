import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn.imaging import COLOUR_SPACES, convert, gaussian_gradient, smooth
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


def naive_colour(labels, channels):
    histogram = np.zeros((labels.max() + 1, channels.shape[2], 25))
    for (y, x), region in np.ndenumerate(labels):
        for c in range(channels.shape[2]):
            histogram[region, c, int(channels[y, x, c] * np.float32(25 / 256))] += 1
    flat = histogram.reshape(len(histogram), -1)
    return flat / flat.sum(axis=1, keepdims=True)


def naive_texture(labels, channels):
    """Eight half-wave rectified derivatives per channel in ten bins up to the strongest."""
    histogram = np.zeros((labels.max() + 1, channels.shape[2], 8, 10))
    for c in range(channels.shape[2]):
        right, down = gaussian_gradient(channels[:, :, c], 1.0)
        angles = np.arange(8) * np.pi / 4
        responses = [np.cos(angle) * right + np.sin(angle) * down for angle in angles]
        strongest = np.max(responses)
        for direction, response in enumerate(responses):
            for (y, x), region in np.ndenumerate(labels):
                strength = max(0.0, float(response[y, x])) / strongest * 10 if strongest > 1e-3 else 0
                histogram[region, c, direction, min(9, int(strength))] += 1
    flat = histogram.reshape(len(histogram), -1)
    return flat / flat.sum(axis=1, keepdims=True)


@settings(deadline=None, max_examples=40)
@given(SIZES, st.sampled_from(COLOUR_SPACES), st.integers(0, 2**31))
def test_features_equal_naive_counts(shape, space, seed):
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, shape)
    channels = convert(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), space)
    features = region_features(labels, quantise_colour(channels), quantise_texture(channels))
    np.testing.assert_allclose(features.colour, naive_colour(labels, channels), atol=1e-6)
    for region in range(labels.max() + 1):
        y, x = np.nonzero(labels == region)
        assert features.size[region] == len(y)
        np.testing.assert_array_equal(features.boxes[region], [x.min(), y.min(), x.max() + 1, y.max() + 1])


@settings(deadline=None, max_examples=25)
@given(SIZES, st.integers(0, 2**31))
def test_texture_equals_naive_counts(shape, seed):
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, shape)
    channels = rng.uniform(0, 255, (*shape, 2)).astype(np.float32)
    features = region_features(labels, quantise_colour(channels), quantise_texture(channels))
    # ours: an axis and its opposite side by side; the loop: by angle
    theirs = naive_texture(labels, channels).reshape(-1, 2, 2, 4, 10).swapaxes(2, 3)
    moved = np.abs(features.texture.reshape(theirs.shape) - theirs).sum(axis=(1, 2, 3, 4)) * features.size
    assert (moved < 0.5).all()  # a response within rounding of a bin's edge may fall to either side


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


def naive_neighbours(labels, connectivity):
    height, width = labels.shape
    steps = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if connectivity == 8 else [])
    pairs = set()
    for y in range(height):
        for x in range(width):
            for dy, dx in steps:
                if y + dy < height and 0 <= x + dx < width and labels[y, x] != labels[y + dy, x + dx]:
                    pairs.add(tuple(sorted((int(labels[y, x]), int(labels[y + dy, x + dx])))))
    return sorted(pairs)


@settings(deadline=None, max_examples=50)
@given(SIZES, st.sampled_from([4, 8]), st.integers(0, 2**31))
def test_neighbours_touch(shape, connectivity, seed):
    labels = random_labels(np.random.default_rng(seed), shape)
    pairs = neighbouring_regions(labels, connectivity)
    assert [tuple(p) for p in pairs.tolist()] == naive_neighbours(labels, connectivity)


def test_overlapping_boxes_are_not_neighbours():
    """A ring and what lies beyond it: the box of the core overlaps all, but only the ring touches it."""
    labels = np.zeros((7, 7), int)
    labels[1:6, 1:6], labels[3, 3] = 1, 2
    np.testing.assert_array_equal(neighbouring_regions(labels), [[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="4 or 8"):
        neighbouring_regions(labels, 6)
