import array_api_strict
import numpy as np
import pytest
from box_strategies import scored_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import batched_nms, box_iou, nms, nms_explained

quick = settings(deadline=None, max_examples=60)
thresholds = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0])


def clustered(rng, count, clusters=12):
    """Boxes around a few places, as proposals are: many overlap, over several blocks."""
    centres = rng.uniform(50, 400, (clusters, 2))[rng.integers(0, clusters, count)] + rng.normal(
        0, 8, (count, 2)
    )
    sides = rng.uniform(30, 90, (count, 2))
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1), rng.random(count)


def test_known_values(xp):
    boxes = xp.asarray([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 11.0], [20.0, 0.0, 30.0, 10.0]])
    kept = nms(boxes, xp.asarray([0.5, 0.9, 0.7]), 0.5)
    assert to_host(kept).tolist() == [1, 2]


def test_the_threshold_itself_is_kept(xp):
    boxes = xp.asarray([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]])  # IoU exactly 0.5
    scores = xp.asarray([2.0, 1.0])
    assert to_host(nms(boxes, scores, 0.5)).tolist() == [0, 1]
    assert to_host(nms(boxes, scores, 0.4999)).tolist() == [0]


def test_the_threshold_itself_is_kept_in_later_blocks_too(xp):
    x = 20.0 * np.arange(100)
    whole = np.stack([x, 0 * x, x + 10, 0 * x + 10], axis=1)
    half = whole - np.array([0, 0, 0, 5])  # IoU exactly 0.5, scored behind all the whole ones
    boxes, scores = xp.asarray(np.concatenate([whole, half])), xp.asarray(-np.arange(200.0))
    assert to_host(nms(boxes, scores, 0.5)).tolist() == list(range(200))
    assert to_host(nms(boxes, scores, 0.4999)).tolist() == list(range(100))


def test_a_dropped_box_drops_nobody(xp):
    # 0 drops 1; 1 would have dropped 2.
    boxes = xp.asarray([[0.0, 0.0, 10.0, 10.0], [4.0, 0.0, 14.0, 10.0], [8.0, 0.0, 18.0, 10.0]])
    kept, by = nms_explained(boxes, xp.asarray([3.0, 2.0, 1.0]), 0.3)
    assert to_host(kept).tolist() == [0, 2]
    assert to_host(by).tolist() == [0, 0, 2]


def test_a_chain_longer_than_a_block():
    # Each box overlaps only the next: every second one stays, decided one after the other.
    x = np.arange(300.0) * 4
    boxes = np.stack([x, 0 * x, x + 6, 0 * x + 10], axis=1)
    assert nms(boxes, -x, 0.1).tolist() == list(range(0, 300, 2))


def test_zero_boxes_and_one_box(xp):
    for count in (0, 1):
        boxes, scores = xp.ones((count, 4)), xp.ones((count,))
        assert nms(boxes, scores, 0.5).shape == (count,)
        assert batched_nms(boxes, scores, xp.ones((count,), dtype=xp.int64), 0.5).shape == (count,)
        assert [a.shape for a in nms_explained(boxes, scores, 0.5)] == [(count,), (count,)]


@pytest.mark.parametrize("count", [63, 64, 65, 500])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_the_textbook_over_several_blocks(xp, rng, count, dtype):
    boxes, scores = clustered(rng, count)
    # Whole pixels: areas are exact, and no quotient of such areas rounds to the threshold unless it is it.
    boxes = np.round(boxes).astype(dtype)
    scores = np.round(scores, 1)  # ties
    for threshold in (0.3, 0.7):
        kept = nms(xp.asarray(boxes), xp.asarray(scores), threshold)
        assert to_host(kept).tolist() == textbook.nms(boxes.astype(np.float64), scores, threshold)


@quick
@given(scored_boxes(), thresholds)
def test_equals_the_textbook(scored, threshold):
    boxes, scores = scored
    kept = nms(boxes, scores, threshold)
    assert kept.tolist() == textbook.nms(boxes, scores, threshold)
    strict = nms(array_api_strict.asarray(boxes), array_api_strict.asarray(scores), threshold)
    assert np.asarray(strict).tolist() == kept.tolist()


@quick
@given(scored_boxes(), thresholds)
def test_subset_bound_order_and_explanation(scored, threshold):
    boxes, scores = scored
    kept, by = nms_explained(boxes, scores, threshold)
    assert kept.tolist() == nms(boxes, scores, threshold).tolist()
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(scores[kept]) <= 0).all()
    iou = box_iou(boxes, boxes)
    among_kept = iou[np.ix_(kept, kept)]
    assert (among_kept[~np.eye(len(kept), dtype=bool)] <= threshold).all()
    rank = np.argsort(np.argsort(-scores, kind="stable"))
    for i, keeper in enumerate(by):
        assert keeper in kept
        if i in kept:
            assert keeper == i
        else:  # every dropped box overlaps a kept, better one: the best of those
            assert iou[i, keeper] > threshold
            assert rank[keeper] < rank[i]
            assert keeper == next(k for k in kept if iou[i, k] > threshold)


