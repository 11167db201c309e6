import numpy as np
import pytest

from minircnn.imaging import gaussian_gradient, gaussian_kernel, smooth


def naive_correlate_2d(image, kernel):
    """Correlate with a square kernel, pixel by pixel, repeating the border."""
    radius = len(kernel) // 2
    height, width = image.shape
    out = np.zeros(image.shape)
    for y in range(height):
        for x in range(width):
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    value = image[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
                    out[y, x] += kernel[dy + radius, dx + radius] * value
    return out


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (6, 7)])
def test_separable_equals_naive(rng, shape):
    image = rng.uniform(0, 255, shape)
    kernel, slope = gaussian_kernel(0.8), gaussian_kernel(0.8, derivative=True)
    np.testing.assert_allclose(
        smooth(image, 0.8), naive_correlate_2d(image, np.outer(kernel, kernel)), atol=1e-3
    )
    right, down = gaussian_gradient(image, 0.8)
    np.testing.assert_allclose(right, naive_correlate_2d(image, np.outer(kernel, slope)), atol=1e-3)
    np.testing.assert_allclose(down, naive_correlate_2d(image, np.outer(slope, kernel)), atol=1e-3)


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
