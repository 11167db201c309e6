"""What a column of a record of boxes may hold."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from minircnn.structures import FloatArray, IntArray

_KINDS = {"numbers": "iuf", "integers": "iu", "true or false": "b"}


def check_boxes(boxes: FloatArray, what: str) -> None:
    """Raise ValueError, naming `what`, unless `boxes` are (R, 4) finite numbers and none is reversed."""
    if not isinstance(boxes, np.ndarray) or boxes.dtype.kind not in "iuf" or np.ma.is_masked(boxes):
        raise ValueError(f"{what}: boxes must be an array of numbers, got {reprlib.repr(boxes)}")
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{what}: boxes must have shape (R, 4), got {boxes.shape}")
    if not np.isfinite(boxes).all():
        raise ValueError(
            f"{what}: box {int(np.flatnonzero(~np.isfinite(boxes).all(axis=1))[0])} is not finite"
        )
    reversed_ = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if reversed_.any():
        row = int(np.flatnonzero(reversed_)[0])
        raise ValueError(f"{what}: box {row} is reversed: {boxes[row].tolist()}")


def check_column(values: npt.NDArray[Any], rows: int, kind: str, what: str) -> None:
    """Raise ValueError unless `values` is an array (rows,) of `kind`."""
    if not isinstance(values, np.ndarray) or np.ma.is_masked(values):
        raise ValueError(f"{what} must be an array, got {reprlib.repr(values)}")
    if values.shape != (rows,):
        raise ValueError(f"{what} must have shape ({rows},), one for each box, got {values.shape}")
    if values.dtype.kind not in _KINDS[kind]:
        raise ValueError(f"{what} must be {kind}, got dtype {values.dtype}")


def check_labels(labels: IntArray, class_names: tuple[str, ...], rows: int, what: str) -> None:
    """Raise ValueError unless `labels` are (rows,) whole numbers in 1..K, for the K `class_names`."""
    if isinstance(class_names, str):
        raise ValueError(f"{what}: class_names must be a tuple of names, got the text {class_names!r}")
    check_column(labels, rows, "integers", f"{what}: labels")
    if labels.size and not (labels.min() >= 1 and labels.max() <= len(class_names)):
        raise ValueError(
            f"{what}: labels must lie in 1..{len(class_names)} (0 is background), "
            f"got {int(labels.min())}..{int(labels.max())}"
        )
