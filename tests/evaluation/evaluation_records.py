"""Random ground truth and detections, and their evaluation by the textbook."""

import numpy as np
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.structures import Annotations, Detections

CLASSES = ("cat", "dog", "owl")


def annotations(boxes, labels, difficult=None, class_names=CLASSES, image_id=""):
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    flags = np.zeros(len(boxes), bool) if difficult is None else np.asarray(difficult, bool)
    labels = np.asarray(labels, dtype=np.int64).reshape(-1)
    return Annotations(boxes, labels, class_names, 100, 100, image_id, flags)


def detections(boxes, scores, labels, class_names=CLASSES):
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    scores = np.asarray(scores, dtype=np.float64).reshape(-1)
    return Detections(boxes, scores, np.asarray(labels, dtype=np.int64).reshape(-1), class_names)


def perfect(truth, score=1.0):
    return detections(truth.boxes, np.full(len(truth), score), truth.labels, truth.class_names)


@st.composite
def evaluation_sets(draw, max_images=4, distinct=False):
    """A few photos with boxes on a coarse grid, so that matches, doubles and ties are frequent."""

    def boxes(count):
        rows = draw(st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=count, max_size=count))
        return [[10 * x, 10 * y, 10 * x + 10 + 5 * w, 10 * y + 10 + 5 * h] for x, y, w, h in rows]

    def several(elements, count):
        return draw(st.lists(elements, min_size=count, max_size=count))

    images = draw(st.integers(1, max_images))
    counts = several(st.tuples(st.integers(0, 4), st.integers(0, 8)), images)
    total = sum(d for _, d in counts)
    pool = list(draw(st.permutations(range(total)))) if distinct else several(st.integers(0, 4), total)
    found, truth = [], []
    for num_gt, num_found in counts:
        truth.append(
            annotations(boxes(num_gt), several(st.integers(1, 3), num_gt), several(st.booleans(), num_gt))
        )
        scores = [pool.pop() / 10 for _ in range(num_found)]
        found.append(detections(boxes(num_found), scores, several(st.integers(1, 3), num_found)))
    return found, truth


def by_the_textbook(found, truth, label, iou_threshold):
    """Return (average precision by area, by 11 points) of one class, or None without an object to find."""
    objects = [
        textbook.Truth(photo, box, difficult)
        for photo, t in enumerate(truth)
        for box, own, difficult in zip(t.boxes, t.labels, t.difficult, strict=True)
        if own == label
    ]
    if all(o.difficult for o in objects):
        return None
    detected = [
        textbook.Found(score, photo, box)
        for photo, d in enumerate(found)
        for box, score, own in zip(d.boxes, d.scores, d.labels, strict=True)
        if own == label
    ]
    curve = textbook.precision_recall(detected, objects, iou_threshold)
    return textbook.area_under_curve(*curve), textbook.eleven_point_average(*curve)
