"""Arrays on disk, a file each, that are believed only if they are what was written."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from minircnn.array_files import decode_npy
from minircnn.arrays import HostArray
from minircnn.files import read_bytes, write_bytes

_DIGEST_SIZE = hashlib.sha256().digest_size
"""Bytes at the end of a file, behind its array, that tell whether it holds what was written."""


def read_kept(path: Path) -> HostArray:
    """Return the array that `write_kept` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read or does not hold what was written.
    """
    try:
        payload = read_bytes(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    array = payload[:-_DIGEST_SIZE]
    if payload[-_DIGEST_SIZE:] != _digest(array):
        raise ValueError(f"{path} is damaged")
    return decode_npy(array)


def write_kept(path: Path, array: HostArray) -> None:
    """Write `array` and its digest to `path`, atomically."""
    payload = io.BytesIO()
    np.lib.format.write_array(payload, array, allow_pickle=False)
    content = payload.getvalue()
    write_bytes(path, content + _digest(content))


def _digest(array: bytes) -> bytes:
    return hashlib.sha256(array).digest()
