"""SVMs on visual words: objects against their own surroundings, then against what was mistaken for them.

First negatives overlap an object of the class by 20 to 50 %: regions that have seen a part of it. Each round
then adds the regions of photos without the class that score highest (Uijlings et al. 2013, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.boxes import nms
from minircnn.heads import LinearSVMs, MinedSVMs, feature_scale, mine_and_train
from minircnn.kernels.split import split
from minircnn.profiling import stage
from minircnn.progress import progress_bar
from minircnn.structures import BoolArray, FloatArray, IntArray
from minircnn.training.bag_of_words.settings import WordSVMSettings
from minircnn.training.bag_of_words.word_files import PhotoWords, WordFiles
from minircnn.training.kept_part import KeptPart
from minircnn.training.regions import RegionRecord
from minircnn.training.svms import without_duplicates

_APART = 0.3  # IoU of hard regions of one photo


@dataclass(frozen=True)
class Material:
    """What the SVMs are trained on.

    Parameters
    ----------
    words : WordFiles
    records : sequence of RegionRecord
    present : sequence of (K,) bool array
        Per photo the classes it shows, difficult objects too.
    mirrored : bool
        Whether mirrored objects are positives too.
    """

    words: WordFiles
    records: Sequence[RegionRecord]
    present: Sequence[BoolArray]
    mirrored: bool


@stage("SVMs")
def train_rounds(
    material: Material,
    settings: WordSVMSettings,
    *,
    seed: int = 0,
    progress: bool = True,
    keep: KeptPart,
    report: Callable[[list[dict[str, Any]]], None] = lambda rounds: None,
) -> LinearSVMs:
    """Train K one-vs-rest SVMs in rounds; finished ones are kept, so that a kill costs no more than one.

    Parameters
    ----------
    report : callable
        Called after each round with what there is to tell of all rounds, ready for JSON.

    Raises
    ------
    ValueError
        If no object holds a word.
    """
    svms, hard = None, np.zeros((0, 3), np.int64)
    told: list[dict[str, Any]] = []
    if (kept := keep.read()) is not None:
        arrays, told = kept[0], kept[1]["rounds"]
        svms, hard = LinearSVMs.from_weights(arrays["weight"], arrays["bias"]), arrays["hard"]
        report(told)
    if len(told) > settings.rounds:
        assert svms is not None
        return svms
    positives = _positives(material)
    scale = feature_scale(np.concatenate(positives), settings.feature_norm)
    for number in range(len(told), settings.rounds + 1):
        if svms is not None:
            found = _hard_regions(material, svms, settings, number, progress)
            hard = np.unique(np.concatenate([hard, found]), axis=0)
        mined = mine_and_train(
            positives,
            _negatives(material, settings, hard, number, progress),
            settings=settings,
            scale=scale,
            rng=np.random.default_rng([seed, 2, number]),
        )
        svms = mined.svms
        told.append(_told(number, positives, hard, mined))
        arrays = {"weight": np.ascontiguousarray(svms.coef_), "bias": svms.intercept_, "hard": hard}
        keep.write(arrays, {"rounds": told})
        report(told)
    assert svms is not None
    return svms


def _told(number: int, positives: Sequence[HostArray], hard: IntArray, mined: MinedSVMs) -> dict[str, Any]:
    """Return what a round came to, class by class."""
    last = mined.trace[-1]  # of all classes
    return {
        "stage": f"round {number}",
        "positives": [len(own) for own in positives],
        "negatives": last.num_negatives.tolist(),
        "hard": np.bincount(hard[:, 2], minlength=len(positives)).tolist(),
        "objective": [float(value) for value in last.objective],
    }


def _positives(material: Material) -> list[HostArray]:
    """Return the features (P_k, D) of each class's objects, upright and, where allowed, mirrored."""
    num_classes = material.records[0].num_classes
    own: list[list[HostArray]] = [[] for _ in range(num_classes)]
    dim = material.words.detector.svms.coef_.shape[1]
    for index, record in enumerate(material.records):
        if record.num_gt == 0:
            continue
        for mirrored in (False, True) if material.mirrored else (False,):
            rows = material.words.photo(index, mirrored=mirrored).features(record.gt)
            for row, label in zip(rows, record.gt_labels, strict=True):
                own[label - 1].append(row)
    return [np.array(rows, np.float32).reshape(-1, dim) for rows in own]


def first_negatives(record: RegionRecord, settings: WordSVMSettings) -> BoolArray:
    """Return whether each region of a photo is a first negative of each class, (R, K)."""
    overlap = record.class_iou
    # one that an object does not touch is none, whatever the least overlap
    negative = (overlap >= settings.least_iou) & (overlap > 0) & (overlap < settings.negative_iou)
    if settings.duplicate_iou is None or not negative.any():
        return negative
    return without_duplicates(record, negative, settings.duplicate_iou)


def _negatives(
    material: Material, settings: WordSVMSettings, hard: IntArray, number: int, progress: bool
) -> Iterator[tuple[HostArray, BoolArray]]:
    """Yield features and classes of each photo's negatives: the first ones, and those of earlier rounds."""
    total = len(material.records)
    with progress_bar(show=progress, total=total, desc=f"SVMs, round {number}", unit="photo") as bar:
        for index, record in enumerate(material.records):
            negative = first_negatives(record, settings)
            own = hard[hard[:, 0] == index]
            negative[own[:, 1], own[:, 2]] = True
            rows = np.flatnonzero(negative.any(axis=1))
            if len(rows):
                yield material.words.photo(index).features(record.boxes[rows]), negative[rows]
            bar.update()


def _scores(svms: LinearSVMs, photo: PhotoWords, boxes: FloatArray) -> HostArray:
    """Return the scores (R, K) of regions (R, 4), a bounded number at a time: features may be very long."""
    parts = split(len(boxes), size=photo.batch)
    return np.concatenate([svms.scores(photo.features(boxes[part])) for part in parts])


def _hard_regions(
    material: Material, svms: LinearSVMs, settings: WordSVMSettings, number: int, progress: bool
) -> IntArray:
    """Return photo, region and class (n, 3) of the highest scores where the class is not to be seen."""
    found: list[tuple[int, int, int]] = []
    total = len(material.records)
    with progress_bar(show=progress, total=total, desc=f"mistakes, round {number}", unit="photo") as bar:
        for index, record in enumerate(material.records):
            boxes = record.boxes
            absent = np.flatnonzero(~material.present[index])
            if len(boxes) and len(absent):
                scores = _scores(svms, material.words.photo(index), boxes)
                for k in absent:
                    likely = np.flatnonzero(scores[:, k] > settings.hard_above)
                    best = nms(boxes[likely], scores[likely, k], _APART)[: settings.hard_per_photo]
                    found.extend((index, int(row), int(k)) for row in likely[best])
            bar.update()
    return np.array(found, np.int64).reshape(-1, 3)
