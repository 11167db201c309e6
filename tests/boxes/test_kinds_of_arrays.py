"""Subclasses, orders of bytes and things that are no arrays: as a plain array, or an error that names it."""

import numpy as np
import pytest

from minircnn.boxes import (
    anchors_inside,
    assign,
    batched_nms,
    box_area,
    box_iou,
    clip_boxes,
    decode,
    encode,
    flip_boxes,
    grid_anchors,
    label_anchors,
    large_enough,
    nms,
    nms_explained,
    sample_fast_rcnn,
    sample_rcnn,
)

BOXES = np.array([[0, 0, 30, 30], [2, 1, 30, 30], [40, 50, 60, 90]], float)
SCORES, LABELS = np.array([0.5, 0.9, 0.4]), np.array([1, 1, 2])

FUNCTIONS = {
    "box_area": lambda array: box_area(array(BOXES)),
    "box_iou": lambda array: box_iou(array(BOXES), BOXES),
    "clip_boxes": lambda array: clip_boxes(array(BOXES), 50, 20),
    "flip_boxes": lambda array: flip_boxes(array(BOXES), 50),
    "large_enough": lambda array: large_enough(array(BOXES), 25),
    "encode": lambda array: encode(array(BOXES), array(BOXES[::-1])),
    "decode": lambda array: decode(array(BOXES), array(BOXES / 100)),
    "assign": lambda array: assign(array(BOXES), array(BOXES)).best_iou,
    "grid_anchors": lambda array: grid_anchors(array(BOXES), 2, 3, 16),
    "anchors_inside": lambda array: anchors_inside(array(BOXES), (80, 70)),
    "label_anchors": lambda array: label_anchors(array(BOXES), array(BOXES[:1])).labels,
    "nms": lambda array: nms(array(BOXES), SCORES, 0.5),
    "nms_explained": lambda array: nms_explained(array(BOXES), SCORES, 0.5)[1],
    "batched_nms": lambda array: batched_nms(array(BOXES), SCORES, LABELS, 0.5),
}


class Named(np.ndarray):
    """What libraries of tables and units do: the same numbers in a class of their own."""


def big_endian(values):
    return values.astype(values.dtype.newbyteorder(">"))


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "array", [big_endian, np.asmatrix, np.ma.asarray, lambda a: a.view(Named), np.asfortranarray]
)
def test_the_same_numbers_in_another_kind_of_array_give_the_same(name, array):
    result = FUNCTIONS[name](array)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, FUNCTIONS[name](lambda a: a))


def test_scores_and_labels_come_in_any_kind_of_array_too():
    for array in (big_endian, np.ma.asarray, lambda a: a.view(Named)):
        assert nms(BOXES, array(SCORES), 0.5).tolist() == [1, 2]
        assert batched_nms(BOXES, array(SCORES), array(LABELS), 0.5).tolist() == [1, 2]
    assert nms(BOXES, SCORES, np.array(0.5)).tolist() == [1, 2]


def test_what_a_mask_hides_is_neither_used_nor_lost():
    masked = np.ma.array(BOXES, mask=BOXES > 80)
    for function in FUNCTIONS.values():
        with pytest.raises(ValueError, match="must have no masked numbers"):
            function(lambda _: masked)
    for function in (sample_fast_rcnn, sample_rcnn):
        with pytest.raises(ValueError, match="must have no masked numbers"):
            function(np.ma.array(SCORES > 0.4, mask=SCORES > 0.8), rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lists_and_tuples_will_do(name):
    for listed in (np.ndarray.tolist, list, lambda a: tuple(map(tuple, a.tolist()))):
        np.testing.assert_array_equal(FUNCTIONS[name](listed), FUNCTIONS[name](lambda a: a))


def test_scores_and_labels_come_in_lists_too_and_an_empty_list_is_no_box():
    assert nms(BOXES.tolist(), SCORES.tolist(), 0.5).tolist() == [1, 2]
    assert batched_nms(BOXES.tolist(), SCORES.tolist(), LABELS.tolist(), 0.5).tolist() == [1, 2]
    assert nms([], [], 0.5).tolist() == []
    assert box_iou([], BOXES).shape == (0, 3)


@pytest.mark.parametrize(
    "rows", [[[0, 0, 3, 3], [1, 2]], [["0", "0", "3", "3"]], [[0, 0, 3, None]], [[0, 0, 10**400, 3]]]
)
def test_lists_that_hold_no_table_of_numbers_are_named(rows):
    with pytest.raises(TypeError, match=r"^a must be an array or rows of as many numbers each, got \[\["):
        box_iou(rows, BOXES)


def test_a_single_box_is_told_how_to_become_a_row():
    for box in (BOXES[0], BOXES[0].tolist()):
        with pytest.raises(ValueError, match=r"^a must have shape \(R, 4\), got \(4,\): .*box\[None\]"):
            box_iou(box, BOXES)
    assert box_iou(BOXES[0][None], [[0, 0, 30, 30]]) == 1


@pytest.mark.parametrize("thing", [None, 5, "boxes", iter(BOXES)])
def test_what_is_no_array_is_named(thing):
    for function in FUNCTIONS.values():
        with pytest.raises(
            TypeError, match=r"^(boxes|a|proposals|base|anchors) must be an array, got .*numpy\.asarray"
        ):
            function(lambda _: thing)
    with pytest.raises(TypeError, match=r"^scores must be an array"):
        nms(BOXES, thing, 0.5)
    with pytest.raises(TypeError, match=r"^labels must be an array"):
        batched_nms(BOXES, SCORES, thing, 0.5)
    with pytest.raises(ValueError, match=r"^deltas must have shape \(3, 4\)"):
        decode(BOXES, np.float64(3))


@pytest.mark.parametrize("value", [None, "0.5", [0.5], 1j, 10**400, np.nan])
def test_a_number_is_a_number(value):
    with pytest.raises(ValueError, match=r"^iou_threshold must be"):
        nms(BOXES, SCORES, value)
    for name in ("num_rois", "fg_fraction", "fg_iou", "bg_iou"):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            sample_fast_rcnn(SCORES, rng=np.random.default_rng(0), **{name: value})
    for name in ("num_foreground", "num_background"):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            sample_rcnn(SCORES > 0, rng=np.random.default_rng(0), **{name: value})
    with pytest.raises(ValueError, match=r"^bg_iou"):
        sample_fast_rcnn(SCORES, rng=np.random.default_rng(0), bg_iou=(0.1, value))
