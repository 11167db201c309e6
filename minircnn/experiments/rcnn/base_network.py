"""The network before fine-tuning: ImageNet's where its weights are given, else one that learnt single digits.

R-CNN begins with a classifier of whole pictures. Without published weights that step is taken here: the
backbone learns to name the digit in square pictures of one digit each, from other scenes than those of the
experiment. It sees no background without a digit, no box that lies badly, and nothing warped.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np

from minircnn.arrays import to_host
from minircnn.backbones import Backbone
from minircnn.data import Scenes
from minircnn.detectors import RCNNNetwork
from minircnn.experiments.bench import Bench, digest, shortened
from minircnn.imaging import warp_regions
from minircnn.structures import ImageArray, IntArray
from minircnn.training import BackboneSettings, LoopSettings, SolverSettings, as_json, train_loop
from minircnn.training.backbone import make_backbone
from minircnn.training.checkpoint import start_training
from minircnn.training.code_digest import code_digest, digest_of_files
from minircnn.training.linear_parts import classification_gradients
from minircnn.training.rcnn import warping_of
from minircnn.weights.record import write_weights

logger = logging.getLogger("minircnn")

OTHER_SCENES = 1000
"""Added to the seed: the pictures come from scenes that no experiment sees."""

PRE_TRAINING = "Where no ImageNet weights are given, the network first learnt to name single digits."
"""What tables say that begin with such a network."""

_SCENES, _QUICK_SCENES = 300, 20
_PICTURES, _QUICK_PICTURES = 64, 16
"""Of one update."""
_SOLVER = SolverSettings(iterations=300, learning_rate=0.03, step=225, clip_norm=10.0)


def base_backbone(bench: Bench) -> BackboneSettings:
    """Return the backbone of the bench's R-CNN with pre-trained weights, made first where it names none."""
    settings = bench.settings("rcnn")
    chosen: BackboneSettings = settings.backbone
    if chosen.weights is not None:
        return chosen
    solver = shortened(_SOLVER, bench.updates)
    count = _QUICK_SCENES if bench.quick else _SCENES
    key = {"backbone": as_json(chosen), "solver": as_json(solver), "scenes": count, "seed": bench.seed}
    code = [code_digest(), digest_of_files([Path(__file__)])]
    folder = bench.folder / "pretrained" / digest({**key, "code": code})
    path = folder / "weights.safetensors"
    if not path.is_file():
        rng = np.random.default_rng(bench.seed)
        backbone = make_backbone(chosen, rng)
        size = warping_of(settings, backbone).crop_size
        _learn_digits(bench, backbone, solver, rng, *_pictures(backbone, size, count, bench.seed), folder)
        arrays = {name: to_host(parameter.data) for name, parameter in backbone.named_parameters()}
        normalization = dataclasses.asdict(backbone.normalization)
        write_weights(path, arrays, {"backbone": chosen.name, "normalization": normalization})
    return dataclasses.replace(chosen, weights=str(path))


def _pictures(backbone: Backbone, size: int, count: int, seed: int) -> tuple[ImageArray, IntArray]:
    """Return square pictures (n, size, size, 3) of one digit each, and their labels."""
    scenes = Scenes("train", count=count, seed=OTHER_SCENES + seed)
    fill = backbone.normalization.fill
    pictures, labels = [], []
    for index in range(count):
        marked = scenes.annotations(index)
        crops = warp_regions(
            scenes.image(index),
            marked.boxes,
            size,
            context=round(16 * size / 227),
            fill=fill,
            mode="square_with_context",
        )
        pictures.append(np.rint(crops).astype(np.uint8))
        labels.append(marked.labels)
    return np.concatenate(pictures), np.concatenate(labels)


def _learn_digits(
    bench: Bench,
    backbone: Backbone,
    solver: SolverSettings,
    rng: np.random.Generator,
    pictures: ImageArray,
    labels: IntArray,
    folder: Path,
) -> None:
    """Train `backbone` to tell the `labels` of `pictures`; a training that was stopped goes on."""
    network = RCNNNetwork(backbone, len(Scenes.class_names), rng=rng)  # its column of background stays idle
    state = start_training(network, solver, rng, "cpu")

    def step(iteration: int) -> dict[str, float]:
        chosen = state.rng.integers(len(labels), size=_QUICK_PICTURES if bench.quick else _PICTURES)
        inputs = backbone.normalization.apply(pictures[chosen])
        return classification_gradients(network, network.logits, labels[chosen], inputs)

    logger.info("%s: pre-training on %d pictures of one digit", backbone.name, len(labels))
    loop = LoopSettings(folder, "pre-training", resume=True, progress=bench.progress)
    train_loop(step, state, solver=solver, loop=loop, settings=as_json(solver))
