"""A trained detector at work: loaded from its run, applied to a whole data set, timed."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed
from tqdm.auto import tqdm

from minircnn.arrays import Device, device_namespace
from minircnn.detectors import RCNN, FastRCNN, load_detector
from minircnn.structures import Annotations, DetectionDataset, Detections, FloatArray
from minircnn.training.run import MODEL_FILE


def open_detector(
    model: Path,
    *,
    svd: dict[str, int] | None = None,
    device: Device = "cpu",
    region_batch: int | None = None,
    crop_batch: int | None = None,
) -> FastRCNN | RCNN:
    """Load a detector from its file or its run's folder, onto `device`.

    Parameters
    ----------
    svd : dict of str to int, optional
        Ranks of the layers to compress.
    region_batch, crop_batch : int, optional
        What bounds the memory of a Fast R-CNN or an R-CNN; default: what the file says.

    Raises
    ------
    FileNotFoundError
        If there is no finished detector.
    ValueError
        If a batch is below 1, or is that of the other kind of detector.
    """
    path = model / MODEL_FILE if model.is_dir() else model
    if not path.is_file():
        hint = (
            "training has not finished: continue it with --resume"
            if model.is_dir()
            else "no such file or folder; minircnn train writes one (its --out)"
        )
        raise FileNotFoundError(f"{path}: {hint}")
    detector = load_detector(path, svd=svd)
    detector.network.to(device_namespace(device))
    return bound_memory(detector, region_batch=region_batch, crop_batch=crop_batch)


def bound_memory(
    detector: FastRCNN | RCNN, *, region_batch: int | None, crop_batch: int | None
) -> FastRCNN | RCNN:
    """Return `detector` with another number of regions or crops at once; None leaves it as it is.

    Raises
    ------
    ValueError
        If the number is below 1, or is that of the other kind of detector.
    """
    for option, value, kind in (
        ("--region-batch", region_batch, FastRCNN),
        ("--crop-batch", crop_batch, RCNN),
    ):
        if value is None:
            continue
        if value < 1:
            raise ValueError(f"{option} must be 1 or more, got {value}")
        if not isinstance(detector, kind):
            other = "--crop-batch" if kind is FastRCNN else "--region-batch"
            raise ValueError(f"{detector_name(detector)} has no {option}: its memory is bounded by {other}")
    if isinstance(detector, FastRCNN):
        return dataclasses.replace(detector, region_batch=region_batch or detector.region_batch)
    warp = dataclasses.replace(detector.warp, crop_batch=crop_batch or detector.warp.crop_batch)
    return dataclasses.replace(detector, warp=warp)


def parse_svd(text: str | None) -> dict[str, int] | None:
    """Read ``fc6=1024,fc7=256``.

    Raises
    ------
    ValueError
        If it reads otherwise.
    """
    if not text:
        return None
    ranks = {}
    for part in text.split(","):
        name, _, rank = part.partition("=")
        if not name.strip() or not rank.strip().isdigit():
            raise ValueError(f"--svd must read like fc6=1024,fc7=256, got {text!r}")
        ranks[name.strip()] = int(rank)
    return ranks


def detector_name(detector: FastRCNN | RCNN) -> str:
    """Return the detector's name as the papers write it."""
    return "Fast R-CNN" if isinstance(detector, FastRCNN) else "R-CNN"


def proposer_name(detector: FastRCNN | RCNN) -> str:
    """Return where the detector's proposals come from, in words: ``Selective search``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(detector.proposer).__name__).capitalize()


def usual_min_score(detector: FastRCNN | RCNN) -> float:
    """Return the score from which a detection is worth showing: probability one half, or the SVM's margin."""
    return 0.5 if isinstance(detector, FastRCNN) else 0.0


@dataclass(frozen=True)
class Outcome:
    """What a detector found in a data set, and what it took.

    Parameters
    ----------
    detections, annotations : list, one record per photo
    proposals : list of (R, 4) arrays
    seconds : list of float
        Of detection in each photo, without proposals.
    """

    detections: list[Detections]
    annotations: list[Annotations]
    proposals: list[FloatArray]
    seconds: list[float]


def run_detector(
    detector: FastRCNN | RCNN,
    dataset: DetectionDataset,
    proposals: Sequence[FloatArray],
    *,
    title: str = "detecting",
    n_jobs: int = 1,
) -> Outcome:
    """Detect in every photo of `dataset`, given the `proposals` of each, in `n_jobs` processes.

    What is found does not depend on their number; `seconds` do, since processes share the processors.
    """
    found: Iterable[tuple[Detections, float]] = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_detect)(detector, dataset, index, boxes) for index, boxes in enumerate(proposals)
    )
    detections, seconds = [], []
    for result, took in tqdm(found, total=len(dataset), desc=title, unit="photo", delay=1):
        detections.append(result)
        seconds.append(took)
    annotations = [dataset.annotations(index) for index in range(len(dataset))]
    return Outcome(detections, annotations, list(proposals), seconds)


def _detect(
    detector: FastRCNN | RCNN, dataset: DetectionDataset, index: int, proposals: FloatArray
) -> tuple[Detections, float]:
    """Detect in one photo, without counting the time to read it."""
    image = dataset.image(index)
    start = time.perf_counter()
    found = detector.detect(image, proposals=proposals)
    return found, time.perf_counter() - start
