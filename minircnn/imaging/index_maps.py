"""Pictures whose pixels are numbers: of classes, of objects, of segments.

They are read as they are stored. A palette only says how a number is shown; a format that changes pixels a
little, as JPEG does, would make other numbers of them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from minircnn.files import write_bytes
from minircnn.imaging.read import ImageError, opened
from minircnn.structures import ImageArray, IntArray

_LOSSLESS = ("PNG", "BMP", "TIFF", "GIF")


def read_index_map(path: str | Path) -> ImageArray:
    """Return the numbers (H, W) uint8 of a picture with a palette, or of a grey one.

    Raises
    ------
    ImageError
        If the file is missing, damaged, or stores colours or changed pixels instead of numbers.

    Examples
    --------
    >>> import os, tempfile
    >>> from minircnn.imaging import read_index_map, write_index_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_index_map(os.path.join(folder, "map.png"), np.array([[0, 255]], dtype=np.uint8))
    ...     read_index_map(path)
    array([[  0, 255]], dtype=uint8)
    """
    path = Path(path)
    with opened(path) as picture:
        _require_lossless(picture, path)
        if picture.mode not in ("P", "L", "1"):
            raise ImageError(
                f"{path}: holds colours ({picture.mode}), where the number of a class or object is needed; "
                "save it with a palette or in 8-bit grey"
            )
        return np.array(picture, dtype=np.uint8)


def read_id_map(path: str | Path) -> IntArray:
    """Return the ids (H, W) int64 of a colour picture: R + 256 G + 256² B, as COCO's panoptic PNG has them.

    Raises
    ------
    ImageError
        If the file is missing, damaged, or stores no colours of 8 bits, or changed ones.
    """
    path = Path(path)
    with opened(path) as picture:
        _require_lossless(picture, path)
        if picture.mode != "RGB":
            raise ImageError(
                f"{path}: is of the kind {picture.mode}, where red, green and blue make up an id; "
                "save it as RGB"
            )
        colours = np.array(picture, dtype=np.int64)  # (H, W, 3)
    ids: IntArray = colours @ np.array([1, 256, 256**2])
    return ids


def write_index_map(path: str | Path, numbers: ImageArray) -> Path:
    """Write (H, W) uint8 `numbers` as PNG with VOC's palette, which `read_index_map` reads.

    An array of another kind, or another ending than ``.png``, raises ImageError.
    """
    path = Path(path)
    if numbers.dtype != np.uint8 or numbers.ndim != 2 or path.suffix.lower() != ".png":
        raise ImageError(
            f"{path}: a map is (H, W) of uint8 and a .png, got {numbers.dtype} of shape {numbers.shape}"
        )
    picture = Image.fromarray(numbers)
    picture.putpalette(voc_palette().tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return write_bytes(path, buffer.getvalue())


def voc_palette() -> ImageArray:
    """Return the colours (256, 3) uint8 in which PASCAL VOC shows the numbers 0..255.

    The devkit's rule: of a number's bits, taken three at a time from the lowest, each three are the next
    lower bit of red, green and blue.

    Examples
    --------
    >>> from minircnn.imaging import voc_palette
    >>> voc_palette()[[0, 1, 15, 255]]
    array([[  0,   0,   0],
           [128,   0,   0],
           [192, 128, 128],
           [224, 224, 192]], dtype=uint8)
    """
    number = np.arange(256)[:, None]  # (256, 1)
    colours = np.zeros((256, 3), dtype=np.int64)
    for place in range(8):
        colours |= ((number >> (3 * place + np.arange(3))) & 1) << (7 - place)
    return colours.astype(np.uint8)


def _require_lossless(picture: Image.Image, path: Path) -> None:
    if picture.format not in _LOSSLESS:
        raise ImageError(
            f"{path}: is {picture.format}, which changes pixels a little, and numbers with them; use PNG"
        )
