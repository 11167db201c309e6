"""Parts of pages that several commands show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.detectors.running import Outcome
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


@dataclass(frozen=True)
class Balance:
    """The score from which detections are best kept, over all classes together.

    Parameters
    ----------
    score, precision, recall : float
    """

    score: float
    precision: float
    recall: float

    def explain(self) -> str:
        """Say which detections the pictures show, and what their lines mean."""
        return (
            f"Shown are scores of at least {self.score}, where precision ({self.precision:.2f}) and "
            f"recall ({self.recall:.2f}) balance best. Solid frames are right, dotted ones false, dashed "
            "yellow ones were missed."
        )


def best_balance(outcome: Outcome, usual: float, iou_threshold: float = 0.5) -> Balance:
    """Return the threshold with the largest harmonic mean of precision and recall.

    Scores of different detectors and trainings mean different things; this makes their pictures
    comparable. Where nothing is right, it is the score `usual`. A detection is right by the rule of PASCAL
    VOC at `iou_threshold`. The threshold is short, and precision and recall are those of exactly what
    reaches it.
    """
    scores, correct, objects = [], [], 0
    for found, truth in zip(outcome.detections, outcome.annotations, strict=True):
        verdict = judge(found, truth, iou_threshold)
        scores.append(found.scores[~verdict.ignored])
        correct.append(verdict.correct[~verdict.ignored])
        objects += int((~truth.difficult).sum())
    unranked = np.concatenate(scores)  # (D,)
    order = np.argsort(-unranked, kind="stable")
    ranked = unranked[order]
    hits = np.cumsum(np.concatenate(correct)[order])  # (D,)
    if not len(hits) or not hits[-1]:
        return Balance(usual, 0.0, 0.0)
    below = np.append(ranked[1:], ranked.dtype.type(-np.inf))  # (D,) the next score
    # F1 = 2 · hits / (detections + objects); a threshold keeps all detections of one score, or none
    balance = np.where(below < ranked, hits / (np.arange(1, len(hits) + 1) + objects), 0.0)
    best = int(balance.argmax())
    threshold = _between(below[best], ranked[best])
    return Balance(threshold, float(hits[best] / (best + 1)), float(hits[best] / objects))


def _between(lower: np.floating[Any], score: np.floating[Any]) -> float:
    """Return a threshold above `lower` that `score` reaches, of as few decimals as possible, two at least."""
    for decimals in range(2, 18):
        short: float = math.floor(float(score) * 10**decimals) / 10**decimals
        if lower < score.dtype.type(short) <= score:
            return short
    return float(score)


def detection_pictures(
    dataset: DetectionDataset,
    outcome: Outcome,
    indices: Sequence[int],
    min_score: float,
    iou_threshold: float = 0.5,
) -> list[Captioned]:
    """Draw what was found in the photos `indices` over what is there."""
    return [
        (
            draw_detections(
                dataset.image(i),
                outcome.detections[i],
                outcome.annotations[i],
                min_score=min_score,
                iou_threshold=iou_threshold,
            ),
            f"{dataset.image_ids[i]}, scores of at least {min_score:.2f}",
        )
        for i in indices
    ]


def mistakes(
    dataset: DetectionDataset,
    outcome: Outcome,
    *,
    count: int,
    min_score: float,
    iou_threshold: float = 0.5,
) -> list[Captioned]:
    """Draw the photos with most false detections and missed objects; none where all is right."""
    wrong = []
    for found, truth in zip(outcome.detections, outcome.annotations, strict=True):
        verdict = judge(found.above(min_score), truth, iou_threshold)
        false = ~verdict.correct & ~verdict.ignored
        missed = ~verdict.found & ~truth.difficult
        wrong.append(int(false.sum()) + int(missed.sum()))
    order = np.argsort(-np.array(wrong), kind="stable")[:count]
    worst = [int(i) for i in order if wrong[i]]
    return detection_pictures(dataset, outcome, worst, min_score, iou_threshold)
