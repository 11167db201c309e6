"""What can be wrong with annotations, said so that it can be found: file, object and box."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from minircnn.imaging import ImageError, read_header

OnBadBox = Literal["error", "drop"]
Box = tuple[float, float, float, float]

_log = logging.getLogger("minircnn.data")
_SHOWN = 10


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
        rest ``"missing"``, ``"unreadable"``, ``"size"``, ``"class"``, ``"field"``, ``"duplicate"`` or
        ``"leak"``.
    message : str
        What is wrong, in words.
    object_index : int, optional
        Position of the object in the file, counted from 0.
    class_name : str, optional
    box : (float, float, float, float), optional
        As it stands in the file, in the file's own convention.
    action : {"error", "dropped", "clipped"}
        What became of a bad box.
    """

    file: str
    kind: str
    message: str
    object_index: int | None = None
    class_name: str | None = None
    box: Box | None = None
    action: Literal["error", "dropped", "clipped"] = "error"

    @property
    def is_box(self) -> bool:
        """Whether this is about a box, which ``on_bad_box="drop"`` can put right."""
        return self.kind in BOX_FAULTS

    def __str__(self) -> str:
        where = "" if self.object_index is None else f", object {self.object_index}"
        who = "" if self.class_name is None else f" ({self.class_name})"
        box = "" if self.box is None else f" [{', '.join(f'{v:g}' for v in self.box)}]"
        done = "" if self.action == "error" else f" ({self.action})"
        return f"{self.file}{where}{who}:{box} {self.message}{done}"

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary, ready for JSON (a number that is not finite becomes a string)."""
        record = asdict(self)
        if self.box is not None:
            record["box"] = [v if math.isfinite(v) else str(v) for v in self.box]
        return record


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


def settle(problems: Sequence[Problem], on_bad_box: OnBadBox, name: str) -> None:
    """Raise :class:`DatasetError` for what must not be passed over, and log what was put right.

    Raises
    ------
    ValueError
        If `on_bad_box` is neither ``"error"`` nor ``"drop"``.
    """
    if on_bad_box not in ("error", "drop"):
        raise ValueError(f"on_bad_box must be 'error' or 'drop', got {on_bad_box!r}")
    files = [p for p in problems if not p.is_box]
    boxes = [p for p in problems if p.is_box]
    if files:
        raise DatasetError(f"{name}: {len(files)} problem(s)", files)
    if boxes and on_bad_box == "error":
        hint = "Correct the files, or leave such boxes out with on_bad_box='drop' (--on-bad-box drop)."
        refused = [replace(p, action="error") for p in boxes]
        raise DatasetError(f"{name}: {len(boxes)} bad box(es)", refused, hint)
    if boxes:
        dropped = sum(p.action == "dropped" for p in boxes)
        _log.warning("%s: dropped %d and clipped %d bad boxes", name, dropped, len(boxes) - dropped)


def check_photo(path: Path, annotation_file: str, height: int, width: int) -> Problem | None:
    """Return the problem of a photo that cannot be opened or differs in size from its annotation."""
    try:
        found = read_header(path)
    except ImageError as error:
        return Problem(str(path), "unreadable", str(error).removeprefix(f"{path}: "))
    if (found.height, found.width) == (height, width):
        return None
    message = f"says {width} x {height} pixels, but {path.name} has {found.width} x {found.height}"
    if found.turned:
        message += " (upright, after its EXIF orientation)"
    elif (found.width, found.height) == (height, width):
        message += ": the two are exchanged"
    return Problem(annotation_file, "size", message)
