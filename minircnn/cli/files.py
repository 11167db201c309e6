"""Where results go: never onto what was read or what others wrote, and where they can be written at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors import safe_open

from minircnn.evaluation.voc_names import is_file_name
from minircnn.exercises.stubs import marked_lab
from minircnn.files import PARTIAL, read_bytes, read_json, read_text, write_bytes
from minircnn.proposals import ProposalFile
from minircnn.viz.style import SOFTWARE
from minircnn.weights import WeightsError, open_weights

_OUR_RECORDS = (
    {"image", "picture", "detections"},  # detect
    {"model", "data", "photos", "metric"},  # evaluate
    {"seconds", "quick", "seed", "rows"},  # demo
    {"initial_weights", "failures", "sha256"},  # export
)
_OUR_ENTRIES = {"image_id", "category_id", "bbox", "score"}  # COCO's format of results
_FOLDER = "another folder with --out"


def refuse_to_overwrite(
    paths: Iterable[Path],
    *,
    overwrite: bool = False,
    inputs: Iterable[Path] = (),
    another: str = _FOLDER,
    ways: Sequence[str] = (),
) -> None:
    """Raise before any work is done if a result would replace a file that must stay.

    What the command reads always stays; other files are replaced with `overwrite`, if minircnn wrote them.

    Parameters
    ----------
    inputs : paths
        Files that the command reads.
    another : str
        What to name instead, and with which option.
    ways : sequence of str
        Other ways out, where an earlier call wrote the file.

    Raises
    ------
    FileExistsError
        Naming the first such file and the ways out.
    """
    read = {_identity(path) for path in inputs if path.exists()}
    for path in paths:
        if not os.path.lexists(path):
            continue
        if path.exists() and _identity(path) in read:
            raise FileExistsError(f"{path} is read by this command and never written to: name {another}")
        if not written_by_us(path):
            raise FileExistsError(
                f"{path} exists, and nothing in it says that minircnn made it: name {another}, or move it"
            )
        if not overwrite:
            raise FileExistsError(
                f"{path} exists: {''.join(f'{way}, ' for way in ways)}name {another}, or add --overwrite"
            )


def refuse_folder_of(photos: Iterable[Path], out: Path) -> None:
    """Raise if results would lie among the photos they are made of, and be taken for photos next time.

    Raises
    ------
    FileExistsError
        Naming a photo and the way out.
    """
    if not out.is_dir():
        return
    folder = _identity(out)
    for photo in photos:
        homes = {photo.parent, Path(os.path.realpath(photo)).parent}
        if any(home.is_dir() and _identity(home) == folder for home in homes):
            raise FileExistsError(
                f"{photo} lies in the folder of the results, {out}: name {_FOLDER}, e.g. --out detections"
            )


def written_by_us(path: Path) -> bool:
    """Tell whether `path` bears the mark of minircnn, or is empty."""
    try:
        if path.stat().st_size == 0:
            return path.is_file()
        ending = path.suffix.lower()
        if ending == ".png":
            with Image.open(path) as picture:
                return bool(picture.info.get("Software") == SOFTWARE)
        if ending == ".html":
            return f'<meta name="generator" content="{SOFTWARE}"'.encode() in read_bytes(path)[:2000]
        if ending in (".npz", ".safetensors") and _holds_our_weights(path):
            return True
        if ending == ".npz":
            ProposalFile(path)
            return True
        if ending == ".safetensors":
            with safe_open(path, framework="numpy") as file:
                return "minircnn" in (file.metadata() or {})
        if ending == ".py":  # the stub of an exercise, filled in or not
            return marked_lab(read_text(path)) is not None
        if ending == ".txt":  # detections in the format of the VOC devkit, which has no room for a mark
            return is_file_name(path.name)
        return ending == ".json" and _is_our_record(read_json(path))
    except Exception:  # whatever is wrong with it, it is not ours
        return False


def _holds_our_weights(path: Path) -> bool:
    try:
        return bool(open_weights(path).record)
    except WeightsError:
        return False


def _is_our_record(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, dict) and entry.keys() >= _OUR_ENTRIES for entry in value)
    return isinstance(value, dict) and any(value.keys() >= keys for keys in _OUR_RECORDS)


def _identity(path: Path) -> tuple[int, int]:
    """Return what is the same for all names of a file: links, other case, other ways to it."""
    status = path.stat()
    return status.st_dev, status.st_ino


def require_places(out: Path | None, proposal_folder: Path | None, map_folder: Path | None = None) -> None:
    """See that the folders of results, proposals and maps, where there are any, can be written to."""
    if out is not None:
        require_writable(out)
    if proposal_folder is not None:
        require_writable(proposal_folder, another="another folder with --proposal-folder")
    if map_folder is not None:
        require_writable(map_folder, another="another folder with --map-folder")


def require_writable(folder: Path, *, another: str = _FOLDER) -> None:
    """Make `folder` and try to write there, before hours of work end at a folder that takes no file.

    Raises
    ------
    OSError
        Naming the folder, the reason and the way out.
    """
    for part in (folder, *folder.parents):
        if part.exists() and not part.is_dir():
            raise NotADirectoryError(f"{part} is a file, where a folder is needed: name {another}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = write_bytes(folder / f".trial.{os.getpid()}{PARTIAL}", b"minircnn")
        trial.unlink(missing_ok=True)  # a training that starts there clears such files away
    except OSError as error:
        raise OSError(
            f"{folder}: cannot be written to ({error.strerror or error}): name {another}"
        ) from error
