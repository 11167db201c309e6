"""Windows without objects to train on: drawn at random, then those that are taken for objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from minircnn.boxes import box_iou
from minircnn.checks import real, require, whole
from minircnn.detectors import HogSVM
from minircnn.detectors.windows import Float32
from minircnn.features import HogWindows, Level
from minircnn.structures import BoolArray, DetectionDataset, FloatArray, ImageArray, IntArray


@dataclass(frozen=True)
class NegativeSettings:
    """Where windows without objects come from."""

    per_photo: int = 10
    """Windows drawn at random from each photo (10: section 4)."""
    hard_above: float = 0.0
    """A window without an object is hard if it scores above this: a false alarm (section 4)."""
    hard_per_photo: int = 100
    """Of a photo's hard windows the worst are taken."""
    most: int = 20_000
    """Windows that are kept in all, the worst ones; their descriptors must fit in memory."""
    iou: float = 0.3
    """A window holds no object of a class if its box overlaps each by less."""

    def __post_init__(self) -> None:
        require(self, "negatives", per_photo=whole(1), hard_above=real(), hard_per_photo=whole(1))
        require(self, "negatives", most=whole(1), iou=real(0, 1, above=True))


class Photos(Protocol):
    """Photos and what is on them."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> ImageArray:
        """Return photo `index` (H, W, 3)."""
        ...

    def objects(self, index: int) -> tuple[FloatArray, IntArray]:
        """Return the boxes (G, 4) and labels (G,) of its objects."""
        ...


@dataclass(frozen=True)
class DatasetPhotos:
    """The photos of a data set."""

    dataset: DetectionDataset

    def __len__(self) -> int:
        return len(self.dataset.image_ids)

    def image(self, index: int) -> ImageArray:
        """Return photo `index` (H, W, 3)."""
        return self.dataset.image(index)

    def objects(self, index: int) -> tuple[FloatArray, IntArray]:
        """Return the boxes (G, 4) and labels (G,) of its objects, the difficult ones too."""
        truth = self.dataset.annotations(index)
        return truth.boxes, truth.labels


@dataclass(frozen=True)
class PhotosWithoutObjects:
    """Photos that hold none of what is to be found."""

    images: Sequence[ImageArray]

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> ImageArray:
        """Return photo `index` (H, W, 3)."""
        return self.images[index]

    def objects(self, index: int) -> tuple[FloatArray, IntArray]:
        """Return no boxes and no labels."""
        return np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


@dataclass(frozen=True)
class Negatives:
    """Windows of some photos.

    Parameters
    ----------
    features : (n, D) float32 array
    eligible : (n, K) bool array
        Of which classes they hold no object.
    scores : (n,) float32 array
        How hard they were when they were found.
    """

    features: Float32
    eligible: BoolArray
    scores: Float32

    def __len__(self) -> int:
        return len(self.features)

    @classmethod
    def none(cls, dim: int, classes: int) -> Negatives:
        """Return no windows."""
        return cls(np.zeros((0, dim), np.float32), np.zeros((0, classes), bool), np.zeros(0, np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Negatives]) -> Negatives:
        """Return all windows of `parts`, at least one, in their order."""
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.eligible for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def worst(self, count: int) -> Negatives:
        """Return the `count` windows with the highest scores, in the order in which they came."""
        if len(self) <= count:
            return self
        rows = np.sort(np.argsort(-self.scores, kind="stable")[:count])
        return Negatives(self.features[rows], self.eligible[rows], self.scores[rows])


def random_negatives(
    photos: Photos, index: int, windows: HogWindows, settings: NegativeSettings, classes: int, seed: int
) -> Negatives:
    """Draw windows of a photo, each as likely as any other of any scale."""
    image, rng = photos.image(index), np.random.default_rng([seed, index])
    levels = windows.levels(image)
    grids = [windows.grid(level) for level in levels]
    ends = np.cumsum([rows * columns for rows, columns in grids], dtype=np.int64)
    if len(ends) == 0 or ends[-1] == 0:
        return Negatives.none(windows.dim, classes)
    tries = rng.permutation(min(int(ends[-1]), 4 * settings.per_photo))
    drawn = np.sort(rng.choice(ends[-1], len(tries), replace=False))
    level_of = np.searchsorted(ends, drawn, side="right")
    places = np.empty((len(drawn), 2), np.int64)
    eligible = np.zeros((len(drawn), classes), bool)
    for number in np.unique(level_of):
        own, (rows, columns) = level_of == number, grids[number]
        places[own] = np.stack(np.divmod(drawn[own] - (ends[number] - rows * columns), columns), axis=1)
        eligible[own] = eligible_windows(
            photos, index, windows, levels[number], places[own], settings, classes
        )
    chosen = np.sort(tries[eligible[tries].any(axis=1)][: settings.per_photo])
    features = _described(image, windows, levels, level_of[chosen], places[chosen])
    return Negatives(features, eligible[chosen], np.zeros(len(chosen), np.float32))


def hard_negatives(photos: Photos, index: int, detector: HogSVM, settings: NegativeSettings) -> Negatives:
    """Find the windows of a photo that `detector` takes for objects of a class of which they hold none."""
    image, windows, classes = photos.image(index), detector.windows, len(detector.class_names)
    levels: list[Level] = []
    level_of, places = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int64)]
    eligible, worst = [np.zeros((0, classes), bool)], [np.zeros(0, np.float32)]
    for level, scores in detector.levels(image):
        near = np.argwhere((scores > settings.hard_above).any(axis=0))
        own = scores[:, near[:, 0], near[:, 1]].T  # (n, K)
        allowed = eligible_windows(photos, index, windows, level, near, settings, classes)
        score = np.where(allowed, own, -np.inf).max(axis=1)
        hard = score > settings.hard_above
        level_of.append(np.full(int(hard.sum()), len(levels)))
        levels.append(level)
        places.append(near[hard])
        eligible.append(allowed[hard])
        worst.append(score[hard])
    all_scores = np.concatenate(worst)
    rows = np.sort(np.argsort(-all_scores, kind="stable")[: settings.hard_per_photo])
    features = _described(
        image, windows, levels, np.concatenate(level_of)[rows], np.concatenate(places)[rows]
    )
    return Negatives(features, np.concatenate(eligible)[rows], all_scores[rows])


def eligible_windows(
    photos: Photos,
    index: int,
    windows: HogWindows,
    level: Level,
    places: IntArray,
    settings: NegativeSettings,
    classes: int,
) -> BoolArray:
    """Return of which classes each window of a level holds no object, (R, K)."""
    boxes, labels = photos.objects(index)
    free = np.ones((len(places), classes), bool)
    if len(boxes) and len(places):
        iou = box_iou(windows.objects(windows.boxes(level, places)), boxes.astype(np.float64))  # (R, G)
        for label in np.unique(labels):
            free[:, label - 1] = (iou[:, labels == label] < settings.iou).all(axis=1)
    return free


def _described(
    image: ImageArray, windows: HogWindows, levels: Sequence[Level], level_of: IntArray, places: IntArray
) -> Float32:
    """Return the descriptors (n, D) of windows by their levels and places."""
    features = np.empty((len(places), windows.dim), np.float32)
    for number in np.unique(level_of):
        own = level_of == number
        features[own] = windows.at(image, levels[number], places[own])
    return features
