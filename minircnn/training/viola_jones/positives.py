"""What a data set holds for the cascades: objects brought to the window, and photos to look elsewhere in."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from minircnn.detectors.viola_jones import cut_boxes
from minircnn.imaging import as_grey
from minircnn.structures import DetectionDataset, FloatArray, ImageArray
from minircnn.training.regions import PhotoReader
from minircnn.training.viola_jones.settings import CascadeSettings

logger = logging.getLogger("minircnn")

_FEW = 20
_OFF = 1.5
"""By how much the shape of objects may differ from the window's before it is said."""


class GreyPhotos(Sequence[ImageArray]):
    """The photos of a data set in grey (H, W), read when they are asked for."""

    def __init__(self, dataset: DetectionDataset) -> None:
        self._photos = PhotoReader(dataset)

    def __len__(self) -> int:
        return len(self._photos.dataset.image_ids)

    def __getitem__(self, index: int) -> ImageArray:  # type: ignore[override]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return as_grey(self._photos.read(index))


def boxes_of_class(dataset: DetectionDataset, label: int) -> list[FloatArray]:
    """Return the boxes (G, 4) of all objects of a class in each photo, difficult ones too."""
    truths = (dataset.annotations(index) for index in range(len(dataset.image_ids)))
    return [truth.boxes[truth.labels == label] for truth in truths]


def cut_positives(
    dataset: DetectionDataset, photos: Sequence[ImageArray], label: int, settings: CascadeSettings
) -> ImageArray:
    """Return all objects of a class (N, h, w) uint8 that are not difficult, stretched to the window."""
    height, width = settings.shape
    crops = [np.zeros((0, height, width), np.uint8)]
    for index in range(len(photos)):
        truth = dataset.annotations(index)
        own = truth.boxes[(truth.labels == label) & ~truth.difficult]
        if len(own):
            crops.append(cut_boxes(photos[index], own, settings.growth, height, width))
    return np.concatenate(crops)


def note_odd_classes(dataset: DetectionDataset, settings: CascadeSettings) -> None:
    """Say which classes have few objects, or objects of another shape than the window.

    Raises
    ------
    ValueError
        If no class has any.
    """
    truths = [dataset.annotations(index) for index in range(len(dataset.image_ids))]
    boxes = np.concatenate([truth.boxes[~truth.difficult] for truth in truths])
    labels = np.concatenate([truth.labels[~truth.difficult] for truth in truths])
    if len(boxes) == 0:
        raise ValueError(f"data set {dataset.name} has no (not difficult) object to train on")
    names = dataset.class_names
    counts = np.bincount(labels, minlength=len(names) + 1)[1:]
    few = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < _FEW]
    if few:
        logger.warning(
            "classes with few objects to learn from: %s; a cascade wants hundreds, and rejects every window "
            "of a class that has none",
            ", ".join(few),
        )
    height, width = settings.shape
    for label, name in enumerate(names, start=1):
        own = boxes[labels == label]
        if len(own) == 0:
            continue
        shape = float(np.median((own[:, 3] - own[:, 1]) / (own[:, 2] - own[:, 0])))
        off = shape / (height / width)
        if not 1 / _OFF <= off <= _OFF:
            logger.warning(
                "boxes of class %s are %.2f times as high as wide, and the window %d×%d (height × width) is "
                "stretched to them: what is found has the window's shape; set cascade.window",
                name,
                shape,
                height,
                width,
            )
