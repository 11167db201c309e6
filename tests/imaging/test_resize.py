import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn import textbook
from minircnn.imaging import resize_image, scale_to

side = st.integers(1, 9)


@settings(deadline=None, max_examples=60)
@given(side, side, side, side, st.integers(0, 2**31))
def test_equals_the_textbook(h, w, height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (h, w, 3)).astype(np.uint8)
    ours = resize_image(image, height, width)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, textbook.resize(image.astype(float), height, width), atol=1e-3)


@settings(deadline=None, max_examples=30)
@given(side, side, side, side)
def test_constant_stays_and_ramp_is_linear(h, w, height, width):
    np.testing.assert_array_equal(resize_image(np.full((h, w), 7.0), height, width), 7)
    ramp = np.broadcast_to(np.arange(w, dtype=float), (h, w))
    expected = np.clip((np.arange(width) + 0.5) * w / width - 0.5, 0, w - 1)
    np.testing.assert_allclose(
        resize_image(ramp, height, width), np.broadcast_to(expected, (height, width)), atol=1e-5
    )


def test_equals_opencv(rng):
    cv2 = pytest.importorskip("cv2")
    image = rng.integers(0, 256, (37, 53, 3)).astype(np.float32)
    for height, width in [(20, 20), (80, 61), (37, 10)]:
        theirs = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(resize_image(image, height, width), theirs, atol=2e-3)


def test_empty_is_refused():
    with pytest.raises(ValueError, match="cannot resize"):
        resize_image(np.zeros((0, 3, 3)), 2, 2)
    with pytest.raises(ValueError, match="0×2"):
        resize_image(np.zeros((3, 3, 3)), 0, 2)


@pytest.mark.parametrize(
    ("shape", "target", "scale"),
    [((375, 500), (600, 800), 1.6), ((300, 900), (333, 1000), 1000 / 900), ((500, 375), (800, 600), 1.6)],
)
def test_scale_to_fast_rcnn_sizes(shape, target, scale):
    resized, factor = scale_to(np.zeros((*shape, 3), np.uint8), 600, 1000)
    assert resized.shape == (*target, 3)
    assert factor == pytest.approx(scale)
