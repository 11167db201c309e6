"""Masks and panoptic segments cut out of boxes and a class map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.data import Scenes
from minircnn.evaluation import evaluate_coco_masks, evaluate_panoptic
from minircnn.structures import Detections
from minircnn.training.ladder import cut_masks, merge_panoptic

NAMES = ("cat", "dog")


def detections(*rows):
    boxes = np.array([box for _, _, box in rows], dtype=float).reshape(-1, 4)
    labels, scores = (np.array([row[i] for row in rows]) for i in (0, 1))
    return Detections(boxes, scores.astype(float), labels.astype(int), NAMES)


CLASSES = np.array([[1, 1, 1, 0, 2, 2]])


def test_a_mask_is_the_class_in_the_box():
    found = detections((1, 0.9, [0, 0, 2, 1]), (2, 0.8, [0, 0, 3, 1]), (2, 0.7, [3, 0, 6, 1]))
    masks = cut_masks(found, CLASSES)
    assert masks.masks.astype(int).tolist() == [[[1, 1, 0, 0, 0, 0]], [[0, 0, 0, 0, 1, 1]]]
    assert masks.scores.tolist() == [0.9, 0.7]  # the dog among the cat's pixels is left out


def test_whatever_is_in_the_box():
    found = detections((2, 0.9, [1, 0, 5, 1]))
    assert cut_masks(found, CLASSES).masks.astype(int).tolist() == [[[0, 0, 0, 0, 1, 0]]]
    assert cut_masks(found, CLASSES, agnostic=True).masks.astype(int).tolist() == [[[0, 1, 1, 0, 1, 0]]]
    merged = merge_panoptic(found, CLASSES, agnostic=True)
    assert merged.ids.tolist() == [[0, 1, 1, 2, 1, 0]]
    assert [s.label for s in merged.segments] == [2, 0]


def test_a_pixel_belongs_to_the_box_that_holds_its_centre():
    assert cut_masks(detections((1, 1, [0.4, 0.5, 2.5, 1])), CLASSES).masks.sum() == 2
    assert cut_masks(detections((1, 1, [0.6, 0, 2.6, 1])), CLASSES).masks.sum() == 2


def test_the_better_detection_comes_first():
    found = detections((1, 0.9, [0, 0, 2, 1]), (1, 0.8, [1, 0, 3, 1]), (1, 0.7, [0, 0, 2.5, 1]))
    merged = merge_panoptic(found, CLASSES)
    assert merged.ids.tolist() == [[1, 1, 2, 3, 0, 0]]  # what is a dog's nobody claims
    assert [s.label for s in merged.segments] == [1, 1, 0]
    half = merge_panoptic(found, CLASSES, min_free=0.6)  # of the second mask half is free
    assert half.ids.tolist() == [[1, 1, 0, 2, 0, 0]]


def test_weak_detections_are_no_segments():
    assert merge_panoptic(detections((1, 0.4, [0, 0, 3, 1])), CLASSES).ids.tolist() == [[0, 0, 0, 1, 0, 0]]
    assert merge_panoptic(detections((1, 0.4, [0, 0, 3, 1])), CLASSES, min_score=0.4).ids.max() == 2
    with pytest.raises(ValueError, match="min_free must be between 0 and 1"):
        merge_panoptic(detections(), CLASSES, min_free=2)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 99))
def test_perfect_boxes_and_a_perfect_class_map_are_nearly_perfect(index):
    """What is missing is only where one digit's pixels lie in the box of another of its class."""
    scenes = Scenes("val", count=100)
    scene = scenes.scene(index)
    truth = scene.objects()
    found = Detections(truth.boxes, np.linspace(1, 0.9, len(truth)), truth.labels, truth.class_names)
    merged = merge_panoptic(found, scene.class_map())
    assert evaluate_panoptic([merged], [scene.panoptic()]).all.pq > 0.9
    assert evaluate_coco_masks([cut_masks(found, scene.class_map())], [scene]).stats["AP"] > 0.85
