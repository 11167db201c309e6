"""Does knowledge carry over, and what becomes of the old? The lecture's last question, measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.backbones import Backbone
from minircnn.data.single_digits import Task
from minircnn.detectors import load_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.experiments.base import MAP, Column, Curve, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import digit_backbone, digit_images, relative_change
from minircnn.training import BackboneSettings
from minircnn.training.backbone import ALL_CONVOLUTIONS, make_backbone
from minircnn.training.pretraining import HeldOut, load_classifier

MOVED = "‖ΔW‖ / ‖W‖"
"""The curve of how far each layer moves, from the first convolution (1) to fc7."""


@dataclass(frozen=True)
class Tuning:
    """How one row's detector comes about.

    Parameters
    ----------
    title : str
    task : {"digits", "photos"}, optional
        What its backbone has learnt before; None: nothing.
    rate : float
        Learning rate, as a share of the preset's.
    frozen : tuple of str
        Layers that are not tuned.
    """

    title: str
    task: Task | None = None
    rate: float = 1.0
    frozen: tuple[str, ...] = ()


TUNINGS: Mapping[str, Tuning] = {
    "random": Tuning("random weights"),
    "photos": Tuning("from telling photos", "photos"),
    "photos-slow": Tuning("from telling photos, rate × 0.1", "photos", 0.1),
    "digits": Tuning("from telling digits", "digits"),
    "digits-slower": Tuning("from telling digits, rate × 0.3", "digits", 0.3),
    "digits-slow": Tuning("from telling digits, rate × 0.1", "digits", 0.1),
    "digits-frozen-2": Tuning(
        "from telling digits, conv1 and conv2 frozen", "digits", 1.0, ("conv1", "conv2")
    ),
    "digits-frozen": Tuning("from telling digits, convolutions frozen", "digits", 1.0, (ALL_CONVOLUTIONS,)),
}
"""The rows by their names."""

_QUICK = ("random", "photos", "digits", "digits-frozen")
_QUICK_SOLVER = {"solver.iterations": 30, "solver.step": 20}


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each beginning, rate and choice of frozen layers."""
    names = _QUICK if bench.quick else tuple(TUNINGS)
    return [Row(name, TUNINGS[name].title, partial(_measure, tuning=TUNINGS[name])) for name in names]


def _measure(bench: Bench, tuning: Tuning) -> Measurement:
    start = begun_with(bench, tuning)
    path = bench.trained_in(_settings(bench, tuning, start)) / MODEL_FILE
    detector: Any = load_detector(path)
    before = _layers(make_backbone(start, np.random.default_rng(bench.seed)))
    curves = {MOVED: moved(before, _layers(detector.network))}
    values = {"map": bench.evaluate(detector).map}
    if tuning.task is not None and start.weights is not None:
        old = old_accuracies(bench, tuning.task, start.weights, detector)
        values |= dict(zip(("old_before", "old_after"), old, strict=True))
        values["change"] = values["old_after"] - values["old_before"]
    return Measurement(values, curves)


def begun_with(bench: Bench, tuning: Tuning) -> BackboneSettings:
    """Return the backbone that a row's detector begins with."""
    if tuning.task is None:
        return BackboneSettings("tiny")
    return dataclasses.replace(digit_backbone(bench, task=tuning.task), frozen=tuning.frozen or None)


def _settings(bench: Bench, tuning: Tuning, start: BackboneSettings) -> Any:
    settings = bench.settings("fast-rcnn", _QUICK_SOLVER if bench.quick else None)
    # of an ImageNet network a preset may keep the maps
    rate = settings.solver.learning_rate * tuning.rate
    solver = dataclasses.replace(settings.solver, learning_rate=rate)
    return dataclasses.replace(settings, backbone=start, solver=solver, keep_maps=False)


def old_accuracies(bench: Bench, task: Task, weights: str, detector: Any) -> tuple[float, float]:
    """Return the accuracy on the old task's held-out images, before and after the tuning to `detector`.

    The old output was kept aside; afterwards it is put on the features of the detector's network.
    """
    backbone, classifier = load_classifier(weights)
    held_out = HeldOut(digit_images(bench, task=task)[1], backbone.crop_size)
    before = held_out.accuracy(classifier, backbone.normalization)
    classifier.features, classifier.head = detector.network.features, detector.network.head
    return before, held_out.accuracy(classifier, backbone.normalization)


def _layers(network: Backbone | Any) -> Iterator[tuple[str, HostArray]]:
    """Yield name and weight of every layer, from the first convolution to the last fully connected layer."""
    for part in (network.features, network.head):
        for name, parameter in part.named_parameters():
            if name.endswith(".weight"):
                yield name, parameter.data


def moved(before: Iterator[tuple[str, HostArray]], after: Iterator[tuple[str, HostArray]]) -> Curve:
    """Return ‖ΔW‖ / ‖W‖ of the layers one after the other, numbered from 1."""
    pairs = zip(before, after, strict=True)
    return [
        (number, relative_change({name: old}, {name: new}))
        for number, ((name, old), (_, new)) in enumerate(pairs, start=1)
    ]


add_experiment(
    Experiment(
        name="transfer",
        title="What is learnt before, and what is left of it",
        source="The lecture's last question; Fast R-CNN, sections 2.3 and 4.5, has no table of it",
        teaches="What is pre-training worth, related or mismatched, and how much does a high rate forget?",
        differs="Nothing of it is published. The network is the tiny one, whatever others are given. "
        "The old tasks are asked of single digits that are drawn like the scenes' from the training split: "
        "which digit it is (related), or which photo lies behind it (mismatched: the same kind of "
        "pictures and honest labels, but of what detection must ignore). The "
        "old task's output is kept aside and put on the tuned layers. A rate is a share of the preset's. "
        "Where photos are not the scenes', neither old task is related to them.",
        columns=[
            MAP,
            Column("old_before", "old task before"),
            Column("old_after", "old task after"),
            Column("change", "change"),
        ],
        rows=rows,
        effects=[
            Effect("related pre-training", "digits", "random"),
            Effect("mismatched pre-training", "photos", "random"),
            Effect("related against mismatched", "digits", "photos"),
            Effect("forgetting: the full rate, old task", "digits", "digits-slow", "old_after"),
            Effect("forgetting a mismatched task: the full rate", "photos", "photos-slow", "old_after"),
            Effect("freezing the convolutions", "digits-frozen", "digits"),
        ],
        network="the tiny network",
        curve_titles=("layer, from conv1 to fc7", MOVED),
        minutes=20,
        seeds=1,
    )
)
