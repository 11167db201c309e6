"""Detections in the files the PASCAL VOC development kit reads: ``comp4_det_<set>_<class>.txt``.

One file per class, one line per detection: ``image score xmin ymin xmax ymax``. The files count pixels
from 1 and include the last one; boxes here are half-open from 0. Hence (x1 + 1, y1 + 1, x2, y2) is
written, and taken back when read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minircnn import files
from minircnn.structures import Detections

_TO_INCLUSIVE = np.array([1.0, 1.0, 0.0, 0.0])  # half-open from 0 -> inclusive from 1


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
        If the sequences do not fit together, are empty, an identifier contains white space or a class
        name does not fit into a file name.
    """
    if len(image_ids) != len(detections) or not detections:
        raise ValueError(f"{len(image_ids)} image identifiers but detections of {len(detections)} photos")
    names = detections[0].class_names
    for name in names:
        if Path(name).name != name:
            raise ValueError(f"class name {name!r} cannot be part of a file name")
    lines: dict[str, list[str]] = {name: [] for name in names}
    for image_id, found in zip(image_ids, detections, strict=True):
        if found.class_names != names:
            raise ValueError(f"{image_id}: other classes than the photos before")
        if not image_id or any(c.isspace() for c in image_id):
            raise ValueError(
                f"image identifier {image_id!r}: empty or with white space; the lines split at it"
            )
        boxes = found.boxes.astype(np.float64) + _TO_INCLUSIVE
        for name, score, box in zip(found.names(), found.scores, boxes, strict=True):
            # Nine digits tell any two float32 scores apart, so no ties appear.
            lines[name].append(" ".join([image_id, f"{score:.9g}", *(f"{v:.9g}" for v in box)]))
    paths = []
    for name, rows in lines.items():
        path = Path(folder) / f"{competition}_det_{set_name}_{name}.txt"
        files.write_text(path, "".join(row + "\n" for row in rows))
        paths.append(path)
    return paths


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
    rows: dict[str, list[tuple[int, list[float]]]] = {image_id: [] for image_id in image_ids}
    for label, name in enumerate(class_names, start=1):
        path = Path(folder) / f"{competition}_det_{set_name}_{name}.txt"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.strip():
                image_id, values = _parse(line, f"{path}, line {number}")
                if image_id not in rows:
                    raise ValueError(f"{path}, line {number}: photo {image_id!r} is not in the set")
                rows[image_id].append((label, values))
    return [_record(rows[image_id], class_names) for image_id in image_ids]


def _parse(line: str, where: str) -> tuple[str, list[float]]:
    """Split a line into its photo and the five numbers score, xmin, ymin, xmax, ymax."""
    image_id, *words = line.split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != 5 or not np.isfinite(values).all():
        raise ValueError(f"{where}: expected 'image score xmin ymin xmax ymax', got {line!r}")
    return image_id, values


def _record(rows: list[tuple[int, list[float]]], class_names: tuple[str, ...]) -> Detections:
    values = np.array([v for _, v in rows], dtype=np.float64).reshape(-1, 5)
    labels = np.array([label for label, _ in rows], dtype=np.int64)
    order = np.argsort(-values[:, 0], kind="stable")
    boxes = values[:, 1:] - _TO_INCLUSIVE
    return Detections(boxes[order], values[order, 0], labels[order], class_names)
