"""SVMs against the network's own softmax, in R-CNN (appendix B) and in Fast R-CNN (section 5.4, table 8)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.boxes import decode
from minircnn.detectors import FastRCNN, PostprocessSettings, load_detector
from minircnn.detectors.fast_rcnn import PhotoMap
from minircnn.detectors.storage import MODEL_FILE
from minircnn.experiments.base import MAP, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import (
    NONE_CLOSE,
    features_of,
    fitted_svms,
    mean_ap,
    svm_scores,
    training_records,
    tuned_rcnn,
)
from minircnn.heads import LinearSVMs
from minircnn.nn import softmax
from minircnn.structures import FloatArray
from minircnn.training import SVMSettings


def rows(bench: Bench) -> Sequence[Row]:
    """Return two rows for each detector."""
    return [
        Row("rcnn-svm", "R-CNN, SVMs", _rcnn_svm, {"map": 0.542}),
        Row("rcnn-softmax", "R-CNN, softmax", _rcnn_softmax, {"map": 0.509}),
        Row("fast-svm", "Fast R-CNN, SVMs", _fast_svm, {"map": 0.563}),
        Row("fast-softmax", "Fast R-CNN, softmax", _fast_softmax, {"map": 0.571}),
    ]


def _rcnn_svm(bench: Bench) -> Measurement:
    tuned = tuned_rcnn(bench)
    scores = svm_scores(tuned.detector.svms, tuned.test)
    return Measurement({"map": mean_ap(bench, tuned.test, scores, tuned.settings.postprocess)})


def _rcnn_softmax(bench: Bench) -> Measurement:
    tuned = tuned_rcnn(bench)
    fc8, fc7 = tuned.detector.network.fc8, tuned.test.cache.fc7
    scores = [
        softmax(fc8(np.asarray(fc7[tuned.test.rows(photo)], np.float32)))[:, 1:]
        for photo in range(len(tuned.test.records))
    ]
    return Measurement({"map": mean_ap(bench, tuned.test, scores, tuned.settings.postprocess)})


def _fast_softmax(bench: Bench) -> Measurement:
    detector = bench.trained(bench.settings("fast-rcnn"))
    return Measurement({"map": bench.evaluate(with_every_score(detector)).map})


def _fast_svm(bench: Bench) -> Measurement:
    settings = bench.settings("fast-rcnn")
    folder = bench.trained_in(settings)
    detector = with_svms(load_detector(folder / MODEL_FILE))
    kept = bench.folder / "features" / f"{folder.name}-train"
    records = training_records(bench, settings)
    train = features_of(bench, detector, bench.train, records, kept, min_iou=NONE_CLOSE)
    detector.svms = fitted_svms(bench, train, SVMSettings())
    return Measurement({"map": bench.evaluate(detector).map})


def with_every_score(detector: Any) -> Any:
    """Return `detector` with no least score: none would leave out as much of softmax as of the SVMs."""
    settings = dataclasses.replace(detector.postprocess, min_score=PostprocessSettings().min_score)
    return dataclasses.replace(detector, postprocess=settings)


class FastRCNNWithSVMs(FastRCNN):
    """Fast R-CNN whose classes are scored by SVMs on its fc7, fitted when it was trained."""

    svms: LinearSVMs

    def judge(self, view: PhotoMap, boxes: FloatArray) -> tuple[Array, Array]:
        """As Fast R-CNN, but for the scores."""
        fc7 = self.region_features(view, boxes)[1]
        _, bbox_pred = self.network.outputs(fc7)
        offsets = to_host(bbox_pred).reshape(len(boxes), -1, 4) * self.target_std + self.target_mean
        return to_host(self.svms.scores(fc7)), decode(boxes, offsets[:, 1:])

    def region_features(self, view: PhotoMap, boxes: FloatArray) -> tuple[Array, Array]:
        """Return what RoI pooling gives (R, D5) and fc7 (R, D7) of regions `boxes` (R, 4)."""
        pooled = self.network.roi_pool(view.map, boxes * view.scale)  # (R, C, P, P)
        return pooled.reshape(len(boxes), -1), self.network.head(pooled)


def with_svms(detector: Any) -> FastRCNNWithSVMs:
    """Return the trained Fast R-CNN `detector` with SVMs, which know nothing yet, in the place of softmax."""
    kept = with_every_score(detector)
    changed = FastRCNNWithSVMs(**{name: getattr(kept, name) for name in FastRCNN.__dataclass_fields__})
    changed.svms = LinearSVMs.none(
        len(detector.class_names), detector.network.outputs.cls_score.weight.data.shape[1]
    )
    return changed


add_experiment(
    Experiment(
        name="svm-vs-softmax",
        title="SVMs against softmax",
        source="R-CNN, appendix B; Fast R-CNN, section 5.4 and table 8 (network S)",
        teaches="Does R-CNN need its SVMs, and does Fast R-CNN?",
        differs=(
            f"R-CNN: {PRE_TRAINING} Its two rows are without box regression, as in its paper; Fast R-CNN's "
            "rows share its boxes. Of the published networks S is shown; M has 58.7 with SVMs and 59.2 "
            "with softmax, L 66.8 and 66.9."
        ),
        columns=[MAP],
        rows=rows,
        effects=[
            Effect("softmax in the place of SVMs, R-CNN", "rcnn-softmax", "rcnn-svm"),
            Effect("softmax in the place of SVMs, Fast R-CNN", "fast-softmax", "fast-svm"),
        ],
        minutes=20,
    )
)
