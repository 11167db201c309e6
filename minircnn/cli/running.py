"""A trained detector at work: loaded from its run, applied to a whole data set, timed."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import delayed

from minircnn.arrays import Device, device_namespace
from minircnn.cli.models import model_file, why_no_detector
from minircnn.detectors import RegionDetector, load_detector
from minircnn.progress import progress_bar
from minircnn.proposals import SelectiveSearch
from minircnn.structures import Annotations, DetectionDataset, Detections, FloatArray, ImageArray
from minircnn.workers import run_tasks


def open_detector(
    model: Path,
    *,
    svd: dict[str, int] | None = None,
    device: Device = "cpu",
    batch: int | None = None,
    max_width: int | None = None,
) -> RegionDetector[Any]:
    """Load a detector by its file, its run's folder or the word 'pretrained', onto `device`.

    Parameters
    ----------
    svd : dict of str to int, optional
        Ranks of the layers to compress.
    batch : int, optional
        Regions judged at once; default: what the file says.
    max_width : int, optional
        Width of photos while proposals are searched; default: what the file says.

    Raises
    ------
    FileNotFoundError
        If there is no finished detector.
    ValueError
        If the batch or the width is below 1, or proposals are not searched.
    """
    path = model_file(model)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {why_no_detector(model)}")
    if batch is not None and batch < 1:
        raise ValueError(f"--batch must be 1 or more, got {batch}")
    if max_width is not None and max_width < 1:
        raise ValueError(f"--max-width must be 1 or more, got {max_width}")
    detector = load_detector(path, svd=svd)
    if max_width is not None:
        if not isinstance(detector.proposer, SelectiveSearch):
            raise ValueError(
                f"--max-width is for selective search; proposals of {path}: {detector.proposal_source}"
            )
        detector.proposer = dataclasses.replace(detector.proposer, max_width=max_width)
    detector.to(device_namespace(device))
    if batch is not None:
        detector.batch = batch
    return detector


def require_score(min_score: float | None) -> None:
    """Refuse a least score that no number can be compared with.

    Raises
    ------
    ValueError
        If it is NaN.
    """
    if min_score is not None and math.isnan(min_score):
        raise ValueError("--min-score must be a number, got nan")


def parse_svd(text: str | None) -> dict[str, int] | None:
    """Read ``fc6=1024,fc7=256``.

    Raises
    ------
    ValueError
        If it reads otherwise, names a layer twice or a rank of 0.
    """
    if text is None:
        return None
    ranks: dict[str, int] = {}
    for part in text.split(","):
        name, rank = (word.strip() for word in part.partition("=")[::2])
        if not name or name in ranks or not rank.isdecimal() or int(rank) < 1:
            raise ValueError(f"--svd must read like fc6=1024,fc7=256, each layer once, got {text!r}")
        ranks[name] = int(rank)
    return ranks


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
) -> Outcome:
    """Detect in every photo of `dataset`, given the `proposals` of each, in `n_jobs` processes.

    Without them the detector proposes, and the outcome holds what it proposed.
    What is found does not depend on their number; `seconds` do, since processes share the processors.
    """
    given = [None] * len(dataset) if proposals is None else proposals
    found = run_tasks(
        (delayed(_detect)(detector, dataset, index, boxes) for index, boxes in enumerate(given)), n_jobs
    )
    bar = progress_bar(found, total=len(dataset), desc=title, unit="photo", delay=1)
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
