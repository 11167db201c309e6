"""Integral images: brute sums, loops, OpenCV and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import integral_image as inclusive_integral

from minircnn import textbook
from minircnn.features import (
    box_sums,
    integral_image,
    squared_integral_image,
    tilted_box_sums,
    tilted_integral_image,
)


@st.composite
def images(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    return rng.integers(0, 256, (height, width), dtype=np.uint8)


@given(images())
def test_they_are_the_loops(image):
    np.testing.assert_array_equal(integral_image(image), textbook.integral_image(image))
    np.testing.assert_array_equal(tilted_integral_image(image), textbook.tilted_integral_image(image))
    np.testing.assert_array_equal(
        squared_integral_image(image), textbook.integral_image(image.astype(np.int64) ** 2)
    )


@given(images(), st.integers(0, 1000))
def test_box_sums_are_brute_sums(image, seed):
    height, width = image.shape
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.integers(0, width + 1, (7, 2))), np.sort(rng.integers(0, height + 1, (7, 2)))
    boxes = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)
    brute = [image[y1:y2, x1:x2].sum() for x1, y1, x2, y2 in boxes]
    np.testing.assert_array_equal(box_sums(integral_image(image), boxes), brute)
    loop = [textbook.box_sum(textbook.integral_image(image), *box) for box in boxes]
    np.testing.assert_array_equal(loop, brute)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
def test_tilted_sums_are_brute_sums(seed, w, h):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (12, 12), dtype=np.uint8)
    x, y = int(rng.integers(h, 12 - w + 1)), int(rng.integers(0, 12 - w - h + 1))
    got = tilted_box_sums(tilted_integral_image(image), np.array([[x, y, w, h]]))
    assert got[0] == textbook.tilted_box_sum(image, x, y, w, h)


def test_sums_that_wrap_still_give_boxes(rng):
    image = rng.integers(0, 256, (40, 50), dtype=np.uint8)
    boxes = np.array([[3, 4, 20, 30], [0, 0, 50, 40]])
    narrow = box_sums(integral_image(image.astype(np.uint16) << 6, np.uint32), boxes)
    np.testing.assert_array_equal(narrow, box_sums(integral_image(image), boxes).astype(np.uint32) << 6)
    short = box_sums(integral_image(image, np.int16), np.array([[3, 4, 9, 9]]))
    assert short[0] == image[4:9, 3:9].sum()


def test_several_images_at_once(rng):
    images = rng.integers(0, 256, (3, 5, 7), dtype=np.uint8)
    for made in (integral_image, squared_integral_image, tilted_integral_image):
        np.testing.assert_array_equal(made(images), np.stack([made(image) for image in images]))


def test_scikit_image_has_no_zero_row_and_opencv_has(rng):
    image = rng.integers(0, 256, (11, 13), dtype=np.uint8)
    np.testing.assert_array_equal(integral_image(image)[1:, 1:], inclusive_integral(image))
    cv2 = pytest.importorskip("cv2")
    theirs = cv2.integral3(image)
    for made, other in zip(
        (integral_image, squared_integral_image, tilted_integral_image), theirs, strict=True
    ):
        np.testing.assert_array_equal(made(image), other)
