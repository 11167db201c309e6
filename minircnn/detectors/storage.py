"""Detectors on disk: one safetensors file with the arrays, and the settings as JSON in its header.

Nothing is pickled, so a file from a stranger can be read without running their code. A file is written
beside its final name and moved into place when complete: an interruption leaves the old file or the new
one, never half of one. What a file holds of a detector is the detector's own business
(:meth:`~minircnn.detectors.base.RegionDetector.state`).

Nothing of a file is believed: what differs from what was written is known by a digest, what was written makes
sense or is refused by the constructors, and whatever is wrong with a file is a :class:`StorageError`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from minircnn import files
from minircnn.arrays import Device, HostArray, device_namespace
from minircnn.detectors.base import DETECTORS, RegionDetector
from minircnn.detectors.old_files import upgrade_detector

MODEL_FILE = "model.safetensors"
"""The finished detector in the folder of its run."""

FORMAT = 4
"""Of the files written; older ones (1: version 0.1.0) are read too."""

_HALF_LOSES = 1e-3
"""Of an array's length, at most: twice what rounding to half precision takes of numbers in its range."""


class StorageError(ValueError):
    """A file that holds no detector or checkpoint this version can read."""


def write_bundle(path: Path, arrays: Mapping[str, HostArray], meta: Mapping[str, Any]) -> None:
    """Write `arrays` and the JSON-able `meta` to `path` atomically."""
    native = {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in arrays.items()}
    contiguous = {name: np.ascontiguousarray(array) for name, array in native.items()}
    header = {**meta, "sha256": _digest(contiguous, meta)}
    text = json.dumps(header, allow_nan=False)
    files.write_bytes(path, save(contiguous, metadata={"minircnn": text}))


