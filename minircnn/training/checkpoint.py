"""The state of an interrupted training run, complete enough to continue, on the CPU bit for bit.

On a GPU a run goes on with the same batches; its sums are rounded otherwise than the CPU's. A run may change
its device when it is resumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import Device, HostArray, device_namespace
from minircnn.detectors.storage import StorageError, read_bundle, write_bundle
from minircnn.nn import SGD, Dropout, Module
from minircnn.profiling import stage
from minircnn.training.checkpoint_check import check_checkpoint
from minircnn.training.old_runs import upgrade_settings
from minircnn.training.same_run import require_same_data, require_same_settings
from minircnn.training.settings import SolverSettings

FORMAT = 2
"""Of the checkpoints written; those of format 1 (version 0.1.0) are read too."""


@dataclass
class TrainingState:
    """All that changes while a network is trained.

    Parameters
    ----------
    network : Module
    optimizer : SGD
    rng : numpy Generator
        The one source of randomness: sampling and dropout both draw from it.
    iteration : int
        Updates made so far.
    """

    network: Module
    optimizer: SGD
    rng: np.random.Generator
    iteration: int = 0

    def __post_init__(self) -> None:
        for module in self.network.modules():
            if isinstance(module, Dropout):
                module.rng = self.rng


class NotFiniteError(RuntimeError):
    """The loss, a weight or a feature is no longer a number."""


def require_finite(arrays: Mapping[str, HostArray], what: str) -> None:
    """Raise NotFiniteError naming the first of the `arrays` of `what` with a NaN or an infinite number."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise NotFiniteError(
                f"{what} has diverged: {name} holds numbers that are not finite. Train again, in another "
                "folder, with a lower learning rate, or check the data (minircnn check-data)"
            )


class CheckpointClock:
    """Tells when to write again, so that a kill loses at most twice `seconds`.

    What takes long to write is written less often: within that bound, writing costs at most a tenth of the
    time.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._written, self._wait = clock(), seconds

    def due(self) -> bool:
        """Return whether it is time."""
        return self._clock() - self._written >= self._wait

    @contextmanager
    def now(self) -> Iterator[None]:
        """Note that something is written inside the block, and how long that takes."""
        start = self._clock()
        yield
        self._written = self._clock()
        cost = self._written - start
        self._wait = max(self._seconds, min(9 * cost, 2 * self._seconds - cost))


def start_training(
    network: Module, solver: SolverSettings, rng: np.random.Generator, device: Device
) -> TrainingState:
    """Move `network` to `device`, put it into training mode and give it an optimiser."""
    network.to(device_namespace(device))
    network.prepare_training()
    optimizer = SGD(
        network.named_parameters(),
        lr=solver.learning_rate,
        momentum=solver.momentum,
        weight_decay=solver.weight_decay,
    )
    return TrainingState(network, optimizer, rng)


@stage("checkpoint")
def save_checkpoint(path: Path, state: TrainingState, settings: dict[str, Any]) -> None:
    """Write weights, momentum, iteration, random state and settings to one file, atomically.

    Raises
    ------
    NotFiniteError
        If a number is none: the file that was there stays.
    """
    arrays = {f"network.{k}": v for k, v in state.network.state_dict().items()}
    arrays |= {f"momentum.{k}": v for k, v in state.optimizer.state_dict().items()}
    require_finite(arrays, "the network")
    meta = {
        "checkpoint": FORMAT,
        "iteration": state.iteration,
        "rng": state.rng.bit_generator.state,
        "settings": settings,
    }
    write_bundle(path, arrays, meta)


def load_checkpoint(path: Path, state: TrainingState, settings: dict[str, Any]) -> None:
    """Bring `state` back to what `save_checkpoint` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no checkpoint.
    StorageError
        If the file is damaged, is no checkpoint, or was made with other settings (which it names).
    OtherDataError
        If it was made with other data.
    """
    try:
        arrays, meta = read_bundle(path)
    except StorageError as error:
        raise StorageError(f"{error}; without this file --resume begins the training anew") from error
    check_checkpoint(path, arrays, meta, newest=FORMAT)
    stored = upgrade_settings(meta["settings"])
    # what version 0.1.0 knew no setting for, no run of it can differ in
    names = stored.keys() if meta["checkpoint"] == 1 else stored.keys() | settings.keys()
    require_same_settings(str(path), stored, settings, (n for n in names if not n.startswith("data.")))
    require_same_data(path, stored, settings)
    try:
        state.network.load_state_dict(_part(arrays, "network."))
        state.optimizer.load_state_dict(_part(arrays, "momentum."))
        state.rng.bit_generator.state = meta["rng"]
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{path} does not fit the training: {error}; take a copy or start anew") from error
    state.iteration = meta["iteration"]


def _part(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
