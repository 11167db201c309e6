"""Read the arrays in PyTorch's ``.pth`` files without PyTorch and without running what they say.

Both formats are pickles beside raw numbers. A pickle may name any function to be called; here only the
few names that a dictionary of tensors needs are understood, and each is replaced by code of this module.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from minircnn.arrays import HostArray

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # the upper half of a float32
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


@dataclass
class _Storage:
    """A run of raw numbers, filled once the file has been read that far."""

    kind: str
    values: HostArray | None = None


@dataclass
class _Tensor:
    """A view of a storage: where it starts, its shape and its strides, in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> HostArray:
        values = self.storage.values
        if values is None:
            raise pickle.UnpicklingError("a tensor refers to numbers that are not in the file")
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape:
            return np.zeros(self.shape, values.dtype)
        inside = self.offset >= 0 and min(self.strides, default=0) >= 0 and last < len(values)
        if not inside or math.prod(self.shape) > len(values):
            raise pickle.UnpicklingError("a tensor reaches beyond its numbers")
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :], self.shape, [s * values.itemsize for s in self.strides]
        )
        if self.storage.kind == "BFloat16Storage":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return view.copy()


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor: _Tensor, *_: object) -> _Tensor:
    return tensor


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles dictionaries of tensors; refuses every other name."""

    def __init__(self, file: IO[bytes], storage: Callable[[tuple[Any, ...]], _Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """Translate the names a tensor dictionary needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) in (("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        if module in ("torch", "torch.storage") and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}, which no weights need; not run")

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage a tensor refers to."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or pid[1] not in _DTYPES:
            raise pickle.UnpicklingError(f"unknown reference {pid!r}")
        return self._storage(pid)


def read_torch_file(path: Path) -> dict[str, HostArray]:
    """Return the tensors of a ``.pth`` file under their names.

    A dictionary of tensors, or one that holds such a dictionary as ``state_dict`` or ``model``; entries
    that are no tensors are left out.

    Raises
    ------
    pickle.UnpicklingError, zipfile.BadZipFile, OSError, EOFError, ValueError
        If the file is damaged, holds something else or asks for code to be run.
    """
    content = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise pickle.UnpicklingError(f"holds a {type(content).__name__}, no dictionary of tensors")
    return {str(name): value.array() for name, value in content.items() if isinstance(value, _Tensor)}


def _read_zip(path: Path) -> Any:
    """Read the format of PyTorch 1.6 and later: a zip archive with data.pkl and data/0, data/1, ..."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl") or name == "data.pkl"]
        if len(pickles) != 1:
            raise pickle.UnpicklingError("the archive holds no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        order = f"{root}byteorder"
        if order in names and archive.read(order) != b"little":
            raise pickle.UnpicklingError("big-endian numbers are not supported")
        known: dict[str, _Storage] = {}

        def storage(pid: tuple[Any, ...]) -> _Storage:
            kind, key = pid[1], str(pid[2])
            if key not in known:
                raw = archive.read(f"{root}data/{key}")
                known[key] = _Storage(kind, np.frombuffer(raw, _DTYPES[kind]))
            return known[key]

        return _TensorUnpickler(io.BytesIO(archive.read(pickles[0])), storage).load()


def _read_legacy(path: Path) -> Any:
    """Read the format before PyTorch 1.6: five pickles, then every storage as a length and its numbers."""
    known: dict[str, _Storage] = {}

    def storage(pid: tuple[Any, ...]) -> _Storage:
        if len(pid) > 5 and pid[5] is not None:
            raise pickle.UnpicklingError("views of storages are not supported")
        return known.setdefault(str(pid[2]), _Storage(pid[1]))

    with path.open("rb") as file:

        def load() -> Any:
            return _TensorUnpickler(file, storage).load()

        if load() != _LEGACY_MAGIC:
            raise pickle.UnpicklingError("is no PyTorch file")
        load()  # protocol version
        load()  # byte order and sizes of integers on the writing machine
        content = load()
        for key in load():
            (count,) = struct.unpack("<q", file.read(8))
            dtype = np.dtype(_DTYPES[known[str(key)].kind])
            known[str(key)].values = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return content
