"""Which detector a word of the command line means, and which words are photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minircnn import pretrained
from minircnn.cli.errors import UsageError
from minircnn.cli.next_commands import command_line
from minircnn.cli.output import note
from minircnn.cli.photos import is_photo_word
from minircnn.detectors.storage import MODEL_FILE
from minircnn.imaging import ImageError, read_header
from minircnn.training.old_runs import find_checkpoint, read_settings

PRETRAINED = "pretrained"
"""The word for the detector that comes with the package, unless a file or folder is called so."""


def model_file(model: Path) -> Path:
    """Return the file of a detector that is named by its file, its run's folder, or the word `PRETRAINED`.

    Raises
    ------
    FileNotFoundError
        If the package comes without one.
    """
    if str(model) == PRETRAINED and not model.exists():
        return pretrained.path()
    return model / MODEL_FILE if model.is_dir() else model


def model_and_photos(words: Sequence[str]) -> tuple[Path, list[str]]:
    """Return the detector and the photos that `words` name: without a detector, the pretrained one.

    Raises
    ------
    FileNotFoundError
        If there is one word, and nothing of its name.
    UsageError
        If there is a detector and no photo.
    """
    first, *rest = words
    if not _names_detector(first):
        file = pretrained.path()
        note(f"no detector was named: taking the one that comes with minircnn, {file.stem}")
        return Path(PRETRAINED), list(words)
    if not rest:
        if first != PRETRAINED and not Path(first).exists():
            raise FileNotFoundError(f"{first}: {why_no_detector(Path(first))}")
        raise UsageError(f"{first} is a detector: name a photo, too")
    return Path(first), rest


def refuse_detector(word: str) -> None:
    """Refuse a first word that names a detector where a cascade was named already."""
    if not Path(word).exists() and word != PRETRAINED:
        return  # a photo that is missing is said where photos are looked for
    if _names_detector(word):
        raise UsageError(f"{word} is a detector, and --cascade names another one: leave one of them away")


def _names_detector(word: str) -> bool:
    """Tell whether `word` is meant as a detector: it is one, or at least no photo."""
    path = Path(word)
    if is_photo_word(word):
        return False
    if path.is_dir():
        return _is_run(path)
    if path.suffix == Path(MODEL_FILE).suffix or not path.exists():
        return True
    if not path.is_file():  # a pipe
        return False
    try:
        read_header(path)
    except ImageError:
        return True
    return False


def _is_run(folder: Path) -> bool:
    """Tell whether a training has begun in `folder`, also one that has not finished."""
    if (folder / MODEL_FILE).exists() or find_checkpoint(folder) is not None:
        return True
    try:
        return bool(read_settings(folder))
    except ValueError:  # another program's settings.json
        return False


def why_no_detector(model: Path) -> str:
    """Say what to do about a file or folder without a finished detector."""
    if not model.is_dir():
        return (
            "no such file or folder, of a detector or of photos; minircnn train writes a detector (its "
            f"--out), and '{PRETRAINED}' is the one that comes with minircnn"
        )
    detector = read_settings(model).get("detector")
    if detector is None:
        return "there is no training run in this folder; minircnn train makes one (its --out)"
    call = command_line("train", detector, "DATA", options={"out": model, "resume": True})
    return f"training has not finished; this continues it, DATA being the data set it was begun with: {call}"
