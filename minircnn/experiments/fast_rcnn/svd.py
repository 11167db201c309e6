"""Faster fully connected layers by truncated SVD (Fast R-CNN, sections 3.1 and 4.4, figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from minircnn.detectors import load_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.nn import Linear, Module

_SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625)


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each rank, as a share of the layers' own."""
    return [
        Row(
            f"rank-{share:g}",
            "full" if share == 1 else f"rank 1/{round(1 / share)}",
            partial(_measure, share=share),
            {1.0: {"map": 0.669, "seconds": 0.32}, 0.25: {"map": 0.666, "seconds": 0.22}}.get(share, {}),
            share,
        )
        for share in _SHARES
    ]


def _measure(bench: Bench, share: float) -> Measurement:
    path = bench.trained_in(bench.settings("fast-rcnn")) / MODEL_FILE
    ranks = {} if share == 1 else _ranks(load_detector(path), share)
    detector: Any = load_detector(path, svd=ranks or None)
    outcome = bench.run(detector)
    return Measurement(
        {
            "map": evaluate_voc(outcome.detections, outcome.annotations).map,
            "weights": float(_weights(detector.network.head)),
            "seconds": bench.seconds_a_photo(detector),
        }
    )


def _layers(head: Module) -> dict[str, Linear]:
    return {name: layer for name, layer in head.children() if isinstance(layer, Linear)}


def _ranks(detector: Any, share: float) -> dict[str, int]:
    """Return this share of the largest rank that each fully connected layer can have."""
    shapes = {name: layer.weight.data.shape for name, layer in _layers(detector.network.head).items()}
    return {name: max(1, round(share * min(shape))) for name, shape in shapes.items()}


def _weights(head: Module) -> int:
    return sum(parameter.data.size for name, parameter in head.named_parameters() if name.endswith("weight"))


add_experiment(
    Experiment(
        name="svd",
        title="Truncated SVD of the fully connected layers",
        source="Fast R-CNN, section 4.4 and figure 2",
        teaches="How much of the fully connected layers is needed, and what is saved without the rest?",
        differs="Published figures are those of model L (VGG16). "
        "Shares of the rank of our narrow layers; the paper keeps 1,024 of 4,096 in fc6, 256 in fc7.",
        columns=[
            MAP,
            Column("weights", "weights of fc6, fc7", 0, "exact"),
            Column("seconds", "s/photo without proposals", 4, "time"),
        ],
        rows=rows,
        effects=[
            Effect("a quarter of the rank", "rank-0.25", "rank-1"),
            Effect("a sixteenth of the rank", "rank-0.0625", "rank-1"),
            Effect("a quarter of the rank, time", "rank-0.25", "rank-1", "seconds", ratio=True),
        ],
        x_title="share of the rank",
        minutes=6,
    )
)
