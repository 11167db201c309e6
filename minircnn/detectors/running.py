"""A detector at work on a whole data set, photo by photo, timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import delayed

from minircnn.detectors.base import RegionDetector
from minircnn.progress import progress_bar
from minircnn.structures import Annotations, DetectionDataset, Detections, FloatArray, ImageArray
from minircnn.workers import run_tasks


@dataclass(frozen=True)
class Outcome:
    """What a detector found in a data set, and what it took.

    Parameters
    ----------
    detections, annotations : list, one record per photo
    proposals : list of (R, 4) arrays
    seconds : list of float
        Of detection in each photo.
    with_proposing : bool
        Whether `seconds` hold the time to propose, as the detector did so itself.
    """

    detections: list[Detections]
    annotations: list[Annotations]
    proposals: list[FloatArray]
    seconds: list[float]
    with_proposing: bool = False


def run_detector(
    detector: RegionDetector[Any],
    dataset: DetectionDataset,
    proposals: Sequence[FloatArray] | None,
    *,
    title: str = "detecting",
    n_jobs: int = 1,
    progress: bool = True,
) -> Outcome:
    """Detect in every photo of `dataset`, given the `proposals` of each, in `n_jobs` processes.

    Without them the detector proposes, and the outcome holds what it proposed.
    What is found does not depend on their number; `seconds` do, since processes share the processors.
    """
    given = [None] * len(dataset) if proposals is None else proposals
    found = run_tasks(
        (delayed(_detect)(detector, dataset, index, boxes) for index, boxes in enumerate(given)), n_jobs
    )
    bar = progress_bar(found, show=progress, total=len(dataset), desc=title, unit="photo", delay=1)
    detections, judged, seconds = [], [], []
    for boxes, (result, own, took) in zip(given, bar, strict=True):
        detections.append(result)
        judged.append(own if boxes is None else boxes)  # those given are held already
        seconds.append(took)
    annotations = [dataset.annotations(index) for index in range(len(dataset))]
    return Outcome(detections, annotations, judged, seconds, with_proposing=proposals is None)


def _detect(
    detector: RegionDetector[Any], dataset: DetectionDataset, index: int, proposals: FloatArray | None
) -> tuple[Detections, FloatArray, float]:
    """Detect in one photo, without counting the time to read it; return the regions judged, too."""
    image = dataset.image(index)
    start = time.perf_counter()
    if proposals is None:
        found, proposals = _propose_and_detect(detector, image, dataset.image_ids[index])
    else:
        found = detector.detect(image, proposals=proposals, keep_image=False)
    return found, proposals, time.perf_counter() - start


@np.errstate(over="ignore", invalid="ignore")  # as in detect
def _propose_and_detect(
    detector: RegionDetector[Any], image: ImageArray, image_id: str
) -> tuple[Detections, FloatArray]:
    """Do what ``detect`` does, and return the detector's own proposals, too."""
    view = detector.look(image)
    proposals = detector.propose(view, image_id)
    return detector.decide(view, *detector.judge_in_batches(view, proposals)), proposals
