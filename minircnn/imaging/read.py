"""Photos from and to disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from minircnn.structures import ImageArray


class ImageError(ValueError):
    """A photo cannot be read; the message names the file and what is wrong with it."""


def read_image(path: str | Path) -> ImageArray:
    """Read a photo of any common format as RGB, upright.

    The EXIF orientation is applied. Greyscale is repeated over the three channels, palettes are looked
    up, transparent pixels are laid over white, and 16-bit values keep their upper 8 bits.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    (H, W, 3) uint8 array
        RGB.

    Raises
    ------
    ImageError
        If the file is missing, no image, or truncated.
    """
    path = Path(path)
    try:
        with Image.open(path) as opened:
            opened.load()
            return _to_rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path}: is a folder, not an image") from error
    # Pillow reports damage as OSError, SyntaxError (PNG), ValueError or a decompression bomb
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: cannot be read as an image ({error})") from error


def _to_rgb(image: Image.Image) -> ImageArray:
    """Return any Pillow image as (H, W, 3) uint8."""
    if image.mode.startswith(("I", "F")):  # 16-bit and wider greyscale, which convert() would clip
        values = np.asarray(image).astype(np.float64)
        if image.mode != "F" and (values.size and values.max() > 255):
            values = values // 256
        grey = np.clip(values, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def write_image(path: str | Path, image: ImageArray) -> None:
    """Write (H, W, 3) uint8 RGB or (H, W) uint8 grey `image`; the format follows the file's ending.

    Raises
    ------
    ImageError
        If the array is no 8-bit image, the ending is unknown or the folder does not exist.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ImageError(f"{path}: can only write uint8 images, got {image.dtype} of shape {image.shape}")
    try:
        Image.fromarray(image).save(path)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: cannot be written ({error})") from error
