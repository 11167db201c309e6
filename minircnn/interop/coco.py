"""Detections of one photo as entries of COCO's results: ``image_id``, ``category_id``, ``bbox``, ``score``.

``bbox`` is ``x, y, width, height`` in continuous pixels from 0. (Files of many photos:
:mod:`minircnn.evaluation.coco_files`.)
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.interop.rows import FARTHEST, Columns, as_number, best_first, number_classes

if TYPE_CHECKING:
    from minircnn.structures import Detections, FloatArray

FORM = "COCO's results are a list of entries with image_id, category_id, bbox and score"
_DECIMALS = 9
_OTHER_RESULTS = ("segmentation", "keypoints", "caption", "counts")

Ids = dict[int | str, int]
"""The position of every id."""


def to_coco(
    found: Detections, image_id: int | str, category_ids: Sequence[int | str] | None = None
) -> list[dict[str, Any]]:
    """See :meth:`minircnn.Detections.to_coco`."""
    ids = category_ids_of(found.class_names, category_ids)
    index_ids(ids, "category")  # each names one class
    image_id = plain_id(image_id)
    return [
        {"image_id": image_id, "category_id": ids[label - 1], "bbox": bbox, "score": float(score)}
        for label, bbox, score in zip(found.labels, _as_coco_boxes(found.boxes), found.scores, strict=True)
    ]


def from_coco(
    entries: Any,
    class_names: Sequence[str],
    category_ids: Sequence[int | str] | None = None,
    image_id: int | str | None = None,
) -> Columns:
    """See :meth:`minircnn.Detections.from_coco`."""
    names = number_classes((), class_names)[1]
    labels = index_ids(category_ids_of(names, category_ids), "category")
    listed = as_entries(entries, "entries")
    chosen = list(range(len(listed)))
    if image_id is None:
        _require_one_photo(listed)
    else:
        photo = index_ids([image_id], "image")
        chosen = [i for i in chosen if _place(listed[i].get("image_id"), photo) is not None]
    rows, owners = [], []
    for number in chosen:
        try:
            row, label = read_entry(listed[number], labels)
        except ValueError as error:
            raise ValueError(f"entries, entry {number}: {error}") from None
        rows.append(row)
        owners.append(label)
    return columns_of(rows, owners, names)


def _require_one_photo(entries: Sequence[dict[str, Any]]) -> None:
    ids = list(dict.fromkeys(reprlib.repr(entry.get("image_id")) for entry in entries))
    if len(ids) > 1:
        raise ValueError(f"entries of several photos, {ids[0]} and {ids[1]}: say which one, with image_id")


def category_ids_of(
    class_names: Sequence[str], category_ids: Sequence[int | str] | None
) -> Sequence[int | str]:
    """Return the id of every class: those given, or 1 to K.

    Raises
    ------
    ValueError
        If there are not as many ids as classes.
    """
    if category_ids is None:
        return range(1, len(class_names) + 1)
    if len(category_ids) != len(class_names):
        raise ValueError(f"{len(class_names)} classes but {len(category_ids)} ids")
    return [plain_id(own) for own in category_ids]


def plain_id(value: Any) -> int | str:
    """Return an id, of NumPy or pandas, too, as the number or text that a file can hold.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise ValueError(f"{reprlib.repr(value)} is no id: ids are whole numbers or texts")


