"""One training run in one folder: proposals, training, the finished detector, and what it took."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.arrays import Device, device_namespace
from minircnn.detectors import DETECTORS, RegionDetector, save_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import join_classes
from minircnn.interrupts import interruptible
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.proposals.base import from_pixels_alone
from minircnn.structures import DetectionDataset
from minircnn.training.fingerprint import DataFingerprint
from minircnn.training.loop import LoopSettings
from minircnn.training.proposals import compute_proposals, no_proposals
from minircnn.training.recipe import RECIPES, Recipe, TrainingJob
from minircnn.training.run_folder import claim, keep_options
from minircnn.training.same_run import bind_data
from minircnn.training.settings import DetectorSettings
from minircnn.training.validation import Validation, ValidationSummary, Validator

logger = logging.getLogger("minircnn")


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
    validation : ValidationSummary or None
        Of a run that was validated: then `detector` is the best, not the last.
    """

    detector: RegionDetector[Any]
    model_path: Path
    seconds: dict[str, float]
    validation: ValidationSummary | None = None


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
    validation: Validation | None = None,
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
        Where proposals are kept; default inside `folder`. Runs on the same photos can share it. Detectors
        that propose by themselves leave it alone.
    map_folder : Path, optional
        Where maps of photos are kept, if the settings say ``keep_maps``; as `proposal_folder`.
    stop_after : int, optional
        Stop after so many updates of the network, as an interruption would.
    data_options : mapping, optional
        How the data set was opened, ready for JSON: kept with the settings, so that it is opened alike when
        the run goes on.
    validation : Validation, optional
        Try the detector on other photos meanwhile. ``model.safetensors`` is then the best of these detectors,
        and ``last.safetensors`` the last; the log is ``validation.log.jsonl``.

    Raises
    ------
    FolderInUseError
        If `folder` holds a run and `resume` is False: nothing is overwritten. If another process is training
        there.
    StorageError, OtherDataError
        If the run to resume was begun with other settings or other data.
    ValueError
        If a detector is to be validated that is none before its training has ended, or on none of its
        classes; or to be trained on a GPU, and it runs on the CPU alone.
    RuntimeError
        If the device cannot be used.
    TrainingInterrupted
        On Ctrl-C, SIGTERM or SIGHUP while the network is trained; a checkpoint holds what was done.
    KeyboardInterrupt
        On these at other times. What was done is kept, but for at most two minutes of work.
    """
    folder, recipe = Path(folder), RECIPES[settings.detector]
    DETECTORS[recipe.name].require_device(device)
    recipe.check(settings)
    if validation is not None:
        require_validation(recipe, dataset, validation)
    loop = LoopSettings(
        folder=folder,
        name=recipe.name,
        checkpoint_every=checkpoint_every,
        resume=resume,
        progress=progress,
        stop_after=stop_after,
    )
    proposer, proposals = settings.proposer(), no_proposals(dataset)
    with interruptible(), claim(folder, settings, data_options or {}, resume=resume) as fresh:
        clock = time.perf_counter()
        with stage("fingerprint"):
            data = bind_data(folder, DataFingerprint.of(dataset, progress=progress), fresh=fresh)
        kept = proposal_folder or folder / "proposals"
        if proposer is not None:
            with stage("proposals"):
                proposals = compute_proposals(
                    dataset, proposer, folder=kept, n_jobs=n_jobs, progress=progress, digests=data.digests
                )
            # a file of boxes may change while the run rests
            if not from_pixels_alone(proposer):
                data = bind_data(folder, data.with_proposals(proposals), fresh=False)
        validator = None
        if validation is not None:
            validator = _validator(validation, data, proposer, folder, kept, n_jobs, progress)
            if not fresh:
                keep_options(folder, data_options or {})
        loop = dataclasses.replace(loop, data=data, validator=validator)
        seconds = {} if proposer is None else {"proposals": time.perf_counter() - clock}
        clock = time.perf_counter()
        job = TrainingJob(
            dataset, proposals, proposer, settings, folder, loop, device, network_jobs, map_folder
        )
        detector = recipe.train(job)
        detector.to(device_namespace(device))
        seconds["training"] = time.perf_counter() - clock
        model_path = folder / MODEL_FILE
        with stage("write detector"):
            if validator is None:
                save_detector(model_path, detector)
            else:
                detector = validator.store(detector, model_path, device)
    return TrainingRun(detector, model_path, seconds, None if validator is None else validator.summary())


def require_validation(recipe: Recipe[Any], dataset: DetectionDataset, validation: Validation) -> None:
    """Raise ValueError where the detectors of `recipe` for `dataset` cannot be validated."""
    if not recipe.validates:
        raise ValueError(
            f"{recipe.name}: there is no detector before its last part is trained, so that nothing can be "
            "validated on the way; measure it when it is finished, with minircnn evaluate"
        )
    join_classes(dataset.class_names, validation.dataset.class_names)


def _validator(
    validation: Validation,
    trained: DataFingerprint,
    proposer: Proposer | None,
    folder: Path,
    kept: Path,
    n_jobs: int,
    progress: bool,
) -> Validator:
    """Return what tries detectors, with the proposals of its photos."""
    with stage("fingerprint"):
        data = DataFingerprint.of(validation.dataset, progress=progress)
    both = sum(digest in set(trained.digests) for digest in data.digests)
    if both:
        logger.warning(
            "%d of the %d photos to validate on are trained on, too: how good the detector is on others "
            "they cannot tell",
            both,
            len(data.digests),
        )
    proposals = None
    if proposer is not None:
        with stage("proposals"):
            proposals = compute_proposals(
                validation.dataset,
                proposer,
                folder=kept,
                n_jobs=n_jobs,
                progress=progress,
                digests=data.digests,
                title="proposals for validation",
            )
    return Validator(validation, data, proposals, proposer, folder, progress=progress)
