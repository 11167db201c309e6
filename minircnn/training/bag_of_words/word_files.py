"""The words of every photo, kept on disk: some hundred kilobytes from which all features follow.

So no features of regions are stored, however long they are.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import delayed

from minircnn.arrays import HostArray
from minircnn.detectors.bag_of_words import BagOfWords, shrunk_size
from minircnn.features import Grid, WordMap, region_features
from minircnn.progress import watched
from minircnn.structures import FloatArray
from minircnn.training.kept_arrays import read_kept, write_kept
from minircnn.training.regions import PhotoReader
from minircnn.workers import run_tasks


@dataclass(frozen=True)
class PhotoWords:
    """The words of one photo, from which its regions get their features.

    Parameters
    ----------
    words : WordMap
    scale : float
        Pixels of what the words were found in per pixel of the photo.
    mirror : int or None
        Width of the photo, where the words are those of the mirrored one.
    detector : BagOfWords
    """

    words: WordMap
    scale: float
    mirror: int | None
    detector: BagOfWords

    @property
    def batch(self) -> int:
        """Regions whose features are made at once."""
        return self.detector.batch

    def features(self, boxes: FloatArray) -> HostArray:
        """Return the features (R, D) of regions (R, 4), in pixels of the upright photo."""
        if self.mirror is not None:
            x1, y1, x2, y2 = boxes.T
            boxes = np.stack([self.mirror - x2, y1, self.mirror - x1, y2], axis=1)
        return region_features(self.words, boxes * np.float32(self.scale), self.detector.pyramid)


class WordFiles:
    """Words of a data set's photos, upright and mirrored, made with one vocabulary.

    Parameters
    ----------
    detector : BagOfWords
        Finds the words; its SVMs are not asked.
    photos : PhotoReader
    digests : sequence of str
        Of the photos: files are named by what a photo shows.
    folder : Path
    """

    def __init__(
        self, detector: BagOfWords, photos: PhotoReader, digests: Sequence[str], folder: Path
    ) -> None:
        self.detector, self.photos, self.digests = detector, photos, digests
        self.folder = folder / _key(detector)
        self._dtype = np.min_scalar_type(len(detector.vocabulary) - 1)

    def compute(self, *, mirrored: bool, n_jobs: int = 1, progress: bool = True) -> None:
        """Find the words of all photos, where they are not kept; of mirrored photos too, if `mirrored`."""
        ways = (False, True) if mirrored else (False,)
        numbers = range(len(self.digests))
        wanted = {self._path(i, way): (i, way) for i in numbers for way in ways}  # equal photos once
        missing = {path: task for path, task in wanted.items() if self._kept(path) is None}
        light = copy.copy(self.detector)
        light.proposer = None  # it may hold the boxes of a whole data set
        tasks = (delayed(_words)(light, self.photos, i, way) for i, way in missing.values())
        found = watched(
            run_tasks(tasks, n_jobs), title="visual words", unit="photo", total=len(missing), show=progress
        )
        for path, words in zip(missing, found, strict=True):
            write_kept(path, words.astype(self._dtype))

    def photo(self, index: int, *, mirrored: bool = False) -> PhotoWords:
        """Return the words of photo `index`, which were computed.

        Raises
        ------
        ValueError
            If they are not there any more.
        """
        words = self._kept(self._path(index, mirrored))
        if words is None:
            raise ValueError(
                f"the words of photo {index + 1} are gone from {self.folder}: continue with --resume: they "
                "are made again"
            )
        truth = self.photos.dataset.annotations(index)
        height, width, scale = shrunk_size(truth.height, truth.width, self.detector.max_side)
        grid = Grid.of(height, width, self.detector.dense.step)
        word_map = WordMap(words.astype(np.int64), grid, len(self.detector.vocabulary))
        return PhotoWords(word_map, scale, truth.width if mirrored else None, self.detector)

    def _path(self, index: int, mirrored: bool) -> Path:
        return self.folder / f"{self.digests[index]}-{'mirrored' if mirrored else 'upright'}.npy"

    def _kept(self, path: Path) -> HostArray | None:
        """Return the words (S, h, w) in `path`; None where there are none, or they are damaged."""
        try:
            return read_kept(path)
        except (FileNotFoundError, ValueError):
            return None


def _words(detector: BagOfWords, photos: PhotoReader, index: int, mirrored: bool) -> HostArray:
    """Return the words (S, h, w) of photo `index`."""
    image = photos.read(index)
    return detector.look(np.ascontiguousarray(image[:, ::-1]) if mirrored else image).words.words


def _key(detector: BagOfWords) -> str:
    """Return a digest of all that makes words of photos."""
    settings: dict[str, Any] = {"dense": asdict(detector.dense), "max_side": detector.max_side}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(detector.vocabulary.centers).tobytes())
    return digest.hexdigest()[:16]
