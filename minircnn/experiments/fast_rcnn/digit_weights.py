"""Weights of a small network that has learnt to tell single digits: where ImageNet's are missing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from minircnn.backbones import Backbone, build_backbone
from minircnn.data.digits import all_digits, digit_samples, render_digit
from minircnn.experiments.bench import Bench, digest
from minircnn.nn import SGD, Linear, StepSchedule, clip_gradients, softmax_cross_entropy
from minircnn.progress import progress_bar
from minircnn.structures import FloatArray, IntArray
from minircnn.training import BackboneSettings, as_json
from minircnn.training.code_digest import code_digest
from minircnn.weights import write_weights

_UPDATES, _BATCH, _RATE, _CLIP = 250, 32, 0.03, 5.0


def digit_weights(bench: Bench, settings: BackboneSettings) -> Path:
    """Return the file of the weights of a backbone that was trained as a classifier of digits, once."""
    updates = 3 if bench.quick else max(1, round(_UPDATES * bench.updates))
    recipe = [updates, _BATCH, _RATE, _CLIP, bench.seed, code_digest()]
    path = bench.folder / "weights" / f"digits-{digest([as_json(settings), recipe])}.npz"
    if not path.is_file():
        backbone = _trained(settings, bench.seed, updates, progress=bench.progress)
        arrays = {name: parameter.data for name, parameter in backbone.named_parameters()}
        noted = {"backbone": settings.name, "normalization": dataclasses.asdict(backbone.normalization)}
        write_weights(path, arrays, noted)
    return path


def _trained(settings: BackboneSettings, seed: int, updates: int, *, progress: bool) -> Backbone:
    rng = np.random.default_rng(seed)
    backbone = build_backbone(settings.name, rng=rng, **settings.options)
    scores = Linear(backbone.feature_dim, 10, rng=rng)
    backbone.train()
    named = [*backbone.named_parameters(), *scores.named_parameters("scores.")]
    optimizer, rate = SGD(named, lr=_RATE), StepSchedule(_RATE, 0.1, max(1, round(0.7 * updates)))
    for update in progress_bar(range(updates), show=progress, desc="pre-training"):
        crops, labels = crops_of_digits(_BATCH, backbone.crop_size, rng)
        _, dy = softmax_cross_entropy(scores(backbone.forward(backbone.normalization.apply(crops))), labels)
        dy = backbone.last_pool.backward(backbone.head.backward(scores.backward(dy)))
        backbone.features.backward(dy)
        clip_gradients(named, _CLIP)
        optimizer.lr = rate(update)
        optimizer.step()
        for _, parameter in named:
            parameter.grad = None
    return backbone


def crops_of_digits(count: int, size: int, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Draw single digits of the training scenes' writers, dark on light paper.

    Returns
    -------
    crops : (count, size, size, 3) float array, 0..255
    labels : (count,) int array, 0..9
    """
    samples, targets = all_digits()
    chosen = rng.choice(digit_samples("train"), count)
    crops = np.empty((count, size, size, 3), dtype=np.float32)
    for crop, sample in zip(crops, samples[chosen], strict=True):
        height, width = (round(size * share) for share in rng.uniform((0.6, 0.4), (0.85, 0.75)))
        coverage = render_digit(sample, height, width)[:size, :size, None]  # (h, w, 1)
        paper, ink = rng.uniform(155, 255, 3), rng.uniform(0, 100, 3)
        top, left = (rng.integers(size - side + 1) for side in coverage.shape[:2])
        crop[:] = paper
        window = crop[top : top + coverage.shape[0], left : left + coverage.shape[1]]
        window += coverage * (ink - window)
    return crops, targets[chosen]
