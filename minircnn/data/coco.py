"""COCO's ``instances`` JSON as a data set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.data import fields
from minircnn.data.coco_entries import (
    ImageEntry,
    entry_place,
    read_categories,
    read_images,
    read_object,
    require_entry,
)
from minircnn.data.coco_json import load_lists
from minircnn.data.fields import MISSING, FieldError, Identity
from minircnn.data.photo_files import NO_PHOTO, PhotoFolder, measure
from minircnn.data.policy import settle
from minircnn.data.problems import OnBadBox, OnBadPhoto, Problem
from minircnn.data.records import ObjectRecord, PhotoRecord, RecordDataset, decodable
from minircnn.data.splits import parse_split


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
    split : str, optional
        A share of the photos, as in :func:`minircnn.data.splits.parse_split` (``"train:0.8"``). Default: all.
    on_bad_box, on_bad_photo : {"error", "drop"}
        As in :class:`minircnn.data.VOCDataset`. COCO's own files hold a few boxes thinner than a pixel,
        so they need ``on_bad_box="drop"``.
    flippable : bool
        Whether mirrored photos are valid examples.
    need_photos : bool
        Whether the photos must be there; without them annotations can be read, but no photo.

    Attributes
    ----------
    category_ids : tuple of int or str
        ``category_ids[label - 1]`` is the file's id of a label, whatever its type.
    original_ids, original_category_ids : tuple of int or str
        The ids of photos and labels just as they stand in the file, for writing results back.
    problems : tuple of Problem
        Boxes that were dropped or clipped, and photos that were left out.

    Raises
    ------
    DatasetError
        If the file is no such JSON, for a bad photo or box where these are errors, or if no photo is left.
        All findings are named at once.
    """

    def __init__(
        self,
        annotation_file: str | Path,
        image_folder: str | Path,
        *,
        split: str | None = None,
        on_bad_box: OnBadBox = "error",
        on_bad_photo: OnBadPhoto = "error",
        flippable: bool = True,
        need_photos: bool = True,
    ) -> None:
        content = read_coco(Path(annotation_file), Path(image_folder), split, need_photos=need_photos)
        name = Path(annotation_file).stem + parse_split(split).suffix
        records, broken = list(content.records), list[Problem]()
        if on_bad_photo == "drop" and need_photos:
            records, broken = decodable(records)
        problems = settle([*content.problems, *broken], on_bad_box, on_bad_photo, name, records)
        super().__init__(name, content.class_names, records, problems, flippable)
        self.category_ids = content.category_ids
        self.original_category_ids = content.original_category_ids
        self.original_ids = tuple(record.original_id for record in records)


@dataclass(frozen=True)
class COCOContent:
    """What a file holds: its sound photos with sound and clipped boxes, and everything that is wrong."""

    records: tuple[PhotoRecord, ...]
    class_names: tuple[str, ...]
    category_ids: tuple[Identity, ...]
    original_category_ids: tuple[Identity, ...]
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]
    photos: PhotoFolder
    owned: frozenset[Path]

    def unannotated(self) -> tuple[str, ...]:
        """Return the photos beside its own that the file does not name."""
        places, folder = {photo.parent for photo in self.owned}, self.photos.folder
        photos = [folder / name for name in self.photos.names()]
        return tuple(
            photo.relative_to(folder).as_posix()
            for photo in photos
            if photo.parent in places and photo not in self.owned
        )


def read_coco(file: Path, folder: Path, split: str | None = None, *, need_photos: bool = True) -> COCOContent:
    """Read a COCO instances file, or a share of its photos, and check it against the photos' headers.

    Photos that are not needed need not be there.

    Raises
    ------
    DatasetError
        If the file is no COCO instances JSON.
    """
    lists = load_lists(file)
    images, bad, problems = read_images(file, lists.images)
    objects = _Objects(file, lists.annotations, {image.id for image in images} | bad)
    categories, more, remarks = read_categories(file, lists.categories, objects.used)
    problems += [*lists.problems, *more, *objects.problems]
    names = {category.id: category.name for category in categories}
    share = parse_split(split)
    photos = PhotoFolder(folder)
    if need_photos:
        found, owned = _locate(images, photos, problems)
    else:
        found, owned = [(image, folder / image.file_name) for image in images], frozenset[Path]()
    records = []
    for image, photo in found:
        if not share.takes(str(image.id)):
            continue
        size = measure(photo, image.where, image.height, image.width, need_photo=need_photos)
        if isinstance(size, Problem):
            problems.append(size)
            continue
        record = _read_photo(image, photo, size, objects, names, problems)
        if record is not None:
            records.append(record)
    return COCOContent(
        tuple(records),
        tuple(names.values()),
        tuple(names),
        tuple(category.original for category in categories),
        tuple(problems),
        (*remarks, *objects.remarks),
        photos,
        owned,
    )


