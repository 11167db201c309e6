import numpy as np
import pytest
from box_strategies import integer_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import (
    BACKGROUND,
    IGNORED,
    OBJECT,
    AnchorSettings,
    anchors_inside,
    base_anchors,
    box_iou,
    grid_anchors,
    label_anchors,
    sample_anchors,
)

quick = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**32 - 1)
thresholds = st.sampled_from([(0.7, 0.3), (0.5, 0.5), (0.4, 0.0), (1.0, 0.2)])


@st.composite
def anchors_and_objects(draw):
    """Anchors, objects and which anchors are usable."""
    anchors = draw(integer_boxes(max_count=20, min_side=1))
    usable = draw(hnp.arrays(np.bool_, len(anchors), elements=st.sampled_from([True, True, False])))
    return anchors, draw(integer_boxes(max_count=5)), usable


def test_known_values(xp):
    anchors = xp.asarray(
        [
            [0.0, 0.0, 10.0, 10.0],  # 0.8 with the first object
            [0.0, 0.0, 10.0, 4.0],  # 0.5
            [0.0, 0.0, 20.0, 20.0],  # 0.2
            [30.0, 0.0, 50.0, 10.0],  # 0.25 with the second, the best there is,
            [30.0, 5.0, 50.0, 15.0],  # and 0.25 again
            [0.0, 40.0, 9.0, 49.0],  # nothing
        ]
    )
    objects = xp.asarray([[0.0, 0.0, 10.0, 8.0], [30.0, 5.0, 40.0, 10.0]])
    found = label_anchors(anchors, objects)
    assert to_host(found.labels).tolist() == [OBJECT, IGNORED, BACKGROUND, OBJECT, OBJECT, BACKGROUND]
    assert to_host(found.best_gt).tolist() == [0, 0, 0, 1, 1, -1]
    np.testing.assert_allclose(to_host(found.best_anchor_iou), [0.8, 0.25])
    assert found.labels.dtype == found.best_gt.dtype == xp.int64
    usable = xp.asarray([True, True, True, True, False, False])
    found = label_anchors(anchors, objects, usable=usable)
    assert to_host(found.labels).tolist() == [OBJECT, IGNORED, BACKGROUND, OBJECT, IGNORED, IGNORED]


def test_the_best_anchor_of_an_object_may_belong_to_another():
    """It is OBJECT for the sake of the first, and moved onto the second, which it overlaps more."""
    found = label_anchors([[0, 0, 10, 10], [50, 50, 60, 60]], [[8, 0, 28, 10], [0, 0, 10, 6]])
    assert found.labels.tolist() == [OBJECT, BACKGROUND]
    assert found.best_gt.tolist() == [1, -1]


def test_an_object_that_no_anchor_overlaps_makes_none_an_object(xp):
    """The trap of released codes: all anchors attain its maximum, 0."""
    anchors = grid_anchors(xp.asarray(base_anchors(AnchorSettings())), 3, 4, 16)
    far = xp.asarray([[4000.0, 4000.0, 4010.0, 4010.0]])
    found = label_anchors(anchors, far)
    assert to_host(found.labels).tolist() == [BACKGROUND] * 108
    assert to_host(found.best_anchor_iou).tolist() == [0]
    near = xp.asarray([[4000.0, 4000.0, 4010.0, 4010.0], [0.0, 0.0, 60.0, 60.0]])
    together = label_anchors(anchors, near)
    alone = label_anchors(anchors, near[1:, :])
    np.testing.assert_array_equal(to_host(together.labels), to_host(alone.labels))
    none_usable = label_anchors(anchors, near, usable=xp.zeros(108, dtype=xp.bool))
    assert to_host(none_usable.labels).tolist() == [IGNORED] * 108
    assert to_host(none_usable.best_anchor_iou).tolist() == [0, 0]


def test_nothing_to_label(xp):
    none, some = xp.zeros((0, 4)), xp.asarray([[0.0, 0.0, 9.0, 9.0]] * 3)
    found = label_anchors(some, none, usable=xp.asarray([True, False, True]))
    assert to_host(found.labels).tolist() == [BACKGROUND, IGNORED, BACKGROUND]
    assert to_host(found.best_gt).tolist() == [-1] * 3
    assert found.best_anchor_iou.shape == (0,)
    found = label_anchors(none, some)
    assert found.labels.shape == found.best_gt.shape == (0,)
    assert to_host(found.best_anchor_iou).tolist() == [0] * 3
    assert found.labels.dtype == found.best_gt.dtype == xp.int64
    assert found.best_anchor_iou.dtype == label_anchors(some, some).best_anchor_iou.dtype


@quick
@given(anchors_and_objects(), thresholds)
def test_equal_to_the_textbook(case, bounds):
    anchors, objects, usable = case
    found = label_anchors(anchors, objects, positive_iou=bounds[0], negative_iou=bounds[1], usable=usable)
    labels, best = textbook.label_anchors(anchors, objects, usable, *bounds)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.best_gt, best)


def test_equal_to_the_textbook_on_a_whole_map(rng):
    anchors = grid_anchors(base_anchors(AnchorSettings(scales=(1, 2, 4))), 9, 12, 16)
    corners = rng.uniform(0, 100, (6, 2))
    objects = np.concatenate([corners, corners + rng.uniform(10, 60, (6, 2))], axis=1)
    usable = anchors_inside(anchors, (144, 192))
    found = label_anchors(anchors, objects, usable=usable)
    labels, best = textbook.label_anchors(anchors, objects, usable)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.best_gt, best)
    assert set(labels) == {OBJECT, BACKGROUND, IGNORED}


