"""Gradients of a photo and their votes for orientations, in bands of rows that stay in fast memory."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from minircnn.features.hog_settings import HogSettings
from minircnn.structures import ImageArray

Float32 = npt.NDArray[np.float32]

LUMINANCE = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601)."""

_POLYNOMIAL = (-0.04432655554792128, 0.1555786518463281, -0.3258083974640975, 0.9997878412794807)
"""Coefficients of c⁷, c⁵, c³ and c by which OpenCV approximates arctan c for c in [0, 1]."""


def channels(image: ImageArray, settings: HogSettings) -> Float32:
    """Return the channels (C, H, W) of a photo whose gradients are taken, gamma done.

    Raises
    ------
    ValueError
        If `image` is not (H, W) or (H, W, 3) of uint8.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape or image.shape[2:] not in ((), (3,)):
        raise ValueError(
            f"oriented gradients are taken of (H, W) or (H, W, 3) uint8, got {image.shape} of {image.dtype}"
        )
    level = np.arange(256, dtype=np.float32)
    if image.ndim == 2:
        image = image[:, :, None]
    elif settings.color == "gray":
        gray = (image.astype(np.float32) @ np.float32(LUMINANCE))[None]
        return np.sqrt(gray) if settings.gamma == "sqrt" else gray
    table = np.sqrt(level) if settings.gamma == "sqrt" else level
    planes: Float32 = table[image.transpose(2, 0, 1)]
    return planes


def band_gradients(planes: Float32, rows: slice, settings: HogSettings) -> tuple[Float32, Float32]:
    """Return the gradients dx, dy (r, W) of the pixels of `rows`, each of the channel where it is strongest."""
    height, width = planes.shape[1:]
    row = np.arange(rows.start, rows.stop)
    if settings.border == "reflect":
        above, below = np.abs(row - 1), height - 1 - np.abs(height - 2 - row)
        above, below = np.minimum(above, height - 1), np.maximum(below, 0)  # of a photo of one row
    else:
        above, below = np.maximum(row - 1, 0), np.minimum(row + 1, height - 1)
    dx = np.zeros((len(planes), len(row), width), np.float32)  # 0 at both ends of a row that is reflected
    dy = planes[:, below] - planes[:, above]
    band = planes[:, rows]
    np.subtract(band[:, :, 2:], band[:, :, :-2], out=dx[:, :, 1:-1])
    if settings.border == "replicate" and width > 1:
        dx[:, :, 0], dx[:, :, -1] = band[:, :, 1] - band[:, :, 0], band[:, :, -1] - band[:, :, -2]
    if len(planes) == 1:
        return dx[0], dy[0]
    squares = dx * dx
    squares += dy * dy
    return _strongest(dx, dy, squares, settings)


def _strongest(dx: Float32, dy: Float32, squares: Float32, settings: HogSettings) -> tuple[Float32, Float32]:
    """Return of each pixel the gradient of its strongest channel, of equals the one that comes first."""
    order, width = range(len(dx)), dx.shape[2]
    parts = [(slice(0, width), order)]
    if settings.color == "strongest-opencv":
        four = width - width % 4
        parts = [(slice(0, four), order[::-1]), (slice(four, width), order)]
    out_x, out_y = np.empty_like(dx[0]), np.empty_like(dy[0])
    for columns, (first, *others) in parts:
        most = squares[first, :, columns].copy()
        x, y = dx[first, :, columns].copy(), dy[first, :, columns].copy()
        for other in others:
            more = squares[other, :, columns] > most
            np.copyto(x, dx[other, :, columns], where=more)
            np.copyto(y, dy[other, :, columns], where=more)
            np.maximum(most, squares[other, :, columns], out=most)
        out_x[:, columns], out_y[:, columns] = x, y
    return out_x, out_y


def angles(dx: Float32, dy: Float32, settings: HogSettings) -> Float32:
    """Return the angle of each gradient in bins: in [0, bins), up to rounding."""
    per_radian = np.float32(settings.bins / settings.turn)
    if settings.arctan == "exact":
        angle = np.arctan2(dy, dx)
        angle *= per_radian
        np.add(angle, np.float32(settings.bins), out=angle, where=angle < 0)
        return angle
    right = np.float32(math.pi / 2) * per_radian  # of the bins, a right angle
    across, up = np.abs(dx), np.abs(dy)
    ratio = np.minimum(across, up)
    ratio /= np.maximum(across, up) + np.float32(np.finfo(np.float64).eps)
    square = ratio * ratio
    angle = np.full_like(ratio, _POLYNOMIAL[0] * per_radian)
    for coefficient in _POLYNOMIAL[1:]:
        angle *= square
        angle += np.float32(coefficient * per_radian)
    angle *= ratio
    np.subtract(right, angle, out=angle, where=up > across)
    if settings.signed:
        np.subtract(2 * right, angle, out=angle, where=dx < 0)
        np.subtract(4 * right, angle, out=angle, where=dy < 0)
    else:
        np.subtract(2 * right, angle, out=angle, where=dx * dy < 0)
    return angle


def band_votes(planes: Float32, rows: slice, settings: HogSettings, out: Float32) -> None:
    """Write to `out` (r, bins, W) what each pixel of `rows` votes for each orientation.

    A vote is as strong as the gradient; softly, it is shared by the two orientations whose centres are next
    to its angle.
    """
    dx, dy = band_gradients(planes, rows, settings)
    angle = angles(dx, dy, settings)
    dx *= dx
    dy *= dy
    dx += dy
    strength = np.sqrt(dx, out=dx)
    width = out.shape[2]
    place = np.arange(len(out))[:, None] * (settings.bins * width) + np.arange(width)  # of bin 0
    flat = out.reshape(-1)
    flat[:] = 0
    if not settings.soft_bins:
        nearest = angle.astype(np.intp)
        nearest[nearest >= settings.bins] = 0  # half a turn is none
        flat[place + nearest * width] = strength
        return
    angle -= np.float32(0.5)
    low = np.floor(angle)
    angle -= low
    bin_ = low.astype(np.intp)
    second = strength * angle
    np.add(bin_, settings.bins, out=bin_, where=bin_ < 0)
    np.subtract(bin_, settings.bins, out=bin_, where=bin_ >= settings.bins)
    bin_ *= width
    bin_ += place
    flat[bin_] = strength - second
    bin_ += width
    np.subtract(bin_, settings.bins * width, out=bin_, where=bin_ - place >= settings.bins * width)
    flat[bin_] = second
