import numpy as np
import pytest
from box_strategies import integer_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import assign, sample_fast_rcnn, sample_rcnn

quick = settings(deadline=None, max_examples=60)
ious = hnp.arrays(
    np.float64, st.integers(0, 200), elements=st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.4999, 0.5, 0.9, 1.0])
)


def test_known_values(xp):
    proposals = xp.asarray([[0.0, 0.0, 10.0, 10.0], [8.0, 0.0, 18.0, 10.0], [50.0, 50.0, 60.0, 60.0]])
    objects = xp.asarray([[0.0, 0.0, 10.0, 5.0], [10.0, 0.0, 20.0, 10.0]])
    found = assign(proposals, objects)
    np.testing.assert_allclose(to_host(found.best_iou), [0.5, 2 / 3, 0])
    assert to_host(found.best_gt).tolist() == [0, 1, -1]


def test_nothing_to_assign(xp):
    none, some = xp.zeros((0, 4)), xp.ones((3, 4))
    without_objects = assign(some, none)
    assert to_host(without_objects.best_gt).tolist() == [-1] * 3
    assert to_host(without_objects.best_iou).tolist() == [0] * 3
    for objects in (none, some):
        empty = assign(none, objects)
        assert empty.best_iou.shape == empty.best_gt.shape == (0,)
    assert assign(some, some).best_gt.dtype == without_objects.best_gt.dtype == xp.int64


@quick
@given(integer_boxes(), integer_boxes(max_count=5))
def test_assignment_is_the_first_best(proposals, objects):
    found = assign(proposals, objects)
    iou = textbook.box_iou(proposals, objects)
    for row, best_iou, best_gt in zip(iou, found.best_iou, found.best_gt, strict=True):
        best = max(row, default=0)
        assert best_iou == best
        assert best_gt == (list(row).index(best) if best > 0 else -1)


@quick
@given(ious, st.integers(0, 2**32 - 1))
def test_fast_rcnn_sample(iou, seed):
    sample = sample_fast_rcnn(iou, rng=np.random.default_rng(seed))
    assert len(set(sample.indices.tolist())) == len(sample) <= 64
    assert (iou[sample.foreground] >= 0.5).all()
    assert ((iou[sample.background] >= 0.1) & (iou[sample.background] < 0.5)).all()
    available = int((iou >= 0.5).sum()), int(((iou >= 0.1) & (iou < 0.5)).sum())
    assert len(sample.foreground) == min(16, available[0])
    assert len(sample.background) == min(64 - len(sample.foreground), available[1])
    assert sample.short_by == 64 - len(sample)
    again = sample_fast_rcnn(iou, rng=np.random.default_rng(seed))
    np.testing.assert_array_equal(again.indices, sample.indices)


def test_fast_rcnn_sample_reaches_every_proposal(rng):
    iou = np.repeat([0.8, 0.3], 100)
    drawn = np.concatenate([sample_fast_rcnn(iou, rng=rng).indices for _ in range(60)])
    assert set(drawn.tolist()) == set(range(200))


def test_samplers_accept_any_library(xp):
    sample = sample_fast_rcnn(xp.asarray([0.9, 0.2, 0.0]), num_rois=4, rng=np.random.default_rng(0))
    assert (sample.foreground.tolist(), sample.background.tolist(), sample.short_by) == ([0], [1], 2)
    sample = sample_rcnn(
        xp.asarray([True, False]), num_foreground=1, num_background=1, rng=np.random.default_rng(0)
    )
    assert sample.indices.tolist() == [0, 1]


@quick
@given(hnp.arrays(np.bool_, st.integers(0, 300)), st.integers(0, 2**32 - 1))
def test_rcnn_sample(is_foreground, seed):
    sample = sample_rcnn(is_foreground, rng=np.random.default_rng(seed))
    assert is_foreground[sample.foreground].all()
    assert not is_foreground[sample.background].any()
    short_by = 0
    for drawn, wanted, available in (
        (sample.foreground, 32, is_foreground.sum()),
        (sample.background, 96, (~is_foreground).sum()),
    ):
        assert len(drawn) == (wanted if available else 0)
        assert len(set(drawn.tolist())) == wanted or available < wanted  # repeated only if too few
        short_by += max(wanted - int(available), 0)
    assert sample.short_by == short_by


def test_rcnn_sample_is_uniform(rng):
    is_foreground = np.arange(200) < 50
    counts = np.zeros(200)
    for _ in range(500):
        counts[sample_rcnn(is_foreground, rng=rng).indices] += 1
    # Each is drawn 500 * 32/50 = 320 or 500 * 96/150 = 320 times; standard deviation 10.7.
    assert counts.min() > 320 - 6 * 10.7
    assert counts.max() < 320 + 6 * 10.7


def test_sample_of_nothing(rng):
    assert len(sample_fast_rcnn(np.zeros(0), rng=rng)) == 0
    assert sample_fast_rcnn(np.zeros(5), rng=rng).short_by == 64
    nothing = sample_rcnn(np.zeros(0, dtype=bool), rng=rng)
    assert (len(nothing), nothing.short_by) == (0, 128)


def test_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="gt_boxes must have shape"):
        assign(np.zeros((1, 4)), np.zeros(4))
