"""What a pre-training will take, told by trying a few updates; nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from minircnn.arrays import Device
from minircnn.data.labelled import LabelledImages, SomeImages, held_out_share
from minircnn.profiling import peak_memory
from minircnn.training.estimate import UPDATES, PartEstimate
from minircnn.training.pretraining.run import LOOKS
from minircnn.training.pretraining.scoring import HeldOut
from minircnn.training.pretraining.settings import PretrainSettings
from minircnn.training.pretraining.trainer import PretrainTrainer
from minircnn.training.regions import ImageReader


def estimate_pretraining(
    dataset: LabelledImages,
    settings: PretrainSettings,
    *,
    held_out: LabelledImages | None = None,
    device: Device = "cpu",
    done: int = 0,
) -> list[PartEstimate]:
    """Return what the updates of a pre-training and the tests on held-out images will take.

    Parameters
    ----------
    done : int
        Updates that were made already.

    Raises
    ------
    ValueError, DatasetError
        As :func:`~minircnn.training.pretraining.pretrain` does.
    """
    learnt = dataset
    if held_out is None:
        learnt, held_out = held_out_share(dataset, settings.held_out, settings.seed)
    trainer = PretrainTrainer(learnt, settings, device=device)
    state = trainer.state
    state.optimizer.lr = 0.0  # what is learned from so few images might be no number soon
    each = min(_seconds(partial(_update, trainer, i)) for i in range(UPDATES))
    left = max(settings.solver.iterations - done, 0)
    weights = sum(array.nbytes for array in state.network.state_dict().values())
    momentum = sum(array.nbytes for array in state.optimizer.state_dict().values())
    held = peak_memory()
    memory = None if held is None else held + 2 * ImageReader.MAX_BYTES
    some = SomeImages(held_out, range(min(settings.batch, len(held_out.image_ids))))
    tested = HeldOut(some, trainer.size, settings.batch)
    look = _seconds(lambda: trainer.accuracy(tested)) / len(some) * len(held_out.image_ids)
    looks = round(LOOKS * left / settings.solver.iterations) + 1
    return [
        PartEstimate("training", each * left, memory, 2 * weights + momentum, f"{left:,} updates"),
        PartEstimate(
            "accuracy", look * looks, None, 0.0, f"{looks} times {len(held_out.image_ids):,} images"
        ),
    ]


def _update(trainer: PretrainTrainer, iteration: int) -> None:
    trainer.network.zero_grad()
    trainer.step(iteration)
    trainer.state.optimizer.step()


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
