"""The training loop that all networks share: update, log, checkpoint, stop and go on."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.detectors import RegionDetector
from minircnn.interrupts import Interruption, interrupt_flag
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
from minircnn.training.log import append_log, log_file, trim_log
from minircnn.training.old_runs import CHECKPOINT_ENDING
from minircnn.training.settings import SolverSettings
from minircnn.training.validation import Validator

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
    validator : Validator or None
        Tries the detector while it is trained.
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
    validator: Validator | None = None
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
        return log_file(self.folder, self.name) if self.folder else None


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
    detector: Callable[[], RegionDetector[Any]] | None = None,
) -> None:
    """Run `step` and the optimiser until the solver's iterations are made, then enter evaluation mode.

    Every random number of an iteration comes from ``state.rng``, whose state the checkpoint holds: a run
    that is stopped and resumed makes the updates of one that is not, on the CPU exactly. After the last
    update `step` is called once more, to see that the loss still is a number.

    With ``loop.validator`` what `detector` makes of the network is validated meanwhile, which may end the
    training early.

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
    if loop.validator is not None:
        loop.validator.begin(state.iteration, iterations)
    limit = iterations if loop.stop_after is None else min(iterations, loop.stop_after)
    learning_rate = StepSchedule(solver.learning_rate, solver.gamma, solver.step)
    written = CheckpointClock(loop.checkpoint_seconds, loop.clock)
    with _bar(loop, state, iterations) as bar, interrupt_flag() as interrupted:
        _validate(loop.validator, detector, state, interrupted)  # if it was broken off
        while state.iteration < limit and not interrupted and not _is_enough(loop.validator):
            with stage("step"):
                losses = _update(step, state, learning_rate, solver.clip_norm)
            rate = {"learning_rate": state.optimizer.lr}
            append_log(loop.log_path, {"iteration": state.iteration, **losses, **rate})
            bar.update()
            validating = loop.validator is not None and loop.validator.due(state.iteration)
            due = state.iteration % loop.checkpoint_every == 0 or written.due() or validating
            # the last one is written below, but for what a validation would lose
            if loop.checkpoint_path and due and (state.iteration < limit or validating):
                with written.now():
                    save_checkpoint(loop.checkpoint_path, state, settings)
            _validate(loop.validator, detector, state, interrupted)
            bar.set_postfix(_shown(losses, loop.validator), refresh=False)
    _finish(step, state, loop, iterations, settings, interrupted)


def _finish(
    step: Step,
    state: TrainingState,
    loop: LoopSettings,
    iterations: int,
    settings: dict[str, Any],
    interrupted: Interruption,
) -> None:
    """Write the last checkpoint, and tell a training that is done from one that was stopped."""
    done = state.iteration == iterations or _is_enough(loop.validator)
    if done:
        _try_the_last_update(step, state)
    state.network.zero_grad()
    if loop.checkpoint_path:
        save_checkpoint(loop.checkpoint_path, state, settings)
    else:
        require_finite(state.network.state_dict(), "the network")
    if not done or interrupted:
        kept = f"continue with --resume from {loop.checkpoint_path}" if loop.folder else "nothing was written"
        raise TrainingInterrupted(
            f"training stopped at iteration {state.iteration} of {iterations}; {kept}",
            interrupted.signum or signal.SIGINT,
        )
    state.network.eval()


def _bar(loop: LoopSettings, state: TrainingState, iterations: int) -> Any:
    return progress_bar(
        show=loop.progress,
        total=iterations,
        initial=state.iteration,
        desc=loop.name,
        unit="it",
        mininterval=0.5,
        smoothing=0.05,
    )


def _shown(losses: Mapping[str, float], validator: Validator | None) -> dict[str, str]:
    """Return what stands behind the bar: the losses, and the mAP of the last validation."""
    last = None if validator is None else validator.last
    shown = losses if last is None else {**losses, "mAP": last["mAP"]}
    return {name: f"{value:.3f}" for name, value in shown.items()}


def _is_enough(validator: Validator | None) -> bool:
    return validator is not None and validator.exhausted


def _validate(
    validator: Validator | None,
    detector: Callable[[], RegionDetector[Any]] | None,
    state: TrainingState,
    interrupted: Interruption,
) -> None:
    """Validate the detector of this iteration, if it is its turn."""
    if validator is None or detector is None or not validator.due(state.iteration):
        return
    state.network.zero_grad()  # gradients would need their memory meanwhile
    validator.look(detector(), state.iteration, interrupted)


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
