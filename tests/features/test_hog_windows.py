"""Windows: where they stand, what describes them, and scores without descriptors."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.features import (
    HOG_STYLES,
    HogSettings,
    HogWindows,
    PyramidSettings,
    hog_blocks,
    pyramid_levels,
    score_windows,
)

SMALL = HogWindows(window=(32, 48), margin=(8, 8))


def photo(rng, height, width):
    coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]


def test_scales_grow_until_a_window_no_longer_fits():
    levels = pyramid_levels(100, 80, (32, 48), PyramidSettings(step=1.3))
    assert [level.scale_x for level in levels] == [1.0, 1.3, 1.3 * 1.3]
    assert all(level.height >= 48 and level.width >= 32 for level in levels)
    assert len(pyramid_levels(1000, 1000, (32, 48), PyramidSettings(levels=5))) == 5
    assert pyramid_levels(40, 40, (32, 48)) == []


def test_each_aspect_ratio_has_a_pyramid_of_its_own_in_which_its_windows_have_that_ratio():
    ratios = (0.5, 2 / 3, 1.5)
    levels = pyramid_levels(400, 400, (32, 48), PyramidSettings(step=1.5, aspect_ratios=ratios))
    for level in levels:
        x1, y1, x2, y2 = level.boxes(np.array([[8.0, 16.0]]), (32, 48))[0]
        assert min(abs((x2 - x1) / (y2 - y1) - ratio) for ratio in ratios) < 0.05
    own = pyramid_levels(400, 400, (32, 48), PyramidSettings(step=1.5))
    assert [level for level in levels if level.scale_x == level.scale_y] == own


def test_a_photo_that_would_grow_beyond_memory_is_refused():
    with pytest.raises(
        ValueError, match=r"8000×8000 pixels would be enlarged to 160000×160000: raise pyramid.first"
    ):
        pyramid_levels(8000, 8000, (32, 48), PyramidSettings(first=0.05))


def test_padding_only_adds_windows(rng):
    image = photo(rng, 80, 64)
    weights = rng.normal(size=(1, SMALL.dim)).astype(np.float32)
    padded = dataclasses.replace(SMALL, pyramid=PyramidSettings(padding=16))
    for level, wide in zip(SMALL.levels(image), padded.levels(image), strict=True):
        inner = SMALL.scores(image, level, weights, np.zeros(1, np.float32))[0]
        outer = padded.scores(image, wide, weights, np.zeros(1, np.float32))[0]
        assert outer.shape > inner.shape
        # but for the gradients of outermost pixels, at which a padded photo goes on
        rows, columns = inner.shape
        same = np.isclose(outer[3 : 1 + rows, 3 : 1 + columns], inner[1:-1, 1:-1], atol=1e-4)
        assert same.all()


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_scores_equal_those_of_windows_described_one_by_one(layout, rng):
    choices = HogSettings(layout=layout)
    windows = dataclasses.replace(SMALL, hog=choices)
    blocks = hog_blocks(photo(rng, 70, 60), choices)
    weights, bias = rng.normal(size=(2, windows.dim)).astype(np.float32), np.array([0.5, -2], np.float32)
    scores = score_windows(blocks, windows.placed(weights), bias)
    rows, columns = windows.blocks
    for k in range(2):
        by_block = windows.placed(weights)[k].ravel()
        naive = textbook.window_scores(blocks.astype(float), by_block, float(bias[k]), rows, columns)
        np.testing.assert_allclose(scores[k], naive, atol=1e-5)
    vectors = windows.vectors(blocks, np.argwhere(np.ones(scores.shape[1:], bool)))
    np.testing.assert_allclose((vectors @ weights.T + bias).T.reshape(scores.shape), scores, atol=1e-5)


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_windows_of_any_stride_score_as_their_descriptors_do(stride, rng):
    windows = dataclasses.replace(SMALL, stride=stride, pyramid=PyramidSettings(step=1.4, padding=4))
    image = photo(rng, 75, 66)
    weights, bias = rng.normal(size=(3, windows.dim)).astype(np.float32), np.zeros(3, np.float32)
    for level in windows.levels(image):
        scores = windows.scores(image, level, weights, bias)
        assert scores.shape[1:] == windows.grid(level)
        places = np.argwhere(np.ones(scores.shape[1:], bool))
        described = windows.at(image, level, places) @ weights.T
        np.testing.assert_allclose(described.T.reshape(scores.shape), scores, atol=1e-4)


def test_a_narrow_band_of_memory_changes_nothing(rng, monkeypatch):
    blocks = hog_blocks(photo(rng, 120, 90))
    weights = SMALL.placed(rng.normal(size=(2, SMALL.dim)).astype(np.float32))
    whole = score_windows(blocks, weights, np.zeros(2, np.float32))
    monkeypatch.setattr("minircnn.features.hog_windows._PRODUCT", 1)
    np.testing.assert_allclose(score_windows(blocks, weights, np.zeros(2, np.float32)), whole, atol=1e-5)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.floats(1, 500), min_size=4, max_size=4))
def test_a_box_without_its_margin_and_with_it_again_is_the_same(values):
    x, y, width, height = values
    box = np.array([[x, y, x + width, y + height]])
    window = SMALL.around(box)
    np.testing.assert_allclose(SMALL.objects(window), box, rtol=1e-9, atol=1e-9)
    assert math.isclose((window[0, 2] - window[0, 0]) / width, 2)  # 8 of 32 on both sides


def test_people_are_smaller_than_their_windows_by_a_quarter_and_an_eighth_a_side():
    box = HogWindows().objects(np.array([[0.0, 0, 64, 128]]))
    np.testing.assert_array_equal(box, [[16, 16, 48, 112]])


def test_a_window_of_the_scan_is_described_as_its_box_cut_out(rng):
    image = photo(rng, 96, 96)
    level = SMALL.levels(image)[0]
    places = np.array([[2, 3], [1, 1]])
    boxes = SMALL.objects(SMALL.boxes(level, places))
    np.testing.assert_allclose(SMALL.of_boxes(image, boxes), SMALL.at(image, level, places), atol=1e-5)


def test_a_mirrored_window_is_that_of_the_mirrored_photo(rng):
    image = photo(rng, 96, 96)
    box = np.array([[20.0, 24, 36, 56]])
    over = 96 - box[:, [2, 1, 0, 3]] * [1, -1, 1, -1] - [0, 96, 0, 96]
    np.testing.assert_allclose(
        SMALL.of_boxes(image, box, mirrored=True), SMALL.of_boxes(image[:, ::-1], over), atol=1e-5
    )


def test_crops_that_are_larger_give_their_middle_and_see_their_rim(rng):
    image = photo(rng, 96, 96)
    vector = SMALL.of_crop(image[8:72, 16:64])
    places = np.array([[2, 3]])
    np.testing.assert_allclose(vector, SMALL.at(image, SMALL.levels(image)[0], places)[0], atol=1e-5)
    with pytest.raises(ValueError, match="a crop of 31×48 pixels holds no window of 32×48"):
        SMALL.of_crop(image[:48, :31])


def test_boxes_beyond_the_rim_and_of_no_size_to_speak_of_are_described(rng):
    image = photo(rng, 40, 40)
    boxes = np.array([[-30.0, -30, 5, 5], [39.9, 39.9, 40, 40], [0, 0, 40, 40]])
    assert np.isfinite(SMALL.of_boxes(image, boxes)).all()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"window": (60, 128)},
            "window must be whole cells of 8 pixels, and at least a block of 2 cells, got 60×128",
        ),
        ({"window": (8, 8)}, "window must be whole cells"),
        ({"window": (64,)}, "window must be two numbers"),
        ({"margin": (32, 16)}, "margin must leave something of the window of 64×128"),
        ({"stride": 12}, "stride must be a multiple of a cell of 8 pixels or divide it, got 12"),
        ({"hog": HOG_STYLES}, "hog must be HogSettings"),
    ],
)
def test_windows_that_make_no_sense_are_named(fields, words):
    with pytest.raises(ValueError, match=words):
        HogWindows(**fields)


def test_the_sum_of_a_window():
    windows = HogWindows()
    assert windows.hog.window_sum(128, 64) == "7·15·36"
    assert windows.dim == 3780
