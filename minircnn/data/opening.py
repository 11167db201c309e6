"""Any data set by one word: the built-in scenes, a VOC folder or a COCO file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from minircnn.data import dialects
from minircnn.data.coco import COCODataset
from minircnn.data.photo_files import is_address, refuse_images
from minircnn.data.photos import Split
from minircnn.data.problems import DatasetError, OnBadBox, OnBadPhoto
from minircnn.data.scenes import Scenes
from minircnn.data.selection import SomePhotos
from minircnn.data.splits import parse_split
from minircnn.data.voc import VOCDataset
from minircnn.data.voc_folder import VOCFolder
from minircnn.registry import Registry
from minircnn.structures import DetectionDataset

SCENES = "scenes"

_log = logging.getLogger("minircnn.data")


class FirstPhotos(SomePhotos):
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
        super().__init__(dataset, range(min(count, len(dataset.image_ids))))


@dataclass(frozen=True)
class Request:
    """What is asked of a data set that is opened; see :func:`open_dataset`."""

    split: str | None = None
    default_split: str | None = None
    on_bad_box: OnBadBox = "error"
    on_bad_photo: OnBadPhoto = "error"
    images: str | Path | None = None
    need_photos: bool = True


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
        ``open(spec, request)`` returns it, or raises DatasetError.
    """

    what: str
    recognises: Callable[[str], bool]
    open: Callable[[str, Request], DetectionDataset]


FORMATS: Registry[DataFormat] = Registry("data format")
"""Every format by its name; the one registered last is asked first."""


def open_dataset(
    spec: str | Path,
    split: str | None,
    *,
    default_split: str | None = None,
    on_bad_box: OnBadBox = "error",
    on_bad_photo: OnBadPhoto = "error",
    images: str | Path | None = None,
    limit: int | None = None,
    need_photos: bool = True,
) -> DetectionDataset:
    """Open a data set named by one word.

    Parameters
    ----------
    spec : str or Path
        ``"scenes"`` for the built-in data set, a PASCAL VOC folder, or a COCO ``instances`` file
        (``.json``). A folder of the name ``scenes`` is written ``./scenes``.
    split : str or None
        ``train``, ``val`` or ``test`` of the scenes; a list in ``ImageSets/Main`` of a VOC folder; ``"all"``
        or None for all annotated photos; a share, as ``"train:0.8"`` and ``"val:0.2"``
        (:func:`minircnn.data.splits.parse_split`). A COCO file is one split by itself: of it only shares can
        be named, and another word is noted in the log.
    default_split : str, optional
        The list to take where `split` is None and the data set has lists.
    on_bad_box, on_bad_photo : {"error", "drop"}
        As in :class:`minircnn.data.VOCDataset`.
    images : str or Path, optional
        Folder of a COCO file's photos. Default: the folder of the file.
    limit : int, optional
        Only the first so many photos.
    need_photos : bool
        Whether the photos must be there; without them annotations can be read, but no photo.

    Raises
    ------
    DatasetError
        If there is no such data set, it cannot be used, or no object is marked in it.
    ValueError
        If the scenes have no such split or `limit` is less than one.

    Examples
    --------
    >>> from minircnn import open_dataset
    >>> dataset = open_dataset("scenes", "val", limit=5)
    >>> len(dataset), dataset.class_names[:3]
    (5, ('0', '1', '2'))
    """
    known = find_format(spec)
    if known is None:
        raise DatasetError(f"{spec}: {_unknown(spec)}")
    request = Request(split, default_split, on_bad_box, on_bad_photo, images, need_photos)
    dataset = known.open(str(spec), request)
    if limit is not None:
        dataset = FirstPhotos(dataset, limit)
    if not any(len(dataset.annotations(index)) for index in range(len(dataset))):
        photos = f"its {'' if limit is None else 'first '}{len(dataset)} photo(s)"
        raise DatasetError(f"{dataset.name}: no object is marked in {photos}: nothing to learn or to find")
    return dataset


def find_format(spec: str | Path) -> DataFormat | None:
    """Return the format of the data set that `spec` names, None if there is none."""
    return next((known for known in reversed(FORMATS.values()) if known.recognises(str(spec))), None)


def _unknown(spec: str | Path) -> str:
    """Return what is wrong with a word that names no data set."""
    if is_address(str(spec)):
        return "is an address, and only files are read; download the data set and name its folder or file"
    path = Path(spec)
    *others, last = (known.what for known in FORMATS.values())
    wanted = f"name {', '.join(others)}, or {last}"
    if not path.exists():
        return f"no such data set; {wanted}"
    dialect = dialects.of_file(path)
    return f"{dialects.refusal(dialect) if dialect else 'is no data set'}; {wanted}"


def _open_scenes(spec: str, request: Request) -> DetectionDataset:
    refuse_images(spec, request.images)
    # what it says of an unknown split names the known ones
    return Scenes(cast(Split, request.split or request.default_split or "train"))


def _open_voc(spec: str, request: Request) -> DetectionDataset:
    refuse_images(spec, request.images)
    split = request.split
    if split is None and request.default_split is not None:
        split = _default_list(spec, request.default_split)
    return VOCDataset(
        Path(spec),
        split,
        on_bad_box=request.on_bad_box,
        on_bad_photo=request.on_bad_photo,
        need_photos=request.need_photos,
    )


def _default_list(spec: str, wanted: str) -> str | None:
    """Return the list `wanted` where the folder has lists; else None for all photos, noted in the log."""
    if VOCFolder(spec).splits:
        return wanted
    _log.warning(
        "%s has no lists of photos: all annotated ones are taken, for training and for evaluation alike "
        "(--split train:0.8 and --split val:0.2 part them)",
        spec,
    )
    return None


def _open_coco(spec: str, request: Request) -> DetectionDataset:
    path, split = Path(spec), parse_split(request.split)
    if not path.exists():
        raise DatasetError(f"{path}: no such file")
    if split.name is not None and split.name not in path.stem:
        _log.warning(
            "%s is one split by itself: all its photos are taken, whatever --split %s says "
            "(--split train:0.8 takes a share of them)",
            path,
            split.name,
        )
    return COCODataset(
        path,
        path.parent if request.images is None else request.images,
        split=request.split,
        on_bad_box=request.on_bad_box,
        on_bad_photo=request.on_bad_photo,
        need_photos=request.need_photos,
    )


def _is_json(spec: str) -> bool:
    return Path(spec).suffix.lower() == ".json" and not Path(spec).is_dir() and not is_address(spec)


FORMATS["voc"] = DataFormat("a PASCAL VOC folder", lambda spec: Path(spec).is_dir(), _open_voc)
FORMATS["coco"] = DataFormat("a COCO .json file", _is_json, _open_coco)
FORMATS["scenes"] = DataFormat("'scenes' for the built-in one", lambda spec: spec == SCENES, _open_scenes)
