"""Some photos of a data set, as a data set."""

from __future__ import annotations

from collections.abc import Sequence

from minircnn.data.digest import photo_digest
from minircnn.data.records import one_photo
from minircnn.structures import Annotations, DetectionDataset, ImageArray


class SomePhotos:
    """The photos of a data set that have these numbers, in this order.

    Parameters
    ----------
    dataset : DetectionDataset
    numbers : sequence of int
    """

    def __init__(self, dataset: DetectionDataset, numbers: Sequence[int]) -> None:
        self._dataset, self._numbers = dataset, numbers
        self.name = dataset.name
        self.class_names = dataset.class_names
        self.flippable = dataset.flippable
        self.image_ids: Sequence[str] = tuple(dataset.image_ids[number] for number in numbers)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._dataset!r}, {len(self)})"

    def image(self, index: int) -> ImageArray:
        """Return photo `index` as (H, W, 3) uint8 RGB."""
        return self._dataset.image(self._place(index))

    def annotations(self, index: int) -> Annotations:
        """Return the ground truth of photo `index`."""
        return self._dataset.annotations(self._place(index))

    def photo_digest(self, index: int) -> str:
        """Return the digest of photo `index`."""
        return photo_digest(self._dataset, self._place(index))

    def alone(self, index: int) -> tuple[DetectionDataset, int]:
        """Return what travels to another process that needs photo `index` only."""
        return one_photo(self._dataset, self._place(index))

    def _place(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} was cut to photos 0..{len(self) - 1}, asked for {index}")
        return self._numbers[index]
