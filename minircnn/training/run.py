"""One training run in one folder: proposals, training, the finished detector, and what it took."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from minircnn.arrays import Device
from minircnn.detectors import RCNN, FastRCNN, save_detector
from minircnn.profiling import stage
from minircnn.proposals import ProposalFile, Proposer, SelectiveSearch, SlidingWindow
from minircnn.structures import DetectionDataset
from minircnn.training.configs import ProposalSettings, as_json
from minircnn.training.fast_rcnn import FastRCNNTrainer, train_fast_rcnn
from minircnn.training.fast_rcnn_settings import FastRCNNSettings
from minircnn.training.loop import LoopSettings
from minircnn.training.proposals import compute_proposals
from minircnn.training.rcnn import train_rcnn
from minircnn.training.rcnn_settings import RCNNSettings

logger = logging.getLogger("minircnn")

MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class TrainingRun:
    """A finished run.

    Parameters
    ----------
    detector : FastRCNN or RCNN
    model_path : Path
        The stored detector.
    seconds : dict of str to float
        Wall-clock time of each part, of this call (a resumed run counts what it still had to do).
    """

    detector: FastRCNN | RCNN
    model_path: Path
    seconds: dict[str, float]


class FolderInUseError(ValueError):
    """The output folder already holds a run."""


def make_proposer(settings: ProposalSettings, *, seed: int = 0) -> Proposer:
    """Build the proposer of `settings`.

    Raises
    ------
    ValueError
        If boxes from a file are wanted and no file is named.
    """
    if settings.method == "selective-search":
        return SelectiveSearch(
            mode=settings.mode, min_size=float(settings.min_size), limit=settings.limit, seed=seed
        )
    if settings.method == "sliding-window":
        return SlidingWindow()
    if settings.path is None:
        raise ValueError("proposals from a file need the file's path (--proposals.path)")
    return ProposalFile(settings.path)


def train(
    dataset: DetectionDataset,
    settings: FastRCNNSettings | RCNNSettings,
    folder: Path | str,
    *,
    resume: bool = False,
    device: Device = "cpu",
    n_jobs: int = 1,
    network_jobs: int = 1,
    proposal_folder: Path | None = None,
    progress: bool = True,
    checkpoint_every: int = 200,
    stop_after: int | None = None,
) -> TrainingRun:
    """Train a detector on `dataset` and store it in `folder`.

    Which detector is decided by the type of `settings`. The folder receives the settings, the proposals of
    every photo, checkpoints, a log of the losses, and at the end ``model.safetensors``.

    Parameters
    ----------
    resume : bool
        Continue the run in `folder`; a run that was stopped and resumed equals one that was not.
    n_jobs : int
        Processes that compute proposals.
    network_jobs : int
        Processes that compute R-CNN's features; each holds the activations of one batch of crops.
    proposal_folder : Path, optional
        Where proposals are kept; default inside `folder`. Runs on the same photos can share it.
    stop_after : int, optional
        Stop after so many updates of the network, as an interruption would.

    Raises
    ------
    FolderInUseError
        If `folder` holds a run and `resume` is False: nothing is overwritten.
    TrainingInterrupted
        On Ctrl-C; a checkpoint holds what was done.
    """
    folder = Path(folder)
    name = "fast_rcnn" if isinstance(settings, FastRCNNSettings) else "rcnn"
    loop = LoopSettings(
        folder=folder,
        name=name,
        checkpoint_every=checkpoint_every,
        resume=resume,
        progress=progress,
        stop_after=stop_after,
    )
    _claim(folder, name, settings, resume=resume)
    proposer = make_proposer(settings.proposals, seed=settings.seed)
    clock = time.perf_counter()
    kept = proposal_folder or folder / "proposals"
    with stage("proposals"):
        proposals = compute_proposals(dataset, proposer, folder=kept, n_jobs=n_jobs, progress=progress)
    seconds = {"proposals": time.perf_counter() - clock}
    clock = time.perf_counter()
    detector: FastRCNN | RCNN
    if isinstance(settings, FastRCNNSettings):
        trainer = FastRCNNTrainer(dataset, proposals, settings, device=device)
        train_fast_rcnn(trainer, loop)
        detector = trainer.detector(proposer)
    else:
        detector, _ = train_rcnn(
            dataset,
            proposals,
            proposer,
            settings,
            folder=folder,
            loop=loop,
            device=device,
            n_jobs=network_jobs,
        )
    seconds["training"] = time.perf_counter() - clock
    model_path = folder / MODEL_FILE
    with stage("write detector"):
        save_detector(model_path, detector)
    return TrainingRun(detector, model_path, seconds)


def _claim(folder: Path, detector: str, settings: FastRCNNSettings | RCNNSettings, *, resume: bool) -> None:
    """Write the settings into `folder`, or see that the run to resume there is of the same detector."""
    path = folder / "settings.json"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"detector": detector, **as_json(settings)}, indent=2)
        path.write_text(text + "\n", encoding="utf-8")
        return
    if not resume:
        raise FolderInUseError(
            f"{folder} already holds a training run: continue it with --resume, or name another folder"
        )
    stored = json.loads(path.read_text(encoding="utf-8")).get("detector")
    if stored != detector:
        raise FolderInUseError(f"{folder} holds a run of {stored}, not of {detector}: name another folder")
