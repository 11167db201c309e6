"""Scoring and moving boxes again and again (R-CNN, appendix C)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from joblib import delayed

from minircnn.arrays import HostArray, to_host
from minircnn.detectors import select_detections
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import mean_ap, rcnn_settings, svm_scores, tuned_rcnn
from minircnn.structures import DetectionDataset, Detections
from minircnn.training import as_json
from minircnn.workers import run_tasks

_MOST = 3
_NOT_THIS_CLASS = -1e30
"""A score below any least score."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each number of regressions, from none on."""
    words = {0: "regions as they were proposed", 1: "moved once (paper)"}
    return [
        Row(
            f"moved-{times}",
            words.get(times, f"scored and moved {times} times"),
            partial(_measure, times=times),
            {0: {"map": 0.542}, 1: {"map": 0.585}}.get(times, {}),
            times,
        )
        for times in range(_MOST + 1)
    ]


def _measure(bench: Bench, times: int) -> Measurement:
    if times == 0:
        tuned = tuned_rcnn(bench)
        scores = svm_scores(tuned.detector.svms, tuned.test)
        return Measurement({"map": mean_ap(bench, tuned.test, scores, tuned.settings.postprocess)})
    found = _unpacked(_found(bench, times), bench)
    return Measurement({"map": evaluate_voc(found, bench.annotations(bench.test)).map})


def _found(bench: Bench, times: int) -> HostArray:
    """Return what is found when boxes are moved so many times, (n, 7): photo, label, score and box."""
    settings = rcnn_settings(bench)
    key = {
        "moved": times,
        "settings": as_json(settings),
        "data": [bench.fingerprint(data) for data in (bench.train, bench.test)],
    }

    def compute() -> HostArray:
        detector: Any = bench.trained(settings)
        if times == 1:
            return _packed(bench.run(detector).detections)
        before = _unpacked(_found(bench, times - 1), bench)
        tasks = (delayed(_again)(detector, bench.test, photo, own) for photo, own in enumerate(before))
        return _packed(list(run_tasks(tasks, bench.jobs)))

    return bench.kept_array(key, compute)


def _again(detector: Any, dataset: DetectionDataset, photo: int, found: Detections) -> Detections:
    """Score and move the boxes of `found` once more, each for its own class, and suppress as before."""
    image = dataset.image(photo)
    large = ((found.boxes[:, 2:] - found.boxes[:, :2]) >= 1).all(axis=1)  # others have no pixel to look at
    boxes, labels = found.boxes[large], found.labels[large]
    scores, moved = (to_host(a) for a in detector.judge_in_batches(detector.look(image), boxes))
    own = np.arange(1, scores.shape[1] + 1) == labels[:, None]  # (R, K)
    scores = np.where(own, scores, np.float32(_NOT_THIS_CLASS))
    return select_detections(scores, moved, image.shape[:2], found.class_names, detector.postprocess)


def _packed(detections: Sequence[Detections]) -> HostArray:
    parts = [
        np.column_stack([np.full(len(d.scores), photo), d.labels, d.scores, d.boxes])
        for photo, d in enumerate(detections)
    ]
    return np.concatenate(parts)


def _unpacked(packed: HostArray, bench: Bench) -> list[Detections]:
    names = bench.train.class_names
    found = []
    for photo in range(len(bench.test)):
        own = packed[packed[:, 0] == photo]
        boxes, scores = own[:, 3:].astype(np.float32), own[:, 2].astype(np.float32)
        found.append(Detections(boxes, scores, own[:, 1].astype(np.int64), names))
    return found


add_experiment(
    Experiment(
        name="bbox-iterations",
        title="Iterated box regression",
        source="R-CNN, appendix C; table 2 for none and one",
        teaches="A box that was moved could be scored and moved again: does that help?",
        differs=(
            f"{PRE_TRAINING} From the second time on, the boxes that are moved are those that survived the "
            "suppression of the time before."
        ),
        columns=[MAP],
        rows=rows,
        effects=[
            Effect("once", "moved-1", "moved-0"),
            Effect("a second time", "moved-2", "moved-1"),
            Effect("a third time", "moved-3", "moved-2"),
        ],
        x_title="times that boxes were moved",
        minutes=18,
    )
)
