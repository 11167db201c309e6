"""RoI pooling, which rounds regions to cells, against RoI align, which does not (He et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each of the two layers."""
    return [
        Row("max", "RoI pooling", partial(_measure, roi_pooling="max")),
        Row("align", "RoI align, 2 × 2 points a bin", partial(_measure, roi_pooling="align")),
    ]


def _measure(bench: Bench, roi_pooling: str) -> Measurement:
    detector = bench.trained(bench.settings("fast-rcnn", {"roi_pooling": roi_pooling}))
    outcome = bench.run(detector)
    found, truth = outcome.detections, outcome.annotations
    return Measurement(
        {
            "map": evaluate_voc(found, truth).map,
            "map75": evaluate_voc(found, truth, iou_threshold=0.75).map,
            "seconds": bench.seconds_a_photo(detector),
        }
    )


add_experiment(
    Experiment(
        name="roi-pool-vs-align",
        title="RoI pooling against RoI align",
        source="Mask R-CNN (He et al. 2017), section 3",
        teaches="Does it cost the boxes precision that regions are rounded to cells?",
        differs="The paper compares masks and boxes of ResNets on COCO. A cell of the small network's map is "
        "4 pixels wide, not 16 or 32.",
        columns=[
            MAP,
            Column("map75", "mAP at IoU 0.75"),
            Column("seconds", "s/photo without proposals", 4, "time"),
        ],
        rows=rows,
        effects=[
            Effect("RoI align", "align", "max"),
            Effect("RoI align, strict boxes", "align", "max", "map75"),
            Effect("RoI align, time", "align", "max", "seconds", ratio=True),
        ],
        minutes=9,
    )
)