def _digest(arrays: Mapping[str, HostArray], meta: Mapping[str, Any]) -> str:
    """Return the SHA-256 of arrays and settings; it stands among the latter, as one entry keeps its place."""
    digest = hashlib.sha256(json.dumps(meta).encode())
    for name in sorted(arrays):
        digest.update(f"\n{name} {arrays[name].dtype} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].data)
    return digest.hexdigest()


def read_bundle(path: Path) -> tuple[dict[str, HostArray], dict[str, Any]]:
    """Read what `write_bundle` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StorageError
        If the file is damaged or was not written by minircnn.
    """
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    if not path.is_file():
        raise StorageError(f"{path} is {'a folder' if path.is_dir() else 'a pipe or a device'}, not a file")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        settings: Any = json.loads(header["minircnn"]) if "minircnn" in header else None
        written = settings.pop("sha256", None) if isinstance(settings, dict) else None
        intact = written is None or written == _digest(arrays, settings)  # older files have none
    except Exception as error:  # the header, its JSON, formats of numbers: each fails in its own way
        raise StorageError(
            f"{path} is damaged or no safetensors file ({error}); train again or take a copy"
        ) from error
    if not isinstance(settings, dict):
        raise StorageError(f"{path} was not written by minircnn: its header holds no settings")
    if not intact:
        raise StorageError(
            f"{path} is damaged: it does not hold what was written (sha256); train again or take a copy"
        )
    return arrays, settings


def save_detector(path: Path | str, detector: RegionDetector[Any], *, half: bool = False) -> None:
    """Write a trained detector to `path`, atomically.

    Parameters
    ----------
    path : path
    detector : RegionDetector
    half : bool
        Store in half precision: the file has half the size. It is computed with in single precision all the
        same. Vectors, and arrays that half precision cannot hold to a thousandth, stay as they are.

    Raises
    ------
    ValueError
        If its proposer is of an unknown kind, a number of its arrays is none, or a part was exchanged for one
        that does not fit.
    """
    detector.__post_init__()  # a file must hold what can be loaded
    settings, arrays = detector.state()
    _require_numbers(arrays)
    if half:
        arrays = {name: _in_half(array) for name, array in arrays.items()}
    write_bundle(Path(path), arrays, {"format": FORMAT, "detector": detector.name, **settings})


def _in_half(array: HostArray) -> HostArray:
    """Return `array` in half precision, or itself where it would not be nearly the same."""
    most = np.finfo(np.float16).max
    if array.dtype != np.float32 or array.ndim < 2 or not -most <= array.min() <= array.max() <= most:
        return array
    half = array.astype(np.float16)  # what is below 6e-8 becomes 0
    lost = np.linalg.norm(half.astype(np.float32) - array)
    return half if lost <= _HALF_LOSES * np.linalg.norm(array) else array


def load_detector(
    path: Path | str, device: Device = "cpu", *, svd: Mapping[str, int] | None = None
) -> RegionDetector[Any]:
    """Read a detector written by `save_detector`.

    Parameters
    ----------
    path : path
        The ``.safetensors`` file.
    device : {"cpu", "cuda"}
        Where its network is to run; photos and detections are on the host in either case.
    svd : mapping of str to int, optional
        Fully connected layers to replace by a truncated SVD of this rank, e.g. ``{"fc6": 1024, "fc7": 256}``
        (Fast R-CNN, section 3.1).

    Raises
    ------
    FileNotFoundError, StorageError
        If the file is missing, damaged, or holds something else.
    RuntimeError
        If the device cannot be used: before anything is read.
    ValueError
        If the device is ``"cuda"``, and the detector one that runs on the CPU alone.
    """
    path, xp = Path(path), device_namespace(device)
    arrays, settings = read_bundle(path)
    try:
        detector = _detector_of(settings, arrays, path)
    except StorageError:
        raise
    except Exception as error:  # whatever its parts say to what the file holds
        raise StorageError(f"{path} holds no detector that can be used: {_reason(error)}") from error
    if svd:
        detector.compress(svd)
    if device != "cpu":
        detector.to(xp)
    return detector


def _detector_of(
    settings: Mapping[str, Any], arrays: Mapping[str, HostArray], path: Path
) -> RegionDetector[Any]:
    """Return the detector that a file at `path` holds."""
    if "detector" not in settings:
        raise StorageError(f"{path} holds no detector (a training checkpoint? then name its model file)")
    version, name = settings["format"], settings["detector"]
    if type(version) is not int or version < 1:
        raise StorageError(f"{path} is of the unknown format {version!r}; known are 1 to {FORMAT}")
    if version > FORMAT:
        raise StorageError(f"{path} was written by a newer minircnn (format {version}): upgrade")
    if name not in DETECTORS:
        raise StorageError(
            f"{path} holds a detector of the unknown kind {name!r}; known are {', '.join(DETECTORS)}"
        )
    _require_numbers(arrays)
    settings, arrays = upgrade_detector(version, settings, arrays)
    single = {n: a.astype(np.float32) if a.dtype == np.float16 else a for n, a in arrays.items()}
    return DETECTORS[name].from_state(settings, single)


def _require_numbers(arrays: Mapping[str, HostArray]) -> None:
    """Raise ValueError naming the first array with a NaN, or a number that single precision cannot hold."""
    most = np.finfo(np.float32).max
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise ValueError(f"array {name} holds no numbers but {array.dtype}")
        # NaN is the least and the greatest wherever it is, and fails both comparisons
        if array.size and not (array.min() >= -most and array.max() <= most):
            raise ValueError(f"array {name} holds numbers that are not finite")


def _reason(error: Exception) -> str:
    """Return in words what was wrong."""
    if isinstance(error, KeyError) and " " not in str(error.args[0]):
        return f"it lacks {error.args[0]!r}"
    if isinstance(error, MemoryError):
        return f"its arrays need more memory than there is ({error})"
    words = str(error.args[0] if isinstance(error, KeyError) else error)
    return words if isinstance(error, ValueError | KeyError) else f"{type(error).__name__}: {words}"
