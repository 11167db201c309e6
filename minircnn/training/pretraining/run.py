"""A pre-training in one folder: settings, checkpoint, logs, and the weights that detectors begin with."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.arrays import Device
from minircnn.data.labelled import LabelledImages, held_out_share
from minircnn.interrupts import interruptible
from minircnn.profiling import stage
from minircnn.training.log import append_log, read_log, trim_log
from minircnn.training.loop import LoopSettings, train_loop
from minircnn.training.pretraining.scoring import HeldOut
from minircnn.training.pretraining.settings import PretrainSettings
from minircnn.training.pretraining.trainer import PretrainTrainer
from minircnn.training.run_folder import claim
from minircnn.training.settings import as_json
from minircnn.weights import write_weights

WEIGHTS_FILE = "weights.safetensors"
ACCURACY_LOG = "accuracy.log.jsonl"

LOOKS = 20
"""So often accuracy is measured while a network is trained, about."""


@dataclass(frozen=True)
class PretrainRun:
    """A finished pre-training.

    Parameters
    ----------
    weights_path : Path
        For ``backbone.weights`` of a detector's settings.
    accuracy : float
        Share of the held-out images that are named rightly.
    images, held_out : int
        How many were learnt from and how many were not.
    seconds : float
        Of this call.
    """

    weights_path: Path
    accuracy: float
    images: int
    held_out: int
    seconds: float


def pretrain(
    dataset: LabelledImages,
    settings: PretrainSettings,
    folder: Path | str,
    *,
    held_out: LabelledImages | None = None,
    resume: bool = False,
    device: Device = "cpu",
    progress: bool = True,
    checkpoint_every: int = 200,
    stop_after: int | None = None,
    data_options: Mapping[str, Any] | None = None,
    after: Callable[[], Any] = lambda: None,
) -> PretrainRun:
    """Train a backbone to classify the images of `dataset`; write what detectors can begin with.

    The folder receives settings, checkpoint, the logs of losses and of accuracy, and at the end
    ``weights.safetensors``: the backbone's weights under its own names, with the input that they want, and
    the output ``fc8``, which detectors leave out.

    Parameters
    ----------
    held_out : LabelledImages, optional
        Of the same classes, to test on. Default: the share of `dataset` that the settings say.
    resume : bool
        Continue the run in `folder`; a run that was stopped and resumed equals one that was not.
    stop_after : int, optional
        Stop after so many updates, as an interruption would.
    data_options : mapping, optional
        How the data set was opened, ready for JSON; kept with the settings.
    after : callable
        Called whenever the accuracy was measured.

    Raises
    ------
    FolderInUseError
        If `folder` holds a run and `resume` is False, or another process trains there.
    StorageError, OtherDataError
        If the run to resume was begun with other settings or other data.
    DatasetError
        If nothing can be held out.
    TrainingInterrupted
        On Ctrl-C, SIGTERM or SIGHUP; a checkpoint holds what was done.
    """
    folder, start = Path(folder), time.perf_counter()
    learnt: LabelledImages = dataset
    if held_out is None:
        learnt, held_out = held_out_share(dataset, settings.held_out, settings.seed)
    elif held_out.class_names != dataset.class_names:
        raise ValueError(f"held out are images of {held_out.class_names}, not of {dataset.class_names}")
    trainer = PretrainTrainer(learnt, settings, device=device)
    loop = LoopSettings(
        folder=folder,
        name=settings.detector,
        checkpoint_every=checkpoint_every,
        resume=resume,
        progress=progress,
        stop_after=stop_after,
    )
    with interruptible(), claim(folder, settings, data_options or {}, resume=resume):
        with stage("fingerprint"):
            data = _summary(learnt, held_out)
        tested = HeldOut(held_out, trainer.size, settings.batch)
        looks = _Looks(trainer, tested, folder / ACCURACY_LOG, settings.solver.iterations, after)
        with trainer.batches.ahead(settings.solver.iterations, trainer.network.on):
            train_loop(
                looks.step,
                trainer.state,
                solver=settings.solver,
                loop=loop,
                settings=as_json(settings) | data,
            )
        path = folder / WEIGHTS_FILE
        record = {
            "backbone": trainer.backbone.name,
            "options": dict(trainer.backbone.options),
            "normalization": dataclasses.asdict(trainer.backbone.normalization),
            "class_names": list(dataset.class_names),
        }
        write_weights(path, trainer.weights(), record)
    seconds = time.perf_counter() - start
    return PretrainRun(path, looks.last, len(learnt.image_ids), len(held_out.image_ids), seconds)


class _Looks:
    """Measures the accuracy at equal distances, and after the last update."""

    def __init__(
        self,
        trainer: PretrainTrainer,
        held_out: HeldOut,
        log: Path,
        iterations: int,
        after: Callable[[], Any],
    ) -> None:
        self.trainer, self.held_out, self.log, self.after = trainer, held_out, log, after
        self.every, self.iterations = max(1, iterations // LOOKS), iterations
        self._begun = False

    @property
    def last(self) -> float:
        """The accuracy that was measured last."""
        return read_log(self.log)[-1]["accuracy"]

    def step(self, iteration: int) -> dict[str, float]:
        """Do a step of the trainer; look before it, if it is time."""
        if not self._begun:  # what was measured later than the checkpoint is measured again
            trim_log(self.log, iteration - 1)
            self._begun = True
        if iteration == self.iterations or iteration % self.every == 0:
            accuracy = self.trainer.accuracy(self.held_out)
            append_log(self.log, {"iteration": iteration, "accuracy": accuracy})
            self.after()
        return self.trainer.step(iteration)


def _summary(learnt: LabelledImages, held_out: LabelledImages) -> dict[str, Any]:
    """Return what a checkpoint keeps of the data, as that of a detector's training does."""
    seen = [
        [images.photo_digest(i), images.label(i)]
        for images in (learnt, held_out)
        for i in range(len(images.image_ids))
    ]
    return {
        "data.name": learnt.name,
        "data.class_names": list(learnt.class_names),
        "data.flippable": learnt.flippable,
        "data.photos": len(seen),
        "data.digest": hashlib.sha256(json.dumps(seen).encode()).hexdigest(),
        "data.proposals": None,
    }