@quick
@given(scored_boxes(), thresholds)
def test_idempotent(scored, threshold):
    boxes, scores = scored
    kept = nms(boxes, scores, threshold)
    assert nms(boxes[kept], scores[kept], threshold).tolist() == list(range(len(kept)))


@quick
@given(scored_boxes(distinct=True), thresholds, st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(scored, threshold, random):
    boxes, scores = scored
    order = list(range(len(boxes)))
    random.shuffle(order)
    order = np.array(order, dtype=np.int64)
    assert (
        order[nms(boxes[order], scores[order], threshold)].tolist() == nms(boxes, scores, threshold).tolist()
    )


@quick
@given(scored_boxes(), thresholds)
def test_only_the_order_of_scores_matters(scored, threshold):
    boxes, scores = scored
    kept = nms(boxes, scores, threshold).tolist()
    for rescaled in (3 * scores - 7, np.exp(scores), scores.astype(np.int64)):
        assert nms(boxes, rescaled, threshold).tolist() == kept


@quick
@given(scored_boxes(), thresholds, st.data())
def test_classes_do_not_meet(scored, threshold, data):
    boxes, scores = scored
    labels = np.array(
        data.draw(st.lists(st.integers(1, 3), min_size=len(boxes), max_size=len(boxes))), np.int64
    )
    kept = batched_nms(boxes, scores, labels, threshold)
    expected = []
    for label in (1, 2, 3):
        mine = np.flatnonzero(labels == label)
        expected += mine[textbook.nms(boxes[mine], scores[mine], threshold)].tolist()
    expected.sort(key=lambda i: (-scores[i], i))
    assert kept.tolist() == expected
    strict = batched_nms(*(array_api_strict.asarray(a) for a in (boxes, scores, labels)), threshold)
    assert np.asarray(strict).tolist() == expected


@pytest.mark.parametrize("sizes", [(1, 100, 30), (600, 2)])  # in one table, and class by class
def test_classes_of_any_size_are_decided_as_each_by_itself(rng, sizes):
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    boxes, scores = clustered(rng, len(labels))
    scores = np.round(scores, 1)  # ties
    own = [np.flatnonzero(labels == label) for label in range(len(sizes))]
    expected = np.concatenate([mine[nms(boxes[mine], scores[mine], 0.4)] for mine in own])
    assert sorted(batched_nms(boxes, scores, labels, 0.4).tolist()) == sorted(expected.tolist())


def test_explanation_over_several_blocks(xp, rng):
    boxes, scores = clustered(rng, 300)
    kept, by = (to_host(a) for a in nms_explained(xp.asarray(boxes), xp.asarray(scores), 0.4))
    assert sorted(set(by.tolist())) == sorted(kept.tolist())
    dropped = np.setdiff1d(np.arange(300), kept)
    assert (box_iou(boxes, boxes)[dropped, by[dropped]] > 0.4).all()
    assert (scores[by[dropped]] > scores[dropped]).all()


@pytest.mark.parametrize("limit", [0, 1, 5, 63, 64, 65, 10_000])
def test_a_limit_keeps_the_first_of_all_that_stay(xp, rng, limit):
    boxes, scores = (xp.asarray(x) for x in clustered(rng, 700, clusters=150))
    everything = to_host(nms(boxes, scores, 0.3))
    assert len(everything) > 65
    np.testing.assert_array_equal(to_host(nms(boxes, scores, 0.3, limit=limit)), everything[:limit])


def test_a_limit_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="limit must be"):
        nms(np.zeros((0, 4)), np.zeros(0), 0.5, limit=-1)


def test_wrong_input_is_refused(xp):
    boxes, scores = xp.ones((2, 4)), xp.ones((2,))
    with pytest.raises(ValueError, match="2 boxes but scores"):
        nms(boxes, xp.ones((3,)), 0.5)
    with pytest.raises(ValueError, match="2 scores but labels"):
        batched_nms(boxes, scores, xp.ones((1,), dtype=xp.int64), 0.5)
    with pytest.raises(ValueError, match="iou_threshold"):
        nms(boxes, scores, 30)
    with pytest.raises(ValueError, match="NaN"):
        nms(boxes, scores * xp.nan, 0.5)
    with pytest.raises(TypeError):
        nms(boxes, None, 0.5)
