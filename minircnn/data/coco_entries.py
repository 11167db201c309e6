"""The entries of a COCO file, read field by field: categories, images and annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minircnn.data import fields
from minircnn.data.fields import MISSING, FieldError, Identity, shown
from minircnn.data.problems import BOX_FAULTS, Box, Problem, fit_box
from minircnn.data.records import ObjectRecord


@dataclass(frozen=True)
class Category:
    """One category, as the file names it."""

    id: Identity
    name: str
    parent: str
    original: Identity
    """The id just as it stands in the file: ``"1"`` and 1 are one id, yet not one text."""


@dataclass(frozen=True)
class ImageEntry:
    """One photo, as the file names it, blanks included; sides that it does not say are None."""

    id: Identity
    file_name: str
    height: int | None
    width: int | None
    where: str
    original: Identity


def entry_place(file: Path, key: str, number: int, entry: Any) -> str:
    """Return where an entry stands, in words: by its id, or by its position where it has none."""
    name = entry.get("id", MISSING) if isinstance(entry, dict) else MISSING
    if name is MISSING or key == "images":
        place = f"entry {number} of {key!r}"
        return f"{file} ({place})" if name is MISSING else f"{file} (image id {shown(name)}, {place})"
    singular = {"annotations": "annotation", "categories": "category"}[key]
    return f"{file} ({singular} id {shown(name) if not isinstance(name, str) else name})"


def require_entry(entry: Any) -> dict[str, Any]:
    """Return `entry`; raise FieldError if it is no JSON object."""
    if not isinstance(entry, dict):
        raise FieldError(f"the entry is {shown(entry)}, not an object with fields")
    return entry


def _original(entry: dict[str, Any], key: Identity) -> Identity:
    """Return the id of an entry with its own type."""
    return entry["id"] if isinstance(entry["id"], str) else key


def read_categories(
    file: Path, entries: Sequence[Any], used: set[Identity]
) -> tuple[list[Category], list[Problem], list[str]]:
    """Return the categories sorted by id, what is wrong with them, and remarks on those left out.

    A category that no annotation uses remains a class, so that labels agree between files, unless it only
    repeats a name or is the root that Roboflow puts above all others.
    """
    found: dict[Identity, Category] = {}
    problems: list[Problem] = []
    for number, entry in enumerate(entries):
        try:
            entry = require_entry(entry)
            key = fields.identity(entry.get("id", MISSING), "id")
            parent = entry.get("supercategory")
            name = fields.class_name(entry.get("name", MISSING))
            own = Category(key, name, parent if isinstance(parent, str) else "", _original(entry, key))
        except FieldError as error:
            where = entry_place(file, "categories", number, entry)
            problems.append(Problem(where, "field", str(error)))
            continue
        if found.setdefault(key, own).name != own.name:
            names = f"{found[key].name!r} and {own.name!r}"
            problems.append(
                Problem(str(file), "duplicate", f"two categories have the same id {key!r}: {names}")
            )
    # numbers first, in their order, then texts
    ordered = sorted(
        found.values(), key=lambda c: (isinstance(c.id, str), c.id if isinstance(c.id, str) else "", c.id)
    )
    kept, remarks = _without_idle_ones(ordered, used)
    counts = Counter(category.name for category in kept)
    for name in (name for name, count in counts.items() if count > 1):
        ids = ", ".join(repr(category.id) for category in kept if category.name == name)
        problems.append(Problem(str(file), "duplicate", f"the categories {ids} have the same name {name!r}"))
    return kept, problems, remarks


def _without_idle_ones(
    categories: Sequence[Category], used: set[Identity]
) -> tuple[list[Category], list[str]]:
    kept, remarks = [], []
    for category in categories:
        others = [other for other in categories if other is not category]
        root = bool(others) and category.parent == "none" and all(o.parent == category.name for o in others)
        twins = [other for other in others if other.name == category.name]
        repeats = any(other.id in used or other in kept for other in twins)
        if category.id not in used and (root or repeats):
            why = "stands above all others" if root else "has the name of another"
            remarks.append(
                f"category {category.name!r} (id {category.id!r}) is left out: no object has it, and it {why}"
            )
        else:
            kept.append(category)
    return kept, remarks


def read_images(file: Path, entries: Sequence[Any]) -> tuple[list[ImageEntry], set[Identity], list[Problem]]:
    """Return the sound images, the ids of those that are not, and what is wrong with these."""
    found: list[ImageEntry] = []
    bad: set[Identity] = set()
    problems: list[Problem] = []
    for number, entry in enumerate(entries):
        where = entry_place(file, "images", number, entry)
        key: Identity | None = None
        try:
            entry = require_entry(entry)
            key = fields.identity(entry.get("id", MISSING), "id")
            fields.text(entry.get("file_name", MISSING), "file_name")
            height, width = (fields.pixels(entry.get(side, MISSING), side) for side in ("height", "width"))
            found.append(ImageEntry(key, entry["file_name"], height, width, where, _original(entry, key)))
        except FieldError as error:
            problems.append(Problem(where, "field", str(error), is_photo=True))
            if key is not None:
                bad.add(key)
    counts = Counter([*(image.id for image in found), *bad])
    for key in (key for key, count in counts.items() if count > 1):
        message = f"two images have the same id {key!r}"
        problems.append(Problem(str(file), "duplicate", message, is_photo=True))
        bad.add(key)
    return [image for image in found if image.id not in bad], bad, problems


def read_object(
    file: Path, number: int, entry: dict[str, Any], name: str, size: tuple[int, int], problems: list[Problem]
) -> ObjectRecord | None:
    """Return the object, clipped if need be, or None after noting a box that cannot be used.

    Raises
    ------
    FieldError
        If a field cannot be read: what is shown there is not known, so the photo cannot be used either.
    """
    given = entry.get("bbox", MISSING)
    if (given is MISSING or not given) and entry.get("segmentation"):
        raise FieldError("bbox is not there, only a segmentation; export boxes as well")
    corner = fields.box(given)
    crowd = fields.flag(entry.get("iscrowd", MISSING), "iscrowd")
    area = fields.area(entry.get("area", MISSING))
    x, y, width, height = corner
    box: Box = (x, y, x + width, y + height)
    kept, fault = fit_box(box, *size)
    if fault is not None:
        where = entry_place(file, "annotations", number, entry)
        problem = Problem(where, fault, BOX_FAULTS[fault], number, name, corner)
        problems.append(replace(problem, action="dropped" if kept is None else "clipped"))
    return None if kept is None else ObjectRecord(number, name, kept, crowd, area)
