"""Half precision, huge and impossible coordinates: the right number or an error, never inf or NaN."""

import numpy as np
import pytest
from box_strategies import integer_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.arrays import array_namespace, to_host
from minircnn.boxes import (
    assign,
    batched_nms,
    box_area,
    box_iou,
    clip_boxes,
    decode,
    encode,
    flip_boxes,
    large_enough,
    nms,
    nms_explained,
    sample_fast_rcnn,
    sample_rcnn,
)

few = settings(deadline=None, max_examples=40)
SQUARES = np.array([[0, 0, 300, 300], [0, 0, 300, 150], [100, 100, 600, 700]], np.float16)


def test_half_precision_is_computed_in_single():
    wide = SQUARES.astype(np.float64)
    np.testing.assert_array_equal(box_area(SQUARES), [90000, 45000, 300000])
    np.testing.assert_allclose(box_iou(SQUARES, SQUARES), box_iou(wide, wide), rtol=1e-6)
    assert nms(SQUARES, np.array([3, 2, 1], np.float16), 0.4).tolist() == [0, 2]
    assert assign(SQUARES[1:], SQUARES[:1]).best_gt.tolist() == [0, 0]
    offsets = encode(SQUARES, SQUARES[[1, 2, 0]])
    np.testing.assert_allclose(offsets, encode(wide, wide[[1, 2, 0]]), rtol=1e-5)
    np.testing.assert_allclose(decode(SQUARES, offsets), wide[[1, 2, 0]], atol=1e-3)
    np.testing.assert_allclose(decode(SQUARES, np.zeros((3, 8), np.float16)), np.tile(wide, 2))


@few
@given(integer_boxes(min_count=1, min_side=1), st.sampled_from([1e10, 1e19, 1e25, 1e36]))
def test_overlaps_do_not_depend_on_the_unit(boxes, unit):
    huge, scores = (boxes * unit).astype(np.float32), -np.arange(len(boxes))
    iou = box_iou(huge, huge)
    np.testing.assert_allclose(iou, box_iou(boxes, boxes), atol=1e-5)
    np.testing.assert_allclose(box_area(huge), box_area(boxes) * unit**2, rtol=1e-5)
    np.testing.assert_array_equal(assign(huge, huge).best_iou, iou.max(axis=1))
    # no quotient of such areas lies near the threshold, but for rounding the kept ones would be the same
    assert nms(huge, scores, 0.7001).tolist() == nms(boxes, scores, 0.7001).tolist()
    offsets = encode(huge, huge[::-1])
    np.testing.assert_allclose(offsets, encode(boxes, boxes[::-1]), atol=1e-4)
    np.testing.assert_allclose(decode(huge, offsets), huge[::-1], atol=1e-4 * unit)


@pytest.mark.parametrize("unit", [1e19, 1e38])
def test_huge_boxes_in_any_library(xp, unit):
    boxes = xp.asarray(np.array([[-1.0, -1, 1, 1], [0, -1, 1, 1]]) * unit, dtype=xp.float32)
    np.testing.assert_allclose(to_host(box_iou(boxes, boxes)), [[1, 0.5], [0.5, 1]], rtol=1e-6)
    far = to_host(decode(boxes, xp.asarray([[1e38, 0, 1e38, 1e38], [0, -1e38, -1e38, 0]], dtype=xp.float32)))
    assert np.isfinite(far).all()
    assert np.isfinite(to_host(clip_boxes(xp.asarray(far), 10, 20))).all()


