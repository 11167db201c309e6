"""Which regions are positives of a class's SVM: the lecture's rule and the paper's (R-CNN, appendix B)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from minircnn.arrays import HostArray
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import Regions, mean_ap, svm_scores, tuned_rcnn
from minircnn.heads import mine_and_train
from minircnn.structures import BoolArray
from minircnn.training.regions import RegionRecord

_GOOD_IOU = 0.5


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each rule."""
    rules = {
        "objects": "the objects alone; others from IoU 0.3 on are left out (paper)",
        "good": "all regions of IoU 0.5 or more (lecture)",
        "as-fine-tuning": "all regions of IoU 0.5 or more, all others negative (fine-tuning's rule)",
    }
    published = {"objects": {"map": 0.542}}
    return [
        Row(name, title, partial(_measure, rule=name), published.get(name, {}))
        for name, title in rules.items()
    ]


def _measure(bench: Bench, rule: str) -> Measurement:
    tuned = tuned_rcnn(bench)
    settings = tuned.settings.svm
    negative_iou = _GOOD_IOU if rule == "as-fine-tuning" else settings.negative_iou
    positives = _positives(tuned.train, rule)
    negatives = (
        (tuned.train.cache.photo(photo), record.class_iou < negative_iou)
        for photo, record in enumerate(tuned.train.records)
    )
    mined = mine_and_train(
        positives,
        negatives,
        settings=settings,
        scale=tuned.train.cache.scale("fc7", settings.feature_norm),
        rng=np.random.default_rng(bench.seed),
    )
    scores = svm_scores(mined.svms, tuned.test)
    return Measurement(
        {
            "map": mean_ap(bench, tuned.test, scores, tuned.settings.postprocess),
            "positives": float(np.mean([len(own) for own in positives])),
        }
    )


def _positives(train: Regions, rule: str) -> list[HostArray]:
    """Return the features (P, D) of each class's positives."""
    chosen = [_are_positive(record, rule) for record in train.records]
    per_photo = [train.cache.photo(photo) for photo in range(len(train.records))]
    return [
        np.concatenate([own[rows[:, k]] for own, rows in zip(per_photo, chosen, strict=True)])
        for k in range(train.records[0].num_classes)
    ]


def _are_positive(record: RegionRecord, rule: str) -> BoolArray:
    """Return whether each region is a positive of each class, (R, K)."""
    if rule != "objects":
        good: BoolArray = record.class_iou >= _GOOD_IOU
        return good
    own = np.zeros((len(record), record.num_classes), dtype=bool)
    own[np.arange(record.num_gt), record.gt_labels - 1] = True
    return own


add_experiment(
    Experiment(
        name="svm-positives",
        title="Positives of the SVMs",
        source="R-CNN, section 2.3 and appendix B",
        teaches="Should the SVMs' positives be the objects alone, or the regions that fit them well, too?",
        differs=(
            f"{PRE_TRAINING} Without box regression. The paper gives no figures for the other rules, "
            "only that fine-tuning's rule was much worse for the SVMs; the lecture's rule is in no paper."
        ),
        columns=[MAP, Column("positives", "positives of a class", 0)],
        rows=rows,
        effects=[
            Effect("good regions as positives, too", "good", "objects"),
            Effect("fine-tuning's rule", "as-fine-tuning", "objects"),
        ],
        minutes=15,
    )
)
