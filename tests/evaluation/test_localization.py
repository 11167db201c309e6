"""One label with one box."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.evaluation import localization_error, localization_limits
from minircnn.structures import Annotations, Detections

NAMES = ("cat", "dog", "cow")


def guess(*rows):
    """Return guesses (label, box), best first."""
    boxes = np.array([box for _, box in rows], dtype=float).reshape(-1, 4)
    labels = np.array([label for label, _ in rows], dtype=np.int64)
    return Detections(boxes, np.linspace(1, 0.5, len(rows)), labels, NAMES)


def known(*rows, difficult=()):
    boxes = np.array([box for _, box in rows], dtype=float).reshape(-1, 4)
    labels = np.array([label for label, _ in rows], dtype=np.int64)
    marked = np.isin(np.arange(len(rows)), difficult)
    return Annotations(boxes, labels, NAMES, 20, 20, difficult=marked)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_the_error_is_that_of_the_rule(seed, limit):
    rng = np.random.default_rng(seed)

    def rows(count):
        corners = rng.integers(0, 4, (count, 2))
        return [(int(rng.integers(1, 4)), [*c, *(c + rng.integers(3, 9, 2))]) for c in corners]

    truth = [rows(rng.integers(1, 4)) for _ in range(4)]
    guesses = [rows(rng.integers(0, 7)) for _ in range(4)]
    labels = np.array([photo[0][0] for photo in truth])
    wrong = 0
    for photo, answer, label in zip(truth, guesses, labels, strict=True):
        hits = [
            textbook.iou(box, other) >= 0.5
            for g, box in answer[:limit]
            if g == label
            for t, other in photo
            if t == label
        ]
        wrong += not any(hits)
    error = localization_error([guess(*g) for g in guesses], [known(*t) for t in truth], labels, limit=limit)
    assert error == wrong / 4


def test_a_photo_must_show_its_label():
    with pytest.raises(ValueError, match=r"photo 0 .* has no object of its label 2"):
        localization_error([guess()], [known((1, [0, 0, 4, 4]))], np.array([2]))
    with pytest.raises(ValueError, match="2 labels but 1 photos"):
        localization_error([guess()], [known((1, [0, 0, 4, 4]))], np.array([2, 2]))


def test_the_three_ways_to_fail():
    box, far = [0, 0, 10, 10], [12, 12, 18, 18]
    guesses = [guess((1, box)), guess((1, box)), guess((1, box)), guess((2, box)), guess(), guess((2, far))]
    truth = [
        known((1, box)),  # right
        known((1, box), (2, far)),  # two objects
        known(),  # none
        known((1, box)),  # wrong class
        known(),  # silence about nothing is right
        known((1, box)),  # the box is wrong, too: none of the three
    ]
    limits = localization_limits(guesses, truth)
    assert (limits.several, limits.none, limits.wrong_class) == ((1,), (2,), (3,))


def test_difficult_objects_are_none():
    box = [0, 0, 10, 10]
    limits = localization_limits([guess((1, box))], [known((1, box), difficult=(0,))])
    assert limits.none == (0,)
