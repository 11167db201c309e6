"""The log of a training: the losses of every update, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from minircnn import files


def log_file(folder: Path, name: str) -> Path:
    """Return where the losses of the recipe `name` are logged in the folder of a run."""
    return folder / f"{name}.log.jsonl"


class LogError(ValueError):
    """A line of a log that no training wrote; the message names file and line, and the mend."""


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the lines of a training log, one dictionary per iteration; none if there is no log.

    A last line that was torn, by a crash or a full disk, is left out.

    Raises
    ------
    LogError
        If any other line is no record of an update.
    """
    return [record for record, _ in _records(path)] if path.is_file() else []


def append_log(path: Path | None, record: Mapping[str, float]) -> None:
    """Add the record of an update."""
    if path is not None:
        files.append_line(path, json.dumps(record))


def trim_log(path: Path | None, iteration: int) -> None:
    """Drop the lines of updates made after the checkpoint, which will be made again, and a torn one."""
    if path is None or not path.is_file():
        return
    kept = b"".join(line + b"\n" for record, line in _records(path) if record["iteration"] <= iteration)
    if kept != files.read_bytes(path):
        files.write_bytes(path, kept)


def _records(path: Path) -> Iterator[tuple[dict[str, float], bytes]]:
    """Yield every record with its line."""
    lines = [(n, line) for n, line in enumerate(files.read_bytes(path).split(b"\n"), 1) if line.strip()]
    for number, line in lines:
        record = _parse(line)
        if record is not None:
            yield record, line
        elif number != lines[-1][0]:
            raise LogError(f"{path}, line {number}: is no record of an update; remove this line")


def _parse(line: bytes) -> dict[str, float] | None:
    """Return the record that `line` holds, None if it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not all(type(value) in (int, float) for value in record.values()):
        return None
    return record if type(record.get("iteration")) is int else None
