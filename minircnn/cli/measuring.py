"""All that ``minircnn evaluate`` measures of the detections in a data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from minircnn.cli.detection_files import original_ids
from minircnn.cli.judging import in_common_classes, of_annotated_classes
from minircnn.cli.pages import Balance, best_balance
from minircnn.detectors.running import Outcome
from minircnn.evaluation import (
    BootstrapInterval,
    CocoResult,
    DetectionErrors,
    JoinedClasses,
    ProposalResult,
    VocResult,
    bootstrap_voc,
    detection_errors,
    evaluate_coco,
    evaluate_voc,
    proposal_recall,
)
from minircnn.evaluation.voc_ap import Method
from minircnn.structures import DetectionDataset

Metric = Literal["voc", "voc07", "voc07-published", "coco"]

_METHODS: dict[Metric, Method] = {
    "voc": "area",
    "voc07": "11point",
    "voc07-published": "11point-published",
    "coco": "area",
}
_ERROR_METHODS: dict[Metric, Method] = {**_METHODS, "coco": "101point"}


@dataclass(frozen=True)
class Measured:
    """The figures, and what they are of.

    Parameters
    ----------
    dataset : DetectionDataset
        The photos that were looked at.
    metric : Metric
    classes : JoinedClasses
    outcome : Outcome
        Detections and objects with the labels of the joined classes; `certain` of those the data set has.
    voc : VocResult
    coco, errors, recall, interval
        None where they were not asked for, or there are no proposals.
    balance : Balance
    """

    dataset: DetectionDataset
    metric: Metric
    classes: JoinedClasses
    outcome: Outcome
    certain: Outcome
    voc: VocResult
    coco: CocoResult | None
    errors: DetectionErrors | None
    recall: ProposalResult | None
    balance: Balance
    interval: BootstrapInterval | None

    @property
    def result(self) -> VocResult | CocoResult:
        """The figures of the metric that was asked for."""
        return self.coco or self.voc

    def to_record(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {
            "data": self.dataset.name,
            "photos": len(self.dataset),
            "metric": self.metric,
            **self.result.to_record(),
            "unknown_classes": self.classes.unknown,
            "absent_classes": self.classes.absent,
            # where nothing is right, no score is better than another
            "best_balance": {
                **asdict(self.balance),
                "score": self.balance.score if self.balance.recall else None,
            },
            **({} if self.errors is None else {"errors": self.errors.to_record()}),
            **({} if self.interval is None else {"interval": self.interval.to_record()}),
        }


def measure(
    outcome: Outcome,
    dataset: DetectionDataset,
    whole: DetectionDataset,
    metric: Metric,
    iou_threshold: float,
    usual_score: float,
    *,
    errors: bool,
    samples: int = 0,
    seed: int = 0,
) -> Measured:
    """Measure what was found in `dataset`, the first photos of `whole`; `errors` asks for their analysis.

    With `samples` there is an interval for the mAP, from so many draws of the photos. Where nothing is right,
    `usual_score` is that from which detections are shown.
    """
    has_proposals = bool(outcome.proposals)
    classes, outcome = in_common_classes(outcome, dataset)
    pairs = outcome.detections, outcome.annotations
    certain = of_annotated_classes(outcome, classes)
    coco = analysis = interval = None
    if metric == "coco":
        coco = evaluate_coco(*pairs, image_ids=original_ids(whole)[: len(dataset)])
    if errors:
        analysis = detection_errors(
            certain.detections,
            certain.annotations,
            iou_threshold=iou_threshold,
            method=_ERROR_METHODS[metric],
        )
    if samples:
        interval = bootstrap_voc(
            *pairs,
            rng=np.random.default_rng(seed),
            samples=samples,
            iou_threshold=iou_threshold,
            method=_METHODS[metric],
        )
    return Measured(
        dataset=dataset,
        metric=metric,
        classes=classes,
        outcome=outcome,
        certain=certain,
        voc=evaluate_voc(*pairs, iou_threshold=iou_threshold, method=_METHODS[metric]),
        coco=coco,
        errors=analysis,
        recall=proposal_recall(outcome.proposals, outcome.annotations) if has_proposals else None,
        balance=best_balance(certain, usual_score, iou_threshold),
        interval=interval,
    )
