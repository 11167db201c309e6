import colorsys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn.imaging import COLOUR_SPACES, convert

CHANNELS = {"RGB": 3, "I": 1, "Lab": 3, "rgI": 3, "HSV": 3, "rgb": 3, "C": 2, "H": 1}


@pytest.fixture
def photo(rng):
    noise = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    noise[0, :5] = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
    return noise


@pytest.mark.parametrize("space", COLOUR_SPACES)
def test_range_shape_and_dtype(space, photo):
    out = convert(photo, space)
    assert out.shape == (40, 30, CHANNELS[space])
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 255.001
    assert out.max() - out.min() > 150


def test_all_eight_are_there():
    assert set(COLOUR_SPACES) == set(CHANNELS)


def test_hsv_and_lab_equal_skimage(photo):
    colour = pytest.importorskip("skimage.color")
    np.testing.assert_allclose(convert(photo, "HSV"), colour.rgb2hsv(photo) * 255, atol=1e-3)
    ours = convert(photo, "Lab") - [0, 128, 128]
    np.testing.assert_allclose(ours / [2.55, 1, 1], colour.rgb2lab(photo), atol=0.02)


@settings(deadline=None, max_examples=50)
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_hsv_of_every_colour_equals_the_standard_library(colour):
    expected = np.array(colorsys.rgb_to_hsv(*[c / 255 for c in colour])) * 255
    pixel = np.array(colour, dtype=np.uint8).reshape(1, 1, 3)
    np.testing.assert_allclose(convert(pixel, "HSV")[0, 0], expected, atol=1e-3)
    np.testing.assert_allclose(convert(pixel, "H")[0, 0, 0], expected[0], atol=1e-3)


@pytest.mark.parametrize("space", ["rgb", "C", "H"])
def test_spaces_without_intensity_ignore_brightness(space, photo):
    dark = photo.astype(float) * 0.25
    np.testing.assert_allclose(convert(dark, space), convert(photo, space), atol=1e-2)


def test_rgi_combines_rgb_and_intensity(photo):
    np.testing.assert_array_equal(convert(photo, "rgI")[:, :, :2], convert(photo, "rgb")[:, :, :2])
    np.testing.assert_array_equal(convert(photo, "rgI")[:, :, 2:], convert(photo, "I"))


def test_wrong_input_is_named(photo):
    with pytest.raises(ValueError, match="colour space must be one of"):
        convert(photo, "CMYK")
    with pytest.raises(ValueError, match=r"\(40, 30\)"):
        convert(photo[:, :, 0], "Lab")
