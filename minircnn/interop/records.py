"""Detections as plain dictionaries, ready for JSON: class, score, and box as ``[x1, y1, x2, y2]``."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from minircnn.interop.rows import FARTHEST, Columns, best_first, number_classes


def from_records(records: Any, class_names: Sequence[str] | None = None) -> Columns:
    """See :meth:`minircnn.Detections.from_records`."""
    return columns_of(read_rows(records, "records"), class_names)


def columns_of(rows: Sequence[tuple[str, Sequence[float]]], class_names: Sequence[str] | None) -> Columns:
    """Return the columns of what :func:`read_rows` has read."""
    labels, known = number_classes((name for name, _ in rows), class_names)
    values = np.array([row for _, row in rows], dtype=np.float64).reshape(-1, 5)  # (D, 5) score and corners
    return best_first(values[:, 1:], values[:, 0], labels, known)


def read_rows(records: Any, where: str) -> list[tuple[str, list[float]]]:
    """Return class, and score and corners, of every record; `where` names them in the error.

    Raises
    ------
    ValueError
        If it is no list, or a record lacks a field or holds something else in it.
    """
    if not isinstance(records, list | tuple):
        raise ValueError(f"{where}: detections is {reprlib.repr(records)}, not a list")
    return [_row(record, f"{where}, detection {number}") for number, record in enumerate(records)]


def _row(record: Any, where: str) -> tuple[str, list[float]]:
    if not isinstance(record, dict) or not isinstance(record.get("class"), str):
        raise ValueError(f"{where}: there is no class, in {reprlib.repr(record)}")
    box = record.get("box")
    values = [record.get("score"), *(box if isinstance(box, list | tuple) else [])]
    if len(values) != 5 or not all(_is_number(value) for value in values):
        raise ValueError(f"{where}: needs a score and a box of four numbers, got {reprlib.repr(record)}")
    _, x1, y1, x2, y2 = row = [float(value) for value in values]
    if x2 < x1 or y2 < y1:
        raise ValueError(f"{where}: the box is reversed: {box}")
    return record["class"], row


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= FARTHEST  # false for NaN
