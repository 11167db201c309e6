"""The training loop that all networks share: update, log, checkpoint, stop and go on."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from minircnn.nn import StepSchedule, clip_gradients
from minircnn.profiling import stage
from minircnn.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
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
        Iterations between checkpoints.
    resume : bool
        Continue from the checkpoint in `folder` if there is one.
    progress : bool
        Show a progress bar.
    stop_after : int or None
        Stop (as an interruption would, with a checkpoint) once this many iterations are done.
    """

    folder: Path | None = None
    name: str = "train"
    checkpoint_every: int = 200
    resume: bool = False
    progress: bool = True
    stop_after: int | None = None

    @property
    def checkpoint_path(self) -> Path | None:
        """File of the newest checkpoint."""
        return self.folder / f"{self.name}.checkpoint.safetensors" if self.folder else None

    @property
    def log_path(self) -> Path | None:
        """File of the losses, one JSON object a line."""
        return self.folder / f"{self.name}.log.jsonl" if self.folder else None


class TrainingInterrupted(RuntimeError):
    """Training stopped before its last iteration; a checkpoint holds what was done."""


class NotFiniteError(RuntimeError):
    """The loss is no longer a number."""


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
    that is stopped and resumed makes exactly the updates of one that is not.

    Raises
    ------
    TrainingInterrupted
        On Ctrl-C or at ``loop.stop_after``, after the checkpoint is written.
    NotFiniteError
        If the loss becomes NaN or infinite; the last checkpoint stays.
    """
    if loop.resume and loop.checkpoint_path and loop.checkpoint_path.is_file():
        load_checkpoint(loop.checkpoint_path, state, settings)
    _trim_log(loop.log_path, state.iteration)
    iterations = solver.iterations
    learning_rate = StepSchedule(solver.learning_rate, solver.gamma, solver.step)
    bar = tqdm(
        total=iterations,
        initial=state.iteration,
        desc=loop.name,
        unit="it",
        disable=not loop.progress,
        mininterval=0.5,
        smoothing=0.05,
    )
    limit = iterations if loop.stop_after is None else min(iterations, loop.stop_after)
    with bar, _interrupt_flag() as interrupted:
        while state.iteration < limit and not interrupted.is_set():
            with stage("step"):
                losses = _update(step, state, learning_rate, solver.clip_norm)
            bar.update()
            bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
            _append_log(loop.log_path, {"iteration": state.iteration, **losses})
            if loop.checkpoint_path and state.iteration % loop.checkpoint_every == 0:
                save_checkpoint(loop.checkpoint_path, state, settings)
    state.network.zero_grad()
    if loop.checkpoint_path:
        save_checkpoint(loop.checkpoint_path, state, settings)
    if state.iteration < iterations:
        kept = f"continue with --resume from {loop.checkpoint_path}" if loop.folder else "nothing was written"
        raise TrainingInterrupted(f"training stopped at iteration {state.iteration} of {iterations}; {kept}")
    state.network.eval()


@contextmanager
def _interrupt_flag() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a flag, so that no update is cut in half; the second one interrupts."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield flag
        return
    previous = signal.getsignal(signal.SIGINT)

    def on_interrupt(signum: int, frame: Any) -> None:
        flag.set()
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)


def _update(
    step: Step,
    state: TrainingState,
    learning_rate: Callable[[int], float],
    clip_norm: float | None,
) -> dict[str, float]:
    start = time.perf_counter()
    state.network.zero_grad()
    losses = {name: float(value) for name, value in step(state.iteration).items()}
    total = losses["loss"]
    if not abs(total) < float("inf"):  # also false for NaN
        raise NotFiniteError(
            f"the loss is {total} at iteration {state.iteration}: lower the learning rate or check the data "
            "(minircnn check-data)"
        )
    with stage("update"):
        if clip_norm is not None:
            clip_gradients(state.network.named_parameters(), clip_norm)
        state.optimizer.lr = learning_rate(state.iteration)
        state.optimizer.step()
    state.iteration += 1
    return {**losses, "seconds": time.perf_counter() - start}


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the lines of a training log, one dictionary per iteration."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _append_log(path: Path | None, record: Mapping[str, float]) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def _trim_log(path: Path | None, iteration: int) -> None:
    """Drop the lines of updates made after the checkpoint: they will be made again."""
    if path is None or not path.is_file():
        return
    kept = [record for record in read_log(path) if record["iteration"] <= iteration]
    path.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
