"""Batches of labelled images, and the gradients of their classification."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import Context
from typing import Any

import numpy as np

from minircnn.arrays import Device, like, to_host
from minircnn.data.labelled import LabelledImages
from minircnn.profiling import stage
from minircnn.structures import FloatArray, IntArray
from minircnn.training.backbone import make_backbone
from minircnn.training.batches import Batches
from minircnn.training.checkpoint import start_training
from minircnn.training.linear_parts import classification_gradients
from minircnn.training.pretraining.network import ClassifierNetwork
from minircnn.training.pretraining.scoring import HeldOut, Shrunk, labels_of
from minircnn.training.pretraining.settings import PretrainSettings
from minircnn.training.regions import ImageReader, epoch_order


class PretrainTrainer:
    """Makes batches and computes the gradients of one update.

    Parameters
    ----------
    images : LabelledImages
        To learn from.
    settings : PretrainSettings
    device : {"cpu", "cuda"}

    Raises
    ------
    ValueError
        If the backbone cannot be built, or does not take crops of that size.
    """

    def __init__(self, images: LabelledImages, settings: PretrainSettings, *, device: Device = "cpu") -> None:
        self.settings, self.flip = settings, settings.flip and images.flippable
        rng = np.random.default_rng(settings.seed)
        self.backbone = make_backbone(settings.backbone, rng)
        self.size = settings.crop_size or self.backbone.crop_size
        self._require_crops()
        network = ClassifierNetwork(self.backbone, len(images.class_names), rng=rng)
        self.network = network
        self.images, self.reader = images, ImageReader(Shrunk(images, self.size))
        self.labels = labels_of(images)
        self.state = start_training(network, settings.solver, rng, device)
        self.batches: Batches[tuple[FloatArray, IntArray]] = Batches(self.state.rng)

    def step(self, iteration: int) -> dict[str, float]:
        """Compute the loss of a fresh batch and add its gradients to the parameters."""
        batch = stage("make batch")(self.batches.take)(self.make_batch, iteration)
        pixels, labels = (like(part, self.network.on) for part in batch)
        logits = stage("forward")(self.network.logits)(pixels)
        self.batches.begin_next(self.make_batch)
        return classification_gradients(self.network, logits, labels)

    def make_batch(
        self, iteration: int, rng: np.random.Generator | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Return random squares of the next images, (N, 3, S, S) normalised, and their labels (N,)."""
        batch, rng = self.settings.batch, rng or self.state.rng
        chosen = np.fromiter(self._numbers(iteration * batch, batch), np.int64)
        crops = np.empty((batch, self.size, self.size, 3), np.uint8)
        for crop, index in zip(crops, chosen, strict=True):
            image = self.reader.read(int(index))
            y, x = (int(rng.integers(side - self.size + 1)) for side in image.shape[:2])
            crop[:] = image[y : y + self.size, x : x + self.size]
        mirrored = rng.random(batch) < (0.5 if self.flip else 0.0)
        crops[mirrored] = crops[mirrored][:, :, ::-1]
        return self.backbone.normalization.apply(crops), self.labels[chosen]

    def accuracy(self, held_out: HeldOut) -> float:
        """Return the share of the held-out images that the network names rightly now."""
        self.network.eval()
        share = held_out.accuracy(self.network, self.backbone.normalization)
        self.network.prepare_training()
        return share

    def weights(self) -> dict[str, Any]:
        """Return the weights by their names in the backbone, and those of the output."""
        named = [
            *self.backbone.named_parameters(),
            *((f"fc8.{n}", p) for n, p in self.network.fc8.named_parameters()),
        ]
        return {name: to_host(parameter.data) for name, parameter in named}

    def _numbers(self, first: int, count: int) -> Iterator[int]:
        """Yield the images at `count` places from `first` on, in one epoch after the other."""
        total = len(self.images.image_ids)
        order, epoch = None, -1
        for place in range(first, first + count):
            if order is None or place // total != epoch:
                epoch = place // total
                order = epoch_order(self.settings.seed, epoch, total)
            yield int(order[place % total])

    def _require_crops(self) -> None:
        self.backbone.eval()
        try:  # in a context of its own, as this is no part of the training that a profile counts
            Context().run(self.backbone.forward, np.zeros((1, 3, self.size, self.size), np.float32))
        except Exception as error:  # each layer says in its own way that its input has another size
            raise ValueError(
                f"crop_size {self.size} does not fit {self.backbone.name}, whose crops have "
                f"{self.backbone.crop_size}"
            ) from error
