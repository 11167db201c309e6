"""Smooth L1 against L2 where some box targets are far off (Fast R-CNN, section 2.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.boxes import box_iou
from minircnn.detectors import FastRCNN, load_detector, save_detector
from minircnn.detectors.running import Outcome
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench, digest
from minircnn.training import FastRCNNSettings, FastRCNNTrainer, LoopSettings, as_json
from minircnn.training.checkpoint import NotFiniteError
from minircnn.training.code_digest import code_digest
from minircnn.training.photo_batches import PhotoBatch
from minircnn.training.run_folder import locked, unless_done

_SHARE, _SIZE = 0.1, 30.0
"""Of the regions whose targets become outliers, and how far off, in standard deviations of the targets."""


class OutlierTrainer(FastRCNNTrainer):
    """Makes some box targets outliers: each of their numbers is far off, up or down."""

    def make_batch(self, iteration: int, rng: np.random.Generator | None = None) -> PhotoBatch:
        """Draw photos and regions, and outliers among their targets."""
        rng = rng or self.state.rng
        batch = super().make_batch(iteration, rng)
        signs = rng.choice(np.array([-1, 1], np.float32), batch.bbox_targets.shape)
        chosen = rng.random(len(signs)) < _SHARE
        off = signs * np.float32(_SIZE) * chosen[:, None]
        return dataclasses.replace(batch, bbox_targets=batch.bbox_targets + off)


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each loss, without and with outliers."""
    found = [
        Row(
            f"{name}-{'outliers' if outliers else 'clean'}",
            f"{title}, {'outliers' if outliers else 'targets as they are'}",
            partial(_measure, bbox_loss=name, outliers=outliers),
        )
        for name, title in (("smooth-l1", "smooth L1"), ("l2", "L2"))
        for outliers in (False, True)
    ]
    return found[1::2] if bench.quick else found


def _measure(bench: Bench, bbox_loss: str, outliers: bool) -> Measurement:
    """Train without a limit on gradients, which would hide how large they become."""
    settings = bench.settings("fast-rcnn", {"bbox_loss": bbox_loss, "solver.clip_norm": None})
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            detector = with_outliers(bench, settings) if outliers else bench.trained(settings)
    except NotFiniteError:
        return Measurement({"map": 0.0, "overlap": 0.0, "diverged": 1.0})
    outcome = bench.run(detector)
    return Measurement(
        {
            "map": evaluate_voc(outcome.detections, outcome.annotations).map,
            "overlap": mean_best_overlap(outcome),
            "diverged": 0.0,
        }
    )


def with_outliers(bench: Bench, settings: FastRCNNSettings) -> FastRCNN:
    """Return the detector of `settings`, trained on targets with outliers, once."""
    key = {
        "settings": as_json(settings),
        "data": bench.fingerprint(bench.train),
        "outliers": [_SHARE, _SIZE],
        "code": code_digest(),
        "weights": bench.weights_digest(),
    }
    folder = bench.folder / "trained" / f"outliers-{digest(key)}"
    model = folder / MODEL_FILE
    unless_done(model.is_file, lambda: _train(bench, settings, folder))
    detector: Any = load_detector(model)
    fast: FastRCNN = detector
    return fast


def _train(bench: Bench, settings: FastRCNNSettings, folder: Path) -> None:
    proposer = settings.proposer()
    proposals = bench.proposals(bench.train, proposer) if proposer else []
    with locked(folder):
        trainer = OutlierTrainer(bench.train, proposals, settings, map_folder=bench.folder / "maps")
        trainer.train(
            LoopSettings(folder=folder, name=settings.detector, resume=True, progress=bench.progress)
        )
        save_detector(folder / MODEL_FILE, trainer.detector(proposer))


def mean_best_overlap(outcome: Outcome) -> float:
    """Return the IoU of objects with the detection of their class that overlaps them most, on average."""
    best: list[float] = []
    for found, truth in zip(outcome.detections, outcome.annotations, strict=True):
        iou = box_iou(truth.boxes, found.boxes)  # (G, D)
        iou = np.where(truth.labels[:, None] == found.labels[None], iou, 0.0)
        best += iou.max(axis=1, initial=0.0)[~truth.difficult].tolist()
    return float(np.mean(best))


add_experiment(
    Experiment(
        name="loss",
        title="Smooth L1 against L2",
        source="Fast R-CNN, section 2.3 and equation 3",
        teaches="What do a few absurd box targets spoil, with smooth L1 and with L2?",
        differs="The paper gives the argument and no figures. Outliers are made: a tenth of the regions is "
        "asked to move by 30 standard deviations. Gradients are not clipped. A training that diverges "
        "detects nothing.",
        columns=[MAP, Column("overlap", "mean best overlap"), Column("diverged", "trainings diverged", 2)],
        rows=rows,
        effects=[
            Effect("smooth L1 instead of L2, targets as they are", "smooth-l1-clean", "l2-clean"),
            Effect("smooth L1 instead of L2, outliers", "smooth-l1-outliers", "l2-outliers"),
            Effect("outliers, smooth L1", "smooth-l1-outliers", "smooth-l1-clean"),
            Effect("outliers, L2", "l2-outliers", "l2-clean"),
            Effect(
                "smooth L1 instead of L2, outliers, boxes", "smooth-l1-outliers", "l2-outliers", "overlap"
            ),
        ],
        minutes=15,
    )
)
