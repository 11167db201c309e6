"""What the training of the cascades will take, told by a first stage on a few photos."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from minircnn.features import enumerate_haar
from minircnn.heads.cascade import Cascade
from minircnn.profiling import peak_memory
from minircnn.structures import DetectionDataset
from minircnn.training.estimate import PHOTOS, PartEstimate, sample_of
from minircnn.training.viola_jones.negatives import NegativePool
from minircnn.training.viola_jones.positives import GreyPhotos, boxes_of_class
from minircnn.training.viola_jones.settings import ViolaJonesSettings
from minircnn.training.viola_jones.stage import train_stage

_ROUNDS = 3  # of boosting that are tried
_USUAL = 40  # features of a stage, as in the trainings that were measured
_FEATURES = 400  # that are tried
_STAGE = 50_000  # bytes of a stage on the disk


def estimate_cascades(
    dataset: DetectionDataset, settings: ViolaJonesSettings, n_jobs: int
) -> list[PartEstimate]:
    """Return what searching negatives and boosting take, if no class runs out of either.

    Raises
    ------
    ValueError
        If no photo has an object to learn from.
    """
    sample, cascade = sample_of(dataset), settings.cascade
    photos, classes = len(dataset.image_ids), len(dataset.class_names)
    stages = cascade.stages * classes
    rng = np.random.default_rng(settings.seed)
    few = dataclasses.replace(cascade, negatives=max(2, cascade.negatives * PHOTOS // max(PHOTOS, photos)))
    pool = NegativePool(GreyPhotos(sample), boxes_of_class(sample, 1), few, settings.scan)
    start = time.perf_counter()
    found = pool.draw(Cascade.empty(*cascade.shape, margin=cascade.margin), rng, "", False)
    search = (time.perf_counter() - start) / max(1, found.photos)
    objects = [len(dataset.annotations(index)) for index in range(photos)]
    positives = min(max(20, sum(objects) // classes * (1 + settings.flip)), 20_000)
    windows = rng.integers(0, 256, (positives + cascade.negatives, *cascade.shape), dtype=np.uint8)
    names = enumerate_haar(*cascade.shape, cascade.kinds)  # type: ignore[arg-type]
    tried = np.sort(rng.permutation(len(names))[:_FEATURES])
    wanted = cascade.features or len(names)
    start = time.perf_counter()
    parts = windows[:positives], windows[positives:], windows[: max(1, positives // 5)]
    brief = dataclasses.replace(cascade, layer_sizes=(_ROUNDS,))
    train_stage(*parts, names.rows(tried), brief, 0)
    stage = (time.perf_counter() - start) * wanted / len(tried)
    stage += (stage / 4) * (min(_USUAL, cascade.most_features) / _ROUNDS - 1)  # a round is a fourth of it
    held = peak_memory()
    matrix = wanted * len(windows) * 8  # values, and their order
    return [
        PartEstimate("negatives", search * photos * stages, None, 0.0, f"{photos:,} photos a stage at most"),
        PartEstimate(
            "boosting",
            stage * stages,
            None if held is None else float(held + matrix),
            float(_STAGE * stages),
            f"{stages:,} stages at most, of about {min(_USUAL, cascade.most_features)} features",
        ),
    ]
