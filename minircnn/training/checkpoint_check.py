"""What a checkpoint must hold before anything of it is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.detectors import StorageError


def check_checkpoint(path: Path, arrays: Mapping[str, HostArray], meta: Any, *, newest: int) -> None:
    """See that `meta` and `arrays` of the file `path` are those of a checkpoint that can be continued.

    Raises
    ------
    StorageError
        If it is none, was written by a newer version, or holds values that no training leaves.
    """
    if not isinstance(meta, dict) or "checkpoint" not in meta:
        raise StorageError(f"{path} is no training checkpoint")
    version = meta["checkpoint"]
    if type(version) is not int or version < 1:
        raise StorageError(f"{path} is no training checkpoint: its format is {version!r}")
    if version > newest:
        raise StorageError(f"{path} was written by a newer minircnn (checkpoint format {version}): upgrade")
    for name, kind in (("iteration", int), ("rng", dict), ("settings", dict)):
        if type(meta.get(name)) is not kind:
            raise StorageError(f"{path} is damaged: its {name} is {meta.get(name)!r:.60}; take a copy")
    if meta["iteration"] < 0:
        raise StorageError(f"{path} is damaged: its iteration is {meta['iteration']}; take a copy")
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            raise StorageError(f"{path} is damaged: {name} holds {array.dtype} values; take a copy")
        if not np.isfinite(array).all():
            raise StorageError(
                f"{path}: {name} holds values that are not finite: the training has diverged or the file is "
                "damaged; start in another folder, with a lower learning rate"
            )
