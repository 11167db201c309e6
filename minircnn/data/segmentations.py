"""The field ``segmentation`` of a COCO annotation: outlines, or run lengths as a list or a text."""

from __future__ import annotations

from typing import Any

import numpy as np

from minircnn.data import fields
from minircnn.data.fields import MISSING, FieldError, shown
from minircnn.data.polygons import polygon_mask
from minircnn.data.run_lengths import decode_runs, parse_runs
from minircnn.structures import BoolArray

_FARTHEST = 100_000.0  # pixels from the photo's corner; every step of an outline is walked


def read_segmentation(value: Any, height: int, width: int) -> BoolArray:
    """Return the mask (H, W) that a segmentation describes.

    Parameters
    ----------
    value : list or dict
        Outlines ``[[x, y, x, y, ...], ...]``, whose pixels are joined, or ``{"size": [height, width],
        "counts": ...}`` with run lengths, as a list or compressed.

    Raises
    ------
    FieldError
        If it is neither, an outline has fewer than three corners, or run lengths are of a photo of another
        size.

    Examples
    --------
    >>> from minircnn.data import read_segmentation
    >>> read_segmentation([[1, 0, 3, 0, 3, 2, 1, 2]], 2, 4).astype(int)
    array([[0, 1, 1, 0],
           [0, 1, 1, 0]])
    """
    if isinstance(value, dict):
        return _of_runs(value, height, width)
    if not isinstance(value, list) or not value:
        what = "there is no segmentation" if value is MISSING else f"segmentation is {shown(value)}"
        raise FieldError(f"{what}: outlines or run lengths are needed")
    masks = [polygon_mask(_corners(part, number), height, width) for number, part in enumerate(value)]
    joined: BoolArray = np.logical_or.reduce(masks)
    return joined


def _corners(part: Any, number: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the corners (V, 2) of one outline."""
    field = f"segmentation[{number}]"
    if not isinstance(part, list) or len(part) % 2 or len(part) < 6:
        raise FieldError(f"{field} is {shown(part)}, not [x, y, x, y, x, y, ...] of three corners or more")
    values = np.array([fields.number(v, f"{field}[{i}]") for i, v in enumerate(part)])
    near = np.abs(values) <= _FARTHEST  # false for NaN
    if not near.all():
        raise FieldError(f"{field} holds {values[~near][0]:g}, which is no place near the photo")
    return values.reshape(-1, 2)


def _of_runs(value: dict[str, Any], height: int, width: int) -> BoolArray:
    size, counts = value.get("size", MISSING), value.get("counts", MISSING)
    if size != [height, width]:
        raise FieldError(
            f"size of the run lengths is {'missing' if size is MISSING else shown(size)}, "
            f"and the photo is [{height}, {width}]"
        )
    if isinstance(counts, str):
        return decode_runs(parse_runs(counts), height, width)
    if not isinstance(counts, list):
        raise FieldError(f"counts are {'missing' if counts is MISSING else shown(counts)}, not run lengths")
    lengths = [fields.whole(length, f"counts[{i}]") for i, length in enumerate(counts)]
    return decode_runs(lengths, height, width)
