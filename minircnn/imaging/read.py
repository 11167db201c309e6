"""Photos from and to disk.

What a photo is, is decided here alone: which files are photos, how large one is, which side is up, and what
8 bits its pixels have.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from minircnn.files import require_file, write_bytes
from minircnn.structures import FloatArray, ImageArray, IntArray

PHOTO_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2", ".avif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".mpo", ".tga"),
)
"""Endings, in small letters, of the files that are taken for photos in a folder."""

_RAW_ENDINGS = frozenset([".dng", ".nef", ".cr2", ".arw", ".orf", ".pef", ".rw2", ".srw"])
OTHER_ENDINGS = _RAW_ENDINGS | {".heic", ".heif", ".jxl", ".psd", ".svg", ".pdf", ".mp4", ".mov"}
"""Endings, in small letters, of what people take for photos and what is none here."""

_LIES_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations that swap height and width


class ImageError(ValueError):
    """A photo cannot be read; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class PhotoHeader:
    """What is known of a photo without decoding it.

    Parameters
    ----------
    height, width : int
        As :func:`read_image` returns the photo: upright.
    orientation : int
        EXIF: 1 where the pixels are stored upright or nothing is said; 5 to 8 where they lie on their side.
    """

    height: int
    width: int
    orientation: int

    @property
    def turned(self) -> bool:
        """Whether height and width of the stored pixels are exchanged."""
        return self.orientation in _LIES_ON_ITS_SIDE


def read_header(path: str | Path) -> PhotoHeader:
    """Return size and orientation of a photo without decoding it.

    Raises
    ------
    ImageError
        If the file is missing or no image.
    """
    path = Path(path)
    with opened(path) as picture:
        orientation = _orientation(picture, path)
        width, height = _stored_size(picture)
    if orientation in _LIES_ON_ITS_SIDE:
        width, height = height, width
    return PhotoHeader(height, width, orientation)


def read_image(path: str | Path) -> ImageArray:
    """Read a photo of any common format as RGB, upright.

    The EXIF orientation is applied. Grey is repeated over the three channels, palettes are looked up,
    transparent pixels are laid over white, and of 16-bit values the upper 8 bits are kept, unless none is
    used. Floating point is taken from 0..1. Of several frames the first is read.

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
        If the file is missing, no image, truncated, or its values have no one meaning in 8 bits.
    """
    path = Path(path)
    with opened(path) as picture:
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)  # a copy only where it must be turned
        return _to_rgb(picture, path)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open a photo; whatever goes wrong inside becomes an ImageError that names it."""
    if path.suffix.lower() in _RAW_ENDINGS:  # Pillow would take the small preview inside for the photo
        raise ImageError(f"{path}: is a camera's raw file; develop it to JPEG or PNG")
    try:
        require_file(path)
        with _quiet, Image.open(path) as picture:
            if min(picture.size) < 1:
                raise ImageError(f"{path}: has no pixels")
            yield picture
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: cannot be read as an image ({_what_else(path)})") from error
    except FileNotFoundError as error:
        dangling = path.is_symlink()
        raise ImageError(
            f"{path}: {'is a link that leads nowhere' if dangling else 'no such file'}"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: has more than 178 million pixels; make it smaller") from error
    # of damage Pillow tells by nearly every exception there is
    except Exception as error:
        raise ImageError(f"{path}: cannot be read as an image ({error or type(error).__name__})") from error


class _PillowKeepsQuiet:
    """Keeps back Pillow's warnings: of odd metadata, and of 90 million pixels, which phones take.

    The filters of warnings belong to the process, so the first thread that reads sets them and the last one
    takes them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(None, None, None)


_quiet = _PillowKeepsQuiet()


def _what_else(path: Path) -> str:
    """Return what a file may be that Pillow does not know."""
    with path.open("rb") as file:
        start = file.read(32)
    if not start:
        return "the file is empty"
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypheif"):
        return "HEIC, as iPhones write it; export the photo as JPEG"
    if start[4:8] == b"ftyp":
        return "a film or AVIF, which this Pillow does not read; export the photo as JPEG"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS; fetch the photo itself with git lfs pull"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page; download the photo again"
    if b"<svg" in start or start.startswith(b"<?xml"):
        return "text, not pixels; export it as PNG"
    return "no format that Pillow knows; export the photo as JPEG or PNG"


def _orientation(picture: Image.Image, path: Path) -> int:
    """Return the EXIF orientation that :func:`read_image` will apply."""
    if picture.format == "PNG":
        # It may stand behind the pixels, where only decoding finds it: done if there is any.
        content = path.read_bytes()
        if any(mark in content for mark in (b"eXIf", b"Raw profile type exif", b"tiff:Orientation")):
            picture.load()
        else:
            return 1
    found = Image.Image.getexif(picture).get(ExifTags.Base.Orientation, 1)
    return int(found) if found in range(1, 9) else 1  # of any type of number, as exif_transpose takes it


def _stored_size(picture: Image.Image) -> tuple[int, int]:
    """Return width and height of the pixels as they are stored."""
    tags = getattr(picture, "tag_v2", None)  # of TIFF, which newer versions of Pillow open turned already
    if tags is None:
        return picture.size
    return int(tags[ExifTags.Base.ImageWidth]), int(tags[ExifTags.Base.ImageLength])


def _to_rgb(image: Image.Image, path: Path) -> ImageArray:
    """Return any Pillow image as (H, W, 3) uint8."""
    if image.mode.startswith(("I", "F")):  # grey of more than 8 bits, which convert() would clip
        grey = _eight_bits(np.asarray(image), path)
        if isinstance(clear := image.info.get("transparency"), int):  # the one value that is not drawn
            grey[np.asarray(image) == clear] = 255
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def _eight_bits(values: FloatArray | IntArray, path: Path) -> ImageArray:
    """Return grey of 16 bits, or floating point in 0..1, as uint8."""
    low, high = values.min(), values.max()
    if np.issubdtype(values.dtype, np.floating):
        if not (low >= 0 and high <= 1):  # false for NaN too
            raise ImageError(
                f"{path}: floating point from {low:g} to {high:g}, not 0 to 1; save it in 8 bits"
            )
        return (values * 255 + 0.5).astype(np.uint8)
    if low < 0 or high > 0xFFFF:
        raise ImageError(f"{path}: values from {low} to {high}, more than 16 bits; save it in 8 bits")
    return (values if high < 256 else values // 256).astype(np.uint8)


def write_image(path: str | Path, image: ImageArray) -> None:
    """Write (H, W, 3) uint8 RGB or (H, W) uint8 grey `image`; the format follows the file's ending.

    Raises
    ------
    ImageError
        If the array is no 8-bit image, the ending is unknown or the file cannot be written.
    """
    path = Path(path)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ImageError(f"{path}: can only write uint8 images, got {image.dtype} of shape {image.shape}")
    try:
        kind = Image.registered_extensions()[path.suffix.lower()]
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format=kind)
        write_bytes(path, buffer.getvalue())
    except KeyError as error:
        raise ImageError(f"{path}: no format has this ending; use .png or .jpg") from error
    except (OSError, ValueError, TypeError) as error:
        raise ImageError(f"{path}: cannot be written ({error})") from error
