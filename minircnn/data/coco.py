"""COCO's ``instances`` JSON as a data set."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minircnn.data.problems import (
    BOX_FAULTS,
    Box,
    DatasetError,
    OnBadBox,
    Problem,
    box_fault,
    check_photo,
    repair_box,
    settle,
)
from minircnn.data.records import ObjectRecord, PhotoRecord, RecordDataset

_ROUNDING = 0.05
"""COCO writes two decimals: a box that sticks out by less than this many pixels is not called bad."""

_NEEDED = {"images": ("id", "file_name", "height", "width"), "annotations": (), "categories": ("id", "name")}


class COCODataset(RecordDataset):
    """Photos and boxes of a COCO ``instances`` file.

    COCO's ``bbox`` is ``x, y, width, height`` in continuous pixels from 0 and is read as
    ``(x, y, x + width, y + height)``, half-open, with no shift. Categories, sorted by their id (which need
    not be consecutive), become the labels 1..K. ``iscrowd`` regions stand for many objects at once; they
    are kept and marked ``difficult``, so that they count neither as found nor as missed. Photos without
    objects are kept. Satisfies :class:`minircnn.structures.DetectionDataset`.

    Parameters
    ----------
    annotation_file : str or Path
        The JSON file.
    image_folder : str or Path
        The folder that ``file_name`` in the file is relative to.
    on_bad_box : {"error", "drop"}
        As in :class:`minircnn.data.VOCDataset`. COCO's own files hold a few boxes thinner than a pixel,
        so they need ``"drop"``.
    flippable : bool
        Whether mirrored photos are valid examples.

    Attributes
    ----------
    category_ids : tuple of int
        ``category_ids[label - 1]`` is the file's id of a label, for writing results back.
    problems : tuple of Problem
        Boxes that were dropped or clipped.

    Raises
    ------
    DatasetError
        If the file is no such JSON, photos are missing, unreadable or of another size, an annotation names
        an unknown photo or category, or for a bad box with ``on_bad_box="error"``.
    """

    def __init__(
        self,
        annotation_file: str | Path,
        image_folder: str | Path,
        *,
        on_bad_box: OnBadBox = "error",
        flippable: bool = True,
    ) -> None:
        content = read_coco(Path(annotation_file), Path(image_folder))
        name = Path(annotation_file).stem
        settle(content.problems, on_bad_box, name)
        super().__init__(name, content.class_names, content.records, content.problems, flippable)
        self.category_ids = content.category_ids


@dataclass(frozen=True)
class COCOContent:
    """What a file holds: its photos with sound and clipped boxes, and everything that is wrong."""

    records: tuple[PhotoRecord, ...]
    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    problems: tuple[Problem, ...]


def read_coco(file: Path, folder: Path) -> COCOContent:
    """Read a COCO instances file and check it against the photos' headers.

    Raises
    ------
    DatasetError
        If the file is no COCO instances JSON.
    """
    content = _load(file)
    categories = sorted(content["categories"], key=lambda category: category["id"])
    names = {category["id"]: str(category["name"]) for category in categories}
    images = {image["id"]: image for image in content["images"]}
    problems = _check_images(content["images"], folder, file)
    if len(set(names.values())) < len(categories):
        problems.append(Problem(str(file), "duplicate", "two categories have the same id or name"))
    objects: dict[Any, list[ObjectRecord]] = {image_id: [] for image_id in images}
    for number, entry in enumerate(content["annotations"]):
        image, name = images.get(entry.get("image_id")), names.get(entry.get("category_id"))
        where = f"{file} (annotation id {entry.get('id', 'none')})"
        if image is None or name is None:
            field = "image_id" if image is None else "category_id"
            message = f"{field} {entry.get(field)!r} is not in the file"
            problems.append(Problem(where, "field", message, number, name))
            continue
        found = _read_object(entry, number, where, name, image, problems)
        if found is not None:
            objects[image["id"]].append(found)
    records = tuple(
        PhotoRecord(
            str(image_id),
            folder / image["file_name"],
            str(file),
            int(image["height"]),
            int(image["width"]),
            tuple(objects[image_id]),
        )
        for image_id, image in images.items()
    )
    return COCOContent(records, tuple(names.values()), tuple(names), tuple(problems))


def _check_images(images: list[dict[str, Any]], folder: Path, file: Path) -> list[Problem]:
    problems = []
    if len({image["id"] for image in images}) < len(images):
        problems.append(Problem(str(file), "duplicate", "two images have the same id"))
    for image in images:
        photo = folder / image["file_name"]
        if not photo.is_file():
            problems.append(Problem(str(photo), "missing", "no such photo"))
            continue
        found = check_photo(photo, str(file), int(image["height"]), int(image["width"]))
        if found is not None:
            problems.append(found)
    return problems


def _read_object(
    entry: dict[str, Any],
    number: int,
    where: str,
    name: str,
    image: dict[str, Any],
    problems: list[Problem],
) -> ObjectRecord | None:
    """Return the object, clipped if need be, or None after noting why it cannot be used."""
    try:
        x, y, width, height = (float(v) for v in entry["bbox"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"bbox is not [x, y, width, height] ({error!r})"
        problems.append(Problem(where, "field", message, number, name))
        return None
    box: Box = (x, y, x + width, y + height)
    fault = box_fault(box, int(image["height"]), int(image["width"]))
    kept = box if fault is None else repair_box(box, int(image["height"]), int(image["width"]))
    rounding = kept is not None and max(abs(a - b) for a, b in zip(kept, box, strict=True)) < _ROUNDING
    if fault is not None and not rounding:
        problem = Problem(where, fault, BOX_FAULTS[fault], number, name, (x, y, width, height))
        problems.append(replace(problem, action="dropped" if kept is None else "clipped"))
    return None if kept is None else ObjectRecord(number, name, kept, bool(entry.get("iscrowd", 0)))


def _load(file: Path) -> dict[str, Any]:
    """Return the parsed file after checking that the three lists are there with what is needed of them."""
    try:
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(f"{file}: no such file") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file}: cannot be read as JSON ({error})") from error
    for key, fields in _NEEDED.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DatasetError(f"{file}: is no COCO instances file (it has no list {key!r})")
        for number, entry in enumerate(content[key]):
            missing = [field for field in fields if field not in entry]
            if missing:
                raise DatasetError(f"{file}: entry {number} of {key!r} has no {', '.join(missing)}")
    return content
