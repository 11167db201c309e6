"""Images as a classifier sees them, and the share of them that it names rightly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from minircnn.arrays import like, to_host
from minircnn.backbones import Backbone, Normalization, build_backbone
from minircnn.data.labelled import LabelledImages, SomeImages
from minircnn.evaluation.classification import top_k_accuracy
from minircnn.profiling import stage
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.training.pretraining.network import ClassifierNetwork
from minircnn.training.regions import ImageReader
from minircnn.weights import WeightsError, open_weights


class Shrunk(SomeImages):
    """Images with a shorter side that suits crops of this size, so that many of them can be kept in memory.

    256 of 227 pixels, as AlexNet's are (Krizhevsky and others, 2012, section 4.1).
    """

    def __init__(self, images: LabelledImages, crop_size: int) -> None:
        super().__init__(images, range(len(images.image_ids)))
        self.side = round(crop_size * 256 / 227)

    def image(self, index: int) -> ImageArray:
        """Return image `index` (h, w, 3) uint8."""
        image = super().image(index)
        scale = self.side / min(image.shape[:2])
        height, width = (max(self.side, round(length * scale)) for length in image.shape[:2])
        if (height, width) == image.shape[:2]:
            return image
        shrunk = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(shrunk)


class HeldOut:
    """Images to test classifiers on, of which each sees the square in the middle.

    Parameters
    ----------
    images : LabelledImages
    crop_size : int
    batch : int
        So many go through the network at once.
    """

    def __init__(self, images: LabelledImages, crop_size: int, batch: int = 64) -> None:
        self.size, self.batch = crop_size, batch
        self.labels = labels_of(images)
        self._reader = ImageReader(Shrunk(images, crop_size))

    def __len__(self) -> int:
        return len(self.labels)

    @stage("accuracy")
    def accuracy(self, network: ClassifierNetwork, normalization: Normalization) -> float:
        """Return the share of the images whose class gets the best score of `network`, in evaluation mode."""
        batches = range(0, len(self), self.batch)
        scores = [self._scores(network, normalization, first) for first in batches]
        return top_k_accuracy(np.concatenate(scores), self.labels)

    def _scores(self, network: ClassifierNetwork, normalization: Normalization, first: int) -> FloatArray:
        """Return the logits (n, K) of a batch."""
        numbers = range(first, min(first + self.batch, len(self)))
        pixels = normalization.apply(np.stack([self._middle(self._reader.read(i)) for i in numbers]))
        scores: FloatArray = to_host(network.logits(like(pixels, network.on)))
        return scores

    def _middle(self, image: ImageArray) -> ImageArray:
        y, x = ((side - self.size) // 2 for side in image.shape[:2])
        return image[y : y + self.size, x : x + self.size]


def labels_of(images: LabelledImages) -> IntArray:
    """Return the labels of all `images`, (N,) int64."""
    return np.array([images.label(index) for index in range(len(images.image_ids))], np.int64)


def load_classifier(path: Path | str) -> tuple[Backbone, ClassifierNetwork]:
    """Return what :func:`~minircnn.training.pretraining.pretrain` wrote: backbone and whole classifier.

    The classifier's layers are those of the backbone, in evaluation mode.

    Raises
    ------
    WeightsError
        If the file is none of these.
    """
    file = open_weights(path)
    record, arrays = file.record, file.arrays
    if not {"options", "class_names"} <= record.keys() or "fc8.weight" not in arrays:
        raise WeightsError(f"{path}: is no classifier that minircnn pretrain wrote")
    backbone = build_backbone(record["backbone"], weights=path, **record["options"])
    network = ClassifierNetwork(backbone, len(record["class_names"]))
    network.fc8.load_state_dict({name: arrays[f"fc8.{name}"] for name in ("weight", "bias")})
    network.eval()
    return backbone, network
