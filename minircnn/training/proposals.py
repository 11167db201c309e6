"""Proposals of a whole data set, computed once and kept on disk, a file a photo.

A file is named by what its boxes follow from: the settings of the proposer and the content of the photo.
Names of photos do not matter, so data sets can share a folder, and a photo that was replaced gets new boxes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import delayed

from minircnn.data.digest import photo_digest
from minircnn.data.records import one_photo
from minircnn.progress import watched
from minircnn.proposals import Proposer, SelectiveSearch, describe_proposer
from minircnn.proposals.base import from_pixels_alone
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.kept_arrays import read_kept, write_kept
from minircnn.workers import run_tasks

logger = logging.getLogger("minircnn")

_LAYOUT = 2
"""Of the folder. In layout 1 (version 0.1.0) files were named by image ids, which prove nothing."""


def compute_proposals(
    dataset: DetectionDataset,
    proposer: Proposer,
    *,
    folder: Path | None = None,
    limit: int | None = None,
    n_jobs: int = 1,
    progress: bool = True,
    digests: Sequence[str] | None = None,
    title: str = "proposals",
) -> list[FloatArray]:
    """Run `proposer` on every photo of `dataset`.

    Parameters
    ----------
    folder : Path, optional
        Keeps the boxes of every photo; photos found there are not computed again, so an interrupted call
        continues where it stopped. Any data sets and settings can share it. Only boxes that follow from the
        pixels alone are kept: of a proposer that says so (:class:`~minircnn.proposals.base.Proposer`).
    limit : int, optional
        At most this many boxes a photo, best rank first; default: as many as the proposer's own limit.
    n_jobs : int
        Processes, never more than there are photos to do.
    digests : sequence of str, optional
        Of the photos, where they are known (:func:`~minircnn.data.digest.photo_digest`).
    title : str
        What the progress bar says.

    Returns
    -------
    list of (R, 4) float32 arrays
        In the order of the data set.

    Raises
    ------
    ValueError
        If the proposer returns anything else.
    """
    limit = getattr(proposer, "limit", None) if limit is None else limit
    proposer = unlimited(proposer)
    count = len(dataset.image_ids)
    if folder is None or not from_pixels_alone(proposer):
        found = _computed(dataset, proposer, range(count), n_jobs, title if progress else None)
        computed = {i: _best(boxes, limit) for i, boxes in found}
        return [computed[i] for i in range(count)]
    kept = _KeptBoxes(folder, proposer)
    if digests is None:
        digests = [photo_digest(dataset, i) for i in range(count)]
    known = {}  # of equal photos once
    for digest in digests:
        if (boxes := kept.read(digest)) is not None:
            known[digest] = _best(boxes, limit)
    missing = {digest: i for i, digest in enumerate(digests) if digest not in known}
    if missing:
        kept.report()
    for i, boxes in _computed(dataset, proposer, list(missing.values()), n_jobs, title if progress else None):
        kept.write(digests[i], boxes)
        known[digests[i]] = _best(boxes, limit)
    return [known[digest] for digest in digests]


def no_proposals(dataset: DetectionDataset) -> list[FloatArray]:
    """Return what a detector that proposes by itself is trained with: no box of any photo."""
    return [np.zeros((0, 4), np.float32) for _ in dataset.image_ids]


def unlimited(proposer: Proposer) -> Proposer:
    """Return `proposer` as it searches: all boxes are kept, so that another limit need not search again."""
    if isinstance(proposer, SelectiveSearch):
        return dataclasses.replace(proposer, limit=None, n_jobs=1)
    return proposer


def kept_photos(dataset: DetectionDataset, proposer: Proposer, folder: Path) -> list[int]:
    """Return the numbers of the photos of which `folder` keeps the boxes of an :func:`unlimited` proposer."""
    if not from_pixels_alone(proposer) or not folder.is_dir():
        return []
    kept = _KeptBoxes(folder, proposer)
    numbers = range(len(dataset.image_ids))
    return [i for i in numbers if kept.path(photo_digest(dataset, i)).is_file()]


def _best(boxes: FloatArray, limit: int | None) -> FloatArray:
    """Return the best `limit` boxes, as an array that does not keep the others in memory."""
    return boxes if limit is None or limit >= len(boxes) else boxes[:limit].copy()


def _computed(
    dataset: DetectionDataset, proposer: Proposer, photos: Sequence[int], n_jobs: int, title: str | None
) -> Iterable[tuple[int, FloatArray]]:
    """Yield number and boxes of each of the `photos`, and show how far it is where there is a `title`."""
    found = run_tasks((delayed(_propose)(*one_photo(dataset, i), proposer) for i in photos), n_jobs)
    if title is not None and photos:
        found = watched(found, title=title, unit="photo", total=len(photos))
    return zip(photos, found, strict=True)


def _propose(dataset: DetectionDataset, index: int, proposer: Proposer) -> FloatArray:
    image_id = dataset.image_ids[index]
    boxes = np.asarray(proposer.propose(dataset.image(index), image_id=image_id), dtype=np.float32)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if not _sound(boxes):
        raise ValueError(
            f"{type(proposer).__name__} proposed no (R, 4) array of finite boxes x1, y1, x2, y2 with "
            f"x1 <= x2 and y1 <= y2 for photo {image_id!r}"
        )
    return boxes


def _sound(boxes: Any) -> bool:
    """Return whether these can be boxes."""
    if boxes.dtype != np.float32 or boxes.ndim != 2 or boxes.shape[1] != 4:
        return False
    return bool(np.isfinite(boxes).all() and (boxes[:, 2:] >= boxes[:, :2]).all())


class _KeptBoxes:
    """The boxes that a folder keeps of one proposer."""

    def __init__(self, folder: Path, proposer: Proposer) -> None:
        settings = describe_proposer(proposer)
        self.folder = folder / _key({"layout": _LAYOUT, **settings})
        self.old_folder = folder / _key(settings)
        self.damaged: list[Path] = []

    def path(self, digest: str) -> Path:
        return self.folder / f"{digest}.npy"

    def read(self, digest: str) -> FloatArray | None:
        """Return the boxes of a photo; None where there are none, or what is there cannot be boxes."""
        path = self.path(digest)
        try:
            if _sound(boxes := read_kept(path)):
                return boxes
        except FileNotFoundError:
            return None
        except ValueError:  # no array: boxes are computed again
            pass
        self.damaged.append(path)
        return None

    def write(self, digest: str, boxes: FloatArray) -> None:
        write_kept(self.path(digest), boxes)

    def report(self) -> None:
        """Say why boxes are computed again though something lies in the folder."""
        if self.damaged:
            logger.warning(
                "%s: %d file(s) are damaged and computed again, first %s",
                self.folder,
                len(self.damaged),
                self.damaged[0].name,
            )
        if self.old_folder.is_dir():
            logger.info(
                "%s: proposals kept by an older version are computed again: their files are named by image "
                "ids, which do not prove that the photos are still the same; the folder can be deleted",
                self.old_folder,
            )


def _key(settings: Any) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
