"""Detections as a pandas table: one row a detection, columns class, score, x1, y1, x2, y2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.interop.rows import Columns, best_first, number_classes

if TYPE_CHECKING:
    from minircnn.structures import Detections, FloatArray

_CORNERS = ["x1", "y1", "x2", "y2"]
_COLUMNS = ["class", "score", *_CORNERS]


def to_pandas(found: Detections) -> Any:
    """See :meth:`minircnn.Detections.to_pandas`."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("tables need pandas: pip install pandas") from error
    corners = dict(zip(_CORNERS, found.boxes.T, strict=True))
    return pandas.DataFrame(
        {"class": np.array(found.names(), dtype=object), "score": found.scores, **corners}, columns=_COLUMNS
    )


def from_pandas(table: Any, class_names: Sequence[str] | None = None) -> Columns:
    """See :meth:`minircnn.Detections.from_pandas`."""
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        raise ValueError(
            f"the table has no column {missing[0]!r}; detections are {', '.join(_COLUMNS)}, "
            f"it has {', '.join(map(str, table.columns)) or 'none'}"
        )
    names = table["class"].tolist()
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None:
        raise ValueError(f"column 'class' holds {odd!r}, not the name of a class")
    labels, known = number_classes(names, class_names)
    boxes = np.stack([_numbers(table, column) for column in _CORNERS], axis=1)  # (D, 4)
    return best_first(boxes, _numbers(table, "score"), labels, known)


def _numbers(table: Any, column: str) -> FloatArray:
    values: FloatArray = np.asarray(table[column])
    if values.dtype.kind not in "iuf" and len(values):
        raise ValueError(f"column {column!r} holds {values.dtype}, not numbers")
    return values if values.dtype.kind == "f" else values.astype(np.float64)
