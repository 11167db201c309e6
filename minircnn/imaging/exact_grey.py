"""Grey levels in whole numbers: the same bytes on every machine, and those of OpenCV."""

from __future__ import annotations

import numpy as np

from minircnn.imaging.photo import as_image
from minircnn.structures import ImageArray

_WEIGHTS = np.array([9798, 19235, 3735], np.uint32)  # 0.299, 0.587 and 0.114 of 2^15


def exact_grey(image: ImageArray) -> ImageArray:
    """Return the grey levels (H, W) of a photo (H, W, 3) uint8 RGB: ITU-R BT.601, as OpenCV rounds it.

    Raises
    ------
    ValueError
        If the photo is of another kind.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"grey levels are taken of (H, W, 3) uint8 RGB, got {image.shape} of {image.dtype}")
    total = image[..., 0] * _WEIGHTS[0]
    total += image[..., 1] * _WEIGHTS[1]
    total += image[..., 2] * _WEIGHTS[2]
    total += 1 << 14
    total >>= 15
    grey: ImageArray = total.astype(np.uint8)
    return grey


def as_grey(image: ImageArray) -> ImageArray:
    """Return a grey photo (H, W) uint8 as it is, the grey levels of an RGB one (H, W, 3).

    Raises
    ------
    ValueError
        If `image` is neither.
    """
    if image.ndim == 2 and image.dtype == np.uint8 and image.size:
        return image
    return exact_grey(as_image(image))
