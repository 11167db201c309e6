"""Recipes: how each kind of detector is trained, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from minircnn.arrays import Device
from minircnn.detectors import RegionDetector
from minircnn.proposals import Proposer
from minircnn.registry import Registry
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.loop import LoopSettings
from minircnn.training.settings import DetectorSettings

S = TypeVar("S", bound=DetectorSettings)


@dataclass(frozen=True)
class TrainingJob(Generic[S]):
    """All that one training is given.

    Parameters
    ----------
    dataset : DetectionDataset
    proposals : sequence of (R, 4) arrays
        Candidate boxes of every photo, in pixels: none of each where the detector proposes itself.
    proposer : Proposer or None
        Makes the proposals when the finished detector runs; None: it proposes itself.
    settings : DetectorSettings
    folder : Path
        Of the run; receives what is kept between the parts of a training.
    loop : LoopSettings
    device : {"cpu", "cuda"}
    n_jobs : int
        Processes that run the network where photos are independent of each other.
    shared_maps : Path, optional
        Folder of maps of photos that runs share; default: one in the run's.
    """

    dataset: DetectionDataset
    proposals: Sequence[FloatArray]
    proposer: Proposer | None
    settings: S
    folder: Path
    loop: LoopSettings
    device: Device = "cpu"
    n_jobs: int = 1
    shared_maps: Path | None = None

    @property
    def map_folder(self) -> Path:
        """Where the maps of the photos are kept."""
        return self.shared_maps or self.folder / "maps"


@dataclass(frozen=True)
class TrainingPart:
    """A part of a training that makes updates from its first to its last, with a log of its own.

    Parameters
    ----------
    suffix : str
        Behind the run's name in the files of the part.
    title, what : str
        Its name, and what it trains, in words.
    trainer : callable, optional
        ``trainer(dataset, proposals, settings, device=...)`` makes the updates.
    proposer : callable, optional
        ``proposer(trainer)`` returns the detector that then proposes in all photos, for the next part.
    """

    suffix: str = ""
    title: str = "training"
    what: str = ""
    trainer: Callable[..., Any] | None = None
    proposer: Callable[[Any], RegionDetector[Any]] | None = None


@dataclass(frozen=True)
class Recipe(Generic[S]):
    """How one kind of detector is trained.

    Parameters
    ----------
    name : str
        The detector's.
    settings : type
        The record of all that decides a run; its defaults are the paper's.
    presets : mapping of str to settings
        Starting points: ``paper``, ``pretrained``, ``small``, ``scenes``, ``classroom`` and
        ``scenes-quick``.
    train : callable
        ``train(job)`` returns the finished detector.
    explanation : str
        What the training does, for ``minircnn train NAME --help``: a summary line, then more.
    check : callable
        ``check(settings)`` raises where a training with them must fail, before hours are spent on proposals.
    validates : bool
        Whether the network is a detector after every update, which can be validated while it is trained.
    trainer : type of Trainer, optional
        Makes the network's updates: to try a few, which tells what a training will take.
    several : callable, optional
        ``several(settings)`` returns the parts of a training that has more than one, in their order, or None.
    estimate : callable, optional
        ``estimate(dataset, settings, n_jobs)`` tells what a training without a network will take, as
        :class:`~minircnn.training.estimate.PartEstimate` records; those with one are tried on a few photos.
    """

    name: str
    settings: type[S]
    presets: Mapping[str, S]
    train: Callable[[TrainingJob[S]], RegionDetector[Any]]
    explanation: str
    check: Callable[[S], Any] = lambda settings: None
    validates: bool = True
    trainer: Callable[..., Any] | None = None
    several: Callable[[S], Sequence[TrainingPart] | None] = lambda settings: None
    estimate: Callable[[DetectionDataset, S, int], Sequence[Any]] | None = None

    def parts(self, settings: S) -> Sequence[TrainingPart]:
        """Return what of a training with `settings` makes updates, in its order."""
        return self.several(settings) or (TrainingPart(trainer=self.trainer),)


RECIPES: Registry[Recipe[Any]] = Registry("detector to train")
"""How each detector is trained, by its name."""


def add_recipe(recipe: Recipe[Any]) -> None:
    """Make a recipe known by its name."""
    RECIPES.register(recipe.name)(recipe)
