"""Detections in the folder that ``minircnn detect`` writes: one JSON record a photo."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from minircnn import files
from minircnn.evaluation.pairing import FARTHEST
from minircnn.structures import Annotations, Detections

_FIELDS = {"image", "height", "width", "detections"}


def read_photo_records(
    folder: str | Path, photo_names: Sequence[str], annotations: Sequence[Annotations]
) -> list[Detections]:
    """Read the records of all photos and return their detections, best score first.

    Parameters
    ----------
    folder : path
        Other JSON files in it are passed over.
    photo_names : sequence of str
        File name of each photo without its ending, by which the records are found.
    annotations : sequence of Annotations, in the same order
        Their sizes must be those of the photos that were detected in.

    Returns
    -------
    list of Detections
        Of the classes of `annotations`, and of others that were found.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If a photo has no record or several, or a record cannot be used; file and field are named.
    """
    by_photo = _records(Path(folder))
    twice = [name for name, count in Counter(photo_names).items() if count > 1]
    if twice:
        raise ValueError(f"{folder}: several photos of the data set are called {twice[0]}")
    missing = [name for name in photo_names if name not in by_photo]
    if missing:
        raise ValueError(
            f"{folder}: no result of {len(missing)} photo(s) of the data set, {missing[0]} for one"
        )
    names = dict.fromkeys(annotations[0].class_names)
    rows = []
    for name, truth in zip(photo_names, annotations, strict=True):
        file, record = by_photo[name]
        if (record["height"], record["width"]) != (truth.height, truth.width):
            raise ValueError(
                f"{file}: is of a photo of {record['width']!r} x {record['height']!r} pixels, "
                f"in the data set it has {truth.width} x {truth.height}"
            )
        rows.append(_rows(record["detections"], file))
        names.update(dict.fromkeys(own for own, _ in rows[-1]))
    return [_detections(own, tuple(names)) for own in rows]


def _records(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Return file and record of every photo, by the photo's name."""
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.json")):
        record = files.read_json(file)
        if not isinstance(record, dict) or not record.keys() >= _FIELDS:
            continue
        # a path of any system: Windows takes both kinds of slashes
        name = PureWindowsPath(str(record["image"])).stem
        if name in found:
            raise ValueError(f"{file} and {found[name][0].name} are both of a photo {name}")
        found[name] = file, record
    if not found:
        raise ValueError(f"{folder}: none of its JSON files is a result of 'minircnn detect'")
    return found


def _rows(entries: Any, file: Path) -> list[tuple[str, list[float]]]:
    """Return class, and score and corners, of every detection of a record."""
    if not isinstance(entries, list):
        raise ValueError(f"{file}: detections is {reprlib.repr(entries)}, not a list")
    rows = []
    for number, entry in enumerate(entries):
        where = f"{file}, detection {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("class"), str):
            raise ValueError(f"{where}: there is no class, in {reprlib.repr(entry)}")
        box = entry.get("box")
        values = [entry.get("score"), *(box if isinstance(box, list) else [])]
        if len(values) != 5 or not all(_is_number(value) for value in values):
            raise ValueError(f"{where}: needs a score and a box of four numbers, got {reprlib.repr(entry)}")
        _, x1, y1, x2, y2 = row = [float(value) for value in values]
        if x2 < x1 or y2 < y1:
            raise ValueError(f"{where}: the box is reversed: {box}")
        rows.append((entry["class"], row))
    return rows


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= FARTHEST  # false for NaN


def _detections(rows: list[tuple[str, list[float]]], class_names: tuple[str, ...]) -> Detections:
    values = np.array([row for _, row in rows], dtype=np.float64).reshape(-1, 5)
    label = {name: number for number, name in enumerate(class_names, start=1)}
    labels = np.array([label[name] for name, _ in rows], dtype=np.int64)
    order = np.argsort(-values[:, 0], kind="stable")
    return Detections(values[order, 1:], values[order, 0], labels[order], class_names)
