"""Parts of pages that several commands show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.cli.running import Outcome, usual_min_score
from minircnn.detectors import RCNN, FastRCNN
from minircnn.evaluation import VocResult
from minircnn.structures import DetectionDataset
from minircnn.viz import draw_detections, draw_precision_recall, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Captioned = tuple["Figure", str]


def precision_recall_figure(result: VocResult, title: str = "") -> Figure:
    """Draw the curves of every class."""
    curves = {name: (c.recall, c.precision, c.ap) for name, c in result.per_class.items()}
    return draw_precision_recall(curves, title)


def detection_pictures(
    detector: FastRCNN | RCNN, dataset: DetectionDataset, outcome: Outcome, indices: Sequence[int]
) -> list[Captioned]:
    """Draw what was found in the photos `indices` over what is there."""
    least = usual_min_score(detector)
    return [
        (
            draw_detections(dataset.image(i), outcome.detections[i], outcome.annotations[i], min_score=least),
            f"{dataset.image_ids[i]}, scores of at least {least:g}",
        )
        for i in indices
    ]


def mistakes(
    detector: FastRCNN | RCNN, dataset: DetectionDataset, outcome: Outcome, *, count: int
) -> list[Captioned]:
    """Draw the photos with most false detections and missed objects; none where all is right."""
    least = usual_min_score(detector)
    wrong = []
    for found, truth in zip(outcome.detections, outcome.annotations, strict=True):
        verdict = judge(found.above(least), truth)
        false = ~verdict.correct & ~verdict.ignored
        missed = ~verdict.found & ~truth.difficult
        wrong.append(int(false.sum()) + int(missed.sum()))
    order = np.argsort(-np.array(wrong), kind="stable")[:count]
    return detection_pictures(detector, dataset, outcome, [int(i) for i in order if wrong[i]])
