import numpy as np
import pytest
from box_strategies import integer_boxes, real_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import box_area, box_iou, clip_boxes, flip_boxes, large_enough

quick = settings(deadline=None, max_examples=60)


def test_known_values(xp):
    a = xp.asarray([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 4.0, 2.0]])
    b = xp.asarray([[5.0, 0.0, 15.0, 10.0], [10.0, 0.0, 20.0, 10.0], [0.0, 0.0, 2.0, 2.0]])
    np.testing.assert_allclose(to_host(box_iou(a, b)), [[1 / 3, 0, 0.04], [0, 0, 0.5]], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(to_host(box_area(a)), [100, 8])


def test_zero_boxes(xp):
    none, one = xp.zeros((0, 4)), xp.asarray([[0.0, 0.0, 1.0, 1.0]])
    assert box_area(none).shape == (0,)
    assert box_iou(none, one).shape == (0, 1)
    assert box_iou(one, none).shape == (1, 0)
    assert clip_boxes(none, 5, 5).shape == (0, 4)
    assert flip_boxes(none, 5).shape == (0, 4)
    assert large_enough(none, 5).shape == (0,)


def test_boxes_without_area(xp):
    boxes = xp.asarray(
        [[3.0, 3.0, 3.0, 3.0], [2.0, 2.0, 8.0, 2.0], [5.0, 5.0, 1.0, 1.0], [0.0, 0.0, 9.0, 9.0]]
    )
    iou = to_host(box_iou(boxes, boxes))
    np.testing.assert_array_equal(iou, np.diag([0.0, 0.0, 0.0, 1.0]))
    np.testing.assert_array_equal(to_host(box_area(boxes)), [0, 0, 0, 81])


def test_dtype_follows_the_input(xp):
    single = xp.asarray([[0.0, 0.0, 2.0, 2.0]], dtype=xp.float32)
    integer = xp.asarray([[0, 0, 2, 2]], dtype=xp.int32)
    for function in (
        box_area,
        lambda b: box_iou(b, b),
        lambda b: clip_boxes(b, 1, 1),
        lambda b: flip_boxes(b, 9),
    ):
        assert function(single).dtype == xp.float32
        assert function(integer).dtype == xp.float64
    assert box_iou(single, integer).dtype == xp.float64


def test_unsigned_integers_do_not_wrap():
    boxes = np.array([[0, 0, 10, 10], [250, 250, 255, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(box_iou(boxes, boxes), np.eye(2))
    np.testing.assert_array_equal(flip_boxes(boxes, 5)[0], [-5, 0, 5, 10])


@pytest.mark.parametrize("shape", [(4,), (2, 5), (1, 2, 4)])
def test_wrong_shape_is_refused(shape):
    bad, good = np.zeros(shape), np.zeros((1, 4))
    for call in (
        lambda: box_area(bad),
        lambda: box_iou(bad, good),
        lambda: box_iou(good, bad),
        lambda: clip_boxes(bad, 1, 1),
        lambda: flip_boxes(bad, 1),
        lambda: large_enough(bad, 1),
    ):
        with pytest.raises(ValueError, match=r"must have shape \(R, 4\)"):
            call()


@quick
@given(integer_boxes(), integer_boxes())
def test_iou_is_symmetric_and_in_range(a, b):
    iou = box_iou(a, b)
    np.testing.assert_array_equal(iou, box_iou(b, a).T)
    assert ((iou >= 0) & (iou <= 1)).all()
    np.testing.assert_array_equal(iou, textbook.box_iou(a, b))


@quick
@given(real_boxes(), real_boxes(), st.sampled_from([np.float32, np.float64]))
def test_iou_of_real_boxes_is_symmetric_and_in_range(a, b, dtype):
    a, b = a.astype(dtype), b.astype(dtype)
    iou = box_iou(a, b)
    np.testing.assert_array_equal(iou, box_iou(b, a).T)
    assert ((iou >= 0) & (iou <= 1)).all()
    np.testing.assert_array_equal(np.diag(box_iou(a, a)), np.ones(len(a)))


@quick
@given(integer_boxes(limit=16), integer_boxes(limit=16))
def test_iou_counts_pixels(a, b):
    def mask(box):
        x1, y1, x2, y2 = box.astype(int)
        pixels = np.zeros((16, 16), dtype=bool)
        pixels[y1:y2, x1:x2] = True
        return pixels

    iou = box_iou(a, b)
    for i, p in enumerate(map(mask, a)):
        assert box_area(a)[i] == p.sum()
        for j, q in enumerate(map(mask, b)):
            union = (p | q).sum()
            assert iou[i, j] == ((p & q).sum() / union if union else 0)


@quick
@given(integer_boxes(), integer_boxes(), st.tuples(*[st.integers(-500, 500)] * 2), st.integers(-8, 8))
def test_iou_ignores_translation_and_scale(a, b, shift, exponent):
    # Integers and powers of two, so that moving and scaling are exact and so must the result be.
    offset, scale = np.tile(shift, 2), 2.0**exponent
    np.testing.assert_array_equal(box_iou(a + offset, b + offset), box_iou(a, b))
    np.testing.assert_array_equal(box_iou(a * scale, b * scale), box_iou(a, b))


@quick
@given(real_boxes(limit=100), real_boxes(limit=100), st.floats(0.1, 10))
def test_iou_ignores_any_scale(a, b, scale):
    np.testing.assert_allclose(box_iou(a * scale, b * scale), box_iou(a, b), rtol=0, atol=1e-9)


@quick
@given(integer_boxes(), st.integers(1, 64))
def test_flip_twice_is_the_identity(boxes, width):
    flipped = flip_boxes(boxes, width)
    np.testing.assert_array_equal(flip_boxes(flipped, width), boxes)
    np.testing.assert_array_equal(box_area(flipped), box_area(boxes))
    np.testing.assert_array_equal(box_iou(flipped, flipped), box_iou(boxes, boxes))


@quick
@given(integer_boxes(limit=16, min_side=1))
def test_flip_shows_the_same_pixels(boxes):
    image = np.arange(16 * 16).reshape(16, 16)
    for box, flipped in zip(boxes.astype(int), flip_boxes(boxes, 16).astype(int), strict=True):
        x1, y1, x2, y2 = box
        u1, v1, u2, v2 = flipped
        np.testing.assert_array_equal(image[:, ::-1][v1:v2, u1:u2], image[y1:y2, x1:x2][:, ::-1])


@quick
@given(real_boxes(), st.integers(1, 300), st.integers(1, 300))
def test_clip_stays_inside_and_changes_nothing_inside(boxes, height, width):
    clipped = clip_boxes(boxes, height, width)
    assert (clipped >= 0).all()
    assert (clipped[:, 0::2] <= width).all()
    assert (clipped[:, 1::2] <= height).all()
    np.testing.assert_array_equal(clip_boxes(clipped, height, width), clipped)
    inside = (boxes >= 0).all(axis=1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
    np.testing.assert_array_equal(clipped[inside], boxes[inside])
    image = np.array([[0.0, 0.0, width, height]])
    meeting = box_iou(boxes, image)[:, 0] > 0
    np.testing.assert_array_equal(box_area(clipped)[~meeting], 0)


def test_large_enough_needs_both_sides(xp):
    boxes = xp.asarray([[0.0, 0.0, 20.0, 20.0], [0.0, 0.0, 19.5, 40.0], [0.0, 0.0, 40.0, 19.5]])
    assert to_host(large_enough(boxes, 20)).tolist() == [True, False, False]
