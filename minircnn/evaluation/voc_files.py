"""Detections in the files the PASCAL VOC development kit reads: ``comp4_det_<set>_<class>.txt``.

One file per class, one line per detection: ``image score xmin ymin xmax ymax``. The last five words are
numbers, what stands before them is the photo, whose name may hold blanks. The files count pixels from 1 and
include the last one; boxes here are half-open from 0. Hence (x1 + 1, y1 + 1, x2, y2) is written, and taken
back when read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from minircnn import files
from minircnn.evaluation.voc_names import file_name
from minircnn.interop.rows import FARTHEST, best_first
from minircnn.structures import Detections

_TO_INCLUSIVE = np.array([1.0, 1.0, 0.0, 0.0])  # half-open from 0 -> inclusive from 1
_LINE_END = re.compile(r"\r\n|\n|\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_FORM = "'image score xmin ymin xmax ymax'"


def write_voc_detections(
    folder: str | Path,
    set_name: str,
    image_ids: Sequence[str],
    detections: Sequence[Detections],
    *,
    competition: str = "comp4",
) -> list[Path]:
    """Write one file per class, also for classes without detections, and return their paths.

    Parameters
    ----------
    folder : path
        Made if it does not exist; files of the same name are replaced.
    set_name : str
        For example ``"test"``.
    image_ids : sequence of str
    detections : sequence of Detections, in the same order
    competition : str
        ``comp4`` is detection with any training data, ``comp3`` with VOC's own only.

    Raises
    ------
    ValueError
        If the sequences do not fit together or are empty, or an identifier is empty, given twice, holds a
        line end or has white space around it.
    """
    if len(image_ids) != len(detections) or not detections:
        raise ValueError(f"{len(image_ids)} image identifiers but detections of {len(detections)} photos")
    names = detections[0].class_names
    if len(set(image_ids)) < len(image_ids):
        raise ValueError("an image identifier is given twice")
    lines: dict[str, list[str]] = {name: [] for name in names}
    for image_id, found in zip(image_ids, detections, strict=True):
        if found.class_names != names:
            raise ValueError(f"{image_id}: other classes than the photos before")
        if (
            not isinstance(image_id, str)
            or not image_id
            or image_id.strip() != image_id
            or _LINE_END.search(image_id)
        ):
            raise ValueError(
                f"image identifier {image_id!r}: no text, empty, with a line end or white space around it"
            )
        boxes = (found.boxes.astype(np.float64) + _TO_INCLUSIVE).tolist()
        for name, score, box in zip(found.names(), found.scores, boxes, strict=True):
            # as many digits as it takes to read the same numbers again
            lines[name].append(" ".join([image_id, _digits(float(score)), *map(_digits, box)]))
    return [
        files.write_text(
            Path(folder) / file_name(competition, set_name, name), "".join(row + "\n" for row in rows)
        )
        for name, rows in lines.items()
    ]


def _digits(value: float) -> str:
    return repr(value).removesuffix(".0")


def read_voc_detections(
    folder: str | Path,
    set_name: str,
    image_ids: Sequence[str],
    class_names: tuple[str, ...],
    *,
    competition: str = "comp4",
) -> list[Detections]:
    """Read the files of all classes and return the detections of each photo, best score first.

    Parameters
    ----------
    folder, set_name, competition
        As for :func:`write_voc_detections`.
    image_ids : sequence of str
        The photos of the set; the result is in this order, empty records included.
    class_names : tuple of str

    Returns
    -------
    list of Detections
        With float64 boxes and scores.

    Raises
    ------
    FileNotFoundError
        If the file of a class is missing.
    ValueError
        If a line is malformed or names a photo that is not in `image_ids`; file and line are named.
    """
    names = {name: Path(folder) / file_name(competition, set_name, name) for name in class_names}
    return read_voc_files(names, image_ids)


def read_voc_files(paths: Mapping[str, Path], image_ids: Sequence[str]) -> list[Detections]:
    """Read the files `paths` of all classes, named by class; the rest as :func:`read_voc_detections`."""
    class_names = tuple(paths)
    rows: dict[str, list[tuple[int, list[float]]]] = {image_id: [] for image_id in image_ids}
    if len(rows) < len(image_ids):
        raise ValueError("an image identifier is given twice")
    for label, path in enumerate(paths.values(), start=1):
        for number, line in enumerate(_LINE_END.split(files.read_text(path)), start=1):
            if line.strip():
                image_id, values = _parse(line, f"{path}, line {number}")
                if image_id not in rows:
                    raise ValueError(
                        f"{path}, line {number}: photo {image_id!r} is not in the set; a line reads {_FORM}"
                    )
                rows[image_id].append((label, values))
    return [_record(rows[image_id], class_names) for image_id in image_ids]


def _parse(line: str, where: str) -> tuple[str, list[float]]:
    """Split a line into its photo and the five numbers score, xmin, ymin, xmax, ymax."""
    image_id, *words = line.strip().rsplit(None, 5)
    values = [float(word) for word in words if _NUMBER.fullmatch(word)]
    if len(values) != 5 or not math.isfinite(values[0]) or max(map(abs, values[1:])) > FARTHEST:
        raise ValueError(f"{where}: expected {_FORM}, got {line!r}")
    _, xmin, ymin, xmax, ymax = values
    if xmax < xmin - 1 or ymax < ymin - 1:  # the last pixel counts: xmin - 1 is a width of 0
        raise ValueError(f"{where}: the box is reversed, in {line!r}; expected {_FORM}")
    return image_id, values


def _record(rows: list[tuple[int, list[float]]], class_names: tuple[str, ...]) -> Detections:
    values = np.array([v for _, v in rows], dtype=np.float64).reshape(-1, 5)
    labels = np.array([label for label, _ in rows], dtype=np.int64)
    return Detections(*best_first(values[:, 1:] - _TO_INCLUSIVE, values[:, 0], labels, class_names))
