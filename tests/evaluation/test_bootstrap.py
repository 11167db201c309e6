"""Intervals by drawing photos anew, against evaluating the drawn photos one by one."""

import dataclasses

import numpy as np
import pytest

from minircnn.evaluation import bootstrap_voc, evaluate_voc
from minircnn.structures import Annotations, Detections

NAMES = ("cat", "dog", "cow")


def photos(rng, count):
    """Return detections and annotations of photos with one to four objects, some difficult, no cow."""
    detections, annotations = [], []
    for i in range(count):
        n = int(rng.integers(1, 5))
        corner = rng.uniform(0, 60, (n, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(10, 40, (n, 2))], axis=1)
        labels = rng.integers(1, 3, n)
        difficult = rng.random(n) < 0.2
        annotations.append(Annotations(boxes, labels, NAMES, 100, 100, str(i), difficult=difficult))
        found = np.concatenate([boxes + rng.normal(0, 3, boxes.shape), boxes[:1]])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        right = np.append(labels, 1)
        wrong = rng.random(n + 1) < 0.3
        labels = np.where(wrong, rng.integers(1, 4, n + 1), right)
        detections.append(Detections(found, rng.random(n + 1), labels, NAMES))
    return detections, annotations


@pytest.mark.parametrize("method", ["area", "11point"])
def test_equals_evaluating_the_drawn_photos(rng, method):
    detections, annotations = photos(rng, 12)
    interval = bootstrap_voc(detections, annotations, rng=np.random.default_rng(3), samples=20, method=method)
    anonymous = [dataclasses.replace(truth, image_id="") for truth in annotations]  # photos may come twice
    again, means = np.random.default_rng(3), []
    for _ in range(20):
        drawn = np.sort(again.integers(12, size=12))
        result = evaluate_voc([detections[i] for i in drawn], [anonymous[i] for i in drawn], method=method)
        means.append(result.map)
    low, high = np.percentile(means, [2.5, 97.5])
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)


def test_more_photos_leave_less_to_chance(rng):
    widths = []
    for count in (10, 160):
        interval = bootstrap_voc(*photos(rng, count), rng=np.random.default_rng(0), samples=60)
        assert 0 <= interval.low < interval.high <= 1
        widths.append(interval.high - interval.low)
    assert widths[1] < widths[0] / 2


def test_one_photo_leaves_no_spread(rng):
    detections, annotations = photos(rng, 1)
    interval = bootstrap_voc(detections, annotations, rng=np.random.default_rng(0), samples=5)
    expected = evaluate_voc(detections, annotations).map
    assert interval.low == interval.high == pytest.approx(expected)
    assert str(interval).endswith("(95 % of 5 samples of the photos)")


def test_nothing_to_measure_is_said(rng):
    detections, annotations = photos(rng, 1)
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        bootstrap_voc(detections, annotations, rng=rng, samples=0)
    empty = Annotations(np.zeros((0, 4)), np.zeros(0, int), NAMES, 100, 100, "0")
    with pytest.raises(ValueError, match="no photo has an object that counts"):
        bootstrap_voc([Detections.empty(NAMES)], [empty], rng=rng)
