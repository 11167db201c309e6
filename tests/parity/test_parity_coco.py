"""The twelve COCO figures against pycocotools."""

import contextlib
import io

import numpy as np
import pytest

from minircnn.evaluation import evaluate_coco
from minircnn.structures import Annotations, Detections

coco_module = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")

CLASSES = ("a", "b", "c", "d")


def random_set(
    rng,
    *,
    images=12,
    classes=3,
    side=(4, 160),
    objects=6,
    noise=0.12,
    crowd=0.0,
    whole=False,
    ties=False,
    field=300,
):
    """Objects, and detections around them: some missed, some doubled, some of thin air.

    Only the first `classes` of the four classes have objects; the last class is also never detected.
    """
    detections, annotations = [], []
    for _ in range(images):
        count = int(rng.integers(0, objects + 1))
        corners, sides = rng.uniform(0, field, (count, 2)), rng.uniform(*side, (count, 2))
        boxes = np.concatenate([corners, corners + sides], axis=1)
        labels = rng.integers(1, classes + 1, count)
        chosen = rng.integers(0, count, int(rng.integers(0, 3 * objects))) if count else np.zeros(0, np.int64)
        found = boxes[chosen] + rng.normal(0, noise, (len(chosen), 4)) * np.tile(sides[chosen], 2)
        stray = rng.uniform(0, 300, (int(rng.integers(0, 5)), 2))
        found = np.concatenate(
            [found, np.concatenate([stray, stray + rng.uniform(2, 200, stray.shape)], axis=1)]
        )
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        found_labels = np.concatenate([labels[chosen], rng.integers(1, 4, len(stray))])
        if whole:
            boxes, found = np.round(boxes), np.round(found)
        scores = rng.random(len(found))
        detections.append(Detections(found, np.round(scores, 1) if ties else scores, found_labels, CLASSES))
        annotations.append(Annotations(boxes, labels, CLASSES, 500, 500, difficult=rng.random(count) < crowd))
    return detections, annotations


def peer_stats(detections, annotations, limits=(1, 10, 100), areas=None):
    """Run pycocotools on the same records. Identifiers start at 1: it takes 0 for "not matched"."""

    def corners_to_size(box):
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    truth = {
        "images": [{"id": i + 1} for i in range(len(annotations))],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(CLASSES)],
        "annotations": [],
    }
    for i, a in enumerate(annotations):
        for g, box in enumerate(a.boxes):
            x, y, w, h = corners_to_size(box)
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]) + 1,
                    "image_id": i + 1,
                    "category_id": int(a.labels[g]),
                    "bbox": [x, y, w, h],
                    "area": w * h if areas is None else float(areas[i][g]),
                    "iscrowd": int(a.difficult[g]),
                }
            )
    found = [
        {"image_id": i + 1, "category_id": int(label), "bbox": corners_to_size(box), "score": float(score)}
        for i, d in enumerate(detections)
        for box, score, label in zip(d.boxes, d.scores, d.labels, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        peer = coco_module.COCO()
        peer.dataset = truth
        peer.createIndex()
        evaluation = cocoeval.COCOeval(peer, peer.loadRes(found), "bbox")
        evaluation.params.maxDets = list(limits)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


SETS = {
    "plain": {},
    "few": {"images": 2},
    "one class": {"classes": 1},
    "small objects only": {"side": (4, 30)},
    "large objects only": {"side": (100, 300)},
    "exact detections": {"noise": 0.0},
    "whole pixels, ties of overlap and score": {"whole": True, "ties": True, "side": (3, 12), "noise": 0.2},
    "crowded photos beyond the limits": {"images": 4, "objects": 60, "classes": 1},
    "equal overlaps with several objects": {
        "whole": True,
        "field": 12,
        "side": (8, 10),
        "objects": 12,
        "classes": 1,
        "crowd": 0.1,
    },
    "crowd regions": {"crowd": 0.4},
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", SETS)
def test_twelve_figures(name, seed):
    detections, annotations = random_set(np.random.default_rng(seed), **SETS[name])
    ours, peer = evaluate_coco(detections, annotations), peer_stats(detections, annotations)
    np.testing.assert_allclose(list(ours.stats.values()), peer.stats, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.precision, peer.eval["precision"][..., 2], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.recall, peer.eval["recall"])
    assert ours.per_class["d"] is None  # no object: absent, though the mean is over the others


def test_many_detections_of_one_class_in_one_photo(rng):
    detections, annotations = random_set(rng, images=3, objects=70, classes=1, noise=0.05)
    assert max(len(d) for d in detections) > 100
    ours, peer = evaluate_coco(detections, annotations), peer_stats(detections, annotations)
    np.testing.assert_allclose(list(ours.stats.values()), peer.stats, rtol=0, atol=1e-12)


def test_areas_of_segmentations(rng):
    detections, annotations = random_set(rng)
    areas = [(a.boxes[:, 2] - a.boxes[:, 0]) * (a.boxes[:, 3] - a.boxes[:, 1]) * 0.6 for a in annotations]
    ours = evaluate_coco(detections, annotations, areas=areas)
    peer = peer_stats(detections, annotations, areas=areas)
    np.testing.assert_allclose(list(ours.stats.values()), peer.stats, rtol=0, atol=1e-12)


def test_other_limits(rng):
    detections, annotations = random_set(rng, objects=12, classes=1)
    ours = evaluate_coco(detections, annotations, (2, 5, 20))
    peer = peer_stats(detections, annotations, (2, 5, 20))
    np.testing.assert_allclose(ours.precision, peer.eval["precision"][..., 2], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.recall, peer.eval["recall"])
    assert list(ours.stats)[6:9] == ["AR2", "AR5", "AR20"]


def test_detections_but_no_objects(rng):
    detections, annotations = random_set(rng, images=3)
    bare = [Annotations(np.zeros((0, 4)), np.zeros(0, np.int64), CLASSES, 500, 500) for _ in annotations]
    ours, peer = evaluate_coco(detections, bare), peer_stats(detections, bare)
    np.testing.assert_array_equal(list(ours.stats.values()), peer.stats)
    assert set(ours.stats.values()) == {-1.0}


def test_equal_overlaps():
    # The first detection overlaps both objects equally and takes the later one, which the second needs.
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [4.0, 0.0, 14.0, 10.0]])
    found = Detections(
        np.array([[2.0, 0.0, 12.0, 10.0], [5.0, 0.0, 15.0, 10.0]]),
        np.array([0.9, 0.8]),
        np.array([1, 1]),
        CLASSES,
    )
    results = []
    for order in ([0, 1], [1, 0]):
        truth = Annotations(boxes[order], np.array([1, 1]), CLASSES, 20, 20)
        ours, peer = evaluate_coco([found], [truth]), peer_stats([found], [truth])
        np.testing.assert_allclose(list(ours.stats.values()), peer.stats, rtol=0, atol=1e-12)
        results.append(ours.stats["AR100"])
    assert results[0] < results[1]
