"""Gradients of pixels that are named by their place in the pyramid's buffer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

# arctan(t) for 0 <= t <= 1 in degrees, odd powers (OpenCV's fastAtan2)
_ATAN = [np.float32(c * 180 / np.pi) for c in (0.9997878412, -0.3258083974, 0.1555786518, -0.0443265555)]
_TINY = np.float32(np.finfo(np.float64).eps)


def gradients(
    pixels: Float32, places: Places, strides: Places, *, polynomial: bool
) -> tuple[Float32, Float32]:
    """Return length and direction of the gradient at `places`.

    Parameters
    ----------
    pixels : (n,) float32 array
        Of the pyramid.
    places, strides : (m,) int array
        Where each pixel stands, and how far below it the next row's does.
    polynomial : bool
        Approximate the direction as OpenCV does.

    Returns
    -------
    (m,), (m,) float32 array
        Grey levels per two pixels; degrees from the x axis *upwards*, 0..360.
    """
    right = pixels.take(places + 1) - pixels.take(places - 1)
    up = pixels.take(places - strides) - pixels.take(places + strides)
    length = np.sqrt(right * right + up * up)
    return length, _polynomial_angle(up, right) if polynomial else _angle(up, right)


def _angle(up: Float32, right: Float32) -> Float32:
    degrees: Float32 = np.degrees(np.arctan2(up, right))
    degrees[degrees < 0] += np.float32(360)
    return degrees


def _polynomial_angle(up: Float32, right: Float32) -> Float32:
    """Return the angle in degrees, 0..360, by a polynomial of the smaller over the larger side."""
    x, y = np.abs(right), np.abs(up)
    ratio: Any = np.minimum(x, y) / (np.maximum(x, y) + _TINY)
    square = ratio * ratio
    first, third, fifth, seventh = _ATAN
    angle: Float32 = (((seventh * square + fifth) * square + third) * square + first) * ratio
    steep = y > x
    np.subtract(np.float32(90), angle, out=angle, where=steep)
    np.subtract(np.float32(180), angle, out=angle, where=right < 0)
    np.subtract(np.float32(360), angle, out=angle, where=up < 0)
    return angle
