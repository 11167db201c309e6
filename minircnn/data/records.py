"""What annotation files of any format come down to: one record per photo, and the data set made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minircnn.data.problems import Box, Problem
from minircnn.files import read_bytes
from minircnn.imaging import ImageError, read_image
from minircnn.structures import Annotations, DetectionDataset, ImageArray, holds_for


@dataclass(frozen=True)
class ObjectRecord:
    """One sound object: its position in the file, and its half-open `box` in pixels of the photo.

    `area` is in square pixels, None where the file does not say it.
    """

    index: int
    class_name: str
    box: Box
    difficult: bool
    area: float | None = None


@dataclass(frozen=True)
class PhotoRecord:
    """One annotated photo.

    `source` is the file the annotations stand in, `original_id` the photo's id as it stands there, where ids
    may be numbers.
    """

    image_id: str
    photo: Path
    source: str
    height: int
    width: int
    objects: tuple[ObjectRecord, ...]
    original_id: int | str | None = None

    def annotations(self, class_names: tuple[str, ...]) -> Annotations:
        """Return the objects whose class is among `class_names`, in the order of the file."""
        label = {name: number for number, name in enumerate(class_names, start=1)}
        known = [o for o in self.objects if o.class_name in label]
        areas = None
        if any(o.area is not None for o in known):
            areas = np.array([_box_area(o.box) if o.area is None else o.area for o in known])
        return Annotations(
            np.array([o.box for o in known], dtype=np.float64).reshape(-1, 4),
            np.array([label[o.class_name] for o in known], dtype=np.int64),
            class_names,
            self.height,
            self.width,
            self.image_id,
            np.array([o.difficult for o in known], dtype=bool),
            areas,
        )


def _box_area(box: Box) -> float:
    x1, y1, x2, y2 = box
    return (x2 - x1) * (y2 - y1)


def class_problems(records: Iterable[PhotoRecord], class_names: tuple[str, ...]) -> list[Problem]:
    """Return one problem for every object whose class is not among `class_names`."""
    message = f"this class is not among {', '.join(class_names)}"
    return [
        Problem(record.source, "class", message, o.index, o.class_name, is_photo=True)
        for record in records
        for o in record.objects
        if o.class_name not in class_names
    ]


def without(records: Iterable[PhotoRecord], problems: Iterable[Problem]) -> list[PhotoRecord]:
    """Return the records of VOC files that `problems` are not about."""
    named = {problem.file for problem in problems}
    return [record for record in records if record.source not in named]


def decodable(records: Iterable[PhotoRecord]) -> tuple[list[PhotoRecord], list[Problem]]:
    """Return the records whose photos can be decoded as a whole, and one problem for each of the others."""
    sound, problems = [], []
    for record in records:
        try:
            read_image(record.photo)
            sound.append(record)
        except ImageError as error:
            message = str(error).removeprefix(f"{record.photo}: ")
            problems.append(Problem(str(record.photo), "unreadable", message, is_photo=True))
    return sound, problems


def one_photo(dataset: DetectionDataset, index: int) -> tuple[DetectionDataset, int]:
    """Return what travels to another process that needs photo `index` only: a data set, and its number there.

    The records of thousands of photos take longer to travel than a photo to decode. A data set that can leave
    them behind has a method ``alone(index)``; others travel whole.
    """
    if holds_for(dataset, "alone", "image"):
        return dataset.alone(index)  # type: ignore[attr-defined, no-any-return]
    return dataset, index


class RecordDataset:
    """Photos on disk with their records; satisfies :class:`minircnn.structures.DetectionDataset`.

    Parameters
    ----------
    name : str
    class_names : tuple of str
    records : sequence of PhotoRecord
    problems : sequence of Problem
        What was put right while reading.
    flippable : bool
    """

    def __init__(
        self,
        name: str,
        class_names: tuple[str, ...],
        records: Sequence[PhotoRecord],
        problems: Sequence[Problem],
        flippable: bool,
    ) -> None:
        self.name = name
        self.class_names = class_names
        self.image_ids: Sequence[str] = tuple(record.image_id for record in records)
        self.flippable = flippable
        self.problems = tuple(problems)
        self._records = tuple(records)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}: {len(self)} photos, {len(self.class_names)} classes)"

    def image(self, index: int) -> ImageArray:
        """Return photo `index` as (H, W, 3) uint8 RGB.

        Raises
        ------
        ImageError
            If the photo is damaged.
        """
        return read_image(self._records[index].photo)

    def annotations(self, index: int) -> Annotations:
        """Return the objects of photo `index`, in the order of the file."""
        return self._records[index].annotations(self.class_names)

    def path(self, index: int) -> Path:
        """Return the file of photo `index`."""
        return self._records[index].photo

    def alone(self, index: int) -> tuple[DetectionDataset, int]:
        """Return the data set of photo `index` alone, and its number there (:func:`one_photo`)."""
        record = self._records[index]
        return RecordDataset(self.name, self.class_names, [record], (), self.flippable), 0

    def photo_digest(self, index: int) -> str:
        """Return a digest of the file of photo `index` (:func:`minircnn.data.digest.photo_digest`)."""
        return hashlib.sha256(read_bytes(self.path(index))).hexdigest()
