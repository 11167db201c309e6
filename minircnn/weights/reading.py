"""Weights from files: what a file holds decides how it is read, and nothing but arrays comes out."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import deserialize, safe_open
from safetensors.numpy import load_file

from minircnn.array_files import read_npz
from minircnn.arrays import HostArray
from minircnn.files import read_bytes
from minircnn.weights.caffe_file import FIRST_BYTES, read_caffe_file
from minircnn.weights.catalogue import CATALOGUE, cached_file
from minircnn.weights.download import is_genuine
from minircnn.weights.record import KEY, WeightsError, read_record
from minircnn.weights.torch_file import read_torch_file


@dataclass(frozen=True)
class WeightsFile:
    """What a file of weights holds.

    Parameters
    ----------
    path : Path
    form : {".safetensors", ".npz", ".pth", ".caffemodel"}
        The ending that its content should have.
    arrays : dict of str to array
        By the names in the file.
    record : mapping
        What :func:`write_weights` noted; empty for files from elsewhere.
    """

    path: Path
    form: str
    arrays: dict[str, HostArray]
    record: Mapping[str, Any] = field(default_factory=dict)


def read_weights(path: str | Path) -> dict[str, HostArray]:
    """Return the arrays in a file of weights under their names, as :func:`open_weights` reads it."""
    return open_weights(path).arrays


def open_weights(path: str | Path) -> WeightsFile:
    """Read a file of weights.

    Parameters
    ----------
    path : str or Path
        ``.safetensors``, ``.npz``, ``.pth``, ``.pt``, ``.pth.tar`` (read without PyTorch; only tensors, no
        code) or ``.caffemodel``; what the file holds decides how it is read, if it was renamed. Or a name in
        :data:`CATALOGUE` whose file was fetched.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, of another kind, or asks for code to be run.
    """
    path = _located(path)
    try:
        if not path.exists():
            raise WeightsError(f"{path}: no such file")
        if not path.is_file():
            raise WeightsError(f"{path}: is a folder or a pipe, not a file")
        if not path.name.lower().endswith(_ENDINGS):
            raise WeightsError(f"{path}: unknown kind of file; {', '.join(_ENDINGS)} are read")
        form = _form(path)
        arrays, record = _READERS[form](path)
    except WeightsError:
        raise
    except Exception as error:  # zip, SafeTensors and too large numbers all fail in their own ways
        raise WeightsError(f"{path}: cannot be read ({str(error) or type(error).__name__})") from error
    if not arrays:
        raise WeightsError(f"{path}: holds no arrays")
    return WeightsFile(path, form, arrays, record)


def _located(path: str | Path) -> Path:
    """Return where the file lies that is meant by its path, or by its name in the catalogue."""
    known = CATALOGUE.get(str(path))
    if known is None or os.path.isfile(path):
        return Path(path)
    cached = cached_file(known)
    if not cached.exists():
        raise WeightsError(
            f"{path}: no such file, and the published weights of this name have not been fetched: "
            f"minircnn weights fetch {path}"
        )
    if not is_genuine(cached, known):
        raise WeightsError(
            f"{cached}: is not the published file {path}, whose SHA-256 is {known.sha256}: delete it, then "
            f"fetch it (minircnn weights fetch {path}), or name it by its path"
        )
    return cached


def _form(path: Path) -> str:
    """Return the ending that the content of a file should have; its own where that cannot be told."""
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise ValueError("is empty")
    if head.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(path) as archive:
            return ".pth" if any(name.endswith("data.pkl") for name in archive.namelist()) else ".npz"
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return ".safetensors"
    if head.startswith(b"\x80"):
        return ".pth"
    if head.startswith(FIRST_BYTES):
        return ".caffemodel"
    return ".pth" if path.suffix.lower() in (".pt", ".tar") else path.suffix.lower()


Content = tuple[dict[str, HostArray], Mapping[str, Any]]


def _read_safetensors(path: Path) -> Content:
    with safe_open(path, "numpy") as file:
        dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        header = file.metadata() or {}
    odd = [name for name, dtype in dtypes.items() if dtype not in _SAFETENSORS]
    if odd:
        raise ValueError(f"array {odd[0]!r} is in the format {dtypes[odd[0]]}, which NumPy does not know")
    record = read_record(header[KEY]) if KEY in header else {}
    if "BF16" not in dtypes.values():
        return dict(load_file(path)), record
    return {
        name: _from_bytes(view["data"], view["dtype"]).reshape(view["shape"])
        for name, view in deserialize(read_bytes(path))  # type: ignore[no-untyped-call]
    }, record


_SAFETENSORS = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"},
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}


def _from_bytes(data: bytes, dtype: str) -> HostArray:
    values = np.frombuffer(data, _SAFETENSORS[dtype])
    # BF16 is the upper half of a float32
    return (values.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else values


def _read_npz(path: Path) -> Content:
    arrays = read_npz(path)
    noted = arrays.pop(KEY, None)
    return arrays, {} if noted is None else read_record(noted.tobytes())


_READERS: dict[str, Callable[[Path], Content]] = {
    ".safetensors": _read_safetensors,
    ".npz": _read_npz,
    ".pth": lambda path: (read_torch_file(path), {}),
    ".caffemodel": lambda path: (read_caffe_file(path), {}),
}
_ENDINGS = (".safetensors", ".npz", ".pth", ".pt", ".pth.tar", ".caffemodel")
