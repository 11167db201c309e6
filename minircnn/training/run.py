"""One training run in one folder: proposals, training, the finished detector, and what it took."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.arrays import Device, device_namespace
from minircnn.detectors import RegionDetector, save_detector
from minircnn.interrupts import interruptible
from minircnn.profiling import stage
from minircnn.proposals import make_proposer
from minircnn.proposals.base import from_pixels_alone
from minircnn.structures import DetectionDataset
from minircnn.training.fingerprint import DataFingerprint
from minircnn.training.loop import LoopSettings
from minircnn.training.proposals import compute_proposals
from minircnn.training.recipe import RECIPES, TrainingJob
from minircnn.training.run_folder import MODEL_FILE, claim
from minircnn.training.same_run import bind_data
from minircnn.training.settings import DetectorSettings


@dataclass(frozen=True)
class TrainingRun:
    """A finished run.

    Parameters
    ----------
    detector : RegionDetector
    model_path : Path
        The stored detector.
    seconds : dict of str to float
        Wall-clock time of each part, of this call (a resumed run counts what it still had to do).
    """

    detector: RegionDetector[Any]
    model_path: Path
    seconds: dict[str, float]


def train(
    dataset: DetectionDataset,
    settings: DetectorSettings,
    folder: Path | str,
    *,
    resume: bool = False,
    device: Device = "cpu",
    n_jobs: int = 1,
    network_jobs: int = 1,
    proposal_folder: Path | None = None,
    map_folder: Path | None = None,
    progress: bool = True,
    checkpoint_every: int = 200,
    stop_after: int | None = None,
    data_options: Mapping[str, Any] | None = None,
) -> TrainingRun:
    """Train a detector on `dataset` and store it in `folder`.

    Which detector is decided by the kind of `settings`. The folder receives the settings, the proposals of
    every photo, checkpoints, a log of the losses, and at the end ``model.safetensors``.

    Parameters
    ----------
    resume : bool
        Continue the run in `folder`; a run that was stopped and resumed equals one that was not.
    n_jobs : int
        Processes that compute proposals.
    network_jobs : int
        Processes that run the network where photos are independent; each holds activations of its own.
    proposal_folder : Path, optional
        Where proposals are kept; default inside `folder`. Runs on the same photos can share it.
    map_folder : Path, optional
        Where maps of photos are kept, if the settings say ``keep_maps``; as `proposal_folder`.
    stop_after : int, optional
        Stop after so many updates of the network, as an interruption would.
    data_options : mapping, optional
        How the data set was opened, ready for JSON: kept with the settings, so that it is opened alike when
        the run goes on.

    Raises
    ------
    FolderInUseError
        If `folder` holds a run and `resume` is False: nothing is overwritten. If another process is training
        there.
    StorageError, OtherDataError
        If the run to resume was begun with other settings or other data.
    TrainingInterrupted
        On Ctrl-C, SIGTERM or SIGHUP while the network is trained; a checkpoint holds what was done.
    KeyboardInterrupt
        On these at other times. What was done is kept, but for at most two minutes of work.
    """
    folder, recipe = Path(folder), RECIPES[settings.detector]
    recipe.check(settings)
    loop = LoopSettings(
        folder=folder,
        name=recipe.name,
        checkpoint_every=checkpoint_every,
        resume=resume,
        progress=progress,
        stop_after=stop_after,
    )
    proposer = make_proposer(settings.proposals, seed=settings.seed)
    with interruptible(), claim(folder, settings, data_options or {}, resume=resume) as fresh:
        clock = time.perf_counter()
        with stage("fingerprint"):
            data = bind_data(folder, DataFingerprint.of(dataset, progress=progress), fresh=fresh)
        kept = proposal_folder or folder / "proposals"
        with stage("proposals"):
            proposals = compute_proposals(
                dataset, proposer, folder=kept, n_jobs=n_jobs, progress=progress, digests=data.digests
            )
        # a file of boxes may change while the run rests
        if not from_pixels_alone(proposer):
            data = bind_data(folder, data.with_proposals(proposals), fresh=False)
        loop = dataclasses.replace(loop, data=data)
        seconds = {"proposals": time.perf_counter() - clock}
        clock = time.perf_counter()
        job = TrainingJob(
            dataset, proposals, proposer, settings, folder, loop, device, network_jobs, map_folder
        )
        detector = recipe.train(job)
        detector.to(device_namespace(device))
        seconds["training"] = time.perf_counter() - clock
        model_path = folder / MODEL_FILE
        with stage("write detector"):
            save_detector(model_path, detector)
    return TrainingRun(detector, model_path, seconds)
