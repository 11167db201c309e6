"""The result of one photo on disk, and whether it is still what the same command would find."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn import __version__
from minircnn.cli.files import written_by_us
from minircnn.files import read_bytes, read_text, write_text


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

    def write(self, record: dict[str, Any]) -> None:
        """Write the record, the last file of a photo: where it stands, the photo is done."""
        write_text(self.record, json.dumps(record, indent=2) + "\n")

    def finished(self, settings: str) -> dict[str, Any] | None:
        """Return the record of an earlier call, if photo, detector and settings are still the same."""
        if not (self.picture.is_file() and self.record.is_file() and written_by_us(self.record)):
            return None
        try:
            record: dict[str, Any] = json.loads(read_text(self.record))
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
