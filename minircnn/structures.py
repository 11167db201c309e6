"""The records that pass between the parts: what is known of a photo and what is found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from minircnn.columns import check_boxes, check_column, check_labels
from minircnn.interop import (
    from_coco,
    from_pandas,
    from_records,
    from_supervision,
    to_coco,
    to_pandas,
    to_supervision,
)

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]
ImageArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Annotations:
    """Ground truth of one photo.

    Parameters
    ----------
    boxes : (G, 4) float array
        ``x1, y1, x2, y2`` in pixels of the photo, half-open.
    labels : (G,) int array
        Class of each box, 1..K. ``class_names[label - 1]`` is its name.
    class_names : tuple of str
        The K foreground classes.
    difficult : (G,) bool array, optional
        Boxes that count neither as found nor as missed (PASCAL VOC). Default: none.
    image_id : str
    height, width : int
        Size of the photo in pixels.
    areas : (G,) float array, optional
        Square pixels of each object, where the data set knows them (COCO: of the outline, not of the box).
        None: the boxes' own.

    Raises
    ------
    ValueError
        If shapes disagree, a box is not finite or a label is outside 1..K.

    Examples
    --------
    >>> from minircnn import Annotations
    >>> truth = Annotations(np.array([[1.0, 2, 8, 9]]), np.array([2]), ("cat", "dog"), 10, 12)
    >>> len(truth), truth.difficult
    (1, array([False]))
    """

    boxes: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]
    height: int
    width: int
    image_id: str = ""
    difficult: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    areas: FloatArray | None = None

    def __post_init__(self) -> None:
        what = f"annotations of {self.image_id or 'an image'}"
        check_boxes(self.boxes, what)
        rows = len(self.boxes)
        if np.size(self.difficult) == 0:
            object.__setattr__(self, "difficult", np.zeros(rows, dtype=bool))
        check_column(self.difficult, rows, "true or false", f"{what}: difficult")  # ~ of 0 and 1 is −1, −2
        if self.areas is not None:
            check_column(self.areas, rows, "numbers", f"{what}: areas")
            if not ((self.areas >= 0) & np.isfinite(self.areas)).all():
                raise ValueError(f"{what}: an area is negative or not finite")
        check_labels(self.labels, self.class_names, rows, what)

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Detections:
    """What a detector found in one photo, best score first.

    In a notebook it is shown as the photo with its boxes, or as a table where the photo is not known.

    Parameters
    ----------
    boxes : (D, 4) float array
        ``x1, y1, x2, y2`` in pixels of the photo, half-open.
    scores : (D,) float array
        Descending within the record as detectors return it.
    labels : (D,) int array
        1..K; ``class_names[label - 1]`` is the name.
    class_names : tuple of str
    image : (H, W, 3) uint8 array, optional
        The photo itself, no copy. It is held as long as the record is: ``detect(..., keep_image=False)``
        leaves it away where thousands of results are kept. It counts in no comparison.
    shown_from : float, optional
        The score from which a picture shows a detection. None: all.

    Raises
    ------
    ValueError
        If shapes disagree, a box or score is not finite, a label is outside 1..K or `image` is no photo.

    Examples
    --------
    >>> from minircnn import Detections
    >>> boxes, scores, labels = np.array([[1, 2, 8, 9], [0, 0, 5, 5]]), np.array([0.9, 0.2]), np.array([2, 1])
    >>> found = Detections(boxes, scores, labels, ("cat", "dog"))
    >>> found.names(), found.above(0.5).names()
    (['dog', 'cat'], ['dog'])
    """

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]
    image: ImageArray | None = field(default=None, repr=False, compare=False)
    shown_from: float | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_boxes(self.boxes, "detections")
        check_column(self.scores, len(self.boxes), "numbers", "detections: scores")
        if not np.isfinite(self.scores).all():
            raise ValueError("detections: a score is not finite")
        check_labels(self.labels, self.class_names, len(self.boxes), "detections")
        photo = self.image
        if photo is not None and (np.shape(photo)[2:] != (3,) or getattr(photo, "dtype", None) != np.uint8):
            raise ValueError(
                f"detections: image must be (H, W, 3) of uint8, got {type(photo).__name__} {np.shape(photo)}"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    def names(self) -> list[str]:
        """Return the class name of every detection."""
        return [self.class_names[label - 1] for label in self.labels]

    def above(self, score: float) -> Detections:
        """Return the detections whose score is at least `score`; pictures show them all."""
        return replace(self.take(np.flatnonzero(self.scores >= score)), shown_from=score)

    def take(self, index: IntArray) -> Detections:
        """Return the detections at `index`, in that order."""
        return replace(self, boxes=self.boxes[index], scores=self.scores[index], labels=self.labels[index])

    def on(self, image: ImageArray | None) -> Detections:
        """Return the same detections with their photo (H, W, 3); with None, without one."""
        return replace(self, image=image)

    @staticmethod
    def empty(class_names: tuple[str, ...]) -> Detections:
        """Return a record with no detections."""
        return Detections(
            np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), class_names
        )

    def to_records(self) -> list[dict[str, Any]]:
        """Return one plain dictionary per detection, ready for JSON: class, score and box."""
        return [
            {"class": name, "score": float(score), "box": [float(v) for v in box]}
            for name, score, box in zip(self.names(), self.scores, self.boxes, strict=True)
        ]

    @staticmethod
    def from_records(records: Any, class_names: Sequence[str] | None = None) -> Detections:
        """Return what :meth:`to_records` has given, best score first, in float64.

        The classes are `class_names` or, without them, those that occur, in the order in which they do. A
        record that lacks something, or a class that is not among them, raises ValueError.

        Examples
        --------
        >>> from minircnn import Detections
        >>> records = [{"class": "dog", "score": 0.9, "box": [1.0, 2.0, 8.0, 9.0]}]
        >>> Detections.from_records(records).to_records() == records
        True
        """
        return Detections(*from_records(records, class_names))

    def to_coco(
        self, image_id: int | str, category_ids: Sequence[int | str] | None = None
    ) -> list[dict[str, Any]]:
        """Return one entry of COCO's results per detection.

        ``category_ids[label - 1]`` is the id of a label; default: the label itself. Lists of several photos
        are joined by ``+``; :func:`minircnn.evaluation.write_coco_detections` writes a file.
        """
        return to_coco(self, image_id, category_ids)

    @staticmethod
    def from_coco(
        entries: Any,
        class_names: Sequence[str],
        category_ids: Sequence[int | str] | None = None,
        image_id: int | str | None = None,
    ) -> Detections:
        """Return the detections of one photo out of entries of COCO's results, best score first, in float64.

        Of entries of several photos, `image_id` says which is meant. ``category_ids[label - 1]`` is the id of
        a label, default: the label itself. What cannot be read raises ValueError, which names the entry.

        Examples
        --------
        >>> from minircnn import Detections
        >>> entries = [{"image_id": 7, "category_id": 18, "bbox": [1, 2, 7, 7], "score": 0.9}]
        >>> found = Detections.from_coco(entries, ("dog",), category_ids=[18])
        >>> found.boxes, found.names()
        (array([[1., 2., 8., 9.]]), ['dog'])
        """
        return Detections(*from_coco(entries, class_names, category_ids, image_id))

    def to_pandas(self) -> Any:
        """Return a DataFrame of class, score, x1, y1, x2, y2; needs pandas."""
        return to_pandas(self)

    @staticmethod
    def from_pandas(table: Any, class_names: Sequence[str] | None = None) -> Detections:
        """Return the rows of such a DataFrame, best score first; `class_names` as in :meth:`from_records`."""
        return Detections(*from_pandas(table, class_names))

    def to_supervision(self) -> Any:
        """Return ``supervision.Detections``: class_id is label - 1, names are in ``data["class_name"]``."""
        return to_supervision(self)

    @staticmethod
    def from_supervision(found: Any, class_names: Sequence[str] | None = None) -> Detections:
        """Return ``supervision.Detections`` as a record, best score first.

        Classes are told by ``data["class_name"]`` and, where it is missing, by ``class_names[class_id]``.
        Masks and tracks are left behind. No scores or no classes raise ValueError.
        """
        return Detections(*from_supervision(found, class_names))

    def _repr_html_(self) -> str:
        """Return what a notebook shows; the one look upstairs, when a reader asks for a picture."""
        from minircnn.viz.notebook import detections_html

        return detections_html(self)


class DetectionDataset(Protocol):
    """What training and evaluation ask of a data set. Photos are read when asked for."""

    name: str
    class_names: tuple[str, ...]
    image_ids: Sequence[str]
    flippable: bool
    """Whether a mirrored photo is still a valid example (false for digits and text)."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> ImageArray:
        """Return photo `index` as (H, W, 3) uint8 RGB."""
        ...

    def annotations(self, index: int) -> Annotations:
        """Return the ground truth of photo `index`."""
        ...


def holds_for(thing: object, claim: str, method: str) -> bool:
    """Return whether the attribute `claim` of `thing` was made for the `method` that it has.

    An heir that overrides the method inherits the claim, but it speaks of what was overridden.
    """
    if method in getattr(thing, "__dict__", {}):
        return False
    owners = [kind for kind in type(thing).__mro__ if claim in vars(kind) or method in vars(kind)]
    return bool(owners) and claim in vars(owners[0])