class _Objects:
    """The annotations of a file by their photo; those that belong to none are problems."""

    def __init__(self, file: Path, entries: Sequence[Any], known: set[Identity]) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self.used: set[Identity] = set()
        self._known = known
        self._of: dict[Identity, list[tuple[int, dict[str, Any]]]] = {}
        self._seen: dict[Identity, dict[str, Any]] = {}
        repeated, self._of_one_id = 0, 0
        for number, entry in enumerate(entries):
            try:
                repeated += self._add(number, entry)
            except FieldError as error:
                # which photo lacks an object now is not known: nothing that could be left out
                self._note(number, entry, str(error), is_photo=False)
        if repeated:
            self.remarks.append(f"{repeated} annotation(s) stand in the file twice, and are taken once")
        if self._of_one_id:
            message = (
                "annotation(s) have the id of another; they are taken, since nothing here needs these ids"
            )
            self.remarks.append(f"{self._of_one_id} {message}")

    def _add(self, number: int, entry: Any) -> bool:
        """Sort one annotation in and tell whether it only repeats another."""
        entry = require_entry(entry)
        image = fields.identity(entry.get("image_id", MISSING), "image_id")
        own = None if entry.get("id") is None else fields.identity(entry["id"], "id")
        first = entry if own is None else self._seen.setdefault(own, entry)
        if first is not entry and first == entry:
            return True
        self._of_one_id += first is not entry
        if image not in self._known:
            self._note(number, entry, f"image_id {image!r} is not in the file", is_photo=True)
        self._of.setdefault(image, []).append((number, entry))
        with suppress(FieldError):  # named when its photo is read
            self.used.add(fields.identity(entry.get("category_id", MISSING), "category_id"))
        return False

    def _note(self, number: int, entry: Any, message: str, *, is_photo: bool) -> None:
        where = entry_place(self.file, "annotations", number, entry)
        self.problems.append(Problem(where, "field", message, number, is_photo=is_photo))

    def of(self, image: Identity) -> list[tuple[int, dict[str, Any]]]:
        """Return position and entry of every annotation of a photo, in the order of the file."""
        return self._of.get(image, [])


def _locate(
    images: list[ImageEntry], photos: PhotoFolder, problems: list[Problem]
) -> tuple[list[tuple[ImageEntry, Path]], frozenset[Path]]:
    """Return the images with their photos, and all photos that were found.

    Images without a photo, or with that of another, are problems.
    """
    found: list[tuple[ImageEntry, Path]] = []
    owner: dict[Path, ImageEntry] = {}
    missing: list[Problem] = []
    for image in images:
        try:
            photo = photos.locate(image.file_name)
        except FieldError as error:
            missing.append(Problem(image.where, "missing", str(error), is_photo=True))
            continue
        if owner.setdefault(photo, image) is not image:
            message = f"image id {owner[photo].id!r} is the same photo, {image.file_name}"
            problems.append(Problem(image.where, "duplicate", message, is_photo=True))
        found.append((image, photo))
    if len(missing) == len(images) > 1 and all(NO_PHOTO in p.message for p in missing):
        message = (
            f"none of its {len(images)} photos lies in {photos.folder} ({images[0].file_name} for one); "
            "name their folder with image_folder (--images)"
        )
        missing = [Problem(missing[0].file, "missing", message)]
    problems += missing
    twice = {photo for image, photo in found if owner[photo] is not image}
    return [(image, photo) for image, photo in found if photo not in twice], frozenset(owner)


def _read_photo(
    image: ImageEntry,
    photo: Path,
    size: tuple[int, int],
    objects: _Objects,
    names: dict[Identity, str],
    problems: list[Problem],
) -> PhotoRecord | None:
    """Return the record of one photo of `size` (height, width), None if an annotation cannot be read."""
    sound = True
    found: list[ObjectRecord] = []
    for number, entry in objects.of(image.id):
        name = None
        try:
            category = fields.identity(entry.get("category_id", MISSING), "category_id")
            if category not in names:
                raise FieldError(f"category_id {category!r} is not in the file")
            name = names[category]
            kept = read_object(objects.file, number, entry, name, size, problems)
        except FieldError as error:
            where = entry_place(objects.file, "annotations", number, entry)
            problems.append(Problem(where, "field", str(error), number, name, is_photo=True))
            sound = False
            continue
        if kept is not None:
            found.append(kept)
    source = str(objects.file)
    if not sound:
        return None
    return PhotoRecord(str(image.id), photo, source, *size, tuple(found), image.original)
