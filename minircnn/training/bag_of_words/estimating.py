"""What a training by visual words will take, from a few photos."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minircnn.detectors.bag_of_words import shrunk
from minircnn.features import dense_sift
from minircnn.features.k_means import nearest
from minircnn.features.visual_words import LARGEST_TABLE, WordMap, region_features
from minircnn.structures import DetectionDataset
from minircnn.training.bag_of_words.settings import BagOfWordsSettings
from minircnn.training.estimate import PartEstimate

_PHOTOS = 3  # tried
_COMPARED = 8192  # descriptors compared with all words
_FLOAT = 4  # bytes


def estimate_bag_of_words(
    dataset: DetectionDataset, settings: BagOfWordsSettings, n_jobs: int
) -> list[PartEstimate]:
    """Return what the vocabulary, the words of all photos and the SVMs will take.

    A few photos get descriptors, and these are compared with words drawn from them.
    """
    photos, size = len(dataset.image_ids), settings.vocabulary.size
    tried = np.unique(np.linspace(0, photos - 1, min(_PHOTOS, photos)).round().astype(int))
    images = [shrunk(dataset.image(int(index)), settings.max_side)[0] for index in tried]
    found: list[Any] = []
    describe = _seconds(lambda: found.extend(dense_sift(image, settings.dense) for image in images))
    describe /= len(images)
    patches = float(np.mean([descriptors[..., 0].size for descriptors, _ in found]))
    flat = np.concatenate([descriptors.reshape(-1, settings.dense.length) for descriptors, _ in found])
    words = np.resize(flat, (size, settings.dense.length))
    some = np.resize(flat, (_COMPARED, settings.dense.length))
    compare = _seconds(lambda: nearest(some, words)) / _COMPARED  # of one descriptor
    sampled = min(settings.vocabulary.photos, photos)
    drawn = min(settings.vocabulary.descriptors, sampled * patches)
    seeding = drawn * compare * 3  # k-means++ compares with a few candidates for each word
    k_means = settings.vocabulary.steps * drawn * compare + seeding
    maps = photos * (2 if settings.flip and dataset.flippable else 1)
    grid = found[0][1]
    word_map = WordMap(np.zeros((len(settings.dense.cells), *grid.shape), np.int64), grid, size)
    whole = np.array([[0, 0, grid.columns[-1] + 1, grid.rows[-1] + 1]], np.float32)
    boxes = np.repeat(whole, settings.batch, axis=0)
    judged = _seconds(lambda: region_features(word_map, boxes, settings.pyramid)) / settings.batch
    regions = settings.proposals.limit * photos
    passes = judged * regions * settings.svm.rounds
    table = min(grid.shape[0] * grid.shape[1] * size, LARGEST_TABLE) * _FLOAT
    features = settings.pyramid.length(size) * _FLOAT
    counts = [int((~dataset.annotations(i).difficult).sum()) for i in range(photos)]
    objects = sum(counts) * maps / photos
    return [
        PartEstimate(
            "vocabulary",
            sampled * describe / n_jobs + k_means,
            drawn * settings.dense.length * _FLOAT * 2,
            size * settings.dense.length * _FLOAT,
            f"{round(drawn):,} descriptors, {size:,} words",
        ),
        PartEstimate(
            "words",
            maps * (describe + patches * compare) / max(1, min(n_jobs, maps)),
            None,
            maps * patches * np.min_scalar_type(size - 1).itemsize,
            f"{maps:,} photos, mirrored ones counted" if maps > photos else f"{maps:,} photos",
        ),
        PartEstimate(
            "mistakes of the SVMs",
            passes,
            table + settings.batch * features * 2,
            0.0,
            f"{settings.svm.rounds} times at most {regions:,} regions",
        ),
        PartEstimate(
            "SVMs",
            None,
            # as many negatives as positives at least, and room for as many again
            4 * objects * features,
            0.0,
            f"{settings.svm.rounds + 1} times on {round(objects):,} positives and the negatives so far",
        ),
    ]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
