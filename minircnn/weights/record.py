"""Files of weights that this package writes: they say whose weights they hold and which pixels those want."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from minircnn import files
from minircnn.arrays import HostArray

KEY = "minircnn"
"""Of the record in a safetensors file's header; also the name of the array that holds it in an ``.npz``."""

FORMAT = 1


class WeightsError(ValueError):
    """A file of weights is unreadable or does not fit the network."""


def write_weights(path: Path | str, arrays: Mapping[str, HostArray], record: Mapping[str, Any]) -> Path:
    """Write `arrays` and the JSON-able `record` to an ``.npz`` or else a safetensors file, atomically.

    Parameters
    ----------
    record : mapping
        ``backbone``: its name; ``normalization``: the fields of its input.
    """
    text = json.dumps({"weights": FORMAT, **record}, allow_nan=False)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    if Path(path).suffix.lower() != ".npz":
        return files.write_bytes(path, save(contiguous, metadata={KEY: text}))
    buffer = io.BytesIO()
    np.savez(buffer, **contiguous, **{KEY: np.frombuffer(text.encode(), np.uint8)})  # type: ignore[arg-type]
    return files.write_bytes(path, buffer.getvalue())


def read_record(text: str | bytes) -> dict[str, Any]:
    """Return the record that :func:`write_weights` wrote.

    Raises
    ------
    ValueError
        If it is damaged, of a later version, or that of a detector or a checkpoint.
    """
    record: Any = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("what minircnn notes in its files is damaged here")
    if "detector" in record:
        raise ValueError("holds a whole detector, not the weights of a backbone")
    if record.get("weights") != FORMAT:
        raise ValueError("was written by minircnn, but holds no weights in a format known to this version")
    return {name: value for name, value in record.items() if name != "weights"}
