"""Which regions are negatives of a class's SVM: the grid over the IoU threshold (R-CNN, section 2.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

import numpy as np

from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import fitted_svms, mean_ap, svm_scores, tuned_rcnn
from minircnn.training.svms import negative_regions

_THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_NOT_AT_ALL = float(np.finfo(np.float32).tiny)
"""Below this only an IoU of zero is."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each threshold."""
    return [
        Row(
            f"iou-{threshold:g}",
            f"IoU below {threshold:g}" if threshold else "no overlap at all",
            partial(_measure, threshold=threshold),
            {"map": 0.542} if threshold == 0.3 else {},
            threshold,
        )
        for threshold in _THRESHOLDS
    ]


def _measure(bench: Bench, threshold: float) -> Measurement:
    tuned = tuned_rcnn(bench)
    settings = dataclasses.replace(tuned.settings.svm, negative_iou=threshold or _NOT_AT_ALL)
    svms = fitted_svms(bench, tuned.train, settings)
    negatives = sum(int(negative_regions(record, settings).sum()) for record in tuned.train.records)
    scores = svm_scores(svms, tuned.test)
    return Measurement(
        {
            "map": mean_ap(bench, tuned.test, scores, tuned.settings.postprocess),
            "negatives": negatives / len(bench.train.class_names),
        }
    )


add_experiment(
    Experiment(
        name="svm-negatives",
        title="Negatives of the SVMs by their overlap with objects",
        source="R-CNN, section 2.3 and appendix B",
        teaches="Which regions should count as negatives: does the threshold matter?",
        differs=(
            f"{PRE_TRAINING} Without box regression; the paper chose on its validation photos, this is "
            "measured on those of the test."
        ),
        columns=[MAP, Column("negatives", "negatives of a class", 0)],
        rows=rows,
        effects=[
            Effect("0.5 in the place of 0.3", "iou-0.5", "iou-0.3", published=-0.05),
            Effect("0 in the place of 0.3", "iou-0", "iou-0.3", published=-0.04),
        ],
        x_title="negatives overlap the objects of their class by less",
        minutes=15,
    )
)
