"""What a training will take, told by trying each of its parts on a few photos; nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import Device, like
from minircnn.data.selection import SomePhotos
from minircnn.detectors import DETECTORS, RegionDetector
from minircnn.profiling import peak_memory
from minircnn.proposals import Proposer, SelectiveSearch
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.feature_cache import feature_dims
from minircnn.training.linear_parts import LinearPartsSettings
from minircnn.training.photo_inputs import PhotoInputs
from minircnn.training.proposals import kept_photos, no_proposals, unlimited
from minircnn.training.quiet import quiet
from minircnn.training.recipe import RECIPES, TrainingPart
from minircnn.training.run import require_validation
from minircnn.training.settings import DetectorSettings
from minircnn.training.trainer import Trainer
from minircnn.training.validation import Validation

PHOTOS, UPDATES = 4, 3
"""Tried at most."""

_ENOUGH = 20.0  # seconds after which no further update is tried
_REGION = 5 + 16  # bytes in memory: its overlap and its object, and its box
_BOX = 16  # bytes on the disk


@dataclass(frozen=True)
class PartEstimate:
    """What one part of a training will take.

    Parameters
    ----------
    name : str
    seconds : float or None
        None where it cannot be told from a few photos.
    memory : float or None
        Bytes held at most, in all processes; None where it is no more than that of the other parts.
    disk : float
        Bytes written, without what is replaced.
    what : str
        How much work it is.
    """

    name: str
    seconds: float | None
    memory: float | None
    disk: float
    what: str


def estimate_training(
    dataset: DetectionDataset,
    settings: DetectorSettings,
    proposal_folder: Path,
    *,
    validation: Validation | None = None,
    n_jobs: int = 1,
    network_jobs: int = 1,
    device: Device = "cpu",
    done: int = 0,
) -> list[PartEstimate]:
    """Return what each part of a training of `settings` on `dataset` will take.

    A few photos are searched for proposals and trained on; the rest is taken to be like them.

    Parameters
    ----------
    proposal_folder : Path
        Photos whose proposals are kept there need not be searched.
    n_jobs, network_jobs, device
        As the training will have them.
    done : int
        Updates that were made already, in all parts of the training.

    Raises
    ------
    ValueError
        If no photo has an object to learn from, or the recipe cannot be tried or not be validated.
    """
    recipe = RECIPES[settings.detector]
    DETECTORS[recipe.name].require_device(device)
    recipe.check(settings)
    if validation is not None:
        require_validation(recipe, dataset, validation)
    plan = recipe.parts(settings)
    trainers = [part.trainer for part in plan if part.trainer is not None]
    if len(trainers) < len(plan) and recipe.estimate is None:
        raise ValueError(f"{recipe.name}: its recipe names no trainer, so no update can be tried")
    sample = sample_of(dataset)
    parts, boxes, proposer = [], no_proposals(sample), settings.proposer()
    if proposer is not None:
        boxes, seconds = _propose(sample, unlimited(proposer))
        searched = [dataset] if validation is None else [dataset, validation.dataset]
        parts.append(_proposals(searched, unlimited(proposer), proposal_folder, boxes, seconds, n_jobs))
        boxes = [own[: getattr(proposer, "limit", None)] for own in boxes]
    if recipe.estimate is not None:
        return [*parts, *recipe.estimate(dataset, settings, n_jobs)]
    photos = len(dataset.image_ids)
    for part, make in zip(plan, trainers, strict=True):
        regions = round(_mean_length(boxes) * photos)
        with quiet():  # what classes the few photos lack, the data set may have
            trainer: Trainer[Any, Any] = make(sample, boxes, settings, device=device)
        made = min(done, trainer.solver.iterations)
        parts.append(_training(trainer, part, photos, regions, made))
        done -= made  # what is left was made by the parts that follow
        if part.proposer is not None:
            boxes, seconds = _propose_itself(sample, part.proposer(trainer))
            parts.append(_own_proposals(boxes, seconds, 0 if done else photos, part))
    if getattr(settings, "keep_maps", False):
        parts.append(_maps(trainer, photos, made))
    detector = trainer.detector(proposer)
    photo = _photo_seconds(detector, sample, boxes)
    if validation is not None:
        parts.append(_validation(trainer, validation, photo, made))
    if isinstance(settings, LinearPartsSettings):
        passes = photo * photos / network_jobs
        parts += _linear_parts(trainer, detector, settings, regions, passes)
    return parts


def sample_of(dataset: DetectionDataset) -> SomePhotos:
    """Return a few photos with objects from all over a data set."""
    numbers = range(len(dataset.image_ids))
    useful = [i for i in numbers if not dataset.annotations(i).difficult.all()]
    if not useful:
        raise ValueError(f"data set {dataset.name} has no (not difficult) object to train on")
    places = np.linspace(0, len(useful) - 1, min(PHOTOS, len(useful))).round().astype(int)
    return SomePhotos(dataset, [useful[place] for place in places])


def _propose(sample: SomePhotos, proposer: Proposer) -> tuple[list[FloatArray], float]:
    """Return all proposals of the sample, and the seconds of a photo."""
    boxes, seconds = [], []
    for index, image_id in enumerate(sample.image_ids):
        start = time.perf_counter()
        boxes.append(np.asarray(proposer.propose(sample.image(index), image_id=image_id), np.float32))
        seconds.append(time.perf_counter() - start)
    return boxes, float(np.mean(seconds))


def _proposals(
    searched: Sequence[DetectionDataset],
    proposer: Proposer,
    folder: Path,
    boxes: Sequence[FloatArray],
    seconds: float,
    n_jobs: int,
) -> PartEstimate:
    """Return what the search takes in those photos of the data sets whose boxes are not kept."""
    photos = sum(len(dataset.image_ids) for dataset in searched)
    kept = sum(len(kept_photos(dataset, proposer, folder)) for dataset in searched)
    missing, memory = photos - kept, None
    processes = max(1, min(n_jobs, missing))
    if isinstance(proposer, SelectiveSearch):
        truths = (dataset.annotations(i) for dataset in searched for i in range(len(dataset.image_ids)))
        memory = processes * max(proposer.estimate(truth.height, truth.width)[0] for truth in truths)
    what = f"{missing:,} photos" + (f", of {kept:,} they are kept" if kept else "")
    disk = missing * _mean_length(boxes) * _BOX
    return PartEstimate("proposals", seconds * missing / processes, memory if missing else None, disk, what)


def _mean_length(boxes: Sequence[FloatArray]) -> float:
    return float(np.mean([len(own) for own in boxes]))


def _training(
    trainer: Trainer[Any, Any], part: TrainingPart, photos: int, regions: int, done: int
) -> PartEstimate:
    """Make a few updates on the sample of so many `photos`, which have so many `regions`."""
    state = trainer.state
    state.optimizer.lr = 0.0  # what is learned from so few photos might be no number soon
    trainer.photos.max_bytes = 0  # of thousands of photos few are kept
    seconds: list[float] = []
    while len(seconds) < UPDATES and sum(seconds) < _ENOUGH:
        seconds.append(_seconds(lambda: _update(trainer)))
    # the first makes what the others use again
    each = min(seconds) + _more_reading(trainer, photos)
    left = max(trainer.solver.iterations - done, 0)
    weights = sum(array.nbytes for array in state.network.state_dict().values())
    momentum = sum(array.nbytes for array in state.optimizer.state_dict().values())
    held = peak_memory()
    memory = None if held is None else held + regions * _REGION + trainer.photo_bytes
    what = f"{left:,} updates" + (f": {part.what}" if part.what else "")
    return PartEstimate(part.title, each * left, memory, 2 * weights + momentum, what)


def _propose_itself(sample: SomePhotos, detector: RegionDetector[Any]) -> tuple[list[FloatArray], float]:
    """Return what a detector that proposes by itself finds in the sample, and the seconds of a photo."""
    photos = [sample.image(index) for index in range(len(sample.image_ids))]
    detector.propose(detector.look(photos[0]))  # makes what is used again
    boxes: list[FloatArray] = []
    seconds = _seconds(lambda: boxes.extend(detector.propose(detector.look(photo)) for photo in photos))
    return boxes, seconds / len(photos)


def _own_proposals(
    boxes: Sequence[FloatArray], seconds: float, photos: int, part: TrainingPart
) -> PartEstimate:
    """Return what a part's proposals in so many `photos` take."""
    disk = photos * _mean_length(boxes) * _BOX
    return PartEstimate(f"proposals of {part.title}", seconds * photos, None, disk, f"{photos:,} photos")


