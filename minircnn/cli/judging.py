"""What an evaluation measures: the detections in every photo, from a detector or a file, and the objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.cli.detection_files import read_detections
from minircnn.cli.errors import UsageError
from minircnn.cli.output import note
from minircnn.detectors import RegionDetector
from minircnn.detectors.running import Outcome, run_detector
from minircnn.evaluation import JoinedClasses, join_classes, relabel
from minircnn.structures import DetectionDataset
from minircnn.training import compute_proposals


def detect_all(
    detector: RegionDetector[Any],
    dataset: DetectionDataset,
    proposal_folder: Path | None,
    jobs: int,
    workers: int,
) -> Outcome:
    """Run `detector` on every photo, its proposals computed in `jobs` processes and itself in `workers`.

    Raises
    ------
    UsageError
        If proposals are to be kept and the detector makes its own.
    """
    join_classes(detector.class_names, dataset.class_names)  # whether any is shared, before the work
    proposals = None
    if detector.proposer is None:
        refuse_proposal_folder(detector.title, proposal_folder)
    else:
        proposals = compute_proposals(dataset, detector.proposer, folder=proposal_folder, n_jobs=jobs)
    return run_detector(detector, dataset, proposals, n_jobs=workers)


def refuse_proposal_folder(title: str, folder: Path | None) -> None:
    """Raise UsageError where a `folder` is to keep the proposals of a detector that makes its own."""
    if folder is not None:
        raise UsageError(
            f"{title} proposes by itself, so there are no proposals to keep: leave --proposal-folder away"
        )


def read_all(path: Path, whole: DetectionDataset, count: int, split: str | None) -> Outcome:
    """Return the detections in the first `count` photos; those in others may stand in the file, too."""
    found = read_detections(path, whole, split, count)
    return Outcome(found, [whole.annotations(index) for index in range(count)], [], [])


def in_common_classes(outcome: Outcome, dataset: DetectionDataset) -> tuple[JoinedClasses, Outcome]:
    """Return detections and objects with the labels of one tuple of class names: names are the identity."""
    classes = join_classes(outcome.detections[0].class_names, dataset.class_names)
    return classes, replace(
        outcome,
        detections=[relabel(found, classes.names) for found in outcome.detections],
        annotations=[relabel(truth, classes.names) for truth in outcome.annotations],
    )


def of_annotated_classes(outcome: Outcome, classes: JoinedClasses) -> Outcome:
    """Leave out detections of classes that the data set does not have: nobody knows if they are right."""
    last = len(classes.names) - len(classes.absent)
    kept = [found.take(np.flatnonzero(found.labels <= last)) for found in outcome.detections]
    return replace(outcome, detections=kept)


def say_what_is_not_shared(classes: JoinedClasses, data: str) -> None:
    """Note the classes that only the detections or only the data set have."""
    if classes.unknown:
        note(f"unknown to the detector: {', '.join(classes.unknown)}; where they occur, their AP is 0")
    if classes.absent:
        note(f"absent from {data}: {', '.join(classes.absent)}; they are left out of the mean")
