"""Detectors on disk: one safetensors file with the arrays, and the settings as JSON in its header.

Nothing is pickled, so a file from a stranger can be read without running their code. A file is written
beside its final name and moved into place when complete: an interruption leaves the old file or the new
one, never half of one. What a file holds of a detector is the detector's own business
(:meth:`~minircnn.detectors.base.RegionDetector.state`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from minircnn import files
from minircnn.arrays import HostArray
from minircnn.detectors.base import DETECTORS, RegionDetector
from minircnn.detectors.old_files import upgrade_detector

FORMAT = 2
"""Of the files written; those of format 1 (version 0.1.0) are read too."""


class StorageError(ValueError):
    """A file that holds no detector or checkpoint this version can read."""


def write_bundle(path: Path, arrays: Mapping[str, HostArray], meta: Mapping[str, Any]) -> None:
    """Write `arrays` and the JSON-able `meta` to `path` atomically."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    files.write_bytes(path, save(contiguous, metadata={"minircnn": json.dumps(meta)}))


def read_bundle(path: Path) -> tuple[dict[str, HostArray], dict[str, Any]]:
    """Read what `write_bundle` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StorageError
        If the file is damaged or was not written by minircnn.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise StorageError(
            f"{path} is damaged or no safetensors file ({error}); train again or take a copy"
        ) from error
    if "minircnn" not in header:
        raise StorageError(f"{path} was not written by minircnn: its header holds no settings")
    return arrays, json.loads(header["minircnn"])


def save_detector(path: Path | str, detector: RegionDetector[Any]) -> None:
    """Write a trained detector to `path`, atomically.

    Raises
    ------
    ValueError
        If its proposer is of an unknown kind.
    """
    settings, arrays = detector.state()
    write_bundle(Path(path), arrays, {"format": FORMAT, "detector": detector.name, **settings})


def load_detector(path: Path | str, *, svd: Mapping[str, int] | None = None) -> RegionDetector[Any]:
    """Read a detector written by `save_detector`.

    Parameters
    ----------
    path : path
        The ``.safetensors`` file.
    svd : mapping of str to int, optional
        Fully connected layers to replace by a truncated SVD of this rank, e.g. ``{"fc6": 1024, "fc7": 256}``
        (Fast R-CNN, section 3.1).

    Raises
    ------
    FileNotFoundError, StorageError
        If the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    arrays, settings = read_bundle(path)
    if "detector" not in settings:
        raise StorageError(f"{path} holds no detector (a training checkpoint? then name its model file)")
    if settings["format"] > FORMAT:
        raise StorageError(f"{path} was written by a newer minircnn (format {settings['format']}): upgrade")
    if settings["detector"] not in DETECTORS:
        raise StorageError(
            f"{path} holds a detector of the unknown kind {settings['detector']!r}; "
            f"known are {', '.join(DETECTORS)}"
        )
    if settings["format"] == 1:
        settings, arrays = upgrade_detector(settings, arrays)
    detector = DETECTORS[settings["detector"]].from_state(settings, arrays)
    if svd:
        detector.compress(svd)
    return detector
