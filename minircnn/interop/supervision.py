"""Detections as those of the library supervision, for its annotators, trackers and zones.

Both have boxes x1, y1, x2, y2 in pixels without a + 1. Classes are counted from 0 there and from 1 here, and
their names travel in ``data["class_name"]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.interop.rows import Columns, best_first, number_classes

if TYPE_CHECKING:
    from minircnn.structures import Detections

_NAMES = "class_name"  # their CLASS_NAME_DATA_FIELD


def to_supervision(found: Detections) -> Any:
    """See :meth:`minircnn.Detections.to_supervision`."""
    try:
        import supervision
    except ImportError as error:
        raise ImportError("this needs the library supervision: pip install supervision") from error
    return supervision.Detections(
        xyxy=found.boxes.copy(),
        confidence=found.scores.copy(),
        class_id=found.labels.astype(np.int64) - 1,
        data={_NAMES: np.array(found.names(), dtype=np.str_)},
    )


def from_supervision(found: Any, class_names: Sequence[str] | None = None) -> Columns:
    """See :meth:`minircnn.Detections.from_supervision`."""
    if found.confidence is None and len(found):
        raise ValueError("these detections have no confidence: are they annotations, which have no scores?")
    labels, known = number_classes(_names(found, class_names), class_names)
    boxes, scores = np.asarray(found.xyxy), np.asarray([] if found.confidence is None else found.confidence)
    return best_first(boxes.reshape(-1, 4), scores, labels, known)


def _names(found: Any, class_names: Sequence[str] | None) -> list[str]:
    """Return the class of every detection: what is said of it, or its number's among `class_names`."""
    said = found.data.get(_NAMES)
    if said is not None:
        return [str(name) for name in said]
    if len(found) and (found.class_id is None or class_names is None):
        raise ValueError(
            "these detections have no classes"
            if found.class_id is None
            else f"these detections have numbers of classes and no data[{_NAMES!r}]: say class_names, "
            "in the order of the numbers"
        )
    ids = [int(number) for number in found.class_id] if len(found) else []
    wrong = next((number for number in ids if not 0 <= number < len(class_names or ())), None)
    if wrong is not None:
        raise ValueError(f"class_id {wrong} is not among the {len(class_names or ())} class_names")
    return [(class_names or ())[number] for number in ids]
