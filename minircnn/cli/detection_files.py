"""Detections from a file or into one: the path and the data set decide in which format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minircnn.cli.errors import UsageError
from minircnn.cli.output import note
from minircnn.evaluation import (
    find_voc_files,
    read_coco_detections,
    read_photo_records,
    read_voc_files,
    relabel,
    write_coco_detections,
    write_voc_detections,
)
from minircnn.evaluation.voc_names import file_name
from minircnn.structures import DetectionDataset, Detections

_FORMS = (
    "COCO's results (a .json list), a folder of the VOC devkit's comp4_det_<set>_<class>.txt, or the folder "
    "that 'minircnn detect' wrote"
)
_VOC_FILES = "comp[34]*_det_*.txt"
_NO_FOLDER = {".txt", ".csv", ".xml", ".npz", ".npy", ".pkl", ".yaml", ".yml"}


def original_ids(dataset: DetectionDataset) -> Sequence[int | str]:
    """Return the photos' ids as the annotation file has them, numbers where they are numbers there."""
    ids: Sequence[int | str] = getattr(dataset, "original_ids", dataset.image_ids)
    return ids


def _category_ids(dataset: DetectionDataset) -> Sequence[int | str]:
    """Return the file's category ids; classes of a data set without any are counted from 1."""
    ids: Sequence[int | str] = getattr(
        dataset, "original_category_ids", range(1, len(dataset.class_names) + 1)
    )
    return ids


def read_detections(path: Path, dataset: DetectionDataset, split: str | None, count: int) -> list[Detections]:
    """Return the detections of the first `count` photos of `dataset`; there may be some of the others, too.

    They come from a file or folder of any known format.

    Raises
    ------
    OSError
        If there is no such file or it cannot be read.
    ValueError
        If it is of no known format, or does not fit the data set.
    """
    if path.is_dir():
        return _read_folder(path, dataset, split, count)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; --detections takes {_FORMS}")
    if path.suffix.lower() != ".json":
        folder = f"; name its folder, {path.parent}" if "_det_" in path.name else ""
        raise ValueError(f"{path}: is none of {_FORMS}{folder}")
    found = read_coco_detections(path, original_ids(dataset), _category_ids(dataset), dataset.class_names)
    return found[:count]


def _read_folder(folder: Path, dataset: DetectionDataset, split: str | None, count: int) -> list[Detections]:
    if any(folder.glob(_VOC_FILES)):
        found = find_voc_files(folder, dataset.class_names, _set_name(split))
        note(f"detections: {len(found.paths)} classes of {found.competition}, set {found.set_name}")
        return read_voc_files(found.paths, dataset.image_ids)[:count]
    if not any(folder.glob("*.json")):
        inside = next((p.parent for deep in ("*", "*/*") for p in folder.glob(f"{deep}/{_VOC_FILES}")), None)
        hint = f"--detections takes {_FORMS}" if inside is None else f"there are some in {inside}"
        raise FileNotFoundError(f"{folder}: holds no detections; {hint}")
    path = getattr(dataset, "path", None)
    names = [Path(path(i)).stem if path else dataset.image_ids[i] for i in range(count)]
    note("detections: what 'minircnn detect' has left out as too weak (--min-score) is missing here, too")
    return read_photo_records(folder, names, [dataset.annotations(i) for i in range(count)])


def targets(path: Path, split: str | None, class_names: Sequence[str]) -> list[Path]:
    """Return the files that :func:`write_detections` will write.

    Raises
    ------
    UsageError
        If the name is that of a file of another format.
    """
    if path.suffix.lower() == ".json":
        return [path]
    if path.suffix.lower() in _NO_FOLDER or path.is_file():
        raise UsageError(f"--save-detections takes a .json file or a folder, got {path}")
    return [path / file_name("comp4", _set_name(split), name) for name in class_names]


def write_detections(
    path: Path, dataset: DetectionDataset, split: str | None, detections: Sequence[Detections]
) -> None:
    """Write the detections in the photos of `dataset`: COCO's results (.json) or the devkit's files."""
    if path.suffix.lower() != ".json":
        write_voc_detections(path, _set_name(split), dataset.image_ids[: len(detections)], detections)
        return
    known = [_of_classes(found, dataset.class_names) for found in detections]
    left_out = sum(map(len, detections)) - sum(map(len, known))
    if left_out:
        note(f"{left_out} detections of classes that {dataset.name} does not have are not written to {path}")
    write_coco_detections(path, original_ids(dataset)[: len(known)], _category_ids(dataset), known)
    if not hasattr(dataset, "original_category_ids"):
        names = ", ".join(f"{i} {name}" for i, name in enumerate(dataset.class_names, start=1))
        note(f"{dataset.name} has no category ids; in {path} they are {names}")


def _of_classes(found: Detections, class_names: tuple[str, ...]) -> Detections:
    """Return the detections whose class is among `class_names`, with its labels there."""
    if found.class_names == class_names:
        return found
    known = np.array([name in class_names for name in found.names()], dtype=bool)
    union = (*class_names, *(name for name in found.class_names if name not in class_names))
    kept = relabel(found.take(np.flatnonzero(known)), union)
    return Detections(kept.boxes, kept.scores, kept.labels, class_names)


def _set_name(split: str | None) -> str:
    """Return the split as a part of a file name; without one, what evaluation takes by default."""
    return re.sub(r"[^\w.-]", "-", split or "test")