def _maps(trainer: Any, photos: int, done: int) -> PartEstimate:
    """Make the map of one photo of the sample, for all that are read, half of them mirrored."""
    inputs = PhotoInputs(trainer.photos, trainer.backbone.normalization, trainer.network.smallest_input)
    pixels, _ = inputs.read(0, trainer.sampler.scale, mirrored=False)
    pixels = like(pixels[None], trainer.network.on)
    made: list[Any] = []
    seconds = _seconds(lambda: made.append(trainer.network.features(pixels)))
    size = 2 * made[0].size  # half precision
    left = max(trainer.solver.iterations - done, 0) * (trainer.photos_per_step or 1)
    count = min(photos * (1 + trainer.flip), left)
    return PartEstimate("maps", count * seconds, None, count * size, f"{count:,} maps")


def _more_reading(trainer: Trainer[Any, Any], photos: int) -> float:
    """Return the seconds for those photos that a step on all of them reads beyond the sample."""
    sample = trainer.dataset
    more = min(trainer.photos_per_step or 0, photos) - len(sample.image_ids)
    if more <= 0:
        return 0.0
    start = time.perf_counter()
    size = sum(sample.image(index).nbytes for index in range(len(sample.image_ids)))
    each = (time.perf_counter() - start) / len(sample.image_ids)
    kept = trainer.photo_bytes / (size / len(sample.image_ids) * photos)
    return more * each * max(0.0, 1.0 - kept)


