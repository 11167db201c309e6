"""From scores and boxes to detections."""

import numpy as np

from minircnn.detectors import PostprocessSettings, select_detections

NAMES = ("cat", "dog")


def _run(xp, scores, boxes, **settings):
    scores = xp.asarray(np.array(scores, dtype=np.float64))
    boxes = xp.asarray(np.array(boxes, dtype=np.float64))
    asked = []

    def boxes_of_class(label, index):
        asked.append((label, int(index.shape[0])))
        return xp.take(boxes, index, axis=0)

    found = select_detections(
        scores,
        boxes_of_class,
        image_size=(50, 100),
        class_names=NAMES,
        settings=PostprocessSettings(**settings),
    )
    return found, asked


def test_scores_are_sorted_boxes_clipped_and_duplicates_dropped(xp):
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [90, 40, 120, 70]]
    found, _ = _run(xp, [[0.5, 0.1], [0.9, 0.2], [0.7, 0.8]], boxes, min_score=0.3)
    np.testing.assert_allclose(found.scores, [0.9, 0.8, 0.7])
    np.testing.assert_array_equal(found.labels, [1, 2, 1])
    np.testing.assert_allclose(found.boxes, [[0, 0, 10, 9], [90, 40, 100, 50], [90, 40, 100, 50]])


def test_boxes_are_asked_for_only_for_the_best_of_a_class(xp):
    scores = np.linspace(0, 1, 40).reshape(20, 2)
    _, asked = _run(xp, scores, np.tile([0.0, 0, 10, 10], (20, 1)), top_per_class=5)
    assert asked == [(1, 5), (2, 5)]


def test_nothing_above_the_threshold_gives_an_empty_record(xp):
    found, asked = _run(xp, [[0.1, 0.2]], [[0, 0, 10, 10]], min_score=0.5)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert asked == []


def test_the_number_of_detections_is_bounded_over_all_classes(xp):
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(4)]
    found, _ = _run(xp, [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], boxes, max_detections=3)
    np.testing.assert_allclose(found.scores, [0.9, 0.8, 0.7])
