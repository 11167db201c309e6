"""Random ground truth and detections, and a naive twin of the VOC evaluation."""

import numpy as np
from hypothesis import strategies as st

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


def naive_overlap(p, q):
    w, h = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
    common = max(w, 0) * max(h, 0)
    return common / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - common)


def naive_voc(found, truth, label, iou_threshold):
    """One detection at a time; return (average precision by area, by 11 points), or None."""
    num_gt = sum(int(((t.labels == label) & ~t.difficult).sum()) for t in truth)
    if num_gt == 0:
        return None
    pool = [
        (s, i, b)
        for i, d in enumerate(found)
        for s, b, k in zip(d.scores, d.boxes, d.labels, strict=True)
        if k == label
    ]
    pool.sort(key=lambda entry: -entry[0])  # stable
    taken, curve, hits, misses = set(), [], 0, 0
    for _, i, box in pool:
        best, best_g = 0.0, None
        for g, other in enumerate(truth[i].boxes):
            if truth[i].labels[g] == label and naive_overlap(box, other) > best:
                best, best_g = naive_overlap(box, other), g
        if best_g is not None and best >= iou_threshold:
            if truth[i].difficult[best_g]:
                continue
            if (i, best_g) not in taken:
                taken.add((i, best_g))
                hits += 1
                curve.append((hits / num_gt, hits / (hits + misses)))
                continue
        misses += 1
        curve.append((hits / num_gt, hits / (hits + misses)))

    def best_at(recall):
        return max((p for r, p in curve if r >= recall), default=0.0)

    area = sum(best_at((h + 1) / num_gt) for h in range(num_gt)) / num_gt
    return area, sum(best_at(k / 10) for k in range(11)) / 11
