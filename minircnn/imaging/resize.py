"""Bilinear resizing with half-pixel centres and without antialiasing, as the original code resizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.structures import FloatArray, IntArray


def linear_taps(
    position: FloatArray, first: IntArray | int, last: IntArray | int
) -> tuple[IntArray, IntArray, npt.NDArray[np.float32]]:
    """Return the two samples each `position` lies between, and the weight of the second.

    Parameters
    ----------
    position : float array
        Where to sample, in pixel indices (the centre of pixel j is j).
    first, last : int or int array broadcastable to `position`
        The first and last sample that may be used; positions beyond them repeat the border.
    """
    inside = np.clip(position, first, last)
    low = np.floor(inside).astype(np.intp)
    return low, np.minimum(low + 1, last), (inside - low).astype(np.float32)


def resize_image(image: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.float32]:
    """Resize `image` to `height` × `width` by bilinear interpolation.

    The centre of target pixel i is sampled at ``(i + ½)·source / target − ½``; there is no low-pass
    filter before shrinking.

    Parameters
    ----------
    image : (H, W, C) or (H, W) array
        Any real dtype.
    height, width : int
        Target size in pixels, at least 1.

    Returns
    -------
    (height, width, C) or (height, width) float32 array

    Raises
    ------
    ValueError
        If a side of the source or the target is empty.

    Examples
    --------
    >>> from minircnn.imaging import resize_image
    >>> resize_image(np.array([[0, 10]]), 1, 4)
    array([[ 0. ,  2.5,  7.5, 10. ]], dtype=float32)
    """
    if min(height, width, *image.shape[:2]) < 1:
        raise ValueError(f"cannot resize an image of shape {image.shape} to {height}×{width}")
    out = image.astype(np.float32)
    for axis, target in ((0, height), (1, width)):
        source = image.shape[axis]
        if source == target:
            continue
        position = (np.arange(target) + 0.5) * (source / target) - 0.5
        low, high, weight = linear_taps(position, 0, source - 1)
        weight = weight.reshape((-1,) + (1,) * (image.ndim - 1 - axis))
        a = np.take(out, low, axis=axis)
        out = a + (np.take(out, high, axis=axis) - a) * weight
    return out


def scale_factor(height: int, width: int, short_side: int, max_long_side: int) -> float:
    """Return the factor that brings the short side to `short_side`, or the long one to `max_long_side`.

    Examples
    --------
    >>> from minircnn.imaging import scale_factor
    >>> scale_factor(400, 500, 600, 1000), scale_factor(400, 800, 600, 1000)
    (1.5, 1.25)
    """
    return min(short_side / min(height, width), max_long_side / max(height, width))


def scale_to(
    image: npt.NDArray[Any], short_side: int, max_long_side: int
) -> tuple[npt.NDArray[np.float32], float]:
    """Return `image` with short side `short_side`, long side at most `max_long_side`, and the scale.

    Fast R-CNN, section 5.2: 600 and 1000. Sides are rounded to whole pixels; boxes are multiplied by the
    scale.

    Examples
    --------
    >>> from minircnn.imaging import scale_to
    >>> image, scale = scale_to(np.zeros((40, 50, 3), np.uint8), 60, 100)
    >>> image.shape, scale
    ((60, 75, 3), 1.5)
    """
    height, width = image.shape[:2]
    scale = scale_factor(height, width, short_side, max_long_side)
    target = [max(1, int(side * scale + 0.5)) for side in (height, width)]
    return resize_image(image, target[0], target[1]), scale
