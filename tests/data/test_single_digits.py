"""The built-in images of single digits: what they show and what they never show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn.data import SingleDigits, drawing, single_digits
from minircnn.data.digits import digit_samples
from minircnn.data.photos import photo_names


def shown(monkeypatch, images):
    """Return the digit samples and the photos that all `images` may draw from."""
    samples, photos = set(), set()
    monkeypatch.setattr(
        single_digits,
        "photo_square",
        lambda names, *a: (photos.update(names), drawing.photo_square(names, *a))[1],
    )
    monkeypatch.setattr(
        single_digits,
        "draw_digit",
        lambda own, *a: (samples.update(own.tolist()), drawing.draw_digit(own, *a))[1],
    )
    for index in range(len(images)):
        images.image(index)
    return samples, photos


@pytest.mark.parametrize("task", ["digits", "photos"])
def test_nothing_of_val_and_test_is_shown_and_no_writer_twice(task, monkeypatch):
    seen = {
        part: shown(monkeypatch, SingleDigits(part, count=60, task=task)) for part in ("learn", "held-out")
    }
    train = set(digit_samples("train").tolist())
    for samples, photos in seen.values():
        assert samples <= train
        assert photos <= set(photo_names("train"))
    assert not seen["learn"][0] & seen["held-out"][0]
    assert seen["learn"][0] | seen["held-out"][0] == train


def test_digits_are_tested_on_other_photos(monkeypatch):
    learn, held_out = (shown(monkeypatch, SingleDigits(part, count=80))[1] for part in ("learn", "held-out"))
    assert not learn & held_out
    assert len(held_out) == 2


def test_which_photo_is_asked_of_all_of_them(monkeypatch):
    images = SingleDigits("held-out", count=80, task="photos")
    assert {images.label(i) for i in range(80)} == set(range(8))
    assert images.class_names[0] == "astronaut"


@given(st.integers(0, 99), st.integers(0, 10**9), st.sampled_from(["digits", "photos"]))
def test_an_image_depends_on_its_number_alone(index, seed, task):
    short, long = (SingleDigits("learn", count=count, task=task, seed=seed) for count in (100, 4000))
    assert np.array_equal(short.image(index), long.image(index))
    assert short.label(index) == long.label(index)
    assert short.image(index).shape == (54, 54, 3)


def test_only_the_digits_asked_for_are_drawn():
    images = SingleDigits("learn", count=60, digits=(7, 2))
    assert images.class_names == ("2", "7")
    assert {images.label(i) for i in range(60)} == {0, 1}


def test_digests_tell_images_and_settings_apart():
    digests = [
        images.photo_digest(0)
        for images in (
            SingleDigits(),
            SingleDigits("held-out"),
            SingleDigits(seed=1),
            SingleDigits(size=64),
            SingleDigits(task="photos"),
            SingleDigits(digits=(0, 1)),
        )
    ]
    assert len({*digests, SingleDigits().photo_digest(1)}) == 7


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"part": "val"}, "part must be one of learn, held-out, got 'val'"),
        ({"task": "cats"}, "task must be one of digits, photos, got 'cats'"),
        ({"digits": (3,)}, "digits must be two or more of 0..9"),
        ({"digits": (3, 10)}, "digits must be between 0 and 9, got 10"),
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"size": 8}, "size must be at least 32, got 8"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        SingleDigits(**given)


@pytest.mark.parametrize("ask", ["image", "label", "photo_digest"])
def test_there_is_no_image_beyond_the_last(ask):
    with pytest.raises(IndexError, match=r"digits-learn has images 0..2, asked for 3"):
        getattr(SingleDigits(count=3), ask)(3)
