"""Segments that tile a photo: every pixel has one class and, where that is a thing, one object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.checks import class_names as rule_of_names
from minircnn.checks import flag, require, whole
from minircnn.structures import BoolArray, IntArray

BACKGROUND = 0
"""The class of a segment that no named class has; its name is ``background``."""


@dataclass(frozen=True)
class Segment:
    """One segment: its `id` in the map, its class 0..K, and whether it stands for a crowd of objects."""

    id: int
    label: int
    crowd: bool = False

    def __post_init__(self) -> None:
        require(self, f"segment {self.id!r}", id=whole(1), label=whole(0), crowd=flag)


@dataclass(frozen=True)
class PanopticMap:
    """The segments of one photo, known or predicted.

    Parameters
    ----------
    ids : (H, W) int array
        The segment of each pixel; 0 is void, of which nothing is known or said.
    segments : tuple of Segment
        One for each other number in `ids`, in any order.
    class_names : tuple of str
        The K classes; ``class_names[label - 1]`` is the name of a label.
    stuff : tuple of str
        Those of them that are stuff. All others are things.
    image_id : str

    Raises
    ------
    ValueError
        If a number in `ids` has no segment, a segment no pixel, or two the same id, or if a class is unknown.

    Examples
    --------
    >>> from minircnn import PanopticMap, Segment
    >>> ids = np.array([[7, 7, 9, 0]])
    >>> both = PanopticMap(ids, (Segment(7, 1), Segment(9, 2)), ("cat", "grass"), stuff=("grass",))
    >>> both.class_map(void=255)
    array([[  1,   1,   2, 255]])
    """

    ids: IntArray
    segments: tuple[Segment, ...]
    class_names: tuple[str, ...]
    stuff: tuple[str, ...] = ()
    image_id: str = ""

    def __post_init__(self) -> None:
        what = f"panoptic map {self.image_id}".strip()
        require(self, what, class_names=rule_of_names)
        if getattr(self.ids, "ndim", 0) != 2 or self.ids.dtype.kind not in "iu":
            raise ValueError(f"{what}: ids must be a (H, W) array of whole numbers")
        known = [segment.id for segment in self.segments]
        if len(set(known)) < len(known):
            raise ValueError(f"{what}: two segments have the id {max(known, key=known.count)}")
        present = set(np.unique(self.ids).tolist()) - {0}
        if lacking := sorted(present - set(known)):
            raise ValueError(f"{what}: the id {lacking[0]} has pixels, and no segment")
        if empty := sorted(set(known) - present):
            raise ValueError(f"{what}: segment {empty[0]} has no pixel")
        for segment in self.segments:
            if segment.label > len(self.class_names):
                raise ValueError(
                    f"{what}: segment {segment.id} has class {segment.label} of {len(self.class_names)}"
                )
        if unknown := [name for name in self.stuff if name not in self.class_names]:
            raise ValueError(f"{what}: stuff {unknown[0]!r} is not among {', '.join(self.class_names)}")

    def name(self, segment: Segment) -> str:
        """Return the name of the class of a segment."""
        return "background" if segment.label == BACKGROUND else self.class_names[segment.label - 1]

    def is_thing(self, label: int) -> bool:
        """Return whether a class, 0..K, is one of things."""
        return label != BACKGROUND and self.class_names[label - 1] not in self.stuff

    def mask(self, segment: Segment) -> BoolArray:
        """Return the pixels of a segment, (H, W) bool."""
        return np.asarray(self.ids == segment.id)

    def class_map(self, void: int) -> IntArray:
        """Return the class of every pixel, (H, W): 0..K, and `void` where there is none."""
        numbers, place = np.unique(self.ids, return_inverse=True)
        label = {segment.id: segment.label for segment in self.segments}
        classes = np.array([label.get(int(number), void) for number in numbers])
        result: IntArray = classes[place.reshape(self.ids.shape)]
        return result