def _update(trainer: Trainer[Any, Any]) -> None:
    trainer.network.zero_grad()
    trainer.step(0)
    trainer.state.optimizer.step()


def _photo_seconds(detector: RegionDetector[Any], sample: SomePhotos, boxes: Sequence[FloatArray]) -> float:
    """Return the seconds that a detector takes for a photo with its proposals, or with those it makes."""
    if detector.proposer is None:
        photo = sample.image(0)
        detector.detect(photo)  # makes what is used again
        return _seconds(lambda: detector.detect(photo))
    index = int(np.argmax([len(own) for own in boxes]))
    image, some = sample.image(index), boxes[index][: detector.batch]
    detector.judge_in_batches(detector.look(image), some[:1])  # makes what is used again
    look = _seconds(lambda: detector.look(image))
    view = detector.look(image)
    judge = _seconds(lambda: detector.decide(view, *detector.judge_in_batches(view, some)))
    return look + judge * _mean_length(boxes) / max(len(some), 1)


def _validation(trainer: Trainer[Any, Any], validation: Validation, photo: float, done: int) -> PartEstimate:
    iterations, photos = trainer.solver.iterations, len(validation.dataset.image_ids)
    every = validation.interval(iterations)
    times = -(-iterations // every) - done // every
    weights = sum(array.nbytes for array in trainer.state.network.state_dict().values())
    return PartEstimate(
        "validation", photo * photos * times, None, 2 * weights, f"{times} times {photos:,} photos"
    )


def _linear_parts(
    trainer: Trainer[Any, Any],
    detector: Any,
    settings: LinearPartsSettings,
    regions: int,
    seconds: float,
) -> list[PartEstimate]:
    """Return what the features of all regions take, and name what is fitted to them."""
    dim7, dim5 = feature_dims(detector)
    overlaps = np.concatenate([record.best_iou for record in trainer.records])
    close = float((overlaps > settings.box_regression.min_iou).mean())
    size = regions * (dim7 + close * dim5) * np.dtype(settings.cache_dtype).itemsize
    return [
        PartEstimate("features", seconds, None, size, f"{regions:,} regions"),
        PartEstimate("SVMs, box regressions", None, None, 0.0, "a pass over the features each"),
    ]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
