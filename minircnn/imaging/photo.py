"""What a photo is, and what to do with an array that is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.structures import ImageArray


def as_image(image: Any) -> ImageArray:
    """Return `image` as it is, if it is a photo: (H, W, 3) uint8, RGB.

    Nothing is converted: the same numbers mean black in one range and white in another.

    Raises
    ------
    ValueError
        If it is none, with what makes it one.
    """
    if not isinstance(image, np.ndarray) or isinstance(image, np.ma.MaskedArray):
        raise ValueError(f"{_NEEDED}, got a {type(image).__name__}: {_photo_from_object(image)}")
    if image.dtype != np.uint8:
        raise ValueError(f"{_NEEDED}, got {image.dtype}: {_photo_from_numbers(image)}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"{_NEEDED}, got shape {image.shape}: {_photo_from_shape(image.shape)}")
    return image


_NEEDED = "a photo must be an (H, W, 3) array of uint8, RGB"


def _photo_from_object(image: Any) -> str:
    if hasattr(image, "convert"):  # PIL's
        return 'take numpy.asarray(image.convert("RGB"))'
    if isinstance(image, np.ma.MaskedArray):
        return "take image.filled(), or image.data"
    return "take minircnn.read_image for a file, numpy.asarray for rows of numbers"


def _photo_from_numbers(image: npt.NDArray[Any]) -> str:
    if image.dtype == bool:
        return "take image.astype(numpy.uint8) * 255"
    if image.dtype.kind not in "iuf":
        return "these are no numbers from 0 to 255"
    if image.dtype.kind == "f" and image.size and not image.max() > 1:
        return "for values from 0 to 1 take (image * 255).astype(numpy.uint8)"
    if image.dtype == np.uint16 and image.size and image.max() > 255:
        return "for values from 0 to 65535 take (image // 257).astype(numpy.uint8)"
    return "for values from 0 to 255 take image.astype(numpy.uint8)"


def _photo_from_shape(shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "it has no pixels"
    if len(shape) == 2:
        return "for a grey photo take numpy.repeat(image[..., None], 3, axis=-1)"
    if len(shape) == 3 and shape[2] == 1:
        return "for a grey photo take numpy.repeat(image, 3, axis=-1)"
    if len(shape) == 3 and shape[2] == 4:
        return "without the alpha channel it is image[..., :3]"
    if len(shape) == 3 and shape[0] == 3:
        return "with the channels last it is image.transpose(1, 2, 0)"
    return "take one photo at a time" if len(shape) == 4 else "this is no photo"
