"""A trained detector at work: loaded from its run, applied to a whole data set, timed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from minircnn.arrays import Device, device_namespace
from minircnn.detectors import RCNN, FastRCNN, load_detector
from minircnn.structures import Annotations, DetectionDataset, Detections, FloatArray
from minircnn.training.run import MODEL_FILE


def open_detector(
    model: Path, *, svd: dict[str, int] | None = None, device: Device = "cpu"
) -> FastRCNN | RCNN:
    """Load a detector from its file or its run's folder, onto `device`."""
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
    return detector


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
) -> Outcome:
    """Detect in every photo of `dataset`, given the `proposals` of each."""
    detections, seconds = [], []
    for index in tqdm(range(len(dataset)), desc=title, unit="photo", delay=1):
        image = dataset.image(index)
        start = time.perf_counter()
        detections.append(detector.detect(image, proposals=proposals[index]))
        seconds.append(time.perf_counter() - start)
    annotations = [dataset.annotations(index) for index in range(len(dataset))]
    return Outcome(detections, annotations, list(proposals), seconds)
