"""Gradients of a photo and their votes for orientations, in bands of rows that stay in fast memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.features.hog_settings import HogSettings
from minircnn.kernels.scratch import workspace
from minircnn.structures import ImageArray

Float32 = npt.NDArray[np.float32]

_HOST = np.empty(0, np.float32)

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
    if (
        image.dtype != np.uint8
        or image.ndim not in (2, 3)
        or 0 in image.shape
        or image.shape[2:] not in ((), (3,))
    ):
        raise ValueError(
            f"oriented gradients are taken of (H, W) or (H, W, 3) uint8, got {image.shape} of {image.dtype}"
        )
    if image.ndim == 2:
        planes = image[None].astype(np.float32)
    elif settings.color == "gray":
        planes = (image.astype(np.float32) @ np.array(LUMINANCE, np.float32))[None]
    else:
        planes = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32)
    return np.sqrt(planes, out=planes) if settings.gamma == "sqrt" else planes


def band_gradients(planes: Float32, rows: slice, settings: HogSettings) -> tuple[Float32, Float32]:
    """Return gradients `dx`, `dy` (r, W) of the pixels of `rows`, of the channel where each is strongest.

    In scratch memory that the next call uses again.
    """
    count, height, width = planes.shape
    band = planes[:, rows]
    dx, dy = _scratch("hog dx", band.shape), _scratch("hog dy", band.shape)
    dx[:, :, :: max(1, width - 1)] = 0  # over a rim that mirrors the photo
    np.subtract(band[:, :, 2:], band[:, :, :-2], out=dx[:, :, 1:-1])
    first, last = max(rows.start, 1), min(rows.stop, height - 1)  # that have a row above and below
    inner = slice(first - rows.start, max(first, last) - rows.start)
    if last > first:
        np.subtract(planes[:, first + 1 : last + 1], planes[:, first - 1 : last - 1], out=dy[:, inner])
    dy[:, : inner.start] = 0
    dy[:, inner.stop :] = 0
    if settings.border == "replicate":
        _over_the_rim(planes, rows, dx, dy)
    if count > 1:
        _strongest(dx, dy, settings)
    best = count - 1 if settings.color == "strongest-opencv" else 0
    return dx[best], dy[best]


def _scratch(name: str, shape: tuple[int, ...], dtype: type = np.float32) -> Any:
    return workspace(name, shape, dtype, _HOST)


def _over_the_rim(planes: Float32, rows: slice, dx: Float32, dy: Float32) -> None:
    """Write the gradients at the rim of the photo, where its outermost pixels are repeated beyond it."""
    _, height, width = planes.shape
    band = planes[:, rows]
    if width > 1:
        dx[:, :, 0], dx[:, :, -1] = band[:, :, 1] - band[:, :, 0], band[:, :, -1] - band[:, :, -2]
    if height > 1 and rows.start == 0:
        dy[:, 0] = planes[:, 1] - planes[:, 0]
    if height > 1 and rows.stop == height:
        dy[:, -1] = planes[:, -1] - planes[:, -2]


def _strongest(dx: Float32, dy: Float32, settings: HogSettings) -> None:
    """Bring the strongest gradient of each pixel into the first channel, or the last in OpenCV's order."""
    squares, more = _scratch("hog squares", dx.shape), _scratch("hog products", dx.shape)
    np.multiply(dx, dx, out=squares)
    squares += np.multiply(dy, dy, out=more)
    order, width = list(range(len(dx))), dx.shape[2]
    parts = [(slice(0, width), order)]
    if settings.color == "strongest-opencv":
        four = width - width % 4
        parts = [(slice(0, four), order[::-1]), (slice(four, width), order)]
    best = parts[0][1][0]
    for columns, (first, *others) in parts:
        x, y, most = (array[first, :, columns] for array in (dx, dy, squares))
        for other in others:
            stronger = squares[other, :, columns] > most
            _take(x, dx[other, :, columns], stronger)
            _take(y, dy[other, :, columns], stronger)
            np.maximum(most, squares[other, :, columns], out=most)
        if first != best:
            dx[best, :, columns], dy[best, :, columns] = x, y


def _take(values: Float32, others: Float32, where: npt.NDArray[np.bool_]) -> None:
    """Replace `values` by `others` where the mask says so, by their bits: a condition is slower."""
    mask = where.astype(np.int32)
    np.negative(mask, out=mask)
    mine, theirs = values.view(np.int32), others.view(np.int32)
    mask &= mine ^ theirs
    mine ^= mask


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


def band_votes(planes: Float32, rows: slice, columns: slice, settings: HogSettings, out: Float32) -> None:
    """Write what each pixel of `rows` and `columns` votes for each orientation.

    A vote is as strong as the gradient; softly, it is shared by the two orientations whose centres, at 0.5,
    1.5, … bins, are next to its angle.

    Parameters
    ----------
    out : (r, bins + 2, w) float32 array
        Bin i goes to ``out[:, i + 1]``. The two at the ends are scratch: orientations go round, and what
        falls beyond an end is added to the other.
    """
    dx, dy = (part[:, columns] for part in band_gradients(planes, rows, settings))
    angle = angles(dx, dy, settings)
    strength = dx * dx
    strength += dy * dy
    np.sqrt(strength, out=strength)
    bins, width = settings.bins, out.shape[2]
    flat = out.reshape(-1)
    flat[:] = 0
    if settings.soft_bins:
        angle -= np.float32(0.5)
    low = np.floor(angle)
    place = low.astype(np.intp)
    place += 1
    place *= width
    place += np.arange(len(out))[:, None] * ((bins + 2) * width) + np.arange(width)
    if settings.soft_bins:
        angle -= low
        angle *= strength
        strength -= angle
        flat[place + width] = angle
    flat[place] = strength
    out[:, bins] += out[:, 0]
    out[:, 1] += out[:, bins + 1]
