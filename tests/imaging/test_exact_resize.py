"""Resizing in whole numbers: its loop, and OpenCV's bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minircnn import textbook
from minircnn.imaging import resize_exact, resize_image

PLANES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20))
SIDES = st.integers(1, 30)


@given(PLANES, SIDES, SIDES)
def test_it_is_the_loop(image, height, width):
    np.testing.assert_array_equal(
        resize_exact(image, height, width), textbook.resize_exact(image, height, width)
    )


@given(PLANES, SIDES, SIDES)
def test_it_is_bilinear_to_a_grey_level(image, height, width):
    near = resize_image(image, height, width)
    assert np.abs(resize_exact(image, height, width) - near).max() <= 1.5


def test_channels_are_resized_alike(rng):
    image = rng.integers(0, 256, (13, 17, 3)).astype(np.uint8)
    planes = [resize_exact(np.ascontiguousarray(image[:, :, c]), 9, 30) for c in range(3)]
    np.testing.assert_array_equal(resize_exact(image, 9, 30), np.stack(planes, axis=-1))


def test_the_same_size_is_a_copy(rng):
    image = rng.integers(0, 256, (5, 6)).astype(np.uint8)
    same = resize_exact(image, 5, 6)
    np.testing.assert_array_equal(same, image)
    assert not np.shares_memory(same, image)


def test_opencv_gives_the_same_bytes(rng):
    cv2 = pytest.importorskip("cv2")
    for trial in range(100):
        height, width, new_height, new_width = map(int, rng.integers(1, 80, 4))
        shape = (height, width, 3) if trial % 2 else (height, width)
        image = rng.integers(0, 256, shape).astype(np.uint8)
        theirs = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR_EXACT)
        ours = resize_exact(image, new_height, new_width)
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


@pytest.mark.parametrize(
    ("image", "size", "words"),
    [
        (np.zeros((4, 4)), (2, 2), "uint8"),
        (np.zeros(4, np.uint8), (2, 2), r"\(H, W\) or \(H, W, C\)"),
        (np.zeros((0, 4), np.uint8), (2, 2), r"shape \(0, 4\)"),
        (np.zeros((4, 4), np.uint8), (0, 2), "to 0×2"),
    ],
)
def test_what_cannot_be_resized_is_refused(image, size, words):
    with pytest.raises(ValueError, match=words):
        resize_exact(image, *size)
