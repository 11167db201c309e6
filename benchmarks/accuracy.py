"""Training up to an accuracy, ours beside its twin in PyTorch: ``python -m benchmarks.accuracy``.

Both train Fast R-CNN's ``tiny`` network on the built-in scenes, from the same weights, on batches that the
same sampler draws from the same numbers. They take turns, some updates at a time, and so share the machine's
moods; after each turn both are looked at with the same code, which no clock counts. The first turn after
which the mean average precision on validation scenes is as asked ends a side's training. Rounding differs
between the sides, and grows until the networks are different ones; so there are several seeds. Updates agree
but for one thing: where the rate drops, PyTorch scales the old momentum down, too (:class:`minircnn.nn.SGD`
does not).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from cyclopts import App, Parameter

from benchmarks import page
from benchmarks.machine import describe_machine, set_threads
from benchmarks.training import Batch, TorchTwin
from minircnn.cli.output import note
from minircnn.data import Scenes
from minircnn.data.photos import Split
from minircnn.evaluation import evaluate_voc
from minircnn.nn import StepSchedule, clip_gradients
from minircnn.proposals import Proposer, make_proposer
from minircnn.structures import FloatArray
from minircnn.training import FAST_RCNN_PRESETS, FastRCNNSettings, SolverSettings, compute_proposals
from minircnn.training.fast_rcnn import FastRCNNTrainer
from minircnn.training.presets import shortened

TURN = 100
"""Updates between two looks."""
LONGER = 2
"""Times the updates of the preset ``scenes``: what is asked for is to be within reach of every seed."""

app = App(name="python -m benchmarks.accuracy", help=__doc__)


@dataclass
class Side:
    """One that trains: what makes the updates of its turn, and what it took so far.

    Parameters
    ----------
    name : str
    trainer : FastRCNNTrainer
        Draws its batches; after a turn its network has the side's weights.
    update : callable
        Takes the number of the update and makes it.
    """

    name: str
    trainer: FastRCNNTrainer
    update: Callable[[int], None]
    updates: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    looks: list[tuple[int, float, float, float]] = field(default_factory=list)

    @property
    def map(self) -> float:
        """Mean average precision at the last look."""
        return self.looks[-1][-1] if self.looks else 0.0

    def turn(self) -> None:
        """Make the updates of one turn, on the clocks."""
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(self.updates, self.updates + TURN):
            self.update(number)
        self.seconds += time.perf_counter() - wall
        self.cpu_seconds += time.process_time() - cpu
        self.updates += TURN

    def look(self, found: float) -> None:
        """Keep the mean average precision found after the last turn."""
        self.looks.append((self.updates, self.seconds, self.cpu_seconds, found))


def ours(trainer: FastRCNNTrainer) -> Side:
    """Return our own training, as ``minircnn train`` does it but for checkpoints and the log."""
    state, rate, norm = trainer.state, *_schedule(trainer.solver)

    def update(number: int) -> None:
        state.network.zero_grad()
        trainer.step(number)
        clip_gradients(state.network.named_parameters(), norm)
        state.optimizer.lr = rate(number)
        state.optimizer.step()

    return Side("minircnn", trainer, update)


def theirs(trainer: FastRCNNTrainer, layout: torch.memory_format) -> Side:
    """Return the training of the twin."""
    peer, rate, norm = TorchTwin(trainer.network, layout, 1.0), *_schedule(trainer.solver)
    multipliers = [group["lr"] for group in peer.trained]
    weights = [group["params"][0] for group in peer.trained]

    def update(number: int) -> None:
        drawn = trainer.make_batch(number)
        batch = Batch(drawn.images, drawn.rois, drawn.image_index, drawn.labels, drawn.bbox_targets)
        peer.gradients(*peer.inputs(batch))
        torch.nn.utils.clip_grad_norm_(weights, norm)
        for group, multiplier in zip(peer.optimizer.param_groups, multipliers, strict=True):
            group["lr"] = rate(number) * multiplier
        peer.optimizer.step()
        if (number + 1) % TURN == 0:
            peer.hand_over()

    return Side("PyTorch", trainer, update)


def _schedule(solver: SolverSettings) -> tuple[StepSchedule, float]:
    """Return the learning rate by update, and the norm that gradients are clipped at."""
    rate = StepSchedule(solver.learning_rate, solver.gamma, solver.step)
    return rate, solver.clip_norm or float("inf")


class Photos(NamedTuple):
    """Scenes and their proposals."""

    scenes: Scenes
    proposer: Proposer
    proposals: list[FloatArray]

    @classmethod
    def of(cls, split: Split, proposer: Proposer) -> Photos:
        """Return those of a split."""
        scenes = Scenes(split)
        return cls(scenes, proposer, compute_proposals(scenes, proposer, progress=True))


def mean_average_precision(trainer: FastRCNNTrainer, photos: Photos) -> float:
    """Return the mean average precision of a trainer's network on `photos`."""
    detector, scenes = trainer.detector(photos.proposer), photos.scenes
    found = [
        detector.detect(scenes.image(i), proposals=boxes, keep_image=False)
        for i, boxes in enumerate(photos.proposals)
    ]
    return evaluate_voc(found, [scenes.annotations(i) for i in range(len(scenes))]).map


def race(settings: FastRCNNSettings, train: Photos, val: Photos, goal: float) -> list[Side]:
    """Return both sides as they are when each has reached `goal` or made all of its updates."""
    trainers = [FastRCNNTrainer(train.scenes, train.proposals, settings) for _ in range(2)]
    sides = [ours(trainers[0]), theirs(trainers[1], torch.channels_last)]
    while running := [s for s in sides if s.map < goal and s.updates < settings.solver.iterations]:
        for side in running:
            side.turn()
            side.look(mean_average_precision(side.trainer, val))
            note(
                f"seed {settings.seed}, {side.name}: {side.updates:,} updates, "
                f"{side.seconds:.0f} s, mAP {side.map:.3f}"
            )
    return sides


@app.default
def main(
    *,
    goal: float = 0.85,
    seeds: int = 3,
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    threads: int = 2,
) -> None:
    """Train both until they are as good as asked, and print what each took.

    Parameters
    ----------
    goal
        Mean average precision on the 100 validation scenes at IoU 0.5.
    seeds
        How often; each has its own weights and batches.
    json_file
        Also write everything to this file, after each seed.
    threads
        For both sides.
    """
    set_threads(threads)
    preset = FAST_RCNN_PRESETS["scenes"]
    solver, proposer = shortened(preset.solver, LONGER), make_proposer(preset.proposals)
    train, val = Photos.of("train", proposer), Photos.of("val", proposer)
    kept: dict[str, Any] = {"machine": describe_machine(threads), "goal": goal, "trainings": []}
    for seed in range(seeds):
        settings = dataclasses.replace(preset, solver=solver, seed=seed)
        for side in race(settings, train, val, goal):
            kept["trainings"].append({"seed": seed, "name": side.name, "looks": side.looks})
        if json_file is not None:
            json_file.write_text(json.dumps(kept, indent=2) + "\n")
    print(page.accuracy_table(kept))


if __name__ == "__main__":
    app()
