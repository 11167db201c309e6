"""What all forms of detections from elsewhere have in common: numbers that are checked, classes by name."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from minircnn.structures import FloatArray, IntArray

FARTHEST = 1e12
"""Coordinates beyond, in pixels, are mistakes; areas and overlaps of them would not be finite."""


class Columns(NamedTuple):
    """The columns of a :class:`~minircnn.structures.Detections`, which is made of them."""

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]


def as_number(value: Any, field: str) -> float:
    """Return what stands in `field` as a float.

    Raises
    ------
    ValueError
        If it is missing, no number or not finite; true and texts are none.
    """
    if value is None:
        raise ValueError(f"there is no {field}")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{field} is {reprlib.repr(value)}, not a number")
    try:
        number = float(value)
    except OverflowError:  # JSON has whole numbers of any length
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{field} is {reprlib.repr(value)}, not a finite number")
    return number


def number_classes(
    names: Iterable[str], class_names: Sequence[str] | None
) -> tuple[IntArray, tuple[str, ...]]:
    """Return the label of every one of `names`, and the classes they count among.

    Without `class_names` these are the names themselves, in the order in which they first occur.

    Raises
    ------
    ValueError
        If a name is not among `class_names`, or these name one twice.
    """
    own = list(names)
    if isinstance(class_names, str):
        raise ValueError(f"class_names must be a tuple of names, got the text {class_names!r}")
    known = tuple(dict.fromkeys(own) if class_names is None else class_names)
    label = {name: number for number, name in enumerate(known, start=1)}
    if len(label) < len(known):
        raise ValueError(f"class_names: a class is named twice: {', '.join(known)}")
    missing = next((name for name in own if name not in label), None)
    if missing is not None:
        raise ValueError(f"class {missing!r} is not among class_names: {', '.join(known) or 'none'}")
    return np.array([label[name] for name in own], dtype=np.int64), known


def best_first(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, class_names: tuple[str, ...]
) -> Columns:
    """Return these columns with the best score first; equal scores keep their order."""
    order = np.argsort(-scores, kind="stable")
    return Columns(boxes[order], scores[order], labels[order], class_names)
