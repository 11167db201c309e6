"""The door of every evaluation: what is judged must belong to the ground truth it is judged by.

The functions of this package are strict: one tuple of class names for all records. Where a detector and a
data set name other classes, or the same ones in another order, :func:`join_classes` and :func:`relabel` bring
both to one tuple. Names are the identity; the numbers of labels mean nothing between two tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from minircnn.arrays import as_plain
from minircnn.checks import checked, real
from minircnn.interop.rows import FARTHEST
from minircnn.structures import Annotations, Detections, FloatArray

Record = TypeVar("Record", Annotations, Detections)


@dataclass(frozen=True)
class JoinedClasses:
    """The classes of a detector and a data set.

    Parameters
    ----------
    names : tuple of str
        Of both: those of the data set in its order, then `absent`.
    unknown : tuple of str
        Classes of the data set that the detector does not know, so that it finds none of their objects.
    absent : tuple of str
        Classes of the detector that the data set does not have, so that nothing can be said of them.
    """

    names: tuple[str, ...]
    unknown: tuple[str, ...]
    absent: tuple[str, ...]


def join_classes(detector: Sequence[str], dataset: Sequence[str]) -> JoinedClasses:
    """Return the classes of both, by name.

    Raises
    ------
    ValueError
        If a name stands in one of the lists twice, or none stands in both.
    """
    for whose, names in (("the detections", detector), ("the data set", dataset)):
        if len(set(names)) < len(names):
            raise ValueError(f"{whose}: a class is named twice: {_list(names)}")
    unknown = tuple(name for name in dataset if name not in set(detector))
    absent = tuple(name for name in detector if name not in set(dataset))
    if len(unknown) == len(dataset):
        raise ValueError(
            f"no class in common: the detections have {_list(detector)}, the data set has {_list(dataset)}"
        )
    return JoinedClasses((*dataset, *absent), unknown, absent)


def relabel(record: Record, class_names: tuple[str, ...]) -> Record:
    """Return `record` with the labels that its classes have in `class_names`.

    Raises
    ------
    ValueError
        If a class of the record is not among them.
    """
    if record.class_names == class_names:
        return record
    label = {name: number for number, name in enumerate(class_names, start=1)}
    missing = [name for name in record.class_names if name not in label]
    if missing:
        raise ValueError(f"{_list(missing)}: not among {_list(class_names)}")
    new = np.array([label[name] for name in record.class_names], dtype=np.int64)
    return replace(record, labels=new[record.labels - 1], class_names=class_names)


def common_classes(annotations: Sequence[Annotations]) -> tuple[str, ...]:
    """Return the class names all photos share.

    Raises
    ------
    ValueError
        If there is no photo, one is given twice, a box is unsound or the photos name different classes.
    """
    if not annotations:
        raise ValueError("nothing to evaluate: no photo with annotations was given")
    names = annotations[0].class_names
    seen: dict[str, int] = {}
    for i, truth in enumerate(annotations):
        if truth.class_names != names:
            raise ValueError(f"{_photo(i, truth)}: other classes than photo 0; use one tuple for all")
        if truth.image_id and seen.setdefault(truth.image_id, i) != i:
            raise ValueError(f"{_photo(i, truth)}: is photo {seen[truth.image_id]} again")
        require_sound(truth.boxes, f"{_photo(i, truth)}: object")
    return names


def paired_classes(detections: Sequence[Detections], annotations: Sequence[Annotations]) -> tuple[str, ...]:
    """Return the class names that detections and annotations, photo by photo, share.

    Raises
    ------
    ValueError
        If there is no photo or one is given twice, the two sequences differ in length or in class names, or a
        box or score is unsound.
    """
    if len(detections) != len(annotations):
        raise ValueError(f"detections of {len(detections)} photos but annotations of {len(annotations)}")
    names = common_classes(annotations)
    for i, (found, truth) in enumerate(zip(detections, annotations, strict=True)):
        if found.class_names != names:
            raise ValueError(f"{_photo(i, truth)}: detections and annotations name different classes")
        require_sound(found.boxes, f"{_photo(i, truth)}: detection")
        if not np.isfinite(found.scores).all():
            raise ValueError(f"{_photo(i, truth)}: a score is not finite")
    return names


def require_sound(boxes: FloatArray, what: str) -> None:
    """Refuse boxes (R, 4) that would overlap nothing without a word; `what` names one of them in the error.

    Raises
    ------
    ValueError
        If a box is not finite, reversed or beyond `FARTHEST`.
    """
    boxes = as_plain(boxes, f"{what}s")
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype.kind not in "iuf":
        raise ValueError(f"{what}s: boxes must have shape (R, 4), got {boxes.dtype} of shape {boxes.shape}")
    boxes = boxes.astype(np.float64, copy=False)  # half precision cannot be compared with `FARTHEST`
    near = np.abs(boxes) <= FARTHEST  # (R, 4), false for NaN
    sound = np.concatenate([near, boxes[:, 2:] >= boxes[:, :2]], axis=1).all(axis=1)
    if not sound.all():
        row = int(np.argmin(sound))
        far = "lies too far away" if np.isfinite(boxes[row]).all() else "is not finite"
        fault = far if not near[row].all() else "is reversed"
        raise ValueError(f"{what} {row} {fault}: {boxes[row].tolist()}")


def require_threshold(value: float, name: str) -> None:
    """Refuse an IoU that is no threshold.

    Raises
    ------
    ValueError
        Unless it lies in (0, 1].
    """
    checked(name, value, real(0, 1, above=True))


def _photo(index: int, truth: Annotations) -> str:
    return f"photo {index} ({truth.image_id})" if truth.image_id else f"photo {index}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
