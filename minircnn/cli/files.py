"""Where results go, and that nothing is overwritten unasked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from minircnn.imaging import PHOTO_ENDINGS


def refuse_to_overwrite(paths: Iterable[Path], *, overwrite: bool = False) -> None:
    """Raise before any work is done if a result would replace a file.

    Raises
    ------
    FileExistsError
        Naming the first such file and the two ways out.
    """
    if overwrite:
        return
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} exists: name another folder with --out, or add --overwrite")


def looks_like_photo(path: Path) -> bool:
    """Tell whether the name of `path` ends like a photo's."""
    return path.suffix.lower() in PHOTO_ENDINGS


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Return the files of `paths`, with folders replaced by the photos in them.

    Raises
    ------
    FileNotFoundError
        If a path does not exist or a folder has no photo.
    ValueError
        If two photos have the same name, so that their results would fall on each other.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.iterdir() if looks_like_photo(p)) if path.is_dir() else [path]
        if not inside or not inside[0].exists():
            raise FileNotFoundError(
                f"{path}: " + ("no photo in this folder" if path.is_dir() else "no such file")
            )
        found += inside
    seen: dict[str, Path] = {}
    for path in found:
        if path.stem in seen:
            raise ValueError(
                f"{seen[path.stem]} and {path} have the same name; run the command once for each"
            )
        seen[path.stem] = path
    return found
