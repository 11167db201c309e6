"""Bag of visual words: what it scores are the words of each region, and nothing else."""

import dataclasses

import numpy as np
import pytest
import small_detectors
from hypothesis import given
from hypothesis import strategies as st

from minircnn.data import Scenes
from minircnn.detectors import BagOfWords
from minircnn.detectors.bag_of_words import shrunk, shrunk_size
from minircnn.features import KERNELS, Vocabulary, kernel_map, word_votes
from minircnn.features.visual_words import normalized_histograms
from minircnn.proposals import SlidingWindow

IMAGE = Scenes("train", count=1, size=96, heights=(20, 44)).image(0)
BOXES = np.array([[5, 5, 60, 60], [10, 20, 30, 40], [0, 0, 96, 96], [70, 3, 75, 90]], dtype=np.float32)


@pytest.fixture
def detector():
    return small_detectors.bag_of_words("abc", SlidingWindow())


def test_scores_are_those_of_the_histograms(detector):
    view = detector.look(IMAGE)
    scores, boxes = detector.judge(view, BOXES)
    levels = detector.pyramid.levels
    shares = normalized_histograms(view.words.histograms(BOXES, levels), levels)
    expected = kernel_map(shares) @ detector.svms.coef_.T
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(boxes, np.repeat(BOXES[:, None], 3, axis=1))


def test_a_region_without_words_has_the_intercept(detector):
    svms = detector.svms
    svms.intercept_ = np.float32([1, 2, 3])
    scores, _ = detector.judge(detector.look(IMAGE), np.array([[2.6, 2.6, 2.9, 2.9]], np.float32))
    np.testing.assert_array_equal(scores, [[1, 2, 3]])


@pytest.mark.parametrize("kernel", KERNELS)
def test_votes_sum_to_the_score(kernel):
    detector = small_detectors.bag_of_words("abc", SlidingWindow(), kernel=kernel)
    view = detector.look(IMAGE)
    scores, _ = detector.judge(view, BOXES)
    for box, own in zip(BOXES, scores, strict=True):
        votes = [word_votes(view.words, box, weight, detector.pyramid) for weight in detector.svms.coef_]
        assert votes[0].shape == view.words.grid.shape
        np.testing.assert_allclose([v.sum() for v in votes], own, rtol=1e-3, atol=1e-4)
        x, y = np.meshgrid(view.words.grid.columns + 0.5, view.words.grid.rows + 0.5)
        outside = (x < box[0]) | (x >= box[2]) | (y < box[1]) | (y >= box[3])
        assert not votes[0][outside].any()


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(16, 600))
def test_a_large_photo_is_shrunk_to_the_side(height, width, side):
    small_height, small_width, scale = shrunk_size(height, width, side)
    assert 0 < scale <= 1
    assert max(small_height, small_width) <= side or scale == 1
    assert (scale == 1) == (max(height, width) <= side)
    assert abs(small_width - width * scale) <= 1


def test_boxes_are_in_pixels_of_the_photo(detector):
    half = dataclasses.replace(detector, max_side=48)
    view = half.look(IMAGE)
    assert view.scale == 0.5
    small, scale = shrunk(IMAGE, 48)
    assert small.shape == (48, 48, 3)
    scores, _ = half.judge(view, BOXES)
    same, _ = detector.judge(detector.look(small), BOXES * np.float32(scale))
    np.testing.assert_array_equal(scores, same)


def test_it_stays_on_the_cpu(detector):
    with pytest.raises(ValueError, match="Bag of words runs on the CPU: leave --device cpu"):
        detector.to(object())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"vocabulary": Vocabulary(np.ones((12, 64), np.float32))}, r"words of the vocabulary .*\(12, 128\)"),
        ({"vocabulary": Vocabulary(np.ones((9, 128), np.float32))}, r"SVMs' weight .*\(3, 45\)"),
        ({"class_names": ("a", "b")}, r"SVMs' weight .*\(2, 60\)"),
        ({"max_side": 3}, "max_side"),
        ({"dense": None}, "dense"),
    ],
)
def test_parts_that_do_not_fit_are_refused(detector, change, match):
    with pytest.raises(ValueError, match=match):
        dataclasses.replace(detector, **change)


def test_the_state_is_all_there_is(detector):
    settings, arrays = detector.state()
    again = BagOfWords.from_state({**settings, "proposer": settings["proposer"]}, arrays)
    assert again.dense == detector.dense
    assert again.pyramid == detector.pyramid
    np.testing.assert_array_equal(
        again.judge(again.look(IMAGE), BOXES)[0], detector.judge(detector.look(IMAGE), BOXES)[0]
    )
