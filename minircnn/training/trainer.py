"""What the training of every network has in common: make a batch, compute its gradients, update, again."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from minircnn.arrays import Device, device_namespace
from minircnn.detectors import RegionDetector
from minircnn.nn import Sequential
from minircnn.profiling import stage
from minircnn.proposals import Proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.backbone import make_backbone
from minircnn.training.batches import Batches
from minircnn.training.checkpoint import start_training
from minircnn.training.fingerprint import DataFingerprint
from minircnn.training.loop import LoopSettings, train_loop
from minircnn.training.photo_inputs import MapInputs, PhotoInputs
from minircnn.training.quiet import quiet
from minircnn.training.regions import PhotoReader, region_records
from minircnn.training.settings import NetworkSettings, SolverSettings, as_json

S = TypeVar("S", bound=NetworkSettings)
Batch = TypeVar("Batch")


class Trainer(ABC, Generic[S, Batch]):
    """Makes batches and computes the gradients of one step.

    Parameters
    ----------
    dataset : DetectionDataset
    proposals : sequence of (R, 4) arrays
        Candidate boxes of every photo, in pixels: none of each where the detector proposes itself.
    settings : NetworkSettings
    device : {"cpu", "cuda"}
    """

    work: ClassVar[str] = "training"
    """What a profile calls it."""
    photo_bytes: ClassVar[int] = PhotoReader.MAX_BYTES
    """Of decoded photos that are kept from step to step."""

    convolutions: Sequential
    """What a step still has to do of the way from the inputs of photos to their maps."""

    def __init__(
        self,
        dataset: DetectionDataset,
        proposals: Sequence[FloatArray],
        settings: S,
        *,
        device: Device = "cpu",
    ) -> None:
        self.dataset, self.settings, self.device = dataset, settings, device
        self.flip = settings.flip and dataset.flippable
        self.photos = PhotoReader(dataset, self.photo_bytes)
        self.records = region_records(dataset, proposals)
        rng = np.random.default_rng(settings.seed)
        with quiet():  # its recipe's check has said what is loaded, before there were proposals
            self.backbone = make_backbone(settings.backbone, rng)
        self.network = self.make_network(len(dataset.class_names), rng)
        # where the network has a head of its own, the backbone's need not stay in memory
        self.backbone = dataclasses.replace(self.backbone, head=self.network.head, classifier=None)
        self.state = start_training(self.network, self.solver, rng, device)
        self.batches: Batches[Batch] = Batches(self.state.rng)

    @property
    @abstractmethod
    def solver(self) -> SolverSettings:
        """How the network is updated, and how often."""

    @property
    def photos_per_step(self) -> int | None:
        """How many photos a step reads, at most; None where it is few."""
        return None

    @abstractmethod
    def make_network(self, num_classes: int, rng: np.random.Generator) -> Any:
        """Return the network to train, on `self.backbone`."""

    @abstractmethod
    def make_batch(self, iteration: int, rng: np.random.Generator | None = None) -> Batch:
        """Draw what step `iteration` sees, from `rng`; None: from the training's own.

        A thread may be doing so while the step before is not done.
        """

    @abstractmethod
    def gradients(self, batch: Batch) -> dict[str, float]:
        """Run `batch` forward and backward; return the losses by name, their sum as ``loss``.

        After the last random number, ``self.batches.begin_next(self.make_batch)`` lets the next batch be made
        meanwhile.
        """

    @abstractmethod
    def make_detector(self, proposer: Proposer | None) -> RegionDetector[Any]:
        """Return a detector with the network in its present state; without `proposer` it proposes itself."""

    def photo_inputs(self, keep_maps: bool, map_folder: Path | None) -> PhotoInputs:
        """Return what steps show the network of a photo: its pixels, or its map, kept in `map_folder`."""
        if not keep_maps:
            self.convolutions = self.network.features
            return PhotoInputs(self.photos, self.backbone.normalization, self.network.smallest_input)
        self.convolutions = self.network.features.trained_part()
        return MapInputs(self.photos, self.backbone.normalization, self.network, map_folder)

    def detector(self, proposer: Proposer | None) -> Any:
        """Return the detector in its present state of training, where the network lives.

        SVMs and regressors that are fitted afterwards know nothing yet.
        """
        detector = self.make_detector(proposer)
        detector.to(device_namespace(self.device))
        return detector

    def step(self, iteration: int) -> dict[str, float]:
        """Compute the losses of a fresh batch and add their gradients to the parameters."""
        if not self.network.training:  # a detector of it was at work in between
            self.network.prepare_training()
        batch = stage("make batch")(self.batches.take)(self.make_batch, iteration)
        return self.gradients(batch)

    def train(self, loop: LoopSettings) -> None:
        """Train to the last iteration of the settings; see :func:`train_loop` for what is raised."""
        settings = as_json(self.settings)
        if loop.folder is not None:  # a checkpoint belongs to settings and data
            settings |= (loop.data or DataFingerprint.of(self.dataset)).summary()
        validator = loop.validator
        with stage(self.work), self.batches.ahead(self.solver.iterations, self.network.on):
            train_loop(
                self.step,
                self.state,
                solver=self.solver,
                loop=loop,
                settings=settings,
                detector=None if validator is None else lambda: self.detector(validator.proposer),
            )
