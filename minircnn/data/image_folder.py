"""A folder of labelled images: one folder inside for each class."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from minircnn.data.photo_files import is_clutter, is_photo
from minircnn.data.problems import DatasetError, OnBadPhoto, Problem
from minircnn.files import read_bytes
from minircnn.imaging import ImageError, read_image
from minircnn.progress import progress_bar
from minircnn.structures import ImageArray

_SPLITS = {"train", "training", "val", "valid", "validation", "test"}

_log = logging.getLogger("minircnn.data")


class ImageFolder:
    """Images whose class is the folder that they lie in, as torchvision's ``ImageFolder`` reads them.

    Classes are in alphabetical order; images may lie in deeper folders, too. Every image is decoded once when
    the folder is opened, so that a broken one is known before hours are spent. What systems leave behind
    (``.DS_Store``) is passed over.

    Satisfies :class:`~minircnn.data.labelled.LabelledImages`.

    Parameters
    ----------
    folder : Path or str
    on_bad_photo : {"error", "drop"}
        What to do with files that are broken or no images, and with classes that have none.
    flippable : bool
        Whether a mirrored image is still of its class.
    progress : bool
        Show how many images are read.

    Raises
    ------
    DatasetError
        If the folder is missing or holds fewer than two classes; naming every file that is broken or no
        image, unless these are dropped.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        on_bad_photo: OnBadPhoto = "error",
        flippable: bool = True,
        progress: bool = False,
    ) -> None:
        if on_bad_photo not in ("error", "drop"):
            raise ValueError(f"on_bad_photo must be 'error' or 'drop', got {on_bad_photo!r}")
        self.folder, self.flippable = Path(folder), flippable
        self.name = self.folder.resolve().name
        classes, problems = _listed(self.folder)
        files = [path for paths in classes.values() for path in paths]
        self._digests: dict[Path, str] = {}
        for path in progress_bar(files, show=progress, desc="reading images", unit="image", delay=2):
            try:
                read_image(path)
                self._digests[path] = hashlib.sha256(read_bytes(path)).hexdigest()
            except ImageError as error:
                why = str(error).removeprefix(f"{path}: ")
                problems.append(Problem(str(path), "unreadable", why, is_photo=True))
        sound = {name: [p for p in paths if p in self._digests] for name, paths in classes.items()}
        problems += [
            Problem(str(self.folder / name), "nothing", "no image in this class", is_photo=True)
            for name, paths in sound.items()
            if not paths
        ]
        self._settle(problems, on_bad_photo)
        sound = {name: paths for name, paths in sound.items() if paths}
        _require_classes(self.folder, sound)
        self.class_names: tuple[str, ...] = tuple(sound)
        self._files = [(path, label) for label, paths in enumerate(sound.values()) for path in paths]
        self.image_ids: Sequence[str] = [p.relative_to(self.folder).as_posix() for p, _ in self._files]

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"ImageFolder({str(self.folder)!r}, {len(self)} images, {len(self.class_names)} classes)"

    def image(self, index: int) -> ImageArray:
        """Return image `index`, (H, W, 3) uint8 RGB, upright."""
        return read_image(self._files[index][0])

    def label(self, index: int) -> int:
        """Return the class of image `index`, a column 0..K−1 of ``class_names``."""
        return self._files[index][1]

    def photo_digest(self, index: int) -> str:
        """Return a digest of the file of image `index`."""
        return self._digests[self._files[index][0]]

    def _settle(self, problems: Sequence[Problem], on_bad_photo: OnBadPhoto) -> None:
        """Refuse what is wrong, or say how much of it is left out."""
        if problems and on_bad_photo == "error":
            hint = "Correct these, or leave them out with on_bad_photo='drop' (--on-bad-photo drop)."
            raise DatasetError(f"{self.folder}: {len(problems)} problem(s)", problems, hint)
        if problems:
            _log.warning("%s: left out %d file(s) or class(es) with problems", self.folder, len(problems))
        for problem in problems[:3]:
            _log.warning("  %s", problem)


def _listed(folder: Path) -> tuple[dict[str, list[Path]], list[Problem]]:
    """Return the files of each class that are named as images are, and a problem for each other file."""
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "no such folder"
        raise DatasetError(f"{folder}: {what}; name a folder with a folder of images for each class")
    inside = sorted(path for path in folder.iterdir() if not is_clutter(path.name))
    folders = [path for path in inside if path.is_dir()]
    if folders and {path.name.lower() for path in folders} <= _SPLITS:
        raise DatasetError(
            f"{folder}: holds splits, not classes; name one of them: {', '.join(map(str, folders))}"
        )
    classes: dict[str, list[Path]] = {}
    problems = [
        Problem(str(path), "class", "lies in no class's folder", is_photo=True)
        for path in inside
        if not path.is_dir()
    ]
    for own in folders:
        below = sorted(path for path in own.rglob("*") if not _is_left_behind(path.relative_to(own)))
        files = [path for path in below if not path.is_dir()]
        classes[own.name] = [path for path in files if is_photo(path.name)]
        problems += [
            Problem(str(path), "unreadable", "is no image by its name", is_photo=True)
            for path in files
            if not is_photo(path.name)
        ]
    return classes, problems


def _is_left_behind(path: Path) -> bool:
    return any(is_clutter(part) for part in path.parts)


def _require_classes(folder: Path, classes: dict[str, list[Path]]) -> None:
    if len(classes) < 2:
        there = f"the one class {next(iter(classes))}" if classes else "no folder of images"
        raise DatasetError(
            f"{folder}: holds {there}; a classifier needs a folder of images for each of two classes or more"
        )
