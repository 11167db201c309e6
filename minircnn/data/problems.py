"""What can be wrong with annotations, said so that it can be found: file, object and box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

OnBadBox = Literal["error", "drop"]
OnBadPhoto = Literal["error", "drop"]
Box = tuple[float, float, float, float]

_SHOWN = 10
_ROUNDING = 0.05  # pixels; annotation files keep two decimals, and some tools one


class DatasetError(ValueError):
    """A data set cannot be used as it is; the message names the files and what is wrong in them."""

    def __init__(self, summary: str, problems: Sequence[Problem] = (), hint: str = "") -> None:
        lines = [summary, *(f"  {problem}" for problem in problems[:_SHOWN])]
        if len(problems) > _SHOWN:
            lines.append(f"  ... and {len(problems) - _SHOWN} more")
        if hint:
            lines.append(hint)
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Problem:
    """One finding.

    Parameters
    ----------
    file : str
        The file to open.
    kind : str
        ``"reversed"``, ``"empty"``, ``"one-pixel"``, ``"outside"`` or ``"not finite"`` for a box; for the
        rest ``"missing"``, ``"unreadable"``, ``"size"``, ``"class"``, ``"field"``, ``"duplicate"``,
        ``"leak"`` or ``"nothing"``.
    message : str
        What is wrong, in words.
    object_index : int, optional
        Position of the object in the file, counted from 0.
    class_name : str, optional
    box : (float, float, float, float), optional
        As it stands in the file, in the file's own convention.
    action : {"error", "dropped", "clipped"}
        What became of a bad box or photo.
    is_photo : bool
        Whether this is about one photo, which ``on_bad_photo="drop"`` can leave out.
    """

    file: str
    kind: str
    message: str
    object_index: int | None = None
    class_name: str | None = None
    box: Box | None = None
    action: Literal["error", "dropped", "clipped"] = "error"
    is_photo: bool = False

    @property
    def is_box(self) -> bool:
        """Whether this is about a box, which ``on_bad_box="drop"`` can put right."""
        return self.kind in BOX_FAULTS

    def __str__(self) -> str:
        where = "" if self.object_index is None else f", object {self.object_index}"
        who = "" if self.class_name is None else f" ({self.class_name})"
        box = "" if self.box is None else f" [{', '.join(f'{v:g}' for v in self.box)}]"
        done = "" if self.action == "error" else f" ({self.action})"
        return printable(f"{self.file}{where}{who}:{box} {self.message}{done}")

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary, ready for JSON (a number that is not finite becomes a string)."""
        record = asdict(self)
        if self.box is not None:
            record["box"] = [v if math.isfinite(v) else str(v) for v in self.box]
        return record


def printable(text: str) -> str:
    """Return `text` with what cannot be written as UTF-8 (file names of other systems) in escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


BOX_FAULTS = {
    "not finite": "a coordinate is not a finite number",
    "reversed": "the box is reversed: its right or bottom edge lies before its left or top edge",
    "empty": "the box is empty",
    "outside": "the box reaches outside the photo",
    "one-pixel": "the box is only one pixel wide or high",
}


def box_fault(box: Box, height: int, width: int) -> str | None:
    """Return the first fault of a half-open `box` ``x1, y1, x2, y2`` in pixels, a key of ``BOX_FAULTS``.

    A side of one pixel or less counts as a fault: such boxes come from a click without a drag. Corners
    outside the photo come before size, so that a box is not called tiny for what lies outside.
    """
    x1, y1, x2, y2 = box
    if not all(math.isfinite(v) for v in box):
        return "not finite"
    if x2 < x1 or y2 < y1:
        return "reversed"
    if x2 == x1 or y2 == y1:
        return "empty"
    if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
        return "outside"
    if x2 - x1 <= 1 or y2 - y1 <= 1:
        return "one-pixel"
    return None


def fit_box(box: Box, height: int, width: int) -> tuple[Box | None, str | None]:
    """Return what is kept of a half-open `box` (None: nothing) and its fault (None: sound).

    A box that sticks out by less than the rounding of two decimals is brought back without calling it bad.
    """
    fault = box_fault(box, height, width)
    if fault is None:
        return box, None
    kept = repair_box(box, height, width)
    if kept is not None and max(abs(a - b) for a, b in zip(kept, box, strict=True)) < _ROUNDING:
        return kept, None
    return kept, fault


def repair_box(box: Box, height: int, width: int) -> Box | None:
    """Return what ``on_bad_box="drop"`` keeps of a bad half-open `box`: its part in the photo, or None.

    A box that reaches outside is clipped, because dropping it would turn a visible object into background.
    Everything else that is bad, and a box of which no more than a pixel's width is left, is dropped.
    """
    if box_fault(box, height, width) != "outside":
        return None
    x1, y1, x2, y2 = box
    clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    return clipped if box_fault(clipped, height, width) is None else None
