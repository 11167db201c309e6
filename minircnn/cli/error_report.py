"""The error analysis of ``minircnn evaluate --errors``, as text and as part of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minircnn.cli.output import table
from minircnn.cli.pages import Captioned
from minircnn.evaluation import DetectionErrors
from minircnn.evaluation.errors import KINDS, Breakdown
from minircnn.viz import Report, draw_stacked_bars

_WORST = 5  # classes listed in the terminal

MEANINGS = {
    "classification": "on an object, under the name of another class",
    "localization": "right class, but the box is too loose",
    "both": "wrong class, and the box is too loose",
    "duplicate": "right, but on an object that a better one has found",
    "background": "where there is no object",
    "missed": "objects that no detection came near",
    "false positives": "all wrong detections together",
    "false negatives": "all objects without a right detection together",
}

_NOT_A_SUM = "Each gain is that of mending one kind alone, so they need not add up to what is missing."

Table = tuple[list[str], list[list[Any]]]


def errors_text(errors: DetectionErrors) -> str:
    """Return the tables of the analysis in plain text: kinds, sizes, the classes with the lowest AP."""
    worst = dict(sorted(_with_objects(errors).items(), key=lambda item: item[1].ap or 0.0)[:_WORST])
    parts = [f"errors {_thresholds(errors)}", table(*_kinds(errors))]
    parts += ["", table(*_size_table(errors))]
    parts += ["", table(*_class_table("worst classes", worst))]
    return "\n".join(parts)


def add_error_sections(page: Report, errors: DetectionErrors) -> None:
    """Append what goes wrong, by kind, class and size."""
    page.section(
        "What goes wrong",
        f"The errors {_thresholds(errors)}. {_NOT_A_SUM}\n\nThe kinds are TIDE's (ECCV 2020). Difficult "
        "objects, and detections on them, count as neither right nor wrong.",
        table=_kinds(errors),
    )
    with_objects = _with_objects(errors)
    page.section(
        "Errors by class",
        "What the AP of each class would gain if all errors of a kind were mended.",
        [_bars(with_objects, "AP that mending would win, class by class", "gain in AP of the class")],
        table=_class_table("class", with_objects),
    )
    page.section(
        "Errors by size",
        "The size is the share of the photo's area that the object covers where class or box is wrong or it "
        "was missed, else that of the detection.",
        [_bars(errors.per_size, "mAP that mending would win, size by size", "gain in mAP")],
        table=_size_table(errors),
    )


def _thresholds(errors: DetectionErrors) -> str:
    ap = "absent" if errors.total.ap is None else f"{errors.total.ap:.3f}"
    return (
        f"at IoU {errors.iou_threshold:g}, background up to {errors.background_iou:g}; "
        f"mAP by TIDE's matching: {ap}"
    )


def _with_objects(errors: DetectionErrors) -> dict[str, Breakdown]:
    """Return the classes that have an object to find."""
    return {name: part for name, part in errors.per_class.items() if part.objects}


def _kinds(errors: DetectionErrors) -> Table:
    """Return one row a kind, the special ones last."""
    total = errors.total
    counts = total.counts | {
        "false positives": sum(total.counts[kind] for kind in KINDS if kind != "missed"),
        "false negatives": total.objects - total.found,
    }
    gains = total.gains | errors.special
    rows = [[kind, counts[kind], gains[kind], MEANINGS[kind]] for kind in gains]
    return ["kind", "count", "gain in mAP", "what it is"], rows


def _class_table(heading: str, parts: Mapping[str, Breakdown]) -> Table:
    """Return one row a class: its AP, and what mending each kind would win."""
    rows = [[name, part.ap, *(part.gains[kind] for kind in KINDS)] for name, part in parts.items()]
    return [heading, "AP", *KINDS], rows


def _size_table(errors: DetectionErrors) -> Table:
    """Return one row a size: how many objects are found, and what mending each kind would win in mAP."""
    rows = [
        [size, f"{part.found} of {part.objects}", *(part.gains[kind] for kind in KINDS)]
        for size, part in errors.per_size.items()
    ]
    return ["size", "found", *KINDS], rows


def _bars(parts: Mapping[str, Breakdown], title: str, xlabel: str) -> Captioned:
    series = {kind: {name: part.gains[kind] for name, part in parts.items()} for kind in KINDS}
    return draw_stacked_bars(series, title, xlabel=xlabel), _NOT_A_SUM
