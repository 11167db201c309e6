"""Detections in COCO's results format: one JSON list of ``image_id``, ``category_id``, ``bbox``, ``score``.

``bbox`` is ``x, y, width, height`` in continuous pixels from 0, as in COCO's annotations. Ids are those of
the annotation file; what has no entry was not found.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minircnn import files
from minircnn.evaluation.coco_matching import coco_sides
from minircnn.evaluation.pairing import FARTHEST
from minircnn.structures import Detections, FloatArray

_FORM = "COCO's results are a list of entries with image_id, category_id, bbox and score"
_OTHER_RESULTS = ("segmentation", "keypoints", "caption", "counts")


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
    _index(image_ids, "image")
    _index(category_ids, "category")
    lines = []
    for image_id, found in zip(image_ids, detections, strict=True):
        if len(found.class_names) != len(category_ids):
            raise ValueError(
                f"image {image_id!r}: {len(found.class_names)} classes but {len(category_ids)} ids"
            )
        for label, box, score in zip(found.labels, _as_bbox(found.boxes), found.scores, strict=True):
            entry = {"image_id": image_id, "category_id": category_ids[label - 1], "bbox": box}
            lines.append(json.dumps({**entry, "score": float(score)}, allow_nan=False))
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
    photos, labels = _index(image_ids, "image"), _index(category_ids, "category")
    rows: list[list[tuple[float, ...]]] = [[] for _ in image_ids]
    owners: list[list[int]] = [[] for _ in image_ids]
    for number, entry in enumerate(_entries(Path(file))):
        try:
            photo = _look_up(entry, "image_id", photos)
            label = _look_up(entry, "category_id", labels) + 1
            x, y, width, height = _bbox(entry)
            rows[photo].append((_number(entry.get("score"), "score"), x, y, x + width, y + height))
            owners[photo].append(label)
        except ValueError as error:
            raise ValueError(f"{file}, entry {number}: {error}") from None
    return [_record(own, of, class_names) for own, of in zip(rows, owners, strict=True)]


def _as_bbox(boxes: FloatArray) -> Iterator[list[float]]:
    """Yield ``x, y, width, height`` such that ``x + width`` and ``y + height`` are the corners again."""
    low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    size = coco_sides(boxes)
    for towards in (0.0, np.inf):  # one step of rounding mends what a difference has lost
        other = np.nextafter(size, towards)
        size = np.where((low + size != high) & (low + other == high), other, size)
    yield from np.concatenate([low, size], axis=1).tolist()


def _index(ids: Sequence[int | str], what: str) -> dict[int | str, int]:
    """Return the position of every id, under the id itself and, where that is clear, its digits."""
    places: dict[int | str, int] = {}
    for place, own in enumerate(ids):
        if places.setdefault(own, place) != place:
            raise ValueError(f"{what} id {own!r} is given twice")
    for place, own in enumerate(ids):
        if isinstance(own, int):
            places.setdefault(str(own), place)
        elif own.isascii() and own.isdecimal() and len(own) < 19 and str(int(own)) == own:
            places.setdefault(int(own), place)
    return places


def _entries(file: Path) -> list[dict[str, Any]]:
    content = files.read_json(file)
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        raise ValueError(f"{file}: is an annotation file, not results: {_FORM}")
    if not isinstance(content, list):
        raise ValueError(f"{file}: {_FORM}, this is {reprlib.repr(content)}")
    for number, entry in enumerate(content):
        if not isinstance(entry, dict):
            raise ValueError(f"{file}, entry {number}: is {reprlib.repr(entry)}; {_FORM}")
    return content


def _look_up(entry: dict[str, Any], field: str, places: dict[int | str, int]) -> int:
    if field not in entry:
        raise ValueError(f"there is no {field}; {_FORM}")
    value = entry[field]
    # true equals 1, but names nothing
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | str) and not isinstance(value, bool) and value in places:
        return places[value]
    firsts = {place: own for own, place in reversed(places.items())}  # without their digits
    known = [repr(firsts[place]) for place in sorted(firsts)]
    some = ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")
    raise ValueError(f"{field} {reprlib.repr(value)} is not in the data set, whose ids are {some}")


def _bbox(entry: dict[str, Any]) -> tuple[float, float, float, float]:
    if "bbox" not in entry:
        other = next((field for field in _OTHER_RESULTS if field in entry), None)
        raise ValueError("there is no bbox" + (f", only {other}: write the boxes, too" if other else ""))
    value = entry["bbox"]
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"bbox is {reprlib.repr(value)}, not [x, y, width, height]")
    x, y, width, height = (_number(part, f"bbox[{place}]") for place, part in enumerate(value))
    if width < 0 or height < 0:
        raise ValueError(f"bbox is {value}: a width or height below 0; it reads [x, y, width, height]")
    if max(abs(x), abs(y), x + width, y + height) > FARTHEST:
        raise ValueError(f"bbox is {value}: it lies too far away")
    return x, y, width, height


def _number(value: Any, field: str) -> float:
    if value is None:
        raise ValueError(f"there is no {field}")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{field} is {reprlib.repr(value)}, not a number")
    try:
        number = float(value)
    except OverflowError:  # JSON has whole numbers of any length
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{field} is {reprlib.repr(value)}, not a finite number")
    return number


def _record(rows: list[tuple[float, ...]], labels: list[int], class_names: tuple[str, ...]) -> Detections:
    values = np.array(rows, dtype=np.float64).reshape(-1, 5)  # (D, 5) score and corners
    order = np.argsort(-values[:, 0], kind="stable")
    owners = np.array(labels, dtype=np.int64)
    return Detections(values[order, 1:], values[order, 0], owners[order], class_names)
