"""Put widgets into the pages: ``print(widget("iou", ...))`` in an executed block.

What a widget does stands in ``docs/widgets/NAME.js``; :mod:`docs.widget_data` has what several of them show.
"""

import json
from html import escape
from typing import Any

TITLES = {
    "iou": "Two boxes to drag, and their IoU",
    "merge-tree": "The merges of selective search, one by one over the photo",
    "crops": "A box to drag, and the four crops that can be made of it",
    "box-coding": "A proposal and a target to drag, and the offsets between them",
    "receptive-field": "A cell to choose, and what it sees of the photo",
    "roi-pooling": "A region to drag over a map: cells, bins, winners and gradient",
    "nms": "Suppression step by step, at a threshold to choose",
    "precision-recall": "Detections to drag, a least score to choose, and the point on the curve",
    "smooth-l1": "Smooth L1 and L2 at an error to choose",
    "hard-negatives": "Hard negative mining, photo by photo",
    "anchors": "The anchors of a cell, an object to drag, and what each anchor is to say",
}


def widget(name: str, data: dict[str, Any] | None = None, **options: Any) -> str:
    """Return the place of a widget in a page, as HTML with its data inside.

    Parameters
    ----------
    name : str
        One of ``TITLES``.
    data : dict, optional
        What the widget shows, ready for JSON; arrays may be NumPy's.
    **options
        More of the same, for single numbers.

    Raises
    ------
    ValueError
        If there is no such widget, a number is not finite, or an option stands in `data`, too.
    """
    if name not in TITLES:
        raise ValueError(f"no widget {name!r}; there are {', '.join(TITLES)}")
    if twice := sorted(options.keys() & (data or {}).keys()):
        raise ValueError(f"widget {name!r}: {', '.join(twice)} given twice, as an option and in data")
    text = json.dumps({**(data or {}), **options}, default=_plain, allow_nan=False, separators=(",", ":"))
    inside = text.replace("<", "\\u003c")  # no </script> in there
    return (
        f'<div class="widget" data-widget="{name}" role="group" aria-label="{escape(TITLES[name])}">'
        f'<script type="application/json">{inside}</script>'
        f"<noscript>{escape(TITLES[name])}: this needs JavaScript.</noscript></div>\n"
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a widget's data must be ready for JSON, got {type(value).__name__}")
