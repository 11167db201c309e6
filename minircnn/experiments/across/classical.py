"""Detectors of 2001 to 2015 on the same photos: how many regions they judge, how long, how well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn.detectors import DETECTORS
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import TIMED_PHOTOS, Bench
from minircnn.heads.cascade import scan
from minircnn.imaging import as_grey
from minircnn.structures import DetectionDataset, ImageArray
from minircnn.training import RECIPES

_COUNTED_PHOTOS = 10

_PUBLISHED: dict[str, Mapping[str, float]] = {  # VOC 2007, VGG16 (Fast R-CNN, table 4; Faster R-CNN, table 3)
    "rcnn": {"map": 0.660},
    "sppnet": {"map": 0.631},
    "fast-rcnn": {"map": 0.669},
    "faster-rcnn": {"map": 0.699},
}

_ORDER = ("viola-jones", "hog-svm", "bag-of-words", "rcnn", "sppnet", "fast-rcnn", "faster-rcnn")

_NOT_QUICK = ("bag-of-words", "sppnet")
"""Measured as the others are, so the quick form does without their trainings."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each detector with settings for these photos, in the order of their invention."""
    return [
        Row(name, DETECTORS[name].title, partial(_measure, name=name), _PUBLISHED.get(name, {}))
        for name in _ORDER
        if bench.preset in RECIPES[name].presets and not (bench.quick and name in _NOT_QUICK)
    ]


def _measure(bench: Bench, name: str) -> Measurement:
    detector = bench.trained(bench.settings(name))
    outcome = bench.run(detector)
    if name in _SCANNED:
        windows = _few(bench.test, partial(_SCANNED[name], detector))
    else:
        windows = float(np.mean([len(boxes) for boxes in outcome.proposals]))
    return Measurement(
        {
            "map": evaluate_voc(outcome.detections, outcome.annotations).map,
            "windows": windows,
            "passes": detector.passes(windows),
            "seconds": bench.seconds_a_photo(detector, proposing=True),
        }
    )


def _few(dataset: DetectionDataset, figure: Callable[[ImageArray], float]) -> float:
    """Return the mean of a figure of the first photos."""
    count = min(_COUNTED_PHOTOS, len(dataset))
    return float(np.mean([figure(dataset.image(index)) for index in range(count)]))


def _hog_windows(detector: Any, image: ImageArray) -> float:
    """Return how many windows a filter weighs on all levels."""
    grids = [detector.windows.grid(level) for level in detector.windows.levels(image)]
    return float(sum(rows * columns for rows, columns in grids))


def _cascade_windows(detector: Any, image: ImageArray) -> float:
    """Return how many windows the first stage of a cascade judges; each class has one."""
    return float(scan(as_grey(image), detector.cascades[0], detector.scan_settings).left[0])


_SCANNED: dict[str, Callable[[Any, ImageArray], float]] = {
    "viola-jones": _cascade_windows,
    "hog-svm": _hog_windows,
}
"""How many windows there are, for detectors that scan: they hand on only those that score well."""


add_experiment(
    Experiment(
        name="classical",
        title="From windows to proposals to one network",
        source="Fast R-CNN, table 4; Faster R-CNN, table 3; R-CNN, tables 1 and 2",
        teaches="What did learnt features, proposed regions and shared maps each bring?",
        differs=(
            "No paper ran all of these on the same photos. The published mAP are those of VGG16 on VOC 2007; "
            "for HOG the effect quotes DPM v5, whose parts ours lacks, and for the bag of words the UVA "
            "system on VOC 2010. Windows are those that the filter or cascade of one class looks at. Times "
            f"are those of one process on {TIMED_PHOTOS} photos, proposals included. Detectors without "
            "settings for these photos are left out."
        ),
        columns=[
            MAP,
            Column("windows", "windows or regions judged/photo", 0),
            Column("passes", "CNN passes/photo", 0),
            Column("seconds", "s/photo", 3, "time"),
        ],
        rows=rows,
        effects=[
            # 58.5 against 33.7 on VOC 2007; 53.7 against 35.1 on VOC 2010 (both R-CNN, with box regression)
            Effect("learnt features instead of HOG", "rcnn", "hog-svm", published=0.248),
            Effect("learnt features instead of visual words", "rcnn", "bag-of-words", published=0.186),
            Effect("one training instead of parts", "fast-rcnn", "sppnet"),
            Effect("proposals by the network itself", "faster-rcnn", "fast-rcnn"),
            Effect("regions instead of windows", "rcnn", "hog-svm", "windows", ratio=True, exact=True),
            Effect("R-CNN against Fast R-CNN, time", "rcnn", "fast-rcnn", "seconds", ratio=True),
        ],
        minutes=12,
        seeds=1,
    )
)
