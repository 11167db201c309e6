"""Gaussian smoothing and Gaussian derivatives, by separable convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_TRUNCATE = 4.0  # the kernel reaches this many standard deviations to either side


def gaussian_kernel(sigma: float, *, derivative: bool = False) -> npt.NDArray[np.float32]:
    """Return a sampled Gaussian of standard deviation `sigma`, or its first derivative.

    The Gaussian sums to 1. The derivative is scaled so that a ramp of slope 1 gives exactly 1, and is
    signed for correlation: it is positive where values grow.

    Parameters
    ----------
    sigma : float
        In pixels, positive.
    derivative : bool

    Returns
    -------
    (2r + 1,) float32 array
        r = 4·sigma, rounded.

    Examples
    --------
    >>> from minircnn.imaging import gaussian_kernel
    >>> gaussian_kernel(0.5).round(3)
    array([0.   , 0.106, 0.787, 0.106, 0.   ], dtype=float32)
    """
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    radius = max(1, int(_TRUNCATE * sigma + 0.5))
    x = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    kernel = x * kernel / (x * x * kernel).sum() if derivative else kernel / kernel.sum()
    values: npt.NDArray[np.float32] = kernel.astype(np.float32)
    return values


def correlate(image: npt.NDArray[Any], kernel: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Correlate `image` with a one-dimensional `kernel` of odd length along `axis`.

    Border pixels are repeated outside of the image. Returns float32 of the same shape.
    """
    radius = len(kernel) // 2
    pad = [(radius, radius) if a == axis else (0, 0) for a in range(image.ndim)]
    padded = np.pad(image.astype(np.float32, copy=False), pad, mode="edge")
    length = image.shape[axis]
    index: list[slice] = [slice(None)] * image.ndim
    out = np.zeros(image.shape, dtype=np.float32)
    term = np.empty_like(out)
    for tap, weight in enumerate(kernel):
        if weight != 0:
            index[axis] = slice(tap, tap + length)
            out += np.multiply(padded[tuple(index)], weight, out=term)
    return out


def smooth(image: npt.NDArray[Any], sigma: float) -> npt.NDArray[np.float32]:
    """Smooth (H, W) or (H, W, C) `image` with a Gaussian; ``sigma = 0`` returns it unchanged, as float32."""
    if sigma == 0:
        return image.astype(np.float32)
    kernel = gaussian_kernel(sigma)
    return correlate(correlate(image, kernel, 0), kernel, 1)


def gaussian_gradient(
    image: npt.NDArray[Any], sigma: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the derivatives of the smoothed `image` to the right and downwards, each of its shape.

    Examples
    --------
    >>> from minircnn.imaging import gaussian_gradient
    >>> right, down = gaussian_gradient(np.tile(np.arange(9), (9, 1)), 0.5)
    >>> right[4, 4].round(3).item()
    1.0
    """
    kernel, slope = gaussian_kernel(sigma), gaussian_kernel(sigma, derivative=True)
    return correlate(correlate(image, kernel, 0), slope, 1), correlate(correlate(image, kernel, 1), slope, 0)
