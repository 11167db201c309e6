import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn.imaging import resize_image, warp_frame, warp_regions

MODES = ["warp", "square_with_context", "square_without_context"]


def round_up(x):
    return int(np.floor(x + 0.5))


def naive_warp(image, box, size, context, fill, mode):
    """One region: cut the visible part, resize it, paste it on the fill colour."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in box)
    parts = []
    for low, high, other, length in ((x1, x2, y2 - y1, width), (y1, y2, x2 - x1, height)):
        centre, half = (low + high) / 2, (high - low) / 2
        frame_half = half if mode == "warp" else max(half, other / 2)
        frame_half *= size / (size - 2 * context)
        f1 = round_up(centre - frame_half)
        f2 = max(round_up(centre + frame_half), f1 + 1)
        v1, v2 = f1, f2
        if mode == "square_without_context":
            shown_half = half + context * (f2 - f1) / size
            v1 = min(max(round_up(centre - shown_half), f1), f2 - 1)
            v2 = min(max(round_up(centre + shown_half), v1 + 1), f2)
        v1, v2 = min(max(v1, 0), length), min(max(v2, 0), length)
        count = min(max(round_up((v2 - v1) * size / (f2 - f1)), int(v2 > v1)), size)
        pad = min(max(round_up((v1 - f1) * size / (f2 - f1)), 0), size - count)
        parts.append((v1, v2, pad, count))
    (a1, a2, pad_x, count_x), (b1, b2, pad_y, count_y) = parts
    out = np.empty((size, size, image.shape[2]))
    out[:] = fill
    if count_x and count_y:
        crop = resize_image(image[b1:b2, a1:a2], count_y, count_x)
        out[pad_y : pad_y + count_y, pad_x : pad_x + count_x] = crop
    return out


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**31), st.sampled_from(MODES), st.sampled_from([(8, 0), (9, 2), (13, 3)]))
def test_equals_naive_twin(seed, mode, shape):
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
        np.testing.assert_allclose(crop, naive_warp(image, box, size, context, fill, mode), atol=1e-3)


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
        expected = naive_warp(image, box, size, 2, np.arange(5), mode)
        np.testing.assert_allclose(crop, expected, rtol=0, atol=2e-5)


def test_wrong_settings_are_named():
    boxes = np.array([[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match="context 16"):
        warp_frame(boxes, 32, 16)
    with pytest.raises(ValueError, match="mode must be one of"):
        warp_frame(boxes, 32, 0, "stretch")
