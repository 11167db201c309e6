"""COCO's panoptic ground truth and results: a PNG of ids for each photo, and a JSON that names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.data import fields
from minircnn.data.coco_json import load_json
from minircnn.data.fields import MISSING, FieldError, Identity, shown
from minircnn.data.problems import DatasetError
from minircnn.imaging import read_id_map
from minircnn.panoptic import PanopticMap, Segment
from minircnn.scene import Scene


@dataclass(frozen=True)
class _Category:
    name: str
    is_thing: bool


class COCOPanoptic:
    """The photos of a COCO panoptic file, ground truth or results; no photo is needed.

    A pixel's id is R + 256 G + 256² B; 0 is void. Categories, sorted by their id, become the labels 1..K.

    Parameters
    ----------
    annotation_file : str or Path
        The JSON, with ``annotations`` and, unless `categories` are given, ``categories``.
    folder : str or Path, optional
        Of the PNG files. Default: beside the JSON, named as it is without its ending.
    categories : str or Path, optional
        A JSON of the categories alone, as panopticapi has one.

    Attributes
    ----------
    image_ids : tuple of str
        In the order of the file.
    class_names, stuff : tuple of str
    category_ids : tuple of int or str
        ``category_ids[label - 1]`` is the file's id of a label.

    Raises
    ------
    DatasetError
        If a file is no such JSON or lacks a field; from :meth:`panoptic`, if the PNG and the JSON disagree.
    ImageError
        From :meth:`panoptic`, if the PNG cannot be read.
    """

    def __init__(
        self,
        annotation_file: str | Path,
        folder: str | Path | None = None,
        *,
        categories: str | Path | None = None,
    ) -> None:
        self.file = Path(annotation_file)
        self.folder = self.file.with_suffix("") if folder is None else Path(folder)
        content = load_json(self.file)[0]
        if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
            raise DatasetError(f"{self.file}: is no COCO panoptic file (it has no list 'annotations')")
        source = self.file if categories is None else Path(categories)
        listed = content.get("categories") if categories is None else load_json(source)[0]
        if not isinstance(listed, list) or not listed:
            raise DatasetError(f"{source}: has no list of categories; name a file of them with categories=")
        found = _by_id(source, listed)
        self.category_ids = tuple(found)
        self.class_names = tuple(category.name for category in found.values())
        _require_once(self.class_names, f"{source}: two categories have the name {{!r}}")
        self.stuff = tuple(category.name for category in found.values() if not category.is_thing)
        self._entries: list[dict[str, Any]] = content["annotations"]
        self._names = [self._file_of(number, entry) for number, entry in enumerate(self._entries)]
        self.image_ids = tuple(image_id for image_id, _ in self._names)
        _require_once(self.image_ids, f"{self.file}: image_id {{}} has two annotations")

    def _file_of(self, number: int, entry: Any) -> tuple[str, Path]:
        """Return the image id and the PNG of an annotation."""
        try:
            if not isinstance(entry, dict):
                raise FieldError(f"the entry is {shown(entry)}, not an object with fields")
            image_id = fields.identity(entry.get("image_id", MISSING), "image_id")
            name = fields.text(entry.get("file_name", MISSING), "file_name")
            if Path(name).name != name:
                raise FieldError(f"file_name is {shown(name)}, not the name of a file in {self.folder}")
            if not isinstance(entry.get("segments_info"), list):
                raise FieldError("there is no list segments_info")
        except FieldError as error:
            raise DatasetError(f"{self.file} (entry {number} of 'annotations'): {error}") from error
        return str(image_id), self.folder / Path(name).with_suffix(".png")

    def __len__(self) -> int:
        return len(self._entries)

    def panoptic(self, index: int) -> PanopticMap:
        """Return the segments of photo `index`."""
        image_id, path = self._names[index]
        ids = read_id_map(path)
        where = f"{self.file} (image_id {image_id})"
        try:
            segments = [self._segment(entry) for entry in self._entries[index]["segments_info"]]
            return PanopticMap(ids, tuple(segments), self.class_names, self.stuff, image_id)
        except FieldError as error:
            raise DatasetError(f"{where}: {error}") from error
        except ValueError as error:  # the two files disagree
            raise DatasetError(f"{where} and {path}: {error}") from error

    def _segment(self, entry: Any) -> Segment:
        if not isinstance(entry, dict):
            raise FieldError(f"a segment is {shown(entry)}, not an object with fields")
        own = fields.whole(entry.get("id", MISSING), "id of a segment")
        category = fields.identity(entry.get("category_id", MISSING), f"category_id of segment {own}")
        if category not in self.category_ids:
            raise FieldError(f"category_id {category!r} of segment {own} is not in the file")
        crowd = fields.flag(entry.get("iscrowd", MISSING), f"iscrowd of segment {own}")
        return Segment(own, self.category_ids.index(category) + 1, crowd)

    def scene(self, index: int) -> Scene:
        """Return photo `index` as a record of masks."""
        return Scene.from_panoptic(self.panoptic(index))


def _require_once(names: Sequence[str], message: str) -> None:
    """Raise DatasetError with the first name that is there twice put into `message`."""
    name, count = Counter(names).most_common(1)[0] if names else ("", 1)
    if count > 1:
        raise DatasetError(message.format(name))


def _by_id(file: Path, entries: list[Any]) -> dict[Identity, _Category]:
    """Return the categories in the order of their ids."""
    found: dict[Identity, _Category] = {}
    for number, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise FieldError(f"the entry is {shown(entry)}, not an object with fields")
            own = fields.identity(entry.get("id", MISSING), "id")
            if own in found:
                raise FieldError(f"two categories have the id {own!r}")
            if "isthing" not in entry:
                raise FieldError("there is no isthing, which tells things from stuff")
            is_thing = fields.flag(entry["isthing"], "isthing")
            found[own] = _Category(fields.class_name(entry.get("name", MISSING)), is_thing)
        except FieldError as error:
            raise DatasetError(f"{file} (entry {number} of the categories): {error}") from error
    return {key: found[key] for key in sorted(found, key=lambda key: (isinstance(key, str), key))}
