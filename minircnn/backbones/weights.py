"""Weights from files: SafeTensors, NumPy archives and PyTorch's ``.pth``, checked name by name."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from safetensors import deserialize, safe_open
from safetensors.numpy import load_file

from minircnn.array_files import read_npz
from minircnn.arrays import HostArray, like, to_host
from minircnn.backbones.base import Backbone
from minircnn.backbones.torch_file import read_torch_file
from minircnn.files import read_bytes
from minircnn.nn.checks import require_weights


class WeightsError(ValueError):
    """A file of weights is unreadable or does not fit the network."""


def read_weights(path: str | Path) -> dict[str, HostArray]:
    """Return the arrays in a file of weights under their names.

    Parameters
    ----------
    path : str or Path
        ``.safetensors``, ``.npz``, or ``.pth``/``.pt`` (read without PyTorch; only tensors, no code). What
        the file holds decides how it is read, if it was renamed.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, of another kind, or asks for code to be run.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise WeightsError(f"{path}: no such file")
        if not path.is_file():
            raise WeightsError(f"{path}: is a folder or a pipe, not a file")
        if path.suffix.lower() not in _READERS:
            raise WeightsError(f"{path}: unknown kind of file; .safetensors, .npz, .pth and .pt are read")
        arrays = _READERS[_kind(path)](path)
    except WeightsError:
        raise
    except Exception as error:  # zip, SafeTensors and too large numbers all fail in their own ways
        raise WeightsError(f"{path}: cannot be read ({str(error) or type(error).__name__})") from error
    if not arrays:
        raise WeightsError(f"{path}: holds no arrays")
    return arrays


def _kind(path: Path) -> str:
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
    return ".pth" if head.startswith(b"\x80") else path.suffix.lower()


def _read_safetensors(path: Path) -> dict[str, HostArray]:
    with safe_open(path, "numpy") as file:
        dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    odd = [name for name, dtype in dtypes.items() if dtype not in _SAFETENSORS]
    if odd:
        raise ValueError(f"array {odd[0]!r} is in the format {dtypes[odd[0]]}, which NumPy does not know")
    if "BF16" not in dtypes.values():
        return dict(load_file(path))
    return {
        name: _from_bytes(view["data"], view["dtype"]).reshape(view["shape"])
        for name, view in deserialize(read_bytes(path))  # type: ignore[no-untyped-call]
    }


_SAFETENSORS = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"},
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}


def _from_bytes(data: bytes, dtype: str) -> HostArray:
    values = np.frombuffer(data, _SAFETENSORS[dtype])
    # BF16 is the upper half of a float32
    return (values.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else values


_READERS: dict[str, Callable[[Path], dict[str, HostArray]]] = {
    ".safetensors": _read_safetensors,
    ".npz": read_npz,
    ".pth": read_torch_file,
    ".pt": read_torch_file,
}

_TORCHVISION = {
    "vgg16": {
        f"features.{index}": f"conv{place}"
        for index, place in zip(
            (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
            ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3"],
            strict=True,
        )
    }
    | {"classifier.0": "fc6", "classifier.3": "fc7", "classifier.6": "fc8"},
    "squeezenet1_0": {"features.0": "conv1", "classifier.1": "conv10"}
    | {f"features.{i}": f"fire{n}" for n, i in enumerate((3, 4, 5, 7, 8, 9, 10, 12), start=2)},
    "squeezenet1_1": {"features.0": "conv1", "classifier.1": "conv10"}
    | {f"features.{i}": f"fire{n}" for n, i in enumerate((3, 4, 6, 7, 9, 10, 11, 12), start=2)},
}
"""torchvision's numbered layers and what they are called here."""


def uses_torchvision_names(weights: Mapping[str, HostArray]) -> bool:
    """Tell whether `weights` are named by position, as torchvision does (``features.0.weight``)."""
    return "features.0.weight" in weights


def layer_name(name: str, backbone: str) -> str:
    """Return what the array called `name` in a file is called in the network `backbone`.

    ``fire2/expand1x1.weight`` (Caffe), ``features.3.expand1x1.weight`` (torchvision) and
    ``fire2.expand.expand1x1.weight`` (ours) are the same.
    """
    name = name.replace("/", ".")
    parts = name.split(".")
    known = _TORCHVISION.get(backbone, {})
    if ".".join(parts[:2]) in known:
        name = ".".join([known[".".join(parts[:2])], *parts[2:]])
    name = re.sub(r"^(fire\d+)\.squeeze\.", r"\1.squeeze1x1.", name)
    return re.sub(r"^(fire\d+)\.(expand[13]x[13])\.", r"\1.expand.\2.", name)


def load_weights(backbone: Backbone, path: str | Path) -> None:
    """Put the weights in the file at `path` into `backbone`, converted to its dtype and device.

    Names and shapes are all checked first; the classifier's weights (conv10, fc8) may be in the file when
    the backbone has none.

    Raises
    ------
    WeightsError
        If the file is unreadable, lacks an array, holds one the network does not know or one twice, or one
        of another shape or with values that are not finite.
    """
    arrays: dict[str, tuple[str, HostArray]] = {}
    for in_file, values in read_weights(path).items():
        name = layer_name(in_file, backbone.name)
        if name in arrays:
            raise WeightsError(f"{path}: arrays {arrays[name][0]!r} and {in_file!r} are both {name!r}")
        arrays[name] = (in_file, values)
    parameters = dict(backbone.named_parameters())
    for name, parameter in parameters.items():
        expected = tuple(parameter.data.shape)
        if name not in arrays:
            raise WeightsError(
                f"{path}: array {name!r} of shape {expected} is missing for {backbone.name}; "
                f"the file holds {_some(list(arrays))}"
            )
        in_file, values = arrays[name]
        if tuple(values.shape) != expected:
            raise WeightsError(
                f"{path}: array {in_file!r} has shape {tuple(values.shape)}, "
                f"{backbone.name} needs {expected} for {name!r}"
            )
        try:
            require_weights(values, to_host(parameter.data[:0]).dtype, f"array {in_file!r}")
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error
    extra = [file for name, (file, _) in arrays.items() if name not in parameters and not _optional(name)]
    if extra:
        raise WeightsError(f"{path}: {backbone.name} has no place for {_some(extra)}")
    for name, parameter in parameters.items():
        parameter.data = like(arrays[name][1].astype(to_host(parameter.data[:0]).dtype), parameter.data)


def _optional(name: str) -> bool:
    return name.split(".")[0] in ("conv10", "fc8")


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
