"""Everything known of a photo pixel by pixel: one record, from which each rung of the ladder is derived.

Label, box, boxes, class per pixel, object per pixel, both at once: a list of classes with their masks says
all of it. What a task asks for is a method here, so that no two tasks can disagree about the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from minircnn.checks import class_names as rule_of_names
from minircnn.checks import require
from minircnn.columns import check_column, check_labels
from minircnn.panoptic import BACKGROUND, PanopticMap, Segment
from minircnn.structures import Annotations, BoolArray, FloatArray, IntArray

VOID = 255
"""The class of pixels of which nothing is known, in a class map (PASCAL VOC)."""


@dataclass(frozen=True)
class Scene:
    """Ground truth of one photo, down to its pixels.

    A segment is one object of a class of *things* (cat), or all of a class of *stuff* (grass). Where segments
    overlap, the later one lies in front. What none covers is background, class 0, unless it is void.

    Parameters
    ----------
    masks : (S, H, W) bool array
        The pixels of each segment, those that others hide included where they are known. None is empty.
    labels : (S,) int array
        1..K; ``class_names[label - 1]`` is the name.
    class_names : tuple of str
        The K classes, at most 254.
    stuff : tuple of str
        Those of them that are stuff. All others are things.
    void : (H, W) bool array, optional
        Pixels of which nothing is known, whatever covers them. Default: none.
    difficult : (S,) bool array, optional
        Segments that count neither as found nor as missed: VOC's difficult objects, COCO's crowds.
    image_id : str

    Raises
    ------
    ValueError
        If shapes disagree, a mask is empty, a label is outside 1..K, or a class of stuff is unknown or has
        two segments.

    Examples
    --------
    >>> from minircnn import Scene
    >>> masks = np.zeros((2, 3, 4), dtype=bool)
    >>> masks[0, :, :3] = masks[1, 1:, 2:] = True  # a cat, and a dog in front of it
    >>> scene = Scene(masks, np.array([1, 2]), ("cat", "dog"))
    >>> scene.class_map()
    array([[1, 1, 1, 0],
           [1, 1, 2, 2],
           [1, 1, 2, 2]], dtype=uint8)
    >>> scene.label_set(), scene.largest().boxes
    ((1, 2), array([[0., 0., 3., 3.]]))
    """

    masks: BoolArray
    labels: IntArray
    class_names: tuple[str, ...]
    stuff: tuple[str, ...] = ()
    void: BoolArray | None = None
    difficult: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    image_id: str = ""

    def __post_init__(self) -> None:
        what = f"scene {self.image_id}".strip()
        require(self, what, class_names=rule_of_names)
        masks, rows = self.masks, len(self.masks)
        if masks.ndim != 3 or masks.dtype != np.bool_ or 0 in masks.shape[1:]:
            raise ValueError(f"{what}: masks must be (S, H, W) of bool, got {masks.dtype} {masks.shape}")
        if len(self.class_names) >= VOID:
            raise ValueError(f"{what}: {len(self.class_names)} classes, and a class map holds {VOID - 1}")
        check_labels(self.labels, self.class_names, rows, what)
        if np.size(self.difficult) == 0:
            object.__setattr__(self, "difficult", np.zeros(rows, dtype=bool))
        check_column(self.difficult, rows, "true or false", f"{what}: difficult")
        if self.void is not None and (self.void.shape != masks.shape[1:] or self.void.dtype != np.bool_):
            raise ValueError(f"{what}: void must be (H, W) of bool, as large as the masks")
        empty = np.flatnonzero(~masks.any(axis=(1, 2)))
        if len(empty):
            raise ValueError(
                f"{what}: segment {empty[0]} ({self._name(empty[0])}) has no pixel; leave it away"
            )
        self._check_stuff(what)

    def _check_stuff(self, what: str) -> None:
        unknown = [name for name in self.stuff if name not in self.class_names]
        if unknown:
            raise ValueError(f"{what}: stuff {unknown[0]!r} is not among {', '.join(self.class_names)}")
        for name in self.stuff:
            count = int((self.labels == self.class_names.index(name) + 1).sum())
            if count > 1:
                raise ValueError(f"{what}: {name!r} is stuff, and has {count} segments; join their masks")

    def _name(self, segment: int) -> str:
        return self.class_names[int(self.labels[segment]) - 1]

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def height(self) -> int:
        """Of the photo, in pixels."""
        return int(self.masks.shape[1])

    @property
    def width(self) -> int:
        """Of the photo, in pixels."""
        return int(self.masks.shape[2])

    @property
    def is_thing(self) -> BoolArray:
        """Whether each segment is an object, (S,)."""
        of_class = np.array([name not in self.stuff for name in self.class_names])
        things: BoolArray = of_class[self.labels - 1]
        return things

    def areas(self) -> IntArray:
        """Return the pixels of each mask, (S,)."""
        areas: IntArray = np.count_nonzero(self.masks, axis=(1, 2))
        return areas

    def label_set(self) -> tuple[int, ...]:
        """Return the classes of things that occur, in order: what multi-label classification asks for."""
        return tuple(int(label) for label in np.unique(self.labels[self.is_thing]))

    def objects(self) -> Annotations:
        """Return every thing with the box around its mask: what detection asks for.

        The classes are those of things alone, numbered anew without the stuff between them.
        """
        return self._annotations(np.flatnonzero(self.is_thing))

    def largest(self) -> Annotations:
        """Return the thing with the most pixels, the first of equals, alone: what localization asks for.

        Difficult ones are passed over. Of a photo without things the record is empty.
        """
        chosen = np.flatnonzero(self.is_thing & ~self.difficult)
        best = chosen[np.argsort(-self.areas()[chosen], kind="stable")[:1]]
        return self._annotations(best)

    def _annotations(self, chosen: IntArray) -> Annotations:
        things = tuple(name for name in self.class_names if name not in self.stuff)
        number = {name: label for label, name in enumerate(things, start=1)}
        labels = np.array([number[self._name(s)] for s in chosen], dtype=np.int64)
        return Annotations(
            mask_boxes(self.masks[chosen]),
            labels,
            things,
            self.height,
            self.width,
            self.image_id,
            self.difficult[chosen],
            self.areas()[chosen].astype(np.float64),
        )

    def class_map(self) -> IntArray:
        """Return the class of every pixel, (H, W) uint8: 0 background, 1..K, 255 void."""
        return self._painted(self.labels.astype(np.uint8), VOID)

    def instance_map(self) -> IntArray:
        """Return the object of every pixel, (H, W) int32: 1, 2, … in the order of the things, 0 elsewhere."""
        things = self.is_thing
        return self._painted(np.where(things, np.cumsum(things), 0).astype(np.int32), 0)

    def panoptic(self) -> PanopticMap:
        """Return segments that tile the photo: every pixel has one class and, of things, one object.

        Segment s of the scene has id s + 1, background the id after the last; 0 is void. What others hide
        entirely has no segment.
        """
        rest = len(self) + 1
        ids = self._painted(np.arange(1, rest, dtype=np.int32), 0)
        unclaimed = (ids == 0) if self.void is None else (ids == 0) & ~self.void
        ids[unclaimed] = rest
        visible = set(np.unique(ids).tolist())
        segments = [
            Segment(s + 1, int(self.labels[s]), bool(self.difficult[s]))
            for s in range(len(self))
            if s + 1 in visible
        ]
        if rest in visible:
            segments.append(Segment(rest, BACKGROUND))
        return PanopticMap(ids, tuple(segments), self.class_names, self.stuff, self.image_id)

    @staticmethod
    def from_panoptic(panoptic: PanopticMap) -> Scene:
        """Return the scene of which `panoptic` is the map: nothing overlaps, and what has no class is void.

        Several segments of one class of stuff are joined.
        """
        by_place: dict[tuple[int, int], list[Segment]] = {}
        for segment in panoptic.segments:
            if segment.label != BACKGROUND:
                own = segment.id if panoptic.is_thing(segment.label) else 0
                by_place.setdefault((segment.label, own), []).append(segment)
        masks = [np.isin(panoptic.ids, [part.id for part in parts]) for parts in by_place.values()]
        return Scene(
            np.array(masks, dtype=bool).reshape(-1, *panoptic.ids.shape),
            np.array([label for label, _ in by_place], dtype=np.int64),
            panoptic.class_names,
            panoptic.stuff,
            panoptic.ids == 0,
            np.array([any(part.crowd for part in parts) for parts in by_place.values()], dtype=bool),
            panoptic.image_id,
        )

    def _painted(self, values: IntArray, void: int) -> IntArray:
        """Return (H, W) with the value of the front segment at every pixel, 0 where there is none."""
        painted = np.zeros(self.masks.shape[1:], dtype=values.dtype)
        for mask, value in zip(self.masks, values, strict=True):
            painted[mask] = value
        if self.void is not None:
            painted[self.void] = void
        return painted

    def flipped(self) -> Scene:
        """Return the scene mirrored left to right."""
        void = None if self.void is None else self.void[:, ::-1].copy()
        return replace(self, masks=self.masks[:, :, ::-1].copy(), void=void)

    def cropped(self, top: int, left: int, bottom: int, right: int) -> Scene:
        """Return rows `top` to `bottom` and columns `left` to `right`, half-open, without what lies outside.

        A window that is empty or reaches over the photo raises ValueError.
        """
        if not (0 <= top < bottom <= self.height and 0 <= left < right <= self.width):
            raise ValueError(
                f"no window of a photo {self.height} high and {self.width} wide: rows {top}..{bottom}, "
                f"columns {left}..{right}"
            )
        window = np.s_[..., top:bottom, left:right]
        masks = self.masks[window]
        kept = masks.any(axis=(1, 2))
        return replace(
            self,
            masks=masks[kept],
            labels=self.labels[kept],
            difficult=self.difficult[kept],
            void=None if self.void is None else self.void[window].copy(),
        )


def mask_boxes(masks: BoolArray) -> FloatArray:
    """Return the smallest half-open box (S, 4) around each of `masks` (S, H, W), none of which is empty.

    Examples
    --------
    >>> from minircnn.scene import mask_boxes
    >>> mask_boxes(np.array([[[0, 0, 0], [0, 1, 1]]], dtype=bool))
    array([[1., 1., 3., 2.]])
    """
    boxes = np.zeros((len(masks), 4))
    for s, mask in enumerate(masks):
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        boxes[s] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes
