"""The result of one photo on disk, and whether it is still what the same command would find."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from minircnn import __version__
from minircnn.cli.files import written_by_us
from minircnn.cli.output import this_call
from minircnn.cli.photos import name_of
from minircnn.files import read_bytes, read_json, write_text
from minircnn.structures import Detections

Record: TypeAlias = dict[str, Any]
"""What is written of a photo: its size, its detections, and what they depend on."""


@dataclass(frozen=True)
class ResultFiles:
    """Where the results of one photo lie.

    Parameters
    ----------
    photo : Path
    picture, record : Path
    """

    photo: Path
    picture: Path
    record: Path

    def write(self, record: Record) -> None:
        """Write the record, the last file of a photo: where it stands, the photo is done."""
        write_text(self.record, json.dumps(record, indent=2) + "\n")

    def finished(self, settings: str) -> Record | None:
        """Return the record of an earlier call, if photo, detector and settings are still the same."""
        if not (self.picture.is_file() and self.record.is_file() and written_by_us(self.record)):
            return None
        try:
            record: Record = read_json(self.record)
            same = record.get("fingerprint") == fingerprint(settings, self.photo)
        except (OSError, ValueError):
            return None
        return record if same else None


def fingerprint(settings: str, photo: Path) -> str:
    """Return a short text that changes with the photo's content and with `settings`."""
    return hashlib.sha256(settings.encode() + read_bytes(photo)).hexdigest()[:32]


def describe_settings(files: list[Path], options: dict[str, Any]) -> str:
    """Return what the results of all photos depend on, as text: what `files` hold, the options, the version.

    Folders among the files stand for all that lies in them.
    """
    digests = []
    for path in files:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as handle:
                    digests.append(hashlib.file_digest(handle, "sha256").hexdigest())
    return json.dumps([__version__, digests, options])


def what_to_try(records: Sequence[Record], least: float) -> str:
    """Say from which score on there would be something, where nothing was found."""
    scores = [record["best_score"] for record in records if record["best_score"] is not None]
    if not scores:
        return "nothing was found at any score: are the photos very small, or all of one colour?"
    lower = math.floor(max(scores) * 100) / 100
    call = this_call("--overwrite", f"--min-score={lower:g}")
    return f"nothing scores {least:g} or more; a lower score shows what there is: {call}"


def describe_photo(files: ResultFiles, size: tuple[int, int], found: Detections) -> Record:
    """Return what was found in a photo of (height, width) pixels."""
    return {
        "image": name_of(files.photo),
        "height": size[0],
        "width": size[1],
        "picture": str(files.picture),
        "detections": found.to_records(),
        "made_by": f"minircnn {__version__}",
    }


def summary(detections: Sequence[dict[str, Any]]) -> str:
    """Return e.g. ``dog 0.98, car 0.71 (2)``: per class the best score and how many there are."""
    names = [detection["class"] for detection in detections]
    parts = []
    for name in dict.fromkeys(names):  # best score first, as the detections are
        count = names.count(name)
        best = detections[names.index(name)]["score"]
        parts.append(f"{name} {best:.2f}" + (f" ({count})" if count > 1 else ""))
    return ", ".join(parts) or "nothing"
