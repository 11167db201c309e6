"""Images with one label each, as a classifier learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from minircnn.data.problems import DatasetError
from minircnn.structures import ImageArray


class LabelledImages(Protocol):
    """What pre-training needs of its data.

    There is no background: a label is the column of its class, 0..K−1, as torchvision's ``ImageFolder``
    counts.

    Attributes
    ----------
    name : str
    class_names : tuple of str
    flippable : bool
        Whether a mirrored image is still of its class.
    image_ids : sequence of str
    """

    name: str
    class_names: tuple[str, ...]
    flippable: bool
    image_ids: Sequence[str]

    def image(self, index: int) -> ImageArray:
        """Return image `index`, (H, W, 3) uint8 RGB."""
        ...

    def label(self, index: int) -> int:
        """Return the class of image `index`, 0..K−1."""
        ...

    def photo_digest(self, index: int) -> str:
        """Return a digest of what image `index` shows."""
        ...


class SomeImages:
    """The images of a set that have these numbers, in this order.

    Parameters
    ----------
    images : LabelledImages
    numbers : sequence of int
    """

    def __init__(self, images: LabelledImages, numbers: Sequence[int]) -> None:
        self._images, self._numbers = images, [int(number) for number in numbers]
        self.name, self.class_names, self.flippable = images.name, images.class_names, images.flippable
        self.image_ids: Sequence[str] = [images.image_ids[number] for number in self._numbers]

    def __len__(self) -> int:
        return len(self._numbers)

    def image(self, index: int) -> ImageArray:
        """Return image `index`, (H, W, 3) uint8 RGB."""
        return self._images.image(self._numbers[index])

    def label(self, index: int) -> int:
        """Return the class of image `index`, 0..K−1."""
        return self._images.label(self._numbers[index])

    def photo_digest(self, index: int) -> str:
        """Return a digest of what image `index` shows."""
        return self._images.photo_digest(self._numbers[index])


def held_out_share(images: LabelledImages, share: float, seed: int) -> tuple[SomeImages, SomeImages]:
    """Divide `images` into those to learn from and those to test on: `share` of each class, one at least.

    A class of a single image is only learnt from.

    Raises
    ------
    DatasetError
        If no class has two images.
    """
    rng = np.random.default_rng(seed)
    labels = np.array([images.label(index) for index in range(len(images.image_ids))])
    apart: list[int] = []
    for label in range(len(images.class_names)):
        own = rng.permutation(np.flatnonzero(labels == label))
        if len(own) > 1:
            apart += own[: min(max(1, round(share * len(own))), len(own) - 1)].tolist()
    if not apart:
        raise DatasetError(f"{images.name}: has one image of each class; testing needs a second of some")
    rest = sorted(set(range(len(labels))) - set(apart))
    return SomeImages(images, rest), SomeImages(images, sorted(apart))
