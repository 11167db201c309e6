"""The state of an interrupted training run, complete enough to continue bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import Device, device_namespace
from minircnn.detectors import FastRCNNNetwork, RCNNNetwork
from minircnn.detectors.storage import StorageError, read_bundle, write_bundle
from minircnn.nn import SGD, Dropout, Layer
from minircnn.profiling import stage
from minircnn.training.configs import SolverSettings


@dataclass
class TrainingState:
    """All that changes while a network is trained.

    Parameters
    ----------
    network : Layer
    optimizer : SGD
    rng : numpy Generator
        The one source of randomness: sampling and dropout both draw from it.
    iteration : int
        Updates made so far.
    """

    network: Layer
    optimizer: SGD
    rng: np.random.Generator
    iteration: int = 0

    def __post_init__(self) -> None:
        for layer in self.network.layers():
            if isinstance(layer, Dropout):
                layer.rng = self.rng


def start_training(
    network: FastRCNNNetwork | RCNNNetwork, solver: SolverSettings, rng: np.random.Generator, device: Device
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


def save_checkpoint(path: Path, state: TrainingState, settings: dict[str, Any]) -> None:
    """Write weights, momentum, iteration, random state and settings to one file, atomically."""
    with stage("checkpoint"):
        arrays = {f"network.{k}": v for k, v in state.network.state_dict().items()}
        arrays |= {f"momentum.{k}": v for k, v in state.optimizer.state_dict().items()}
        meta = {
            "checkpoint": 1,
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
    """
    arrays, meta = read_bundle(path)
    if "checkpoint" not in meta:
        raise StorageError(f"{path} is no training checkpoint")
    changed = sorted(
        key
        for key in settings.keys() | meta["settings"].keys()
        if settings.get(key) != meta["settings"].get(key)
    )
    if changed:
        differences = ", ".join(
            f"{k}: {meta['settings'].get(k)!r} then, {settings.get(k)!r} now" for k in changed
        )
        raise StorageError(
            f"{path} was trained with other settings ({differences}); "
            "resume with the same settings or start in another folder"
        )
    state.network.load_state_dict(_part(arrays, "network."))
    state.optimizer.load_state_dict(_part(arrays, "momentum."))
    state.rng.bit_generator.state = meta["rng"]
    state.iteration = int(meta["iteration"])


def _part(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
