"""Which photos a command is given, and what their results are called."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from minircnn.cli.output import note
from minircnn.data.photo_files import is_photo
from minircnn.imaging import OTHER_ENDINGS, PHOTO_ENDINGS

_LONGEST = 180  # bytes of a result's name; file systems take 255, endings included


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Return the files of `paths`, with folders replaced by the photos in them; each photo once.

    Hidden files are left out of folders: macOS and sync programs put files there that only look like photos.
    A dangling link stays: reading it fails, and says so.

    Raises
    ------
    FileNotFoundError
        If a path does not exist or a folder has no photo.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if _is_photo_in_folder(p))
            _note_left_out(path)
            if not inside:
                endings = " ".join(PHOTO_ENDINGS)
                raise FileNotFoundError(f"{path}: no photo in this folder (files that end in {endings})")
        elif os.path.lexists(path):
            inside = [path]
        else:
            raise FileNotFoundError(f"{path}: no such file")
        for photo in inside:
            found.setdefault(os.path.realpath(photo), photo)
    return list(found.values())


def _is_photo_in_folder(path: Path) -> bool:
    return is_photo(path.name) and not path.name.startswith(".") and not path.is_dir()


def _note_left_out(folder: Path) -> None:
    """Say which files of a folder look like photos to people but are left out (HEIC, raw files)."""
    others = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in OTHER_ENDINGS)
    if others:
        note(f"{folder}: {len(others)} file(s) left out that cannot be read as photos, {others[0]} for one")


def result_names(photos: Sequence[Path]) -> list[str]:
    """Return a name for the results of each photo: its own without ending, or with it where two share that.

    Raises
    ------
    ValueError
        If two photos in different folders have the same name: their results would fall on each other.
    """
    stems = Counter(photo.stem.casefold() for photo in photos)
    names = [photo.stem if stems[photo.stem.casefold()] == 1 else photo.name for photo in photos]
    owner: dict[str, Path] = {}
    for name, photo in zip(names, photos, strict=True):
        if name in owner:
            raise ValueError(
                f"{owner[name]} and {photo} have the same name: run once for each, with an --out of its own"
            )
        owner[name] = photo
    return [_shortened(name) for name in names]


def _shortened(name: str) -> str:
    """Return `name`, its middle replaced by a digest where it is too long for endings to follow."""
    raw = os.fsencode(name)
    if len(raw) <= _LONGEST:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return f"{raw[: _LONGEST - 16].decode('utf-8', 'ignore')}-{digest}"
