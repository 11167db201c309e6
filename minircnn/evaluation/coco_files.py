"""Detections in COCO's results format: one JSON list of ``image_id``, ``category_id``, ``bbox``, ``score``.

``bbox`` is ``x, y, width, height`` in continuous pixels from 0, as in COCO's annotations. Ids are those of
the annotation file; what has no entry was not found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from minircnn import files
from minircnn.interop.coco import as_entries, columns_of, index_ids, look_up, read_entry, to_coco
from minircnn.structures import Detections


def write_coco_detections(
    file: str | Path,
    image_ids: Sequence[int | str],
    category_ids: Sequence[int | str],
    detections: Sequence[Detections],
) -> Path:
    """Write detections as COCO results and return the path.

    Parameters
    ----------
    file : path
    image_ids : sequence of int or str
        The annotation file's id of each photo (:attr:`minircnn.data.COCODataset.original_ids`).
    category_ids : sequence of int or str
        ``category_ids[label - 1]`` is its id of a label (``original_category_ids`` of that data set).
    detections : sequence of Detections, in the order of `image_ids`

    Raises
    ------
    ValueError
        If the sequences do not fit together or an id is given twice.
    """
    if len(image_ids) != len(detections):
        raise ValueError(f"{len(image_ids)} image ids but detections of {len(detections)} photos")
    index_ids(image_ids, "image")
    index_ids(category_ids, "category")
    lines = []
    for image_id, found in zip(image_ids, detections, strict=True):
        try:
            entries = to_coco(found, image_id, category_ids)
        except ValueError as error:
            raise ValueError(f"image {image_id!r}: {error}") from None
        lines += [json.dumps(entry, allow_nan=False) for entry in entries]
    return files.write_text(file, "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n")


def read_coco_detections(
    file: str | Path,
    image_ids: Sequence[int | str],
    category_ids: Sequence[int | str],
    class_names: tuple[str, ...],
) -> list[Detections]:
    """Read COCO results and return the detections of each photo, best score first.

    Parameters
    ----------
    file : path
    image_ids, category_ids
        As for :func:`write_coco_detections`. An id of digits means the same as the number.
    class_names : tuple of str
        Names of `category_ids`.

    Returns
    -------
    list of Detections
        In the order of `image_ids`, empty records included, with float64 boxes and scores.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such list or an entry cannot be used; file, entry and field are named.
    """
    photos, labels = index_ids(image_ids, "image"), index_ids(category_ids, "category")
    rows: list[list[list[float]]] = [[] for _ in image_ids]
    owners: list[list[int]] = [[] for _ in image_ids]
    for number, entry in enumerate(as_entries(files.read_json(Path(file)), str(file))):
        try:
            photo = look_up(entry, "image_id", photos)
            row, label = read_entry(entry, labels)
        except ValueError as error:
            raise ValueError(f"{file}, entry {number}: {error}") from None
        rows[photo].append(row)
        owners[photo].append(label)
    return [Detections(*columns_of(own, of, class_names)) for own, of in zip(rows, owners, strict=True)]