def as_entries(content: Any, where: str) -> list[dict[str, Any]]:
    """Return `content` if it is a list of entries; `where` names it in the error.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        raise ValueError(f"{where}: is an annotation file, not results: {FORM}")
    if not isinstance(content, list):
        raise ValueError(f"{where}: {FORM}, this is {reprlib.repr(content)}")
    for number, entry in enumerate(content):
        if not isinstance(entry, dict):
            raise ValueError(f"{where}, entry {number}: is {reprlib.repr(entry)}; {FORM}")
    return content


def index_ids(ids: Sequence[int | str], what: str) -> Ids:
    """Return the position of every id, under the id itself and, where that is clear, its digits.

    Raises
    ------
    ValueError
        If an id is given twice.
    """
    places: Ids = {}
    ids = [plain_id(own) for own in ids]
    for place, own in enumerate(ids):
        if places.setdefault(own, place) != place:
            raise ValueError(f"{what} id {own!r} is given twice")
    for place, own in enumerate(ids):
        if isinstance(own, int):
            places.setdefault(str(own), place)
        elif own.isascii() and own.isdecimal() and len(own) < 19 and str(int(own)) == own:
            places.setdefault(int(own), place)
    return places


def look_up(entry: dict[str, Any], field: str, places: Ids) -> int:
    """Return the position of the id that stands in `field`.

    Raises
    ------
    ValueError
        If there is none or it is unknown.
    """
    if field not in entry:
        raise ValueError(f"there is no {field}; {FORM}")
    place = _place(entry[field], places)
    if place is not None:
        return place
    firsts = {place: own for own, place in reversed(places.items())}  # without their digits
    known = [repr(firsts[place]) for place in sorted(firsts)]
    some = ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")
    raise ValueError(f"{field} {reprlib.repr(entry[field])} is not in the data set, whose ids are {some}")


def _place(value: Any, places: Ids) -> int | None:
    if isinstance(value, np.integer) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    # true equals 1, but names nothing
    return places.get(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


def read_entry(entry: dict[str, Any], labels: Ids) -> tuple[list[float], int]:
    """Return score and corners (5 numbers), and the label, of an entry.

    Raises
    ------
    ValueError
        If a field is missing or holds something else.
    """
    label = look_up(entry, "category_id", labels) + 1
    x, y, width, height = _bbox(entry)
    return [as_number(entry.get("score"), "score"), x, y, x + width, y + height], label


def _bbox(entry: dict[str, Any]) -> tuple[float, float, float, float]:
    if "bbox" not in entry:
        other = next((field for field in _OTHER_RESULTS if field in entry), None)
        raise ValueError("there is no bbox" + (f", only {other}: write the boxes, too" if other else ""))
    value = entry["bbox"]
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"bbox is {reprlib.repr(value)}, not [x, y, width, height]")
    x, y, width, height = (as_number(part, f"bbox[{place}]") for place, part in enumerate(value))
    if width < 0 or height < 0:
        raise ValueError(f"bbox is {value}: a width or height below 0; it reads [x, y, width, height]")
    if max(abs(x), abs(y), x + width, y + height) > FARTHEST:
        raise ValueError(f"bbox is {value}: it lies too far away")
    return x, y, width, height


def columns_of(
    rows: Sequence[Sequence[float]], labels: Sequence[int], class_names: tuple[str, ...]
) -> Columns:
    """Return the columns of what :func:`read_entry` has read."""
    values = np.array(rows, dtype=np.float64).reshape(-1, 5)  # (D, 5) score and corners
    return best_first(values[:, 1:], values[:, 0], np.array(labels, dtype=np.int64), class_names)


def coco_sides(boxes: FloatArray) -> FloatArray:
    """Return width and height (R, 2) as they stand in COCO's files.

    ``(x + width) - x`` is not always `width` again, and the difference decides where an overlap is exactly a
    threshold. Files hold a few decimals: the number with so many that leads to the same corner is meant.
    """
    low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    sides: FloatArray = np.round(high - low, _DECIMALS)
    return np.where(low + sides == high, sides, high - low)


def _as_coco_boxes(boxes: FloatArray) -> Iterable[list[float]]:
    """Return ``x, y, width, height`` so that ``x + width`` and ``y + height`` are the corners again."""
    low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    size = coco_sides(boxes)
    for towards in (0.0, np.inf):  # one step of rounding mends what a difference has lost
        other = np.nextafter(size, towards)
        size = np.where((low + size != high) & (low + other == high), other, size)
    rows: list[list[float]] = np.concatenate([low, size], axis=1).tolist()
    return rows