@quick
@given(anchors_and_objects(), thresholds, seeds)
def test_labels_do_not_depend_on_order(case, bounds, seed):
    anchors, objects, usable = case
    bounds = {"positive_iou": bounds[0], "negative_iou": bounds[1]}
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(anchors)), rng.permutation(len(objects))
    found = label_anchors(anchors, objects, usable=usable, **bounds)
    other = label_anchors(anchors[rows], objects[columns], usable=usable[rows], **bounds)
    np.testing.assert_array_equal(other.labels, found.labels[rows])
    np.testing.assert_array_equal(other.best_anchor_iou, found.best_anchor_iou[columns])


@quick
@given(anchors_and_objects())
def test_every_object_that_a_usable_anchor_overlaps_has_a_positive_one(case):
    anchors, objects, usable = case
    found = label_anchors(anchors, objects, usable=usable)
    positive = found.labels == OBJECT
    iou = box_iou(anchors, objects)
    for g in range(len(objects)):
        best = iou[usable, g].max(initial=0)
        assert found.best_anchor_iou[g] == best
        assert best == 0 or iou[positive, g].max(initial=0) == best
    assert not (positive & ~usable).any()
    assert (iou[positive].max(axis=1, initial=0) > 0).all()
    assert (found.best_gt[positive] >= 0).all()


@quick
@given(integer_boxes(min_count=1, max_count=4, limit=120, min_side=4), st.sampled_from([8, 16]))
def test_labels_move_with_the_objects_by_the_stride(objects, stride):
    height, width = 5, 6
    anchors = grid_anchors(base_anchors(AnchorSettings(scales=(1, 3))), height, width, stride)
    cells = np.ones((height, width, 6), dtype=bool)
    first, second = cells.copy(), cells.copy()
    first[-1], first[:, -1], second[0], second[:, 0] = False, False, False, False
    here = label_anchors(anchors, objects, usable=first.ravel()).labels[first.ravel()]
    there = label_anchors(anchors, objects + stride, usable=second.ravel()).labels[second.ravel()]
    np.testing.assert_array_equal(here, there)


@quick
@given(
    hnp.arrays(np.int64, st.integers(0, 120), elements=st.sampled_from([-1, 0, 0, 1])),
    st.integers(0, 64),
    st.sampled_from([0, 0.25, 0.5, 1]),
    seeds,
)
def test_the_sample_keeps_its_bounds(labels, count, fraction, seed):
    given_labels = labels.copy()
    drawn = sample_anchors(labels, count=count, object_fraction=fraction, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(labels, given_labels)
    assert (drawn.shape, drawn.dtype) == (labels.shape, np.int64)
    assert ((drawn == labels) | (drawn == IGNORED)).all()
    objects = min(int(count * fraction), int((labels == OBJECT).sum()))
    assert (drawn == OBJECT).sum() == objects
    assert (drawn == BACKGROUND).sum() == min(count - objects, (labels == BACKGROUND).sum())
    again = sample_anchors(labels, count=count, object_fraction=fraction, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(again, drawn)


def test_the_sample_of_the_paper_reaches_every_anchor(rng):
    labels = np.repeat([OBJECT, BACKGROUND, IGNORED], [300, 500, 40])
    seen = np.zeros(840, dtype=bool)
    for _ in range(40):
        drawn = sample_anchors(labels, rng=rng)
        assert [(drawn == value).sum() for value in (OBJECT, BACKGROUND)] == [128, 128]
        seen |= drawn != IGNORED
    np.testing.assert_array_equal(seen, labels != IGNORED)


def test_samples_lie_where_their_labels_lie(xp):
    labels = xp.asarray([1, 1, 0, -1, 0])
    drawn = sample_anchors(labels, count=2, rng=np.random.default_rng(0))
    assert type(drawn) is type(labels)
    assert sorted(to_host(drawn).tolist()) == [-1, -1, -1, 0, 1]
    assert sample_anchors([1, 0], rng=np.random.default_rng(0)).tolist() == [1, 0]


def test_what_makes_no_sense_is_named(rng):
    box = np.array([[0.0, 0.0, 9.0, 9.0]])
    with pytest.raises(ValueError, match=r"^anchors: row 0: nan is not finite"):
        label_anchors(box * np.nan, box)
    with pytest.raises(ValueError, match=r"^gt: row 0: inf is not finite"):
        label_anchors(box, [[0, 0, np.inf, 1]])
    for usable in (np.ones(2, bool), np.ones(1), [[True]]):
        with pytest.raises(ValueError, match=r"^usable must be \(1,\) bool, got"):
            label_anchors(box, box, usable=usable)
    with pytest.raises(ValueError, match=r"^negative_iou must be at most positive_iou \(0\.7\), got 0\.8"):
        label_anchors(box, box, negative_iou=0.8)
    with pytest.raises(ValueError, match=r"^positive_iou must be between 0 and 1, got nan"):
        label_anchors(box, box, positive_iou=np.nan)
    for labels in ([0, 2], [0.0, 1.0], [[0]], [True]):
        with pytest.raises(ValueError, match=r"^labels must be \(N,\) whole numbers -1, 0 or 1, got"):
            sample_anchors(np.array(labels), rng=rng)
    with pytest.raises(TypeError, match=r"^labels must be an array"):
        sample_anchors(None, rng=rng)
    with pytest.raises(ValueError, match="must have no masked numbers"):
        sample_anchors(np.ma.array([0, 1], mask=[True, False]), rng=rng)
    with pytest.raises(ValueError, match=r"^count must be at least 0"):
        sample_anchors([0], count=-1, rng=rng)
    with pytest.raises(ValueError, match=r"^object_fraction must be between 0 and 1"):
        sample_anchors([0], object_fraction=1.5, rng=rng)
