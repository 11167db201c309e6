"""Features of each layer, before and after fine-tuning, with and without box regression (R-CNN, table 2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.boxes import box_iou
from minircnn.detectors import RCNNNetwork
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.experiments.pretrained_backbone import PRE_TRAINING
from minircnn.experiments.rcnn.regions import (
    Regions,
    all_features,
    base_rcnn,
    fitted_svms,
    has_layers,
    mean_ap,
    rcnn_settings,
    svm_scores,
)
from minircnn.heads import BoxRegressors, LinearSVMs
from minircnn.nn import Sequential
from minircnn.structures import FloatArray
from minircnn.training import RCNNSettings, as_json, train_box_regressors

_PUBLISHED = {
    "base-pool5": 0.442,
    "base-fc6": 0.462,
    "base-fc7": 0.447,
    "tuned-pool5": 0.473,
    "tuned-fc6": 0.531,
    "tuned-fc7": 0.542,
    "tuned-fc7-boxes": 0.585,
}
_NETWORKS = {"base": "not fine-tuned", "tuned": "fine-tuned"}


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each network, layer and choice of box regression."""
    made = []
    for network, layer, moves in product(_NETWORKS, _layers(bench), (False, True)):
        name = f"{network}-{layer}{'-boxes' if moves else ''}"
        title = f"{layer}, {_NETWORKS[network]}{', box regression' if moves else ''}"
        published = {"map": _PUBLISHED[name]} if name in _PUBLISHED else {}
        measure = partial(_measure, network=network, layer=layer, moves=moves)
        made.append(Row(name, title, measure, published))
    return made


def _layers(bench: Bench) -> list[str]:
    """Return the layers whose features can be judged: fc7 is the last one, whatever a network calls it."""
    has_all = has_layers(bench.settings("rcnn").backbone)
    return ["pool5", "fc6", "fc7"] if has_all else ["pool5", "fc7"]


def _measure(bench: Bench, network: str, layer: str, moves: bool) -> Measurement:
    settings = rcnn_settings(bench)
    detector: Any = base_rcnn(bench, settings) if network == "base" else bench.trained(settings)
    train, test = all_features(bench, detector, settings, network)
    own_train, own_test = (_features(detector.network, regions, layer) for regions in (train, test))
    key: dict[str, object] = {
        "network": network,
        "settings": as_json(settings),
        "data": bench.fingerprint(bench.train),
    }
    svms = _kept_svms(bench, {**key, "layer": layer}, train, settings, own_train)
    offsets = _offsets(bench, key, train, test, settings) if moves else None
    scores = svm_scores(svms, test, own_test)
    found = {"map": mean_ap(bench, test, scores, settings.postprocess, offsets)}
    return Measurement(found | _two_tasks(bench, test, scores))


def _two_tasks(bench: Bench, test: Regions, scores: Sequence[FloatArray]) -> dict[str, float]:
    """Return how well the SVMs name regions that lie on an object, and keep others below these.

    A region lies on an object at IoU 0.7, and on background below 0.1.
    """
    named, own, others = [], [], []
    for record, marked, each in zip(test.records, bench.annotations(bench.test), scores, strict=True):
        iou = box_iou(record.boxes, marked.boxes)  # (R, G)
        if iou.size == 0:
            others.append(each.max(axis=1))
            continue
        best, column = iou.max(axis=1), marked.labels[iou.argmax(axis=1)] - 1
        on = best >= 0.7
        named.append(each[on].argmax(axis=1) == column[on])
        own.append(each[on, column[on]])
        others.append(each[best < 0.1].max(axis=1))
    if not sum(map(len, own)) or not sum(map(len, others)):
        return {}
    background = np.concatenate(others) > np.median(np.concatenate(own))
    return {"named": float(np.concatenate(named).mean()), "background": float(background.mean())}


def _features(network: RCNNNetwork, regions: Regions, layer: str) -> HostArray:
    """Return the features (T, D) of all regions in `layer`; those of fc6 follow from pool5."""
    if layer != "fc6":
        return regions.cache.pool5 if layer == "pool5" else regions.cache.fc7
    layers = network.head.named_layers()
    names = [name for name, _ in layers]
    fc6 = Sequential(**dict(layers[: names.index("relu6") + 1]))
    fc6.eval()
    features = [
        fc6(np.asarray(regions.cache.pool5[regions.rows(photo)], np.float32))
        for photo in range(len(regions.records))
    ]
    return np.concatenate(features).astype(regions.cache.fc7.dtype)


def _kept_svms(
    bench: Bench, key: dict[str, object], train: Regions, settings: RCNNSettings, features: HostArray
) -> LinearSVMs:
    """Return the SVMs on these features, fitted once for the rows with box regression and without."""

    def fit() -> HostArray:
        svms = fitted_svms(bench, train, settings.svm, features)
        return np.column_stack([svms.coef_, svms.intercept_])

    kept = bench.kept_array({"svms": key}, fit)  # (K, D + 1)
    return LinearSVMs.from_weights(kept[:, :-1], kept[:, -1])


def _offsets(
    bench: Bench, key: dict[str, object], train: Regions, test: Regions, settings: RCNNSettings
) -> list[FloatArray]:
    """Return the box offsets (R, K, 4) of the test photos' regions, which pool5 tells for every row."""

    def fit() -> HostArray:
        close = np.concatenate([r.best_iou for r in train.records]) > settings.box_regression.min_iou
        cache = dataclasses.replace(train.cache, pool5=train.cache.pool5[close])
        norm = settings.svm.feature_norm
        fitted = train_box_regressors(cache, train.records, settings.box_regression, norm)
        return np.concatenate([fitted.weight, fitted.bias[:, :, None]], axis=2)

    kept = bench.kept_array({"regressors": key}, fit)  # (K, 4, D + 1)
    regressors = BoxRegressors(kept[:, :, :-1], kept[:, :, -1])
    pool5 = test.cache.pool5
    return [
        regressors.offsets(np.asarray(pool5[test.rows(photo)], np.float32))
        for photo in range(len(test.records))
    ]


add_experiment(
    Experiment(
        name="rcnn-layers",
        title="Layer by layer, with and without fine-tuning and box regression",
        source="R-CNN, table 2 (network T)",
        teaches="Which layer's features find objects, before fine-tuning and after, with boxes moved or not?",
        differs=(
            f"{PRE_TRAINING} They fill square pictures on photos. With weights of convolutions "
            "alone fc6 and fc7 are random until they are fine-tuned. The paper regresses boxes in its last "
            "row only."
        ),
        columns=[
            MAP,
            Column("named", "regions on objects named right"),
            Column("background", "background above the median object", 5),
        ],
        rows=rows,
        effects=[
            Effect("fine-tuning, pool5", "tuned-pool5", "base-pool5"),
            Effect("fine-tuning, fc6", "tuned-fc6", "base-fc6"),
            Effect("fine-tuning, fc7", "tuned-fc7", "base-fc7"),
            Effect("fc7 over pool5, not fine-tuned", "base-fc7", "base-pool5"),
            Effect("fc7 over pool5, fine-tuned", "tuned-fc7", "tuned-pool5"),
            Effect("box regression", "tuned-fc7-boxes", "tuned-fc7"),
            Effect("fc7 over pool5, not fine-tuned, naming", "base-fc7", "base-pool5", "named"),
            Effect("fc7 over pool5, not fine-tuned, background", "base-fc7", "base-pool5", "background"),
        ],
        minutes=25,
    )
)
