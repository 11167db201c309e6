import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn import textbook
from minircnn.imaging import warp_frame, warp_regions

MODES = ["warp", "square_with_context", "square_without_context", "unscaled"]


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**31), st.sampled_from(MODES), st.sampled_from([(8, 0), (9, 2), (13, 3)]))
def test_equals_textbook(seed, mode, shape):
    rng = np.random.default_rng(seed)
    size, context = shape
    image = rng.integers(0, 256, (rng.integers(1, 14), rng.integers(1, 14), 3), dtype=np.uint8)
    low = rng.integers(-4, 12, (6, 2))
    boxes = np.concatenate([low, low + rng.integers(1, 9, (6, 2))], axis=1).astype(np.float32)
    fill = np.array([1.0, 2.0, 3.0])
    crops = warp_regions(image, boxes, size, context=context, fill=fill, mode=mode)
    assert crops.shape == (6, size, size, 3)
    assert crops.dtype == np.float32
    for crop, box in zip(crops, boxes, strict=True):
        np.testing.assert_allclose(
            crop, textbook.warp_region(image, box, size, context, fill, mode), atol=1e-3
        )


def test_context_fills_the_border_of_the_crop():
    """The box lands on the inner size - 2·context pixels: R-CNN's definition of p."""
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 50:130] = 255
    crop = warp_regions(image, np.array([[50.0, 40, 130, 60]]), 40, context=10)[0, :, :, 0]
    assert (crop[11:29, 11:29] == 255).all()
    assert (crop[:9] == 0).all()
    assert (crop[:, 31:] == 0).all()
    np.testing.assert_array_equal(warp_frame(np.array([[50.0, 40, 130, 60]]), 40, 10), [[10, 30, 170, 70]])


def test_outside_is_filled_and_without_context_is_blank():
    image = np.full((20, 20, 3), 200, np.uint8)
    corner = warp_regions(image, np.array([[0.0, 0, 10, 10]]), 20, context=5, fill=7)[0]
    assert (corner[:5] == 7).all()
    assert (corner[:, :5] == 7).all()
    assert (corner[5:, 5:] == 200).all()
    wide = np.array([[5.0, 8, 15, 12]])
    blank = warp_regions(image, wide, 20, context=0, fill=7, mode="square_without_context")[0]
    assert (blank[:6] == 7).all()
    assert (blank[6:14] == 200).all()
    assert (warp_regions(image, wide, 20, context=0, fill=7, mode="square_with_context") == 200).all()


def test_unscaled_crops_are_pixels_of_the_photo():
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    small, large = np.array([[20.0, 30, 28, 34]]), np.array([[5.0, 5, 55, 55]])
    crop = warp_regions(image, small, 20, context=2, fill=7, mode="unscaled")[0]
    shown = crop[6:14, 4:16]  # the box, 8 wide and 4 high, and 2 pixels around it
    np.testing.assert_array_equal(shown, image[28:36, 18:30])
    assert (crop == 7).all(axis=2).sum() == 20 * 20 - 8 * 12
    inner = warp_regions(image, large, 20, context=2, fill=7, mode="unscaled")[0]
    np.testing.assert_array_equal(inner, image[20:40, 20:40])


def test_no_boxes_and_boxes_outside():
    image = np.zeros((4, 5, 3), np.uint8)
    assert warp_regions(image, np.zeros((0, 4)), 8, context=1).shape == (0, 8, 8, 3)
    assert (warp_regions(image, np.array([[50.0, 50, 60, 60]]), 8, context=1, fill=9) == 9).all()


@pytest.mark.parametrize("size", [7, 40])  # shrinks nearly all of these regions, enlarges nearly all
@pytest.mark.parametrize("mode", MODES)
def test_crops_do_not_depend_on_each_other(rng, size, mode):
    image = rng.normal(size=(30, 40, 5)).astype(np.float32)
    low = rng.uniform(-5, 35, (50, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 25, (50, 2))], axis=1)
    together = warp_regions(image, boxes, size, context=2, mode=mode, fill=np.arange(5))
    for box, crop in zip(boxes, together, strict=True):
        alone = warp_regions(image, box[None], size, context=2, mode=mode, fill=np.arange(5))
        np.testing.assert_array_equal(alone[0], crop)
        expected = textbook.warp_region(image, box, size, 2, np.arange(5), mode)
        np.testing.assert_allclose(crop, expected, rtol=0, atol=2e-5)


def test_wrong_settings_are_named():
    boxes = np.array([[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match="context 16"):
        warp_frame(boxes, 32, 16)
    with pytest.raises(ValueError, match="mode must be one of"):
        warp_frame(boxes, 32, 0, "stretch")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1j])
def test_a_box_is_four_finite_numbers(bad):
    with pytest.raises(ValueError, match="boxes"):
        warp_regions(np.zeros((9, 9, 3), np.uint8), np.array([[0, 0, 5, 5], [0, 0, bad, 5]]), 8, context=1)
    with pytest.raises(ValueError, match=r"boxes must have shape \(R, 4\)"):
        warp_frame(np.zeros((4, 3)), 8, 1)
