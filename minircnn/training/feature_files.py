"""The files of a feature cache: room is reserved first, and what they hold is believed only if it fits."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import shutil
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.files import read_text, write_text

logger = logging.getLogger("minircnn")

Shapes = Mapping[str, tuple[int, int]]
"""Rows and columns of each array, by its name."""

_DONE = "done.json"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ZEROS = bytes(1 << 20)


class CacheError(RuntimeError):
    """The feature cache cannot be made or used.

    Parameters
    ----------
    what : str
    mend : str
        What a training can do about it; other work that keeps features has a way of its own.
    """

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what}; {mend}" if mend else what)
        self.what = what


class NoRoomError(CacheError):
    """The disk has too little room for the features."""


def done_photos(
    folder: Path, keys: Collection[str], shapes: Shapes, dtype: np.dtype[Any], most: int
) -> tuple[int, int | None]:
    """Return how many photos are done, of `most`: none if the features are not those of one of `keys`.

    And the checksum of their features, which version 0.1.0 did not note.
    """
    try:
        state = json.loads(read_text(folder / _DONE))
        key, photos, noted = str(state["key"]), state["photos"], state.get("checksum")
    except FileNotFoundError:
        return 0, None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        logger.warning("%s is damaged (%s): the features are computed again", folder / _DONE, error)
        return 0, None
    if key not in keys:
        logger.info("%s holds features of other weights, regions or photos: they are computed again", folder)
        return 0, None
    wrong = [name for name, shape in shapes.items() if not _fits(_array_file(folder, name), shape, dtype)]
    if wrong or type(photos) is not int or not 0 <= photos <= most:
        what = f"{_array_file(folder, wrong[0])} is missing, cut or of another shape" if wrong else _DONE
        logger.warning("%s: %s cannot be right: the features are computed again", folder, what)
        return 0, None
    return photos, noted


def write_done(folder: Path, key: str, photos: int, checksum: int) -> None:
    """Note that the features of so many photos are on the disk, and their checksum."""
    write_text(folder / _DONE, json.dumps({"key": key, "photos": photos, "checksum": checksum}))


def add_to_checksum(checksum: int, *parts: HostArray) -> int:
    """Return the `checksum` of features, 0 of none, with `parts` behind them."""
    for part in parts:
        checksum = zlib.crc32(part.data, checksum)
    return checksum


def make_room(folder: Path, shapes: Shapes, dtype: np.dtype[Any]) -> None:
    """Replace what is in `folder` by empty arrays, whose whole size is taken from the disk at once.

    Raises
    ------
    CacheError
        If the disk has too little room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # first what vouches for the arrays: after a crash between two lines nothing wrong is believed
    for name in (_DONE, *(f"{name}.npy" for name in shapes)):
        (folder / name).unlink(missing_ok=True)
    size = sum(rows * columns for rows, columns in shapes.values()) * dtype.itemsize
    parts = " and ".join(f"{rows} x {columns} ({name})" for name, (rows, columns) in shapes.items())
    logger.info("feature cache: %s, %s: %.0f MB in %s", parts, dtype, size / 1e6, folder)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise _no_room(size, folder, f"{free / 1e9:.1f} GB free")
    try:
        for name, shape in shapes.items():
            _reserve(_array_file(folder, name), shape, dtype)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        for name in shapes:
            _array_file(folder, name).unlink(missing_ok=True)
        raise _no_room(size, folder, f"less ({error.strerror})") from error


def open_array(folder: Path, name: str) -> Any:
    """Return the array `name` as a memory map that can be written to."""
    return np.lib.format.open_memmap(_array_file(folder, name), "r+")


def _array_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"


def _no_room(size: int, folder: Path, there: str) -> NoRoomError:
    return NoRoomError(
        f"the feature cache needs {size / 1e9:.1f} GB and {folder} has {there}",
        "make room and continue with --resume, which takes --cache-dtype float16 too; or begin again in "
        "another folder (--out), with fewer proposals (--proposals.limit)",
    )


def _fits(path: Path, shape: tuple[int, int], dtype: np.dtype[Any]) -> bool:
    """Return whether `path` holds such an array, to its last byte: NumPy would append zeros to a cut file."""
    try:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
            return header == (shape, False, dtype) and path.stat().st_size == start + _bytes(shape, dtype)
    except Exception:  # a damaged header fails in many ways
        return False


def _reserve(path: Path, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    """Write an array of zeros for which the disk has room: a map of a file with holes dies of a full disk."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.flush()
        size = _bytes(shape, dtype)
        if not _allocate(file, size):
            _write_zeros(file, size)


def _allocate(file: IO[bytes], size: int) -> bool:
    """Reserve `size` bytes from here on; return False where the system or the file system cannot."""
    if size == 0 or not hasattr(os, "posix_fallocate"):
        return False
    try:
        os.posix_fallocate(file.fileno(), file.tell(), size)
    except OSError as error:
        if error.errno in _FULL:
            raise
        return False
    return True


def _write_zeros(file: IO[bytes], size: int) -> None:
    for start in range(0, size, len(_ZEROS)):
        file.write(_ZEROS[: size - start])
    file.flush()
    os.fsync(file.fileno())


def _bytes(shape: tuple[int, int], dtype: np.dtype[Any]) -> int:
    return math.prod(shape) * dtype.itemsize
