"""From which layer on a network should be fine-tuned (Fast R-CNN, section 4.5, table 5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn.backbones import build_backbone
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING, relative_change, with_weights
from minircnn.nn import MaxPool2d, Sequential
from minircnn.training import BackboneSettings, FastRCNNSettings
from minircnn.training.backbone import ALL_CONVOLUTIONS, make_backbone
from minircnn.training.log import log_file, read_log

_PUBLISHED = {"blocks-2": 0.672, "blocks-3": 0.669, "fc": 0.614}
"""VGG16 from conv2_1, conv3_1 and fc6 on."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each block of convolutions that fine-tuning can begin at, and for none of them."""
    chosen: BackboneSettings = bench.settings("fast-rcnn").backbone
    blocks = blocks_of(build_backbone(chosen.name, **chosen.options).features)
    found = [
        (f"blocks-{number}", f"{block[0]} and up", sum(blocks[: number - 1], ()))
        for number, block in enumerate(blocks, start=1)
    ]
    if bench.quick:
        found = [found[0], found[-1]]
    found.append(("fc", "fully connected layers only", (ALL_CONVOLUTIONS,)))
    own = [
        Row(name, title, partial(_fine_tuned, frozen=frozen), _row_figures(name))
        for name, title, frozen in found
    ]
    if chosen.weights is None:
        own.insert(0, Row("random", "all, from random weights", _from_random))
    return own


def _row_figures(name: str) -> dict[str, float]:
    return {"map": _PUBLISHED[name]} if name in _PUBLISHED else {}


def blocks_of(features: Sequential) -> list[tuple[str, ...]]:
    """Return the names of the convolutions from one max pooling to the next."""
    blocks: list[tuple[str, ...]] = [()]
    for name, layer in features.children():
        if isinstance(layer, MaxPool2d):
            blocks.append(())
        elif layer.trainable:
            blocks[-1] += (name,)
    return [block for block in blocks if block]


def tuning(bench: Bench, frozen: tuple[str, ...]) -> FastRCNNSettings:
    """Return settings that train all but the `frozen` layers of a network that has learnt before."""
    backbone: BackboneSettings = bench.settings("fast-rcnn").backbone
    changes: dict[str, Any] = {
        "backbone.weights": with_weights(bench, backbone).weights,
        "backbone.frozen": frozen,
        "keep_maps": ALL_CONVOLUTIONS in frozen,
    }
    settings: FastRCNNSettings = bench.settings("fast-rcnn", changes)
    return settings


def _fine_tuned(bench: Bench, frozen: tuple[str, ...]) -> Measurement:
    return _measured(bench, tuning(bench, frozen))


def _from_random(bench: Bench) -> Measurement:
    return _measured(bench, bench.settings("fast-rcnn"))


def _measured(bench: Bench, settings: FastRCNNSettings) -> Measurement:
    folder = bench.trained_in(settings)
    detector: Any = bench.trained(settings)
    backbone = make_backbone(settings.backbone, np.random.default_rng(settings.seed))  # as training began
    outcome = bench.run(detector)
    frozen = sum(p.data.size for _, p in backbone.features.named_parameters() if not p.trainable)
    total = sum(p.data.size for _, p in detector.network.named_parameters())
    updates = [line["seconds"] for line in read_log(log_file(folder, settings.detector))]
    return Measurement(
        {
            "map": evaluate_voc(outcome.detections, outcome.annotations).map,
            "trained": float(total - frozen),
            "moved": relative_change(backbone.features.state_dict(), detector.network.features.state_dict()),
            "seconds": float(np.median(updates)),
        }
    )


add_experiment(
    Experiment(
        name="frozen-layers",
        title="Which layers to fine-tune",
        source="Fast R-CNN, section 4.5 and table 5",
        teaches="Is it enough to train fully connected layers, and which convolutions need training?",
        differs=f"Published figures are those of model L (VGG16), from conv2_1, conv3_1 and fc6 on. "
        f"Blocks of convolutions end at a max pooling. {PRE_TRAINING}",
        columns=[
            MAP,
            Column("trained", "weights trained", 0, "exact"),
            Column("moved", "‖ΔW‖/‖W‖ of the convolutions"),
            Column("seconds", "s/update", 4, "time"),
        ],
        rows=rows,
        effects=[
            Effect("convolutions fine-tuned, from the third block on", "blocks-3", "fc"),
            Effect("the second block, too", "blocks-2", "blocks-3"),
            Effect("the first block, too", "blocks-1", "blocks-2"),
            Effect("pre-training on single digits", "blocks-1", "random"),
            Effect("an update of all layers, time", "blocks-1", "fc", "seconds", ratio=True),
        ],
        minutes=14,
    )
)
