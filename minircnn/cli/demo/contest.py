"""The demonstration's contest: each detector trained, measured and timed on the same photos."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import Device
from minircnn.cli.output import note
from minircnn.cli.running import open_detector
from minircnn.data.opening import FirstPhotos
from minircnn.detectors import DETECTORS, RegionDetector
from minircnn.detectors.running import Outcome, run_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import ProposalResult, VocResult, evaluate_voc, proposal_recall
from minircnn.files import read_json, write_text
from minircnn.progress import progress_bar
from minircnn.proposals import Proposer, SlidingWindow
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training import DetectorSettings, as_json, compute_proposals, read_log, train
from minircnn.training.log import log_file
from minircnn.training.old_runs import adopt_old_run, read_settings
from minircnn.training.same_run import changed_settings

_TIMED_PHOTOS = 10

WINDOWS = SlidingWindow(sizes=(22, 31, 44, 62), aspect_ratios=(0.4, 0.7), relative_stride=0.25)
"""Windows for the scenes: they cover the digits as well as selective search does (recall 0.97 at IoU 0.5)."""


@dataclass(frozen=True)
class Trained:
    """A detector that was trained, now or by an earlier call.

    Parameters
    ----------
    detector : RegionDetector
    folder : Path
        Of its run.
    seconds : float
        Wall-clock time of training, without the proposals.
    log : list of dict
        Losses by iteration.
    """

    detector: RegionDetector[Any]
    folder: Path
    seconds: float
    log: list[dict[str, float]]


def train_or_reuse(
    dataset: DetectionDataset,
    settings: DetectorSettings,
    folder: Path,
    *,
    proposals: Path,
    resume: bool,
    device: Device,
    jobs: int,
) -> Trained:
    """Train in `folder`; with `resume` continue what was stopped, or take what was finished.

    A detector that runs on the CPU alone is trained there, whatever the `device`.

    Raises
    ------
    ValueError
        If what is there was trained with other settings.
    """
    adopt_old_run(folder)
    took, log = folder / "seconds.json", log_file(folder, settings.detector)
    if resume:
        _require_same_settings(folder, settings)
    seconds = _read_seconds(took) if resume and (folder / MODEL_FILE).is_file() else None
    if not DETECTORS[settings.detector].on_gpu:
        device = "cpu"
    if seconds is None:
        before = sum(line.get("seconds", 0.0) for line in read_log(log)) if resume else 0.0
        run = train(
            dataset,
            settings,
            folder,
            resume=resume,
            device=device,
            n_jobs=jobs,
            proposal_folder=proposals,
        )
        seconds = before + run.seconds["training"]
        write_text(took, json.dumps({"seconds": seconds}) + "\n")
    else:
        note(f"taking the finished detector of {folder}")
    return Trained(open_detector(folder, device=device), folder, seconds, read_log(log))


def _read_seconds(took: Path) -> float | None:
    """Return how long a training took; None where that is not known, so that the training is asked again."""
    try:
        stored = read_json(took)
        seconds = float(stored["seconds"] if isinstance(stored, dict) else stored)  # version 0.1.0: a number
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return seconds if 0 <= seconds < math.inf else None


def _require_same_settings(folder: Path, settings: DetectorSettings) -> None:
    """Refuse to take the quick detectors for the others, or those of another seed."""
    stored, now = read_settings(folder), as_json(settings)
    # a width that no scene has may differ: old runs had none
    changed = changed_settings(stored, now, stored.keys() & now.keys() - {"proposals.max_width"})
    if changed:
        raise ValueError(
            f"{folder} was trained otherwise ({next(iter(changed.values()))}): "
            "add or leave --quick and --seed as then, or name another folder with --out"
        )


@dataclass(frozen=True)
class Contestant:
    """One row of the comparison.

    Parameters
    ----------
    name : str
    detector : RegionDetector
    dataset : DetectionDataset
        The photos it was measured on.
    outcome : Outcome
    result : VocResult
    recall : ProposalResult
        Of the boxes it judged.
    training_seconds : float or None
        None where nothing was trained.
    proposal_seconds : float
        Per photo, in one process; 0 where the detector makes its own.
    passes : float
        Times the convolutional layers ran, per photo.
    """

    name: str
    detector: RegionDetector[Any]
    dataset: DetectionDataset
    outcome: Outcome
    result: VocResult
    recall: ProposalResult
    training_seconds: float | None
    proposal_seconds: float
    passes: float

    @property
    def is_given(self) -> bool:
        """Whether its boxes come from outside, and its time is without them."""
        return not self.outcome.with_proposing

    @property
    def detect_seconds(self) -> float:
        """Mean time of a photo, without proposals unless the detector makes its own."""
        return float(np.mean(self.outcome.seconds))

    def to_record(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {
            "name": self.name,
            "photos": len(self.dataset),
            "map": self.result.map,
            "training_seconds": self.training_seconds,
            "seconds_per_photo": self.detect_seconds + self.proposal_seconds,
            "seconds_per_photo_without_proposals": self.detect_seconds if self.is_given else None,
            "boxes_per_photo": self.recall.num_proposals,
            "box_recall": self.recall.recall[0],
            "cnn_passes_per_photo": self.passes,
        }

    def first(self, count: int) -> Contestant:
        """Return the same, measured on the first `count` photos only."""
        outcome = dataclasses.replace(
            self.outcome,
            detections=self.outcome.detections[:count],
            annotations=self.outcome.annotations[:count],
            proposals=self.outcome.proposals[:count],
            seconds=self.outcome.seconds[:count],
        )
        return dataclasses.replace(
            self,
            name=f"{self.name}, same photos",
            dataset=FirstPhotos(self.dataset, count),
            outcome=outcome,
            result=evaluate_voc(outcome.detections, outcome.annotations),
            recall=proposal_recall(outcome.proposals, outcome.annotations),
            passes=_passes(self.detector, outcome.proposals),
        )


def measure(
    name: str,
    detector: RegionDetector[Any],
    dataset: DetectionDataset,
    proposals: Sequence[FloatArray] | None,
    *,
    training_seconds: float | None,
    proposal_seconds: float,
) -> Contestant:
    """Run `detector` on every photo, given the boxes to judge or None, and measure what it finds."""
    outcome = run_detector(detector, dataset, proposals, title=name)
    return Contestant(
        name,
        detector,
        dataset,
        outcome,
        evaluate_voc(outcome.detections, outcome.annotations),
        proposal_recall(outcome.proposals, outcome.annotations),
        training_seconds,
        proposal_seconds,
        _passes(detector, outcome.proposals),
    )


def measure_windows(trained: Trained, dataset: DetectionDataset) -> Contestant:
    """Let a trained detector judge every window instead of the proposals."""
    detector = copy.copy(trained.detector)
    detector.proposer = WINDOWS
    boxes = compute_proposals(dataset, WINDOWS, n_jobs=1, progress=False)
    return measure(
        "sliding window",
        detector,
        dataset,
        boxes,
        training_seconds=None,
        proposal_seconds=seconds_to_propose(WINDOWS, dataset),
    )


def seconds_to_propose(proposer: Proposer, dataset: DetectionDataset) -> float:
    """Return the mean time of proposing in a photo, in this process alone."""
    count = min(_TIMED_PHOTOS, len(dataset))
    images = [dataset.image(index) for index in range(count)]
    start = time.perf_counter()
    for image in progress_bar(images, desc="timing proposals", unit="photo", delay=1):
        proposer.propose(image)
    return (time.perf_counter() - start) / count


def _passes(detector: RegionDetector[Any], proposals: Sequence[FloatArray]) -> float:
    """Return how often the convolutional layers run per photo, on average."""
    return float(np.mean([detector.passes(len(boxes)) for boxes in proposals]))
