"""The recipe of HOG + SVM: presets, and what a training will take."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minircnn.data.selection import SomePhotos
from minircnn.features import HogSettings, PyramidSettings
from minircnn.heads import LinearSVMs
from minircnn.structures import DetectionDataset
from minircnn.training.estimate import PartEstimate
from minircnn.training.hog_negatives import DatasetPhotos, NegativeSettings, hard_negatives, random_negatives
from minircnn.training.hog_rounds import WindowSVMSettings
from minircnn.training.hog_svm import HogSVMSettings, describe_objects, train_hog_svm
from minircnn.training.recipe import Recipe, add_recipe

_PHOTOS = 4
"""Tried for an estimate."""


def estimate_hog_svm(
    dataset: DetectionDataset, settings: HogSVMSettings, n_jobs: int = 1
) -> list[PartEstimate]:
    """Return what each part of a training will take, told by a few photos."""
    count = len(dataset.image_ids)
    numbers = np.linspace(0, count - 1, min(_PHOTOS, count)).round().astype(int).tolist()
    sample = SomePhotos(dataset, numbers)
    photos, windows, classes = DatasetPhotos(sample), settings.windows, len(dataset.class_names)
    unknown = settings.finished(dataset.class_names, LinearSVMs.none(classes, windows.dim))
    share = count / len(numbers)
    objects = _seconds(lambda: describe_objects(sample, settings, progress=False))

    def draw(index: int) -> Any:
        return random_negatives(photos, index, windows, settings.negatives, classes, settings.seed)

    drawn = _seconds(lambda: [draw(index) for index in range(len(numbers))])
    strict = dataclasses.replace(settings.negatives, hard_above=1e6)  # of SVMs that know nothing all are hard
    scanned = _seconds(lambda: [hard_negatives(photos, i, unknown, strict) for i in range(len(numbers))])
    both = 2 if settings.flip and dataset.flippable else 1
    examples = both * sum(int((~dataset.annotations(i).difficult).sum()) for i in range(count))
    most = min(
        settings.negatives.most,
        count * (settings.negatives.per_photo + settings.rounds * settings.negatives.hard_per_photo),
    )
    row = 4.0 * windows.dim
    rounds = f"{settings.rounds} times {count:,} photos"
    return [
        PartEstimate("objects", objects * share, examples * row, 0.0, f"{examples:,} windows"),
        PartEstimate(
            "random windows",
            drawn * share,
            None,
            min(most, count * settings.negatives.per_photo) * row,
            f"{count:,} photos",
        ),
        PartEstimate("hard negatives", scanned * share * settings.rounds, None, most * row, rounds),
        PartEstimate("SVMs", None, 2 * (examples + most) * row, 0.0, f"{settings.rounds + 1} trainings"),
    ]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# Digits are 28 to 72 pixels high, most half to four fifths as wide. Their strokes are finer than the limbs of
# people, so cells are smaller; and few examples want a larger C. Chosen on the validation scenes.
_SCENES = HogSVMSettings(
    window=(36, 48),
    margin=(6, 6),
    stride=6,
    hog=HogSettings(cell=6),
    pyramid=PyramidSettings(step=1.1, first=0.8, padding=8, aspect_ratios=(0.6, 0.83)),
    svm=WindowSVMSettings(C=0.3, bias_feature=3.0),
    negatives=NegativeSettings(hard_above=-0.5, hard_per_photo=50),
)

HOG_SVM_PRESETS: dict[str, HogSVMSettings] = {
    "paper": HogSVMSettings(),
    "scenes": _SCENES,
    "classroom": dataclasses.replace(_SCENES, pyramid=dataclasses.replace(_SCENES.pyramid, step=1.15)),
    "scenes-quick": dataclasses.replace(
        _SCENES,
        window=(32, 40),
        margin=(4, 4),
        stride=8,
        hog=HogSettings(),
        pyramid=PyramidSettings(step=1.3, padding=8),
        svm=WindowSVMSettings(C=3.0, bias_feature=3.0),
        negatives=NegativeSettings(per_photo=5, hard_above=-0.5, hard_per_photo=10),
    ),
}

add_recipe(
    Recipe(
        "hog-svm",
        HogSVMSettings,
        HOG_SVM_PRESETS,
        train_hog_svm,
        """Train HOG + SVM: oriented gradients in a sliding window, one linear SVM per class.

        Every object is cut out with a margin and stretched to the window; windows without objects are drawn
        at random. SVMs are trained on their histograms of oriented gradients. In each of the rounds that
        follow all windows of all photos are scored, those that are taken for an object and are none are
        added, and the SVMs are trained again. There is no network and nothing is proposed. A round that is
        over is kept.
        """,
        validates=False,  # there are no updates
        estimate=estimate_hog_svm,
    )
)
