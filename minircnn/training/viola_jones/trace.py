"""How far the training of the cascades has come: kept in one file, told in another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minircnn import files
from minircnn.arrays import HostArray
from minircnn.heads.cascade import Cascade
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.kept_part import KeptPart
from minircnn.training.recipe import TrainingJob
from minircnn.training.settings import as_json
from minircnn.training.viola_jones.cascade import TrainedCascade
from minircnn.training.viola_jones.settings import ViolaJonesSettings

TRACE_FILE = "viola-jones.trace.jsonl"
"""In the folder of a run: a JSON object a line for each stage of each class."""

_FORMAT = 1


class KeptCascades:
    """The cascades of the classes trained so far, the last one perhaps unfinished."""

    def __init__(self, job: TrainingJob[ViolaJonesSettings]) -> None:
        data = None if job.loop.data is None else job.loop.data.digests
        words = json.dumps([_FORMAT, as_json(job.settings), data], sort_keys=True)
        key = hashlib.sha256(words.encode()).hexdigest()
        clock = CheckpointClock(job.loop.checkpoint_seconds, job.loop.clock)
        path = job.folder / f"{job.loop.name}.cascades.safetensors"
        self._kept = KeptPart(path, key, clock)
        self._trace = job.folder / TRACE_FILE
        self._names = job.dataset.class_names

    def read(self) -> list[TrainedCascade]:
        """Return what was kept, one for each class that was begun."""
        kept = self._kept.read()
        if kept is None:
            return []
        arrays, state = kept
        cascades = []
        for number, own in enumerate(state["classes"]):
            prefix = f"{number}."
            parts = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
            cascades.append(TrainedCascade(Cascade.from_arrays(parts), own["trace"], own["reason"]))
        return cascades

    def write(self, cascades: Sequence[TrainedCascade]) -> None:
        """Keep the cascades of all classes that were begun, and tell their stages."""
        arrays: dict[str, HostArray] = {
            f"{number}.{name}": array
            for number, one in enumerate(cascades)
            for name, array in one.cascade.arrays().items()
        }
        classes = [{"trace": one.trace, "reason": one.reason} for one in cascades]
        self._kept.write(arrays, {"classes": classes})
        self.tell(cascades)

    def tell(self, cascades: Sequence[TrainedCascade]) -> None:
        """Write the trace, a line for each stage."""
        lines = [
            json.dumps({"class": name, **record})
            for name, one in zip(self._names, cascades, strict=False)
            for record in one.trace
        ]
        files.write_text(self._trace, "".join(f"{line}\n" for line in lines))


def read_trace(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a run's stages, none if there are none yet.

    Raises
    ------
    ValueError
        If a line is no such record; it names the file and the line.
    """
    path = folder / TRACE_FILE
    if not path.is_file():
        return []
    records = []
    for number, line in enumerate(files.read_text(path).splitlines(), 1):
        try:
            record = json.loads(line)
            if not {"class", "stage", "features", "false_alarm"} <= set(record):
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(f"{path}, line {number}: is no record of a stage; remove this line") from None
        records.append(record)
    return records
