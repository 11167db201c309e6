"""NumPy's .npy and .npz files, read with every size checked before memory is taken for it.

:func:`numpy.load` takes as much memory as a header asks for, hands out members that are no arrays as raw
bytes and lets the last of two members of one name win. Here all of that is an error that says so.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from minircnn.arrays import HostArray
from minircnn.files import read_bytes, require_file

MOST_EXPANSION = 20
"""A compressed archive may hold so many times its own size: even windows on a grid only shrink to a fifth,"""
FREE_EXPANSION = 1 << 28
"""but small archives of nothing but zeros do; so many bytes are always allowed."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(path: Path | str) -> HostArray:
    """Return the array in an ``.npy`` file.

    Raises
    ------
    ValueError
        If it is no such file, cut short, or holds Python objects.
    OSError
        If it cannot be read or is no file.
    """
    return decode_npy(read_bytes(path))


def decode_npy(payload: bytes) -> HostArray:
    """Return the array in the bytes of an ``.npy`` file, as :func:`read_npy` does."""
    if not payload.startswith(np.lib.format.MAGIC_PREFIX):
        raise ValueError("is empty" if not payload else "does not begin like an .npy file")
    file = io.BytesIO(payload)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the .npy format is for records, not for arrays of numbers")
    shape, _, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("holds Python objects, not numbers")
    promised, there = math.prod(shape) * dtype.itemsize, len(payload) - file.tell()
    if promised != there:
        raise ValueError(f"the header promises {promised} bytes of numbers, {there} follow")
    file.seek(0)
    array: HostArray = np.load(file, allow_pickle=False)
    return array


def read_npz(path: Path | str) -> dict[str, HostArray]:
    """Return the arrays in an ``.npz`` file under their names.

    Raises
    ------
    ValueError
        Naming the member, if one is no array, occurs twice or is out of all proportion to the file.
    zipfile.BadZipFile, OSError, ...
        If the archive is damaged or cannot be read, in its own ways.
    """
    require_file(path)
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in checked_members(archive, Path(path).stat().st_size):
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise ValueError(f"member {name!r} is no .npy array")
            try:
                arrays[name] = decode_npy(archive.read(member))
            except ValueError as error:
                raise ValueError(f"member {member.filename!r}: {error}") from error
    return arrays


def checked_members(archive: zipfile.ZipFile, file_size: int) -> list[zipfile.ZipInfo]:
    """Return the members of an archive of `file_size` bytes; raise ValueError if one is odd or too large."""
    members = archive.infolist()
    twice = [name for name, times in Counter(member.filename for member in members).items() if times > 1]
    if twice:
        raise ValueError(f"member {twice[0]!r} is there twice")
    for member in members:
        if member.compress_size > file_size:  # that much would be asked of the memory
            raise ValueError(
                f"member {member.filename!r} promises {member.compress_size} bytes, more than there are"
            )
    total = sum(member.file_size for member in members)
    if total > max(FREE_EXPANSION, MOST_EXPANSION * file_size):
        raise ValueError(f"a file of {file_size} bytes would unpack to {total}, out of all proportion")
    return members
