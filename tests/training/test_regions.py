"""Assignment of training regions to objects, target statistics, region sampling."""

import numpy as np
import pytest

from minircnn.boxes import decode
from minircnn.structures import Annotations
from minircnn.training.fast_rcnn import target_statistics
from minircnn.training.photo_batches import RoISampling, draw_regions
from minircnn.training.regions import epoch_order, region_record, region_records

NAMES = ("cat", "dog")


def _annotations(boxes, labels, difficult=None):
    boxes = np.array(boxes, dtype=float).reshape(-1, 4)
    return Annotations(
        boxes,
        np.array(labels, dtype=int),
        NAMES,
        100,
        100,
        "photo",
        np.zeros(len(boxes), bool) if difficult is None else np.array(difficult),
    )


def test_record_lists_ground_truth_first_and_assigns_the_best_object():
    record = region_record(
        _annotations([[0, 0, 10, 10], [50, 50, 90, 90]], [1, 2]), np.array([[0, 0, 10, 9], [95, 95, 99, 99]])
    )
    assert record.num_gt == 2
    np.testing.assert_array_equal(record.labels, [1, 2, 1, 0])
    np.testing.assert_allclose(record.best_iou, [1, 1, 0.9, 0])
    np.testing.assert_allclose(record.class_iou, [[1, 0], [0, 1], [0.9, 0], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(
        decode(record.boxes[2:3], record.targets(slice(2, 3))), [[0, 0, 10, 10]], atol=1e-5
    )
    np.testing.assert_array_equal(record.targets()[3], 0)


def test_difficult_objects_are_left_out():
    record = region_record(
        _annotations([[0, 0, 10, 10], [50, 50, 90, 90]], [1, 2], [False, True]), np.zeros((0, 4))
    )
    assert len(record) == record.num_gt == 1


def test_a_photo_without_objects_gives_background_only():
    record = region_record(_annotations([], []), np.array([[0, 0, 10, 10]]))
    np.testing.assert_array_equal(record.labels, [0])
    chosen, is_foreground = draw_regions(record, RoISampling(), np.random.default_rng(0))
    np.testing.assert_array_equal(chosen, [0])
    assert not is_foreground.any()


def test_a_data_set_without_objects_is_refused():
    class Empty:
        name, class_names = "empty", NAMES

        def annotations(self, index):
            return _annotations([], [])

    with pytest.raises(ValueError, match="empty has no"):
        region_records(Empty(), [np.zeros((0, 4))])


def test_target_statistics_whiten_a_class_with_enough_regions(rng):
    gt = [10.0, 10, 50, 50]
    proposals = np.array(gt) + rng.uniform(-5, 5, (60, 4))
    record = region_record(_annotations([gt], [2]), proposals)
    mean, std = target_statistics([record], 2, 0.5)
    foreground = record.best_iou >= 0.5
    normalised = (record.targets(foreground) - mean[2]) / std[2]
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std(axis=0), 1, atol=1e-4)


def test_target_statistics_are_finite_when_nothing_varies():
    record = region_record(_annotations([[0, 0, 10, 10]], [1]), np.zeros((0, 4)))
    mean, std = target_statistics([record], 2, 0.5)
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_array_equal(std, 1)


def test_every_epoch_visits_every_photo_once():
    orders = [epoch_order(3, epoch, 10) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(10))
    assert any((orders[0] != other).any() for other in orders[1:])


def test_photos_and_classes_without_objects_are_reported(caplog):
    class Lopsided:
        name, class_names = "lopsided", NAMES

        def annotations(self, index):
            return _annotations([[0, 0, 10, 10]], [2]) if index == 0 else _annotations([], [])

    with caplog.at_level("WARNING", logger="minircnn"):
        records = region_records(Lopsided(), [np.zeros((0, 4))] * 3)
    assert [len(record) for record in records] == [1, 0, 0]
    assert "lopsided: no object to learn 'cat' from" in caplog.messages
    assert "lopsided: 2 of 3 photos have no object to learn from" in caplog.messages
