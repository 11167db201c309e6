"""Classes and boxes learnt with one loss, one of them, or in stages (Fast R-CNN, section 5.1, table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minircnn.detectors import FastRCNN
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.training import FastRCNNSettings
from minircnn.training.backbone import ALL_CONVOLUTIONS

_CLASSES_ONLY = {"bbox_loss_weight": 0.0}
"""λ = 0: the box layer keeps its random weights, and is not asked."""

_SLOWER = 0.1
"""Of the rate, for the box layer alone: on features that do not give way the whole rate raises its loss."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each column of the table's third part."""
    return [
        Row("classes-only", "classification only, boxes not moved", _classes_only, {"map": 0.626}),
        Row("unmoved", "multi-task training, boxes not moved", _unmoved, {"map": 0.634}),
        Row("stage-wise", "classification first, then the box layer alone", _stage_wise, {"map": 0.640}),
        Row("multi-task", "multi-task training, boxes moved", _multi_task, {"map": 0.669}),
    ]


def _classes_only(bench: Bench) -> Measurement:
    return _measured(bench, without_offsets(bench.trained(bench.settings("fast-rcnn", _CLASSES_ONLY))))


def _unmoved(bench: Bench) -> Measurement:
    return _measured(bench, without_offsets(bench.trained(bench.settings("fast-rcnn"))))


def _stage_wise(bench: Bench) -> Measurement:
    return _measured(bench, bench.trained(second_stage(bench)))


def second_stage(bench: Bench) -> FastRCNNSettings:
    """Return settings that train the box layer of the network that has learnt classes, and nothing else."""
    first = bench.trained_in(bench.settings("fast-rcnn", _CLASSES_ONLY)) / MODEL_FILE
    detector: Any = bench.trained(bench.settings("fast-rcnn", _CLASSES_ONLY))
    layers = [name for name, layer in detector.network.head.children() if layer.trainable]
    second = {
        "start": str(first),
        "backbone.frozen": (ALL_CONVOLUTIONS, *layers),
        "frozen_outputs": ("cls_score",),
        "keep_maps": True,
        "solver.learning_rate": _SLOWER * bench.settings("fast-rcnn").solver.learning_rate,
    }
    settings: FastRCNNSettings = bench.settings("fast-rcnn", second)
    return settings


def _multi_task(bench: Bench) -> Measurement:
    return _measured(bench, bench.trained(bench.settings("fast-rcnn")))


def without_offsets(detector: Any) -> FastRCNN:
    """Return `detector` with a box layer that leaves every region where it is."""
    for parameter in (detector.network.outputs.bbox_pred.weight, detector.network.outputs.bbox_pred.bias):
        parameter.data = np.zeros_like(parameter.data)
    detector.target_mean = np.zeros_like(detector.target_mean)
    fast: FastRCNN = detector
    return fast


def _measured(bench: Bench, detector: Any) -> Measurement:
    outcome = bench.run(detector)
    found, truth = outcome.detections, outcome.annotations
    return Measurement(
        {"map": evaluate_voc(found, truth).map, "map75": evaluate_voc(found, truth, iou_threshold=0.75).map}
    )


add_experiment(
    Experiment(
        name="multitask",
        title="One loss for classes and boxes",
        source="Fast R-CNN, section 5.1 and table 6",
        teaches="Does learning where with learning what, in one loss, do as well as learning them in stages?",
        differs="Published figures are those of model L (VGG16). The second stage has as many "
        "updates as the first and a tenth of its rate: at the whole rate its loss rises.",
        columns=[MAP, Column("map75", "mAP at IoU 0.75")],
        rows=rows,
        effects=[
            Effect("the box loss, for classes", "unmoved", "classes-only"),
            Effect("boxes moved, trained in stages", "stage-wise", "classes-only"),
            Effect("boxes moved, trained with one loss", "multi-task", "unmoved"),
            Effect("one loss instead of stages", "multi-task", "stage-wise"),
            Effect("one loss instead of stages, strict boxes", "multi-task", "stage-wise", "map75"),
        ],
        minutes=10,
    )
)
