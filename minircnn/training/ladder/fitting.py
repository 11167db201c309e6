"""What the small trainings of the ladder share: photos with their masks, settings, and the loop."""

# No deferred annotations here: settings are read field by field.
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from minircnn.checks import instance, real, require, whole
from minircnn.nn import Module
from minircnn.scene import Scene
from minircnn.structures import FloatArray, ImageArray
from minircnn.training.checkpoint import start_training
from minircnn.training.loop import LoopSettings, train_loop
from minircnn.training.settings import SolverSettings, as_json


class SceneDataset(Protocol):
    """Photos that are known pixel by pixel, as the built-in scenes are; all scenes have the same classes."""

    name: str
    image_ids: Sequence[str]

    def __len__(self) -> int: ...

    def image(self, index: int) -> ImageArray:
        """Return photo `index` as (H, W, 3) uint8 RGB."""
        ...

    def scene(self, index: int) -> Scene:
        """Return what is known of photo `index`."""
        ...


@dataclass(frozen=True)
class LadderSettings:
    """What decides a training of the ladder."""

    images: int = 2
    """Photos a step, one after the other: they may be of any size."""
    solver: SolverSettings = field(
        default_factory=lambda: SolverSettings(iterations=700, learning_rate=0.05, step=525, clip_norm=10.0)
    )
    """How the network is updated."""
    width: int = 96
    """Channels of fc6."""
    background_weight: float = 0.2
    """How much a place of background counts in the loss beside one of an object. The papers need no such
    weight; on the scenes nine tenths of all pixels are background."""
    seed: int = 0
    """Of all random numbers."""

    def __post_init__(self) -> None:
        require(self, "", images=whole(1), seed=whole(0), solver=instance(SolverSettings))
        require(self, "", width=whole(1), background_weight=real(0, above=True))

    def class_weights(self, classes: int) -> FloatArray:
        """Return how much a place of each class counts in the loss (K+1,)."""
        weights = np.ones(classes + 1, dtype=np.float32)
        weights[0] = self.background_weight
        return weights


def fit(
    network: Module,
    dataset: SceneDataset,
    settings: LadderSettings,
    step: Callable[[int], dict[str, float]],
    rng: np.random.Generator,
    loop: LoopSettings,
) -> None:
    """Train `network`; `step` is given a photo's place in `dataset` and computes its losses and gradients.

    The gradients of an update are the sum over its photos; `step` divides them by ``settings.images``. Every
    photo comes once before any comes again. What the loop raises is raised here.
    """
    state = start_training(network, settings.solver, rng, "cpu")

    def run(iteration: int) -> dict[str, float]:
        total: dict[str, float] = {}
        for index in _photos(iteration, len(dataset), settings):
            for name, value in step(index).items():
                total[name] = total.get(name, 0.0) + value / settings.images
        return total

    known = as_json(settings) | {"photos": f"{len(dataset)} of {dataset.name}"}
    train_loop(run, state, solver=settings.solver, loop=loop, settings=known)


def _photos(iteration: int, count: int, settings: LadderSettings) -> Iterator[int]:
    """Yield the photos of a step: round after round, each in an order of its own."""
    for place in range(iteration * settings.images, (iteration + 1) * settings.images):
        turn, at = divmod(place, count)
        order = np.random.default_rng([settings.seed, turn]).permutation(count)
        yield int(order[at])


def loop_of(name: str, folder: str | Path | None, resume: bool, progress: bool) -> LoopSettings:
    """Return where a training called `name` writes its log and checkpoint; None: nowhere."""
    return LoopSettings(None if folder is None else Path(folder), name, resume=resume, progress=progress)
