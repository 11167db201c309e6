"""A backbone that has learnt to classify, for experiments that begin with one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from minircnn.arrays import HostArray
from minircnn.data.single_digits import SingleDigits, Task
from minircnn.experiments.bench import Bench, digest
from minircnn.experiments.settings import changed
from minircnn.training import BackboneSettings, as_json
from minircnn.training.code_digest import code_digest
from minircnn.training.pretraining import PRETRAIN_PRESETS, WEIGHTS_FILE, pretrain
from minircnn.training.run_folder import unless_done

PRE_TRAINING = "Where no ImageNet weights are given, the network first learnt to name single digits."
"""What tables say that begin with such a network."""

_QUICK_UPDATES = 8
_QUICK_COUNT = {"learn": 100, "held-out": 20}


def digit_backbone(
    bench: Bench,
    backbone: BackboneSettings | None = None,
    *,
    task: Task = "digits",
) -> BackboneSettings:
    """Return a network pre-trained on single digits, under the bench's seed; trained once and kept.

    Parameters
    ----------
    bench : Bench
    backbone : BackboneSettings, optional
        Which network; default: the tiny one.
    task : {"digits", "photos"}
        What it learns: to tell the digits, or the photos behind them.
    """
    learnt, held_out = digit_images(bench, task=task)
    backbone = BackboneSettings("tiny") if backbone is None else backbone
    fresh = dataclasses.replace(backbone, weights=None, frozen=None)
    settings = changed(PRETRAIN_PRESETS["digits"], {"seed": bench.seed, "backbone": fresh})
    if bench.quick:
        settings = changed(settings, {"solver.iterations": _QUICK_UPDATES})
    key = {"settings": as_json(settings), "data": [repr(learnt), repr(held_out)], "code": code_digest()}
    folder = bench.folder / "pretrained" / f"{task}-{digest(key)}"
    unless_done(
        lambda: (folder / WEIGHTS_FILE).is_file(),
        lambda: pretrain(learnt, settings, folder, held_out=held_out, resume=True, progress=bench.progress),
    )
    return dataclasses.replace(backbone, weights=str(folder / WEIGHTS_FILE))


def with_weights(bench: Bench, backbone: BackboneSettings) -> BackboneSettings:
    """Return `backbone` with weights that have learnt before: its own, else those of single digits."""
    if backbone.weights is not None:
        return backbone
    return dataclasses.replace(backbone, weights=digit_backbone(bench, backbone).weights)


def digit_images(bench: Bench, *, task: Task = "digits") -> tuple[SingleDigits, SingleDigits]:
    """Return the images that the network of :func:`digit_backbone` learns from, and those it is tested on."""
    counts = _QUICK_COUNT if bench.quick else {"learn": None, "held-out": None}
    learnt = SingleDigits("learn", count=counts["learn"], task=task)
    held_out = SingleDigits("held-out", count=counts["held-out"], task=task)
    return learnt, held_out


def relative_change(before: Mapping[str, HostArray], after: Mapping[str, HostArray]) -> float:
    """Return ‖ΔW‖ / ‖W‖ of all weights together."""
    change = sum(float(np.sum(np.square(after[name] - before[name], dtype=np.float64))) for name in before)
    size = sum(float(np.sum(np.square(array, dtype=np.float64))) for array in before.values())
    return float(np.sqrt(change / size))
