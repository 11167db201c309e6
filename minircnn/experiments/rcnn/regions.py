"""The regions of all photos as R-CNN sees them: their features are computed once, for all its tables.

Features are kept on disk by the cache that training uses. SVMs and ridge regressions are fitted to them in
seconds, and what they find in the test photos follows from the features, too: no network runs again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.boxes import decode
from minircnn.detectors import RCNN, PostprocessSettings, RCNNNetwork, load_detector, select_detections
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.bench import Bench, digest
from minircnn.experiments.pretrained_backbone import with_weights
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.structures import DetectionDataset, FloatArray, IntArray
from minircnn.training import RCNNSettings, SVMSettings, as_json, cache_features, train_svms
from minircnn.training.backbone import make_backbone
from minircnn.training.code_digest import code_digest
from minircnn.training.feature_cache import FeatureCache
from minircnn.training.rcnn import warping_of
from minircnn.training.regions import PhotoReader, RegionRecord, record_of, region_records

NONE_CLOSE, ALL_CLOSE = 1.0, -1.0
"""Least IoU from which pool5 is kept, too: no region has more than 1, and all have more than -1."""

_QUICK = {"proposals.limit": 30, "fine_tune.foreground": 4, "fine_tune.background": 12}


@dataclass(frozen=True)
class Regions:
    """The regions of a data set under one detector.

    Parameters
    ----------
    records : list of RegionRecord
        Photo by photo. Those of test photos know of no object.
    cache : FeatureCache
        The features of all these regions.
    """

    records: list[RegionRecord]
    cache: FeatureCache

    def rows(self, photo: int) -> slice:
        """Return which rows of the features are those of `photo`."""
        return slice(int(self.cache.first[photo]), int(self.cache.first[photo + 1]))


def rcnn_settings(bench: Bench, changes: Mapping[str, Any] | None = None) -> RCNNSettings:
    """Return the settings of R-CNN on the pre-trained network, with `changes` by dotted name."""
    least = _QUICK if bench.quick else {}
    backbone = with_weights(bench, bench.settings("rcnn").backbone)
    own = {"backbone": backbone, **least, **(changes or {})}
    settings: RCNNSettings = bench.settings("rcnn", own)
    return settings


def base_rcnn(bench: Bench, settings: RCNNSettings) -> RCNN:
    """Return the detector of the network that was not fine-tuned; its SVMs and regressors know nothing."""
    rng = np.random.default_rng(settings.seed)
    backbone = make_backbone(settings.backbone, rng)
    names = bench.train.class_names
    return RCNN(
        RCNNNetwork(backbone, len(names), rng=rng),
        backbone.normalization,
        names,
        settings.proposer(),
        LinearSVMs.none(len(names), backbone.feature_dim),
        BoxRegressors.none(len(names)),
        warping_of(settings, backbone),
        settings.postprocess,
        settings.batch,
    )


def training_records(bench: Bench, settings: Any) -> list[RegionRecord]:
    """Return the regions of the training photos, objects first, for any detector that is given proposals."""

    def compute() -> list[RegionRecord]:
        return region_records(bench.train, bench.proposals(bench.train, settings.proposer()))

    return bench.remembered(bench.train, ("records", settings.proposals, settings.seed), compute)


def proposal_records(bench: Bench, settings: Any) -> list[RegionRecord]:
    """Return the proposals of the test photos, as records that know of no object."""

    def compute() -> list[RegionRecord]:
        nothing: FloatArray = np.zeros((0, 4), np.float32)
        no_labels: IntArray = np.zeros(0, np.int64)
        proposals = bench.proposals(bench.test, settings.proposer())
        marked = bench.annotations(bench.test)
        classes = len(bench.train.class_names)
        return [
            record_of(nothing, no_labels, boxes, classes, photo.width)
            for boxes, photo in zip(proposals, marked, strict=True)
        ]

    return bench.remembered(bench.test, ("regions", settings.proposals, settings.seed), compute)


def features_of(
    bench: Bench,
    detector: Any,
    dataset: DetectionDataset,
    records: list[RegionRecord],
    folder: Path,
    *,
    min_iou: float,
    dtype: str = "float32",
) -> Regions:
    """Return the features of the regions `records`, from `folder` as far as they are there."""
    cache = cache_features(
        detector,
        PhotoReader(dataset),
        records,
        folder,
        min_iou=min_iou,
        dtype=dtype,
        n_jobs=bench.jobs,
        progress=bench.progress,
        digests=bench.photo_digests(dataset),
    )
    return Regions(records, cache)


@dataclass(frozen=True)
class TunedRCNN:
    """A whole R-CNN, trained, with the features that its SVMs see.

    Parameters
    ----------
    settings : RCNNSettings
    detector : RCNN
    train, test : Regions
        fc7 in single precision, and of `train` pool5 of what the box regressors learn from.
    """

    settings: RCNNSettings
    detector: RCNN
    train: Regions
    test: Regions


def tuned_rcnn(bench: Bench, changes: Mapping[str, Any] | None = None) -> TunedRCNN:
    """Return R-CNN on the pre-trained network, trained once for all experiments."""
    settings = rcnn_settings(bench, changes)
    folder = bench.trained_in(settings)
    detector: Any = load_detector(folder / MODEL_FILE)
    train = features_of(
        bench,
        detector,
        bench.train,
        training_records(bench, settings),
        folder / "features",  # where the training left them
        min_iou=settings.box_regression.min_iou,
        dtype=settings.cache_dtype,
    )
    records = proposal_records(bench, settings)
    kept = bench.folder / "features" / f"{folder.name}-test-{_digest_of(bench, bench.test)}"
    test = features_of(bench, detector, bench.test, records, kept, min_iou=NONE_CLOSE)
    return TunedRCNN(settings, detector, train, test)


def all_features(bench: Bench, detector: RCNN, settings: RCNNSettings, name: str) -> tuple[Regions, Regions]:
    """Return fc7 and pool5 of all regions of training and test photos.

    In half precision, as pool5 of all of them fills gigabytes; of a quick run's few photos in single.
    """
    dtype = "float32" if bench.quick else "float16"
    key = {"settings": as_json(settings), "data": bench.fingerprint(bench.train), "code": code_digest()}

    def regions(dataset: DetectionDataset, records: list[RegionRecord], which: str) -> Regions:
        folder = bench.folder / "features" / f"{name}-{digest(key)}-{which}-{_digest_of(bench, dataset)}"
        return features_of(bench, detector, dataset, records, folder, min_iou=ALL_CLOSE, dtype=dtype)

    train = regions(bench.train, training_records(bench, settings), "train")
    return train, regions(bench.test, proposal_records(bench, settings), "test")


def _digest_of(bench: Bench, dataset: DetectionDataset) -> str:
    return digest(bench.fingerprint(dataset))


def fitted_svms(
    bench: Bench, train: Regions, settings: SVMSettings, features: HostArray | None = None
) -> LinearSVMs:
    """Return SVMs trained by hard negative mining on fc7 of `train` or other `features` of its regions."""
    cache = train.cache if features is None else dataclasses.replace(train.cache, fc7=features)
    mined = train_svms(cache, train.records, settings, seed=bench.seed, progress=bench.progress)
    return mined.svms


def mean_ap(
    bench: Bench,
    test: Regions,
    scores: Sequence[FloatArray],
    settings: PostprocessSettings,
    offsets: Sequence[FloatArray] | None = None,
) -> float:
    """Return the mAP of each photo's regions with these `scores` (R, K), moved by `offsets` (R, K, 4)."""
    names = bench.train.class_names  # those that the scores are of
    marked = bench.annotations(bench.test)
    found = []
    for index, (record, own) in enumerate(zip(test.records, scores, strict=True)):
        stay = np.zeros((len(record), len(names), 4), np.float32)
        boxes = decode(record.boxes, stay if offsets is None else offsets[index])
        size = marked[index].height, marked[index].width
        found.append(select_detections(own, boxes, size, names, settings))
    return float(evaluate_voc(found, marked).map)


def svm_scores(svms: LinearSVMs, test: Regions, features: HostArray | None = None) -> list[FloatArray]:
    """Return the scores (R, K) of each photo's regions by fc7, or by other `features` of all regions."""
    source = test.cache.fc7 if features is None else features
    return [
        svms.scores(np.asarray(source[test.rows(photo)], np.float32)) for photo in range(len(test.records))
    ]
