"""The training loop that all networks share: update, log, checkpoint, stop and go on."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.interrupts import interrupt_flag
from minircnn.nn import StepSchedule, clip_gradients
from minircnn.profiling import stage
from minircnn.progress import progress_bar
from minircnn.training.checkpoint import (
    CheckpointClock,
    NotFiniteError,
    TrainingState,
    load_checkpoint,
    require_finite,
    save_checkpoint,
)
from minircnn.training.fingerprint import DataFingerprint
from minircnn.training.log import append_log, trim_log
from minircnn.training.old_runs import CHECKPOINT_ENDING
from minircnn.training.settings import SolverSettings

Step = Callable[[int], Mapping[str, float]]
"""Computes losses and gradients of the given iteration and returns the losses by name."""


@dataclass(frozen=True)
class LoopSettings:
    """Where and how often the loop writes.

    Parameters
    ----------
    folder : Path or None
        Receives ``NAME.checkpoint.safetensors`` and ``NAME.log.jsonl``; None writes nothing.
    name : str
    checkpoint_every : int
        Most iterations between checkpoints.
    checkpoint_seconds : float
        Seconds between checkpoints, where `checkpoint_every` iterations take longer.
    resume : bool
        Continue from the checkpoint in `folder` if there is one.
    progress : bool
        Show a progress bar.
    stop_after : int or None
        Stop (as an interruption would, with a checkpoint) once this many iterations are done.
    data : DataFingerprint or None
        Of the data set, where it was taken already.
    clock : callable
        Tells the seconds.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """

    folder: Path | None = None
    name: str = "train"
    checkpoint_every: int = 200
    checkpoint_seconds: float = 60.0
    resume: bool = False
    progress: bool = True
    stop_after: int | None = None
    data: DataFingerprint | None = None
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if not self.checkpoint_every >= 1:
            raise ValueError(
                "checkpoint_every (updates between two checkpoints) must be 1 or more, "
                f"got {self.checkpoint_every}"
            )
        if not self.checkpoint_seconds >= 0:
            raise ValueError(f"checkpoint_seconds must be 0 or more, got {self.checkpoint_seconds}")
        if self.stop_after is not None and not self.stop_after >= 0:
            raise ValueError(f"stop_after must be 0 or more updates, got {self.stop_after}")

    @property
    def checkpoint_path(self) -> Path | None:
        """File of the newest checkpoint."""
        return self.folder / f"{self.name}{CHECKPOINT_ENDING}" if self.folder else None

    @property
    def log_path(self) -> Path | None:
        """File of the losses, one JSON object a line."""
        return self.folder / f"{self.name}.log.jsonl" if self.folder else None


class TrainingInterrupted(RuntimeError):
    """Training stopped before its last iteration; a checkpoint holds what was done.

    Parameters
    ----------
    message : str
    signum : int
        The signal that asked for it.
    """

    def __init__(self, message: str, signum: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signum = signum


def train_loop(
    step: Step,
    state: TrainingState,
    *,
    solver: SolverSettings,
    loop: LoopSettings,
    settings: dict[str, Any],
) -> None:
    """Run `step` and the optimiser until the solver's iterations are made, then enter evaluation mode.

    Every random number of an iteration comes from ``state.rng``, whose state the checkpoint holds: a run
    that is stopped and resumed makes exactly the updates of one that is not. After the last update `step` is
    called once more, to see that the loss still is a number.

    Raises
    ------
    TrainingInterrupted
        On Ctrl-C, SIGTERM or SIGHUP, or at ``loop.stop_after``, after the checkpoint is written.
    NotFiniteError
        If the loss or a weight becomes NaN or infinite; the last checkpoint stays.
    """
    if loop.resume and loop.checkpoint_path and loop.checkpoint_path.is_file():
        load_checkpoint(loop.checkpoint_path, state, settings)
    trim_log(loop.log_path, state.iteration)
    iterations = solver.iterations
    learning_rate = StepSchedule(solver.learning_rate, solver.gamma, solver.step)
    bar = progress_bar(
        show=loop.progress,
        total=iterations,
        initial=state.iteration,
        desc=loop.name,
        unit="it",
        mininterval=0.5,
        smoothing=0.05,
    )
    limit = iterations if loop.stop_after is None else min(iterations, loop.stop_after)
    written = CheckpointClock(loop.checkpoint_seconds, loop.clock)
    with bar, interrupt_flag() as interrupted:
        while state.iteration < limit and not interrupted:
            with stage("step"):
                losses = _update(step, state, learning_rate, solver.clip_norm)
            bar.update()
            bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
            append_log(loop.log_path, {"iteration": state.iteration, **losses})
            due = state.iteration % loop.checkpoint_every == 0 or written.due()
            if loop.checkpoint_path and due and state.iteration < limit:  # the last one is written below
                with written.now():
                    save_checkpoint(loop.checkpoint_path, state, settings)
    if state.iteration == iterations:
        _try_the_last_update(step, state)
    state.network.zero_grad()
    if loop.checkpoint_path:
        save_checkpoint(loop.checkpoint_path, state, settings)
    else:
        require_finite(state.network.state_dict(), "the network")
    if state.iteration < iterations or interrupted:
        kept = f"continue with --resume from {loop.checkpoint_path}" if loop.folder else "nothing was written"
        raise TrainingInterrupted(
            f"training stopped at iteration {state.iteration} of {iterations}; {kept}",
            interrupted.signum or signal.SIGINT,
        )
    state.network.eval()


def _update(
    step: Step,
    state: TrainingState,
    learning_rate: Callable[[int], float],
    clip_norm: float | None,
) -> dict[str, float]:
    start = time.perf_counter()
    state.network.zero_grad()
    losses = {name: float(value) for name, value in step(state.iteration).items()}
    _require_finite(losses["loss"], state.iteration)
    with stage("update"):
        if clip_norm is not None:
            clip_gradients(state.network.named_parameters(), clip_norm)
        state.optimizer.lr = learning_rate(state.iteration)
        state.optimizer.step()
    state.iteration += 1
    return {**losses, "seconds": time.perf_counter() - start}


def _try_the_last_update(step: Step, state: TrainingState) -> None:
    """See that the weights still give a loss: an update is judged by the step after it, the last by none."""
    before = state.rng.bit_generator.state
    _require_finite(float(step(state.iteration)["loss"]), state.iteration)
    state.rng.bit_generator.state = before


def _require_finite(loss: float, iteration: int) -> None:
    if not math.isfinite(loss):
        raise NotFiniteError(
            f"the loss is {loss} at iteration {iteration}: lower the learning rate (in another folder) or "
            "check the data (minircnn check-data)"
        )
