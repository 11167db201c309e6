"""Visual words: the loops, and what holds for any photo and box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.features import DenseSiftSettings, Grid, Vocabulary, WordMap, dense_sift, photo_words
from minircnn.features.visual_words import level_weights, normalized_histograms

COUNT = 5


def word_map(seed, height=23, width=31, step=4, sizes=2):
    rng = np.random.default_rng(seed)
    grid = Grid.of(height, width, step)
    return WordMap(rng.integers(0, COUNT, (sizes, *grid.shape)), grid, COUNT)


@st.composite
def boxes_inside(draw, height=23, width=31):
    """A box with whole or fractional edges."""
    x = sorted(draw(st.tuples(st.floats(0, width), st.floats(0, width))))
    y = sorted(draw(st.tuples(st.floats(0, height), st.floats(0, height))))
    return np.array([x[0], y[0], x[1], y[1]])


@given(st.integers(0, 99), boxes_inside(), st.integers(1, 4))
def test_histograms_are_the_loop(seed, box, level):
    words = word_map(seed)
    points = [
        (column + 0.5, row + 0.5, int(word))
        for size in words.words
        for row, line in zip(words.grid.rows, size, strict=True)
        for column, word in zip(words.grid.columns, line, strict=True)
    ]
    edges = [box[:2] + (box[2:] - box[:2]) * i / level for i in range(level + 1)]
    if any(abs(p[axis] - edge[axis]) < 1e-9 for p in points for edge in edges for axis in (0, 1)):
        return  # rounding decides on which side a point lies
    if box[0] == box[2] or box[1] == box[3]:
        assert not words.histograms(box[None], (level,)).any()
        return
    expected = textbook.word_histogram(points, box.tolist(), level, COUNT)
    np.testing.assert_array_equal(words.histograms(box[None], (level,))[0], expected)


@given(st.integers(0, 99), boxes_inside(), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_the_cells_of_a_level_hold_the_words_of_the_box(seed, box, levels):
    counts = word_map(seed).histograms(box[None], tuple(levels))[0]
    whole = word_map(seed).histograms(box[None])[0, 0]
    first = 0
    for level in levels:
        np.testing.assert_array_equal(counts[first : first + level**2].sum(axis=0), whole)
        first += level**2


@given(st.integers(0, 99), boxes_inside(), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_many_words_are_counted_one_by_one(seed, box, levels):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minircnn.features.visual_words.LARGEST_TABLE", 1)
        counted = word_map(seed).histograms(box[None], tuple(levels))
    np.testing.assert_array_equal(counted, word_map(seed).histograms(box[None], tuple(levels)))


def test_the_whole_photo_has_all_words():
    words = word_map(1)
    counts = words.histograms(np.array([[0, 0, 31, 23]]))[0, 0]
    np.testing.assert_array_equal(counts, np.bincount(words.words.ravel(), minlength=COUNT))


def test_shares_sum_to_one_in_all_levels():
    levels = (1, 2, 4)
    boxes = np.array([[0, 0, 31, 23], [3, 5, 20, 19], [4.6, 4.6, 4.9, 4.9]])  # the last holds no point
    shares = normalized_histograms(word_map(2).histograms(boxes, levels), levels)
    assert shares.shape == (3, 21 * COUNT)
    np.testing.assert_allclose(shares.sum(axis=1), [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(shares[:2, :COUNT].sum(axis=1), 0.25, atol=1e-6)


def test_levels_weigh_as_in_the_paper():
    assert level_weights((1, 2, 4)) == (0.25, 0.25, 0.5)
    assert level_weights((1, 2)) == (0.5, 0.5)
    assert level_weights((1,)) == (1.0,)


def test_words_of_a_photo_are_the_nearest(rng):
    image = rng.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    settings = DenseSiftSettings(step=8, cells=(2.0, 4.0))
    descriptors, _ = dense_sift(image, settings)
    vocabulary = Vocabulary(descriptors.reshape(-1, 128)[rng.permutation(20)])
    words = photo_words(image, vocabulary, settings)
    assert words.words.shape == descriptors.shape[:-1]
    assert words.count == 20
    expected = textbook.nearest_word(descriptors[1, 2, 3].astype(float), vocabulary.centers)
    assert words.words[1, 2, 3] == expected


def test_other_descriptors_are_refused():
    with pytest.raises(ValueError, match="words of the vocabulary"):
        Vocabulary(np.ones(4, np.float32))
    with pytest.raises(ValueError, match="128 numbers, its words have 4"):
        Vocabulary(np.ones((2, 4), np.float32)).assign(np.ones((3, 128), np.float32))
