"""The masks of a COCO ``instances`` file."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.data import fields
from minircnn.data.coco_entries import entry_place, read_categories, read_images, require_entry
from minircnn.data.coco_json import load_lists
from minircnn.data.fields import MISSING, FieldError, Identity
from minircnn.data.problems import DatasetError, OnBadBox, Problem
from minircnn.data.segmentations import read_segmentation
from minircnn.scene import Scene
from minircnn.structures import BoolArray


class COCOScenes:
    """What a COCO ``instances`` file says of every pixel, photo by photo; no photo is needed.

    Every annotation is a thing with the mask of its outlines or run lengths; later ones lie in front. Crowds
    are marked difficult. Pixels of no annotation are background. Categories, sorted by their id, are the
    classes, as in :class:`minircnn.data.COCODataset`.

    Parameters
    ----------
    annotation_file : str or Path
    on_bad_mask : {"error", "drop"}
        A mask is bad if no pixel's centre lies inside, as in a few of COCO's own. ``"drop"`` leaves such
        objects out of the scene.

    Attributes
    ----------
    image_ids : tuple of str
        In the order of the file.
    class_names : tuple of str
    category_ids : tuple of int or str
        ``category_ids[label - 1]`` is the file's id of a label.

    Raises
    ------
    DatasetError
        If the file is no such JSON, or an entry cannot be read; from :meth:`scene`, if a mask cannot be.
    """

    def __init__(self, annotation_file: str | Path, *, on_bad_mask: OnBadBox = "error") -> None:
        if on_bad_mask not in ("error", "drop"):
            raise ValueError(f"on_bad_mask must be 'error' or 'drop', got {on_bad_mask!r}")
        self.file = Path(annotation_file)
        self._drop = on_bad_mask == "drop"
        lists = load_lists(self.file)
        images, _, problems = read_images(self.file, lists.images)
        self._images = images
        self._of: dict[Identity, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        used = self._sort_in(list(lists.annotations), problems)
        categories, more, _ = read_categories(self.file, lists.categories, used)
        problems = [*lists.problems, *problems, *more, *self._without_size()]
        if problems:
            raise DatasetError(f"{self.file}: cannot be used as it is", problems)
        self.image_ids = tuple(str(image.id) for image in images)
        self.class_names = tuple(category.name for category in categories)
        self.category_ids = tuple(category.id for category in categories)

    def _sort_in(self, entries: list[Any], problems: list[Problem]) -> set[Identity]:
        """Sort the annotations by their photo and return the categories that they use."""
        known, used = {image.id for image in self._images}, set[Identity]()
        for number, entry in enumerate(entries):
            try:
                own = fields.identity(require_entry(entry).get("image_id", MISSING), "image_id")
                if own not in known:
                    raise FieldError(f"image_id {own!r} is not in the file")
                self._of[own].append((number, entry))
                with suppress(FieldError):  # named when its scene is read
                    used.add(fields.identity(entry.get("category_id", MISSING), "category_id"))
            except FieldError as error:
                where = entry_place(self.file, "annotations", number, entry)
                problems.append(Problem(where, "field", str(error), number))
        return used

    def _without_size(self) -> list[Problem]:
        message = "height and width are not there, and masks need them"
        return [
            Problem(image.where, "size", message)
            for image in self._images
            if image.height is None or image.width is None
        ]

    def __len__(self) -> int:
        return len(self._images)

    def scene(self, index: int) -> Scene:
        """Return photo `index` pixel by pixel."""
        image = self._images[index]
        height, width = image.height or 0, image.width or 0
        masks: list[BoolArray] = []
        labels: list[int] = []
        crowds: list[bool] = []
        for number, entry in self._of[image.id]:
            label, mask, crowd = self._read(number, entry, height, width)
            if mask.any():
                masks.append(mask)
                labels.append(label)
                crowds.append(crowd)
            elif not self._drop:
                where = entry_place(self.file, "annotations", number, entry)
                raise DatasetError(
                    f"{where}: the mask has no pixel; on_bad_mask='drop' leaves such objects out"
                )
        return Scene(
            np.array(masks, dtype=bool).reshape(-1, height, width),
            np.array(labels, dtype=np.int64),
            self.class_names,
            difficult=np.array(crowds, dtype=bool),
            image_id=str(image.id),
        )

    def _read(
        self, number: int, entry: dict[str, Any], height: int, width: int
    ) -> tuple[int, BoolArray, bool]:
        """Return label, mask and whether it is a crowd, of one annotation."""
        try:
            category = fields.identity(entry.get("category_id", MISSING), "category_id")
            if category not in self.category_ids:
                raise FieldError(f"category_id {category!r} is not in the file")
            mask = read_segmentation(entry.get("segmentation", MISSING), height, width)
            crowd = fields.flag(entry.get("iscrowd", MISSING), "iscrowd")
        except FieldError as error:
            where = entry_place(self.file, "annotations", number, entry)
            raise DatasetError(f"{where}: {error}") from error
        return self.category_ids.index(category) + 1, mask, crowd
