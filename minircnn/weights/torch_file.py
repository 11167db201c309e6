"""Read the arrays in PyTorch's ``.pth`` files without PyTorch and without running what they say.

Both formats are pickles (:mod:`minircnn.weights.tensor_pickle`) beside raw numbers. Whatever a file claims,
no more is taken in than it holds.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.array_files import checked_members
from minircnn.arrays import HostArray
from minircnn.files import read_bytes, require_file
from minircnn.weights.tensor_pickle import DTYPES, Storage, Tensor, load_pickle

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net")
_PREFIXES = ("_orig_mod.", "module.", "_orig_mod.")  # torch.compile's is the outer or the inner one


def read_torch_file(path: Path) -> dict[str, HostArray]:
    """Return the tensors of a ``.pth`` file under their names, read-only.

    A dictionary of tensors, or one that holds such a dictionary under one of the names that programs give it
    (``state_dict``, ``model``, ...). Entries that are no tensors are left out, and so is what PyTorch puts
    before all names of a network that was trained on several devices or compiled.

    Raises
    ------
    ValueError, zipfile.BadZipFile, OSError, ...
        If the file is damaged, holds something else or asks for code to be run.
    """
    require_file(path)
    content = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(f"holds a {type(content).__name__}, no dictionary of tensors")
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if odd := [name for name in tensors if not isinstance(name, str)]:
        raise ValueError(f"a tensor has the number {odd[0]} as a name")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return {name: tensor.array() for name, tensor in tensors.items()}


def _read_zip(path: Path) -> Any:
    """Read the format of PyTorch 1.6 and later: a zip archive with data.pkl and data/0, data/1, ..."""
    with zipfile.ZipFile(path) as archive:
        size = path.stat().st_size
        members = {member.filename: member for member in checked_members(archive, size)}
        if any(m.compress_type != zipfile.ZIP_STORED for m in members.values()):
            raise ValueError("its members are compressed; PyTorch stores them as they are")
        if sum(member.file_size for member in members.values()) > size:
            raise ValueError("its members are larger than the file")
        pickles = [name for name in members if name.endswith("/data.pkl") or name == "data.pkl"]
        if len(pickles) != 1:
            raise ValueError("the archive holds no data.pkl, or several")
        root = pickles[0].removesuffix("data.pkl")
        order = f"{root}byteorder"
        if order in members and archive.read(order) != b"little":
            raise ValueError("big-endian numbers are not supported")
        known: dict[str, Storage] = {}

        def storage(kind: str, key: str, count: int) -> Storage:
            if key not in known:
                known[key] = Storage(kind)
                if f"{root}data/{key}" not in members:
                    raise ValueError(f"the numbers data/{key[:80]} are not in the archive")
                raw = archive.read(f"{root}data/{key}")
                if len(raw) != count * np.dtype(DTYPES[kind]).itemsize:
                    raise ValueError(f"data/{key[:80]} holds {len(raw)} bytes, not {count} numbers")
                known[key].fill(raw)
            return _same(known[key], kind, key)

        return load_pickle(io.BytesIO(archive.read(pickles[0])), storage)


def _read_legacy(path: Path) -> Any:
    """Read the format before PyTorch 1.6: five pickles, then every storage as a length and its numbers."""
    known: dict[str, Storage] = {}

    def storage(kind: str, key: str, count: int) -> Storage:
        return _same(known.setdefault(key, Storage(kind)), kind, key)

    payload = read_bytes(path)
    file = io.BytesIO(payload)

    def load() -> Any:
        return load_pickle(file, storage)

    if load() != _LEGACY_MAGIC:
        raise ValueError("is no PyTorch file")
    load()  # protocol version
    load()  # byte order and sizes of integers on the writing machine
    content, keys = load(), load()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("its list of numbers is damaged")
    for key in keys:
        if key not in known or known[key].values is not None:
            raise ValueError(f"the numbers {key[:80]!r} belong to no tensor, or are there twice")
        (count,) = struct.unpack("<q", file.read(8))
        start, width = file.tell(), np.dtype(DTYPES[known[key].kind]).itemsize
        if not 0 <= count <= (len(payload) - start) // width:
            raise ValueError(f"{count} numbers should follow, more than the file holds")
        known[key].fill(memoryview(payload)[start : start + count * width])
        file.seek(start + count * width)
    return content


def _same(storage: Storage, kind: str, key: str) -> Storage:
    if storage.kind != kind:
        raise ValueError(f"the numbers {key[:80]!r} are said to be {storage.kind} and {kind}")
    return storage
