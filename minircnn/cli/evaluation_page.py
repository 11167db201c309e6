"""The page that ``minircnn evaluate --out`` writes."""

from __future__ import annotations

from minircnn.cli.output import note
from minircnn.cli.pages import Balance, Captioned, mistakes, precision_recall_figure
from minircnn.cli.running import Outcome
from minircnn.evaluation import ProposalResult, VocResult
from minircnn.imaging import ImageError
from minircnn.structures import DetectionDataset
from minircnn.viz import Report

_OVERLAP = (
    " The average best overlap says how well the proposals cover the objects of a class: it bounds what the "
    "detector can find."
)


def evaluation_page(
    dataset: DetectionDataset,
    outcome: Outcome,
    voc: VocResult,
    recall: ProposalResult | None,
    balance: Balance,
    name: str,
) -> Report:
    """Return tables, curves and photos with mistakes; without proposals (`recall` None) nothing of these."""
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
    pictures = _mistakes(dataset, outcome, balance, voc.iou_threshold)
    if pictures is not None:
        page.section("Photos with the most mistakes", balance.explain(), pictures)
    return page


def _mistakes(
    dataset: DetectionDataset, outcome: Outcome, balance: Balance, iou_threshold: float
) -> list[Captioned] | None:
    """Draw them; None where detections from a file are measured without the photos."""
    try:
        return mistakes(dataset, outcome, count=6, min_score=balance.score, iou_threshold=iou_threshold)
    except (ImageError, OSError) as error:
        note(f"no photos in the report: {error}")
        return None
