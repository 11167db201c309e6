"""Haar features and local binary patterns: counts, loops, and what light does to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.feature import haar_like_feature_coord

from minircnn import textbook
from minircnn.features import (
    HAAR_KINDS,
    HaarFeatures,
    LBPFeatures,
    deviations,
    enumerate_haar,
    haar_values,
    lbp_codes,
)

THEIR_NAMES = dict(zip(HAAR_KINDS, ["type-2-x", "type-2-y", "type-3-x", "type-3-y", "type-4"], strict=True))


@pytest.mark.parametrize(("side", "count"), [(24, 162_336), (19, 63_960), (1, 0)])
def test_how_many_there_are(side, count):
    assert len(enumerate_haar(side, side)) == count


@pytest.mark.parametrize("kind", HAAR_KINDS)
def test_they_are_those_of_scikit_image(kind):
    ours = enumerate_haar(5, 7, (kind,))
    theirs, _ = haar_like_feature_coord(7, 5, THEIR_NAMES[kind])
    wholes = {(x, y, x + w, y + h) for x, y, w, h in ours.rectangles[:, 0].tolist()}
    corners = {
        (feature[0][0][1], feature[0][0][0], feature[-1][1][1] + 1, feature[-1][1][0] + 1)
        for feature in theirs
    }
    if kind != "four":  # whose parts scikit-image lists in another order
        assert wholes == corners
    assert len(ours) == len(theirs)


def test_no_kind_is_refused():
    with pytest.raises(ValueError, match="name one kind of Haar feature"):
        enumerate_haar(24, 24, ())


def windows(rng, count=6, height=9, width=11):
    return rng.integers(0, 256, (count, height, width), dtype=np.uint8)


def test_values_are_those_of_the_loop(rng):
    crops, features = windows(rng), enumerate_haar(9, 11)
    some = features.rows(rng.integers(0, len(features), 40))
    values = haar_values(some, crops)
    for f in range(len(some)):
        parts = [
            (*rectangle, float(weight))
            for rectangle, weight in zip(some.rectangles[f].tolist(), some.weights[f], strict=True)
        ]
        loop = [textbook.haar_value(crop, parts) for crop in crops]
        np.testing.assert_allclose(values[f], loop, rtol=1e-5, atol=1e-6)


def test_tilted_features_have_their_column_in_the_design(rng):
    crops = windows(rng)
    rectangles = np.zeros((2, 3, 4), np.int64)
    rectangles[0, :2] = [[5, 1, 3, 2], [5, 1, 1, 2]]
    rectangles[1, :2] = [[1, 1, 4, 4], [1, 1, 2, 4]]
    weights = np.array([[-1, 3, 0], [-1, 2, 0]], np.float32)
    values = haar_values(HaarFeatures(rectangles, weights, np.array([True, False])), crops)
    for crop, value in zip(crops, values[0], strict=True):
        raw = 3 * textbook.tilted_box_sum(crop, 5, 1, 1, 2) - textbook.tilted_box_sum(crop, 5, 1, 3, 2)
        assert value == pytest.approx(raw / (crop.size * crop.std()), rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]), st.integers(0, 30))
def test_light_changes_no_value(seed, gain, offset):
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 60, (4, 6, 6), dtype=np.uint8)
    crops[:, 0, :2] = 0, 59  # never uniform
    features = enumerate_haar(6, 6)
    lit = (crops * gain + offset).astype(np.uint8)
    np.testing.assert_allclose(haar_values(features, lit), haar_values(features, crops), rtol=1e-4, atol=1e-5)


def test_deviation_and_its_margin(rng):
    crops = windows(rng)
    np.testing.assert_allclose(deviations(crops), crops.std(axis=(1, 2)))
    np.testing.assert_allclose(deviations(crops, margin=1), crops[:, 1:-1, 1:-1].std(axis=(1, 2)))


def test_a_uniform_window_gives_zero():
    values = haar_values(enumerate_haar(6, 6), np.full((1, 6, 6), 200, np.uint8))
    np.testing.assert_array_equal(values, 0)


def test_large_windows_are_not_rounded(rng):
    crops = rng.integers(254, 256, (2, 120, 130), dtype=np.uint8)
    whole = np.array([[[0, 0, 130, 120], [65, 0, 65, 120], [0, 0, 0, 0]]])
    feature = HaarFeatures(whole, np.array([[-1, 2, 0]], np.float32), np.zeros(1, bool))
    raw = crops[:, :, 65:].sum(axis=(1, 2)).astype(float) - crops[:, :, :65].sum(axis=(1, 2))
    np.testing.assert_allclose(
        haar_values(feature, crops)[0], raw / crops[0].size / crops.std(axis=(1, 2)), rtol=1e-6
    )


def test_binary_patterns_by_hand(rng):
    crops = windows(rng, height=7, width=8)
    codes = lbp_codes(LBPFeatures(np.array([[1, 0, 2, 2], [0, 1, 1, 2]])), crops)
    for x, y, w, h, row in [(1, 0, 2, 2, 0), (0, 1, 1, 2, 1)]:
        for crop, code in zip(crops, codes[row], strict=True):
            block = {
                (i, j): int(crop[y + i * h : y + i * h + h, x + j * w : x + j * w + w].sum())
                for i in range(3)
                for j in range(3)
            }
            ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
            bits = "".join(str(int(block[place] >= block[1, 1])) for place in ring)
            assert code == int(bits, 2)
