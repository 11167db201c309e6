"""Horizontal mirroring, the one augmentation of the papers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from minircnn.boxes import flip_boxes
from minircnn.data.digest import photo_digest
from minircnn.structures import Annotations, DetectionDataset, ImageArray


def flip_image(image: ImageArray) -> ImageArray:
    """Return the (H, W, 3) `image` mirrored left to right, as a contiguous copy.

    Examples
    --------
    >>> from minircnn.data import flip_image
    >>> flip_image(np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
    array([[[3, 4, 5],
            [0, 1, 2]]], dtype=uint8)
    """
    return np.ascontiguousarray(image[:, ::-1])


def flip_annotations(annotations: Annotations) -> Annotations:
    """Return the ground truth as it lies in the mirrored photo (x becomes width - x).

    Examples
    --------
    >>> from minircnn import Annotations
    >>> from minircnn.data import flip_annotations
    >>> truth = Annotations(np.array([[0.0, 0, 4, 3]]), np.array([1]), ("cat",), height=5, width=10)
    >>> flip_annotations(truth).boxes
    array([[ 6.,  0., 10.,  3.]])
    """
    return replace(annotations, boxes=flip_boxes(annotations.boxes, annotations.width))


class FlippedDataset:
    """A data set and its mirror image, one after the other.

    The original Fast R-CNN code doubles its training set in the same way (section 2.3 of the paper:
    photos are mirrored with probability 0.5). Example ``i + len(dataset)`` is the mirrored example ``i``.

    Parameters
    ----------
    dataset : DetectionDataset

    Raises
    ------
    ValueError
        If ``dataset.flippable`` is false: a mirrored digit or letter is another sign or none.
    """

    def __init__(self, dataset: DetectionDataset) -> None:
        if not dataset.flippable:
            raise ValueError(f"{dataset.name}: a mirrored photo of this data set is no valid example")
        self._dataset = dataset
        self.name = f"{dataset.name}-flipped"
        self.class_names = dataset.class_names
        self.image_ids: Sequence[str] = (
            *dataset.image_ids,
            *(f"{image_id}_flipped" for image_id in dataset.image_ids),
        )
        self.flippable = False  # mirroring once more would only repeat examples

    def __len__(self) -> int:
        return 2 * len(self._dataset)

    def image(self, index: int) -> ImageArray:
        """Return photo `index` as (H, W, 3) uint8 RGB, mirrored in the second half."""
        flipped, original = self._original(index)
        image = self._dataset.image(original)
        return flip_image(image) if flipped else image

    def annotations(self, index: int) -> Annotations:
        """Return the ground truth of photo `index`, mirrored in the second half."""
        flipped, original = self._original(index)
        annotations = self._dataset.annotations(original)
        if not flipped:
            return annotations
        return replace(flip_annotations(annotations), image_id=self.image_ids[index])

    def photo_digest(self, index: int) -> str:
        """Return the digest of photo `index`; that of a mirrored one is its own."""
        flipped, original = self._original(index)
        digest = photo_digest(self._dataset, original)
        return hashlib.sha256(f"mirrored {digest}".encode()).hexdigest() if flipped else digest

    def _original(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has photos 0..{len(self) - 1}, asked for {index}")
        return divmod(index, len(self._dataset))
