"""COCO's figures of masks; against pycocotools, with crowds, in the parity tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn import Scene
from minircnn.evaluation import MaskDetections, evaluate_coco, evaluate_coco_masks, mask_iou
from minircnn.structures import Detections

NAMES = ("cat", "dog", "grass")


@given(st.integers(0, 2**32))
def test_mask_iou_counts_pixels(seed):
    rng = np.random.default_rng(seed)
    (height, width), (d, g) = rng.integers(1, 6, 2), rng.integers(0, 6, 2)
    a, b = (rng.random((n, height, width)) < 0.5 for n in (d, g))
    crowd = rng.random(g) < 0.5
    iou, share = mask_iou(a, b), mask_iou(a, b, crowd)
    for i in range(d):
        for j in range(g):
            both, either = (a[i] & b[j]).sum(), (a[i] | b[j]).sum()
            assert iou[i, j] == (both / either if either else 0)
            own = a[i].sum() if crowd[j] else either
            assert share[i, j] == (both / own if own else 0)


def test_masks_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"masks of \(2, 2\) and of \(2, 3\) pixels"):
        mask_iou(np.zeros((1, 2, 2), bool), np.zeros((1, 2, 3), bool))


def rectangles(rng, count):
    masks = np.zeros((count, 90, 120), dtype=bool)
    for mask in masks:
        y, x = rng.integers(0, 60, 2)
        mask[y : y + rng.integers(2, 60), x : x + rng.integers(2, 60)] = True
    return masks


def test_masks_that_fill_their_boxes_have_the_figures_of_boxes(rng):
    found, scenes = [], []
    for _ in range(8):
        masks, labels = rectangles(rng, 4), rng.integers(1, 3, 4)
        scenes.append(Scene(masks, labels, NAMES, ("grass",), difficult=rng.random(4) < 0.2))
        moved = np.roll(masks, rng.integers(0, 6, 2), axis=(1, 2))
        moved = np.concatenate([masks & moved if rng.random() < 0.5 else masks, rectangles(rng, 2)])
        filled = moved.any(axis=(1, 2))
        labels = np.concatenate([labels, [1, 2]])
        found.append(MaskDetections(moved[filled], rng.random(filled.sum()), labels[filled], ("cat", "dog")))
    masks = evaluate_coco_masks(found, scenes)
    boxes = evaluate_coco([own.detections() for own in found], [scene.objects() for scene in scenes])
    assert masks.stats == boxes.stats
    assert 0 < masks.stats["AP"] < 1


def test_stuff_is_no_object_and_an_empty_mask_finds_nothing():
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[0], masks[1, 1:3, 1:3] = True, True
    scene = Scene(masks, np.array([3, 1]), NAMES, ("grass",))
    right = MaskDetections(
        np.array([masks[1], masks[1] & False]), np.array([0.9, 0.95]), np.array([1, 1]), ("cat", "dog")
    )
    assert evaluate_coco_masks([right], [scene]).per_class == {"cat": pytest.approx(0.5), "dog": None}
    assert right.detections().boxes.tolist() == [[1, 1, 3, 3], [0, 0, 0, 0]]
    assert isinstance(right.detections(), Detections)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": np.zeros((1, 4, 4))}, "masks must be"),
        ({"scores": np.array([np.nan])}, "a score is not finite"),
        ({"labels": np.array([3])}, r"labels must lie in 1\.\.2"),
        ({"scores": np.zeros(2)}, "scores must have shape"),
    ],
)
def test_what_are_no_detections_is_refused(change, message):
    good = {
        "masks": np.ones((1, 4, 4), bool),
        "scores": np.ones(1),
        "labels": np.array([1]),
        "class_names": ("cat", "dog"),
    }
    with pytest.raises(ValueError, match=message):
        MaskDetections(**good | change)


def test_masks_of_another_photo_are_refused():
    scene = Scene(np.ones((1, 4, 4), bool), np.array([1]), NAMES, ("grass",))
    found = MaskDetections(np.ones((1, 4, 5), bool), np.ones(1), np.array([1]), ("cat", "dog"))
    with pytest.raises(ValueError, match=r"photo 0 \(\): masks of \(4, 5\) pixels found"):
        evaluate_coco_masks([found], [scene])
