"""What a notebook shows of detections: the photo with its boxes, and a table of them."""

from __future__ import annotations

import base64
import io
from html import escape

from minircnn.structures import Detections, ImageArray
from minircnn.viz.photo import draw_detections

_MOST_ROWS = 30
_PIXELS = 900  # width of the picture
_QUALITY = 90  # of JPEG: a tenth of a PNG's size, which every cell would add to the notebook


def detections_html(found: Detections) -> str:
    """Return `found` as HTML: a picture and, folded, a table; the table alone without photo or matplotlib."""
    picture = "" if found.image is None else _picture(found, found.image)
    table = _table(found)
    return f"{picture}<details><summary>as a table</summary>{table}</details>" if picture else table


def _picture(found: Detections, image: ImageArray) -> str:
    least = found.shown_from
    if least is None:
        least = float(found.scores.min()) if len(found) else 0.0
    try:
        figure = draw_detections(image, found, min_score=least)
    except ImportError:  # matplotlib is an extra
        return ""
    buffer = io.BytesIO()
    dots = _PIXELS / float(figure.get_size_inches()[0])
    figure.savefig(buffer, format="jpeg", dpi=dots, pil_kwargs={"quality": _QUALITY})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" alt="{len(found.above(least))} detections">'


def _table(found: Detections) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("class", "score", "x1", "y1", "x2", "y2"))
    best = found.to_records()[:_MOST_ROWS]
    rows = [[escape(r["class"]), f"{r['score']:.3f}", *(f"{v:.1f}" for v in r["box"])] for r in best]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    rest = len(found) - len(best)
    words = f"{len(found):,} detections" + (f", {rest:,} more than shown" if rest else "")
    return f"<table><caption>{words}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
