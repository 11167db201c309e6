"""What a part of a training has come to, kept on disk, so that a kill costs minutes and not the part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.detectors.storage import StorageError, read_bundle, write_bundle
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.feature_cache import FeatureCache
from minircnn.training.regions import RegionRecord

_FORMAT = 1


class KeptPart:
    """A file that holds how far a part has come.

    Parameters
    ----------
    path : Path
    key : str
        Of everything the part depends on: what was kept under another key counts as nothing.
    written : CheckpointClock
        Tells when to write again.
    """

    def __init__(self, path: Path, key: str, written: CheckpointClock) -> None:
        self.path, self._key, self._written = path, key, written

    def read(self) -> tuple[dict[str, HostArray], dict[str, Any]] | None:
        """Return what was kept; None if nothing was, or it is of no use."""
        try:
            arrays, meta = read_bundle(self.path)
        except (FileNotFoundError, StorageError):
            return None
        return (arrays, meta["state"]) if meta.get("key") == self._key else None

    def write(self, arrays: Mapping[str, HostArray], state: Mapping[str, Any]) -> None:
        """Keep `arrays` and the JSON-able `state`, in the place of what was kept before."""
        with self._written.now():
            write_bundle(self.path, arrays, {"key": self._key, "state": state})

    def due(self) -> bool:
        """Return whether it is time to write."""
        return self._written.due()


def part_key(
    settings: Mapping[str, Any],
    network: Mapping[str, HostArray],
    records: Sequence[RegionRecord],
    cache: FeatureCache,
) -> str:
    """Return a digest of all that SVMs and box regressions depend on.

    Features are a function of the network, the photos and the regions, so of each photo one row stands for
    all: they can be larger than memory.
    """
    digest = hashlib.sha256(json.dumps([_FORMAT, settings], sort_keys=True).encode())
    for name, array in network.items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    for index, record in enumerate(records):
        regions = (record.boxes, record.labels, record.targets(), record.gt_labels)
        for part in (*regions, cache.photo(index)[:1]):
            digest.update(str(part.shape).encode() + np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
