import numpy as np
import pytest

from minircnn import textbook
from minircnn.imaging import gaussian_gradient, gaussian_kernel, smooth


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (6, 7)])
def test_separable_equals_the_textbook(rng, shape):
    image = rng.uniform(0, 255, shape)
    kernel, slope = gaussian_kernel(0.8), gaussian_kernel(0.8, derivative=True)
    np.testing.assert_allclose(kernel, textbook.gaussian(0.8), rtol=1e-6)
    expected = textbook.correlate2d(image, np.outer(kernel, kernel))
    np.testing.assert_allclose(smooth(image, 0.8), expected, atol=1e-3)
    np.testing.assert_allclose(textbook.smooth(image, 0.8), expected, atol=1e-3)
    ours, theirs = gaussian_gradient(image, 0.8), textbook.gaussian_gradient(image, 0.8)
    for gradient, loops, filter_ in zip(
        ours, theirs, (np.outer(kernel, slope), np.outer(slope, kernel)), strict=True
    ):
        np.testing.assert_allclose(gradient, textbook.correlate2d(image, filter_), atol=1e-3)
        np.testing.assert_allclose(gradient, loops, atol=1e-3)


def test_smoothing_equals_scipy_and_keeps_constants(rng):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = rng.uniform(0, 255, (20, 30, 3)).astype(np.float32)
    theirs = ndimage.gaussian_filter(image, (0.8, 0.8, 0), mode="nearest")
    np.testing.assert_allclose(smooth(image, 0.8), theirs, atol=1e-3)
    np.testing.assert_allclose(smooth(np.full((5, 6), 9.0), 2.0), 9, rtol=1e-6)
    np.testing.assert_array_equal(smooth(image, 0), image)


def test_derivative_of_a_ramp_is_its_slope():
    ramp = 3.0 * np.arange(40)[None, :] + 5.0 * np.arange(40)[:, None]
    right, down = gaussian_gradient(ramp, 1.0)
    np.testing.assert_allclose(right[10:30, 10:30], 3, rtol=1e-4)
    np.testing.assert_allclose(down[10:30, 10:30], 5, rtol=1e-4)


def test_sigma_must_be_positive():
    with pytest.raises(ValueError, match="sigma"):
        gaussian_kernel(0)
