"""Any data set by one word: the built-in scenes, a VOC folder or a COCO file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from minircnn.data.coco import COCODataset
from minircnn.data.photos import Split
from minircnn.data.problems import DatasetError, OnBadBox
from minircnn.data.scenes import Scenes
from minircnn.data.voc import VOCDataset
from minircnn.registry import Registry
from minircnn.structures import Annotations, DetectionDataset, ImageArray

SCENES = "scenes"


class FirstPhotos:
    """The first photos of a data set, as a data set.

    Parameters
    ----------
    dataset : DetectionDataset
    count : int
        Photos kept; more than there are keeps all.

    Raises
    ------
    ValueError
        If `count` is less than one.
    """

    def __init__(self, dataset: DetectionDataset, count: int) -> None:
        if count < 1:
            raise ValueError(f"the number of photos must be at least 1, got {count}")
        self._dataset = dataset
        self.name = dataset.name
        self.class_names = dataset.class_names
        self.flippable = dataset.flippable
        self.image_ids: Sequence[str] = tuple(dataset.image_ids)[:count]

    def __len__(self) -> int:
        return len(self.image_ids)

    def __repr__(self) -> str:
        return f"FirstPhotos({self._dataset!r}, {len(self)})"

    def image(self, index: int) -> ImageArray:
        """Return photo `index` as (H, W, 3) uint8 RGB."""
        return self._dataset.image(self._place(index))

    def annotations(self, index: int) -> Annotations:
        """Return the ground truth of photo `index`."""
        return self._dataset.annotations(self._place(index))

    def _place(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} was cut to photos 0..{len(self) - 1}, asked for {index}")
        return index


@dataclass(frozen=True)
class DataFormat:
    """One kind of data set that can be named by a word.

    Parameters
    ----------
    what : str
        What to name, in an error message: ``a COCO .json file``.
    recognises : callable
        ``recognises(spec)`` tells whether the word (a str) names a data set of this kind.
    open : callable
        ``open(spec, split, on_bad_box, images)`` returns it, or raises DatasetError.
    """

    what: str
    recognises: Callable[[str], bool]
    open: Callable[[str, str | None, OnBadBox, str | Path | None], DetectionDataset]


FORMATS: Registry[DataFormat] = Registry("data format")
"""Every format by its name; the one registered last is asked first."""


def open_dataset(
    spec: str | Path,
    split: str | None,
    *,
    on_bad_box: OnBadBox = "error",
    images: str | Path | None = None,
    limit: int | None = None,
) -> DetectionDataset:
    """Open a data set named by one word.

    Parameters
    ----------
    spec : str or Path
        ``"scenes"`` for the built-in data set, a PASCAL VOC folder, or a COCO ``instances`` file
        (``.json``). A folder of the name ``scenes`` is written ``./scenes``.
    split : str or None
        ``train``, ``val`` or ``test`` of the scenes; a list in ``ImageSets/Main`` of a VOC folder (None: all
        annotated photos). A COCO file is one split by itself.
    on_bad_box : {"error", "drop"}
        As in :class:`minircnn.data.VOCDataset`.
    images : str or Path, optional
        Folder of a COCO file's photos. Default: the folder of the file.
    limit : int, optional
        Only the first so many photos.

    Raises
    ------
    DatasetError
        If there is no such data set or it cannot be used.
    ValueError
        If the scenes have no such split or `limit` is less than one.
    """
    for known in reversed(FORMATS.values()):
        if known.recognises(str(spec)):
            dataset = known.open(str(spec), split, on_bad_box, images)
            return dataset if limit is None else FirstPhotos(dataset, limit)
    *others, last = (known.what for known in FORMATS.values())
    raise DatasetError(f"{spec}: no such data set; name {', '.join(others)}, or {last}")


def _open_scenes(
    spec: str, split: str | None, on_bad_box: OnBadBox, images: str | Path | None
) -> DetectionDataset:
    return Scenes(cast(Split, split or "train"))  # what it says of an unknown split names the known ones


def _open_voc(
    spec: str, split: str | None, on_bad_box: OnBadBox, images: str | Path | None
) -> DetectionDataset:
    return VOCDataset(Path(spec), split, on_bad_box=on_bad_box)


def _open_coco(
    spec: str, split: str | None, on_bad_box: OnBadBox, images: str | Path | None
) -> DetectionDataset:
    path = Path(spec)
    if not path.is_file():
        raise DatasetError(f"{path}: no such file")
    return COCODataset(path, path.parent if images is None else images, on_bad_box=on_bad_box)


def _is_json(spec: str) -> bool:
    return Path(spec).suffix.lower() == ".json" and not Path(spec).is_dir()


FORMATS["voc"] = DataFormat("a PASCAL VOC folder", lambda spec: Path(spec).is_dir(), _open_voc)
FORMATS["coco"] = DataFormat("a COCO .json file", _is_json, _open_coco)
FORMATS["scenes"] = DataFormat("'scenes' for the built-in one", lambda spec: spec == SCENES, _open_scenes)
