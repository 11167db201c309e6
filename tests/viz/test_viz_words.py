import json

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.cli.word_pictures import word_training_picture
from minircnn.viz import (
    draw_keypoints,
    draw_matches,
    draw_votes,
    draw_word_places,
    draw_word_training,
    draw_words,
)

PHOTO = np.full((40, 60, 3), 128, np.uint8)
BOX = np.array([10.0, 5.0, 40.0, 30.0])
TRACE = [
    {"stage": "vocabulary", "words": 7, "inertia": [4.0, 2.0, 1.0]},
    {"stage": "round 0", "negatives": [3, 4], "hard": [0, 0]},
    {"stage": "round 1", "negatives": [5, 5], "hard": [2, 1]},
]


def test_a_key_point_is_a_circle_and_a_line():
    figure = draw_keypoints(PHOTO, [[30.0, 20.0]], [8.0], [90.0])
    circle, line = figure.axes[0].collections[0].get_segments()
    np.testing.assert_allclose(np.hypot(*(circle - [30, 20]).T), 8)
    np.testing.assert_allclose(line, [[30, 20], [30, 28]], atol=1e-9)  # 90° is down
    assert len(draw_keypoints(PHOTO, [], [], []).axes[0].collections[0].get_segments()) == 0
    with pytest.raises(ValueError, match="1 key points need as many"):
        draw_keypoints(PHOTO, [[1, 2]], [], [1])
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        draw_keypoints(PHOTO, [[1, 2, 3]], [1], [1])


def test_a_match_is_a_line_between_the_photos():
    figure = draw_matches(PHOTO, PHOTO[:20], [[1, 2], [3, 4]], [[5, 6], [7, 8]])
    lines = figure.axes[0].collections[0].get_segments()
    np.testing.assert_array_equal(lines[0], [[1, 2], [60 + 8 + 5, 6]])
    with pytest.raises(ValueError, match="two ends"):
        draw_matches(PHOTO, PHOTO, [[1, 2]], [])


def test_words_are_stars(rng):
    words = rng.random((5, 384))
    figure = draw_words(words, count=3)
    assert len(figure.axes) == 3
    assert len(figure.axes[0].collections[0].get_segments()) == 128
    with pytest.raises(ValueError, match="descriptors"):
        draw_words(np.ones((2, 100)))


def test_the_frequent_words_of_a_box_get_colors():
    x, y = np.meshgrid(np.arange(5, 60, 10.0), np.arange(5, 40, 10.0))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    words = (np.arange(len(points)) % 2) * 5
    figure = draw_word_places(PHOTO, points, words, BOX)
    shown = np.concatenate([np.asarray(c.get_offsets()) for c in figure.axes[0].collections])
    inside = ((points >= BOX[:2]) & (points < BOX[2:])).all(axis=1)
    assert sorted(map(tuple, shown)) == sorted(map(tuple, points[inside]))
    assert "2 different ones" in figure.texts[0].get_text()


def test_votes_are_shown_where_they_are():
    votes = np.zeros((4, 6))
    votes[1, 2], votes[2, 3] = 3, -1
    figure = draw_votes(PHOTO, votes, BOX)
    shown = figure.axes[1].images[1]
    assert shown.get_extent() == [0, 60, 40, 0]
    assert shown.get_clim() == (-3, 3)
    assert shown.get_array().count() == 2
    with pytest.raises(ValueError, match="votes must be"):
        draw_votes(PHOTO, np.ones(3), BOX)


def test_a_training_is_drawn_of_its_trace(tmp_path):
    left, right = draw_word_training(TRACE).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [1, 0.5, 0.25])
    assert [bar.get_height() for bar in right.containers[0]] == [7, 10]
    assert [bar.get_height() for bar in right.containers[1]] == [0, 3]
    draw_word_training(TRACE[:1])
    with pytest.raises(ValueError, match="no line of the vocabulary"):
        draw_word_training(TRACE[1:])
    assert word_training_picture(tmp_path) is None
    (tmp_path / "bag-of-words.trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in TRACE))
    assert len(word_training_picture(tmp_path).axes) == 2
