"""From scores and boxes to detections."""

import numpy as np
import pytest

from minircnn.boxes import NMS_RULES
from minircnn.detectors import PostprocessSettings, select_detections

NAMES = ("cat", "dog")


def _run(xp, scores, boxes, **settings):
    """Decide on `scores` (R, 2) of regions whose `boxes` (R, 4) are the same for both classes."""
    scores = np.array(scores, dtype=np.float64)
    boxes = np.repeat(np.array(boxes, dtype=np.float64).reshape(-1, 1, 4), 2, axis=1)
    return select_detections(
        xp.asarray(scores), xp.asarray(boxes), (50, 100), NAMES, PostprocessSettings(**settings)
    )


def test_scores_are_sorted_boxes_clipped_and_duplicates_dropped(xp):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [90, 40, 120, 70]]
    found = _run(xp, [[0.5, 0.1], [0.9, 0.2], [0.7, 0.8]], boxes, min_score=0.3)
    np.testing.assert_allclose(found.scores, [0.9, 0.8, 0.7])
    np.testing.assert_array_equal(found.labels, [1, 2, 1])
    np.testing.assert_allclose(found.boxes, [[0, 0, 10, 9], [90, 40, 100, 50], [90, 40, 100, 50]])


def test_only_the_best_of_a_class_go_into_suppression(xp):
    scores = np.linspace(0, 1, 40).reshape(20, 2)
    boxes = [[5 * i, 0, 5 * i + 4, 10] for i in range(20)]  # none overlaps another
    found = _run(xp, scores, boxes, top_per_class=5)
    assert np.bincount(found.labels).tolist() == [0, 5, 5]
    assert found.boxes[:, 0].min() == 75


def test_each_class_has_boxes_of_its_own(xp):
    scores, boxes = xp.asarray([[0.9, 0.8]]), xp.asarray([[[0.0, 0, 10, 10], [20, 20, 40, 40]]])
    found = select_detections(scores, boxes, (50, 100), NAMES, PostprocessSettings())
    np.testing.assert_array_equal(found.boxes, [[0, 0, 10, 10], [20, 20, 40, 40]])
    np.testing.assert_array_equal(found.labels, [1, 2])


def test_no_regions_give_an_empty_record(xp):
    found = _run(xp, np.zeros((0, 2)), np.zeros((0, 4)))
    assert found.boxes.shape == (0, 4)


def test_an_nms_rule_is_taken_by_its_name(xp, monkeypatch):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8]]
    scores = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]
    monkeypatch.setitem(
        NMS_RULES, "none", lambda boxes, scores, iou: (xp.arange(scores.shape[0]), scores / 2)
    )
    found = _run(xp, scores, boxes, nms="none")
    np.testing.assert_allclose(found.scores[:3], [0.45, 0.4, 0.35])
    assert len(found) == 6
    with pytest.raises(ValueError, match=r"postprocess\.nms must be one of greedy, none, got 'magic'"):
        PostprocessSettings(nms="magic")


@pytest.mark.parametrize("setting", ["top_per_class", "max_detections"])
def test_senseless_settings_are_named(setting):
    with pytest.raises(ValueError, match=rf"postprocess\.{setting} must be at least 1, got 0"):
        PostprocessSettings(**{setting: 0})


def test_nothing_above_the_threshold_gives_an_empty_record(xp):
    found = _run(xp, [[0.1, 0.2]], [[0, 0, 10, 10]], min_score=0.5)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_the_number_of_detections_is_bounded_over_all_classes(xp):
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(4)]
    found = _run(xp, [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], boxes, max_detections=3)
    np.testing.assert_allclose(found.scores, [0.9, 0.8, 0.7])


def test_boxes_that_are_suppressed_vote(xp):
    boxes, scores = [[0, 0, 10, 10], [0, 0, 10, 8]], [[0.75, 0], [0.25, 0]]
    assert _run(xp, scores, boxes, min_score=0.1).boxes.tolist() == [[0, 0, 10, 10]]
    assert _run(xp, scores, boxes, min_score=0.1, vote_iou=0.5).boxes.tolist() == [[0, 0, 10, 9.5]]
