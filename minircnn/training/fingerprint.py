"""Which data a run is trained on, photo by photo, so that it is not continued with other data unnoticed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.data.digest import photo_digest
from minircnn.files import read_text, write_text
from minircnn.progress import progress_bar
from minircnn.structures import DetectionDataset, FloatArray

logger = logging.getLogger("minircnn")

DATA_FILE = "data.json"
"""In the folder of a run."""

_FORMAT = 1


class OtherDataError(ValueError):
    """A run would be continued with other data; the message names the first difference and the mend."""


@dataclass(frozen=True)
class PhotoPrint:
    """What training sees of one photo: digests of the photo, of its boxes, labels and difficult flags.

    `proposals` is a digest too, where they need not be the same in another call (boxes from a file).
    """

    image_id: str
    photo: str
    height: int
    width: int
    objects: int
    boxes: str
    labels: str
    difficult: str
    proposals: str | None = None


@dataclass(frozen=True)
class DataFingerprint:
    """What decides a training besides its settings.

    Parameters
    ----------
    name : str
        Of the data set; for messages only, as a folder may be moved.
    class_names : tuple of str
        In the order of the labels.
    flippable : bool
    photos : tuple of PhotoPrint
        In the order of the data set. Their ids are for messages only, as a photo may be renamed.
    adopted : bool
        Taken when a run was continued that had been begun without a fingerprint.
    """

    name: str
    class_names: tuple[str, ...]
    flippable: bool
    photos: tuple[PhotoPrint, ...]
    adopted: bool = False

    @classmethod
    def of(cls, dataset: DetectionDataset, *, progress: bool = False) -> DataFingerprint:
        """Read every photo's bytes and boxes once."""
        numbers = range(len(dataset.image_ids))
        bar = progress_bar(numbers, show=progress, desc="reading photos", unit="photo", delay=2)
        photos = tuple(_photo_print(dataset, index) for index in bar)
        return cls(dataset.name, tuple(dataset.class_names), bool(dataset.flippable), photos)

    def with_proposals(self, proposals: Sequence[FloatArray]) -> DataFingerprint:
        """Return the fingerprint with a digest of every photo's `proposals`."""
        pairs = zip(self.photos, proposals, strict=True)
        return replace(self, photos=tuple(replace(p, proposals=_digest(b, "<f4")) for p, b in pairs))

    @property
    def digests(self) -> list[str]:
        """Digest of each photo's content."""
        return [photo.photo for photo in self.photos]

    def summary(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the data, as settings of the name ``data``."""
        seen = [astuple(photo)[1:-1] for photo in self.photos]
        return {
            "data.name": self.name,
            "data.class_names": list(self.class_names),
            "data.flippable": self.flippable,
            "data.photos": len(self.photos),
            "data.digest": hashlib.sha256(json.dumps(seen).encode()).hexdigest(),
            "data.proposals": self.proposals,
        }

    @property
    def proposals(self) -> str | None:
        """Digest of all photos' proposals; None where they are not looked at."""
        proposals = [photo.proposals for photo in self.photos]
        return None if None in proposals else hashlib.sha256(json.dumps(proposals).encode()).hexdigest()

    def difference(self, now: DataFingerprint) -> str | None:
        """Return in words where the data of `now` first differs; None if it does not."""
        found = summary_difference(self.summary(), now.summary(), digests=False)
        if found is not None:
            return found
        for number, (then, photo) in enumerate(zip(self.photos, now.photos, strict=True), start=1):
            found = _photo_difference(number, then, photo)
            if found is not None:
                return found
        return None


def summary_difference(
    then: Mapping[str, Any], now: Mapping[str, Any], *, digests: bool = True
) -> str | None:
    """Return in words where two summaries of data differ; None if they do not, or one is of no data."""
    if "data.digest" not in then or "data.digest" not in now:
        return None
    classes = zip_longest(then["data.class_names"], now["data.class_names"])
    for number, (old, new) in enumerate(classes, start=1):
        if old is None or new is None:
            return f"class {number} ({old or new!r}) is {'new' if old is None else 'missing now'}"
        if old != new:
            return f"class {number} was {old!r}, is {new!r} now"
    if then["data.photos"] != now["data.photos"]:
        return (
            f"the run had {then['data.photos']} photos of {then['data.name']}, "
            f"this is {now['data.photos']} of {now['data.name']}"
        )
    if then["data.flippable"] != now["data.flippable"]:
        allowed = "could" if then["data.flippable"] else "could not"
        return f"its photos {allowed} be mirrored then"
    if digests and then["data.digest"] != now["data.digest"]:
        return f"the photos, boxes or flags of {now['data.name']} are not those of {then['data.name']} then"
    if digests and then.get("data.proposals") != now.get("data.proposals"):
        return "its proposals differ"
    return None


def write_fingerprint(folder: Path, data: DataFingerprint) -> None:
    """Write `data` into the folder of its run."""
    content = {
        "format": _FORMAT,
        "name": data.name,
        "class_names": data.class_names,
        "flippable": data.flippable,
        "adopted": data.adopted,
        "photos": [astuple(photo) for photo in data.photos],
    }
    content["sha256"] = _content_digest(content)
    write_text(folder / DATA_FILE, json.dumps(content) + "\n")


def _content_digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def read_fingerprint(folder: Path) -> DataFingerprint | None:
    """Return the fingerprint in the folder of a run; None where there is none that can be read.

    Raises
    ------
    OtherDataError
        If a newer version wrote it.
    """
    path = folder / DATA_FILE
    try:
        content = json.loads(read_text(path))
        written = content.pop("sha256", None)
        version = content["format"]
        if version == _FORMAT and written not in (None, _content_digest(content)):
            raise ValueError("it does not hold what was written: sha256")
        photos = tuple(PhotoPrint(*row) for row in content["photos"])
        names = tuple(map(str, content["class_names"]))
        found = DataFingerprint(
            str(content["name"]), names, bool(content["flippable"]), photos, bool(content["adopted"])
        )
        found.summary()  # which fails where a row holds what JSON cannot
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        logger.warning("%s cannot be read (%s): which photos the run began with is not known", path, error)
        return None
    if version != _FORMAT:
        raise OtherDataError(f"{path} was written by a newer minircnn (format {version}): upgrade")
    return found


def _photo_print(dataset: DetectionDataset, index: int) -> PhotoPrint:
    digest, annotations = photo_digest(dataset, index), dataset.annotations(index)
    return PhotoPrint(
        str(dataset.image_ids[index]),
        digest,
        int(annotations.height),
        int(annotations.width),
        len(annotations),
        _digest(annotations.boxes, "<f8"),
        _digest(annotations.labels, "<i8"),
        _digest(annotations.difficult, "|b1"),
    )


def _digest(values: HostArray, dtype: str) -> str:
    """Return a short digest of `values` that is the same on every machine."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype=dtype).tobytes()).hexdigest()[:16]


def _photo_difference(number: int, then: PhotoPrint, now: PhotoPrint) -> str | None:
    name = f"photo {number} ({now.image_id!r})"
    if then.photo != now.photo:
        if then.image_id != now.image_id:
            return f"photo {number} was {then.image_id!r}, is {now.image_id!r} now"
        return f"{name} is another photo now: its file or its pixels changed"
    if (then.height, then.width) != (now.height, now.width):
        return f"{name} was {then.width}×{then.height} pixels, is {now.width}×{now.height} now"
    if then.objects != now.objects:
        return f"{name} had {then.objects} object(s), has {now.objects} now"
    for part, words in (("boxes", "boxes"), ("labels", "classes"), ("difficult", "difficult flags")):
        if getattr(then, part) != getattr(now, part):
            return f"{name}: its {words} differ"
    if then.proposals and now.proposals and then.proposals != now.proposals:
        return f"{name}: its proposals differ"
    return None
