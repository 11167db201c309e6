"""The pages that ``minircnn evaluate --out`` writes."""

from __future__ import annotations

from pathlib import Path

from minircnn.cli.error_gallery import error_gallery
from minircnn.cli.error_report import add_error_sections
from minircnn.cli.measuring import Measured
from minircnn.cli.output import note
from minircnn.cli.pages import mistakes, precision_recall_figure
from minircnn.imaging import ImageError
from minircnn.viz import Report

_OVERLAP = (
    " The average best overlap says how well the proposals cover the objects of a class: it bounds what the "
    "detector can find."
)


def page_files(out: Path, *, errors: bool) -> list[Path]:
    """Return the files that an evaluation writes into `out`."""
    return [out / name for name in ("report.html", "result.json", *(["errors.html"] if errors else []))]


def write_pages(out: Path, measured: Measured, name: str) -> None:
    """Write the report, and the gallery of errors if they were analysed; note where."""
    page, gallery = _tables_and_curves(measured, name), None
    try:
        _add_mistakes(page, measured)
        if measured.errors is not None:
            gallery = error_gallery(measured, measured.errors, name)
    except (ImageError, OSError) as error:  # detections of a file are measured without the photos, too
        note(f"no photos in the report: {error}")
    note(f"report: {page.save(out / 'report.html')}")
    if gallery is not None:
        note(f"errors: {gallery.save(out / 'errors.html')}")


def _tables_and_curves(measured: Measured, name: str) -> Report:
    """Return the page without photos; without proposals nothing of these."""
    dataset, voc, recall = measured.dataset, measured.voc, measured.recall
    level = f"IoU {voc.iou_threshold:g}"
    figure = "absent" if voc.map != voc.map else f"{voc.map:.3f}"
    page = Report(f"{name} on {dataset.name}", f"{len(dataset)} photos, mAP at {level}: {figure}.")
    header = ["class", "AP", "objects", "detections"]
    rows = [
        [own, None if c.ap is None else float(c.ap), c.num_gt, c.num_detections]
        for own, c in voc.per_class.items()
    ]
    if recall is not None:
        header.append("average best overlap")
        rows = [[*row, recall.per_class[str(row[0])].abo] for row in rows]
    page.section(
        "Class by class",
        f"Average precision at {level}." + (_OVERLAP if recall is not None else ""),
        [
            (
                precision_recall_figure(voc),
                "Precision against recall: one point per detection, best score first.",
            )
        ],
        table=(header, rows),
    )
    if measured.errors is not None:
        add_error_sections(page, measured.errors)
    return page


def _add_mistakes(page: Report, measured: Measured) -> None:
    pictures = mistakes(
        measured.dataset,
        measured.certain,
        count=6,
        min_score=measured.balance.score,
        iou_threshold=measured.voc.iou_threshold,
    )
    page.section("Photos with the most mistakes", measured.balance.explain(), pictures)