ODD = [np.nan, np.inf, -np.inf, 1e200]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "call",
    [
        lambda b, good: box_area(b),
        lambda b, good: box_iou(b, good),
        lambda b, good: box_iou(good, b),
        lambda b, good: nms(b, _scores(b), 0.5),
        lambda b, good: nms_explained(b, _scores(b), 0.5),
        lambda b, good: batched_nms(b, _scores(b), _labels(b), 0.5),
        lambda b, good: assign(b, good),
        lambda b, good: assign(good, b),
        lambda b, good: encode(b, good),
        lambda b, good: encode(good, b),
        lambda b, good: decode(b, good),
        lambda b, good: decode(good, b),
        lambda b, good: clip_boxes(b, 20, 20),
        lambda b, good: flip_boxes(b, 20),
        lambda b, good: large_enough(b, 2),
    ],
)
def test_an_impossible_coordinate_is_named_by_its_row(xp, call, odd):
    good = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [5, 5, 9, 9]])
    bad = good.copy()
    bad[1, 2] = odd
    with pytest.raises(ValueError, match=r": row 1: (nan|-?inf|1e\+200) is (not finite|too large)"):
        call(xp.asarray(bad), xp.asarray(good))


def _scores(boxes):
    return boxes[:, 0] * 0 + 0.5


def _labels(boxes):
    xp = array_namespace(boxes)
    return xp.ones((boxes.shape[0],), dtype=xp.int64)


def test_what_are_no_numbers_is_no_box():
    for values in (np.zeros((2, 4), complex), np.zeros((2, 4), bool), np.full((2, 4), "1")):
        with pytest.raises(ValueError, match="boxes must be real numbers, got dtype"):
            box_area(values)
    whole = np.array([[0, 0, 2**40, 2**40]])
    assert box_area(whole).tolist() == [2.0**80]
    assert nms(whole, np.array([1]), 0.5).tolist() == [0]


def test_scores_labels_and_thresholds_are_checked(xp):
    boxes = xp.asarray([[0.0, 0, 10, 10], [1, 0, 11, 10]])
    scores, labels = xp.asarray([0.5, 0.6]), xp.asarray([1, 1])
    with pytest.raises(ValueError, match="scores: row 1: a score is NaN"):
        nms(boxes, xp.asarray([0.5, np.nan]), 0.5)
    with pytest.raises(ValueError, match="scores must be real numbers"):
        nms(boxes, scores > 0, 0.5)
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        batched_nms(boxes, scores, scores, 0.5)  # a label NaN would equal none, and its box be lost
    for threshold in (np.nan, -0.1, 1.1):
        with pytest.raises(ValueError, match="iou_threshold"):
            batched_nms(boxes, scores, labels, threshold)


@pytest.mark.parametrize("side", [-1, np.nan, np.inf, 10**400, "20", None, [20], 1j])
def test_an_image_has_a_size(side):
    with pytest.raises(ValueError, match=r"^height must be"):
        clip_boxes(np.ones((1, 4)), side, 20)
    with pytest.raises(ValueError, match=r"^width must be"):
        clip_boxes(np.ones((1, 4)), 20, side)
    with pytest.raises(ValueError, match=r"^width must be"):
        flip_boxes(np.ones((1, 4)), side)
    if side != -1:
        with pytest.raises(ValueError, match=r"^min_size must be"):
            large_enough(np.ones((1, 4)), side)


@pytest.mark.parametrize(
    "wrong",
    [
        {"best_iou": np.array([0.5, np.nan])},
        {"best_iou": np.zeros((2, 2))},
        {"num_rois": -1},
        {"num_rois": 2.5},
        {"fg_fraction": np.nan},
        {"fg_iou": 2.0},
        {"bg_iou": (0.5, 0.1)},
        {"bg_iou": (np.nan, 0.5)},
    ],
)
def test_sampling_refuses_impossible_numbers(rng, wrong):
    arguments = {"best_iou": np.array([0.9, 0.2]), **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        sample_fast_rcnn(arguments.pop("best_iou"), rng=rng, **arguments)


def test_a_mask_of_numbers_is_no_mask(rng):
    # ~ of the numbers 0 and 1 is -1 and -2, both true
    with pytest.raises(ValueError, match="is_foreground must be"):
        sample_rcnn(np.array([0, 1, 0]), rng=rng)
    with pytest.raises(ValueError, match="num_background"):
        sample_rcnn(np.array([True, False]), num_background=-1, rng=rng)
