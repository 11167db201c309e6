"""The search for neighbours finds every overlap, and what it decides is what greedy suppression decides."""

import numpy as np
import pytest
from box_strategies import awkward_boxes, integer_boxes, real_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.boxes import box_iou, nms
from minircnn.boxes.geometry import columns
from minircnn.boxes.neighbours import decide_pairs, expand, find_candidates, suppress_neighbours

quick = settings(deadline=None, max_examples=150)
any_boxes = st.one_of(
    awkward_boxes(), integer_boxes(max_count=40), real_boxes(max_count=40, min_side=2.0**-20)
)
thresholds = st.one_of(st.sampled_from([0.0, 1 / 9, 1 / 4, 1 / 3, 0.5, 2 / 3, 0.75, 1.0]), st.floats(0, 1))


def by_neighbours(boxes, threshold):
    """Suppress boxes that stand in order of score; return the kept, or None if the search declines."""
    rows = columns(boxes)
    candidates = find_candidates(rows, threshold)
    if candidates is None:
        return None
    return np.flatnonzero(suppress_neighbours(rows, candidates, threshold)).tolist()


@quick
@given(any_boxes.filter(len), thresholds)
def test_equals_the_textbook(boxes, threshold):
    assert by_neighbours(boxes, threshold) == textbook.nms(boxes, -np.arange(len(boxes)), threshold)


@quick
@given(any_boxes.filter(len), thresholds)
def test_equals_the_textbook_in_single_precision(boxes, threshold):
    boxes = boxes.astype(np.float32)  # the twin gets the same rounded IoU values, from the table
    expected = textbook.greedy_suppression(
        box_iou(boxes, boxes), -np.arange(len(boxes)), np.float32(threshold)
    )
    assert by_neighbours(boxes, threshold) == expected


@quick
@given(any_boxes.filter(len), st.data())
def test_finds_pairs_just_above_the_threshold_and_leaves_those_at_it(boxes, data):
    iou = textbook.box_iou(boxes, boxes)
    threshold = data.draw(st.sampled_from(sorted(set(iou[iou <= 1].ravel()))))  # one that occurs
    below = np.nextafter(threshold, 0)
    scores = -np.arange(len(boxes))
    assert by_neighbours(boxes, threshold) == textbook.nms(boxes, scores, threshold)
    assert by_neighbours(boxes, below) == textbook.nms(boxes, scores, below)


@quick
@given(any_boxes.filter(len), thresholds)
def test_every_overlap_is_a_candidate(boxes, threshold):
    candidates = find_candidates(columns(boxes), threshold)
    run, b = expand(candidates.start, candidates.length)
    found = np.zeros((len(boxes), len(boxes)), dtype=bool)
    found[candidates.order[candidates.owner[run]], candidates.order[b]] = True
    assert (found | found.T)[textbook.box_iou(boxes, boxes) > threshold].all()


@quick
@given(st.integers(1, 30), st.data())
def test_pairs_are_decided_in_order(count, data):
    numbers = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(numbers, numbers).filter(lambda p: p[0] < p[1]), max_size=80))
    keep = [True] * count
    for better, worse in sorted(pairs):
        if keep[better]:
            keep[worse] = False
    better, worse = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    assert decide_pairs(better, worse, count).tolist() == keep


def test_a_long_chain_is_decided_one_by_one():
    x = np.arange(3000.0) * 4
    boxes = np.stack([x, 0 * x, x + 6, 0 * x + 10], axis=1)  # each overlaps only the next
    assert by_neighbours(boxes, 0.1) == list(range(0, 3000, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "boxes", [[[0, 0, np.inf, 1]], [[0, np.nan, 1, 1]], [[0, 0, 1e-19, 1e-19]], [[-1e20] * 4]]
)
def test_numbers_that_products_cannot_hold_are_declined(boxes, dtype):
    scale = 1 if dtype is np.float32 else 1e140
    boxes = np.array(boxes) * np.where(np.abs(boxes) < 1, 1 / scale, scale)
    assert by_neighbours(boxes.astype(dtype), 0.5) is None


def crowds(rng, count):
    centres = rng.uniform(0, 2000, (count // 40, 2))[rng.integers(0, count // 40, count)]
    low = centres + rng.normal(0, 12, (count, 2))
    return np.concatenate([low, low + rng.uniform(20, 90, (count, 2))], axis=1)


def lonely(rng, count):
    low = rng.uniform(0, 100 * np.sqrt(count), (count, 2))
    return np.concatenate([low, low + rng.uniform(20, 180, (count, 2))], axis=1)


def lattice(rng, count):
    low = rng.integers(0, 60, (count, 2)) * 5.0
    return np.concatenate([low, low + rng.integers(0, 4, (count, 2)) * 10.0], axis=1)


def of_all_sizes(rng, count):
    low = rng.normal(0, 1, (count, 2)) * 10 ** rng.uniform(0, 6, (count, 1))
    return np.concatenate([low, low + 10 ** rng.uniform(-2, 5, (count, 2))], axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [crowds, lonely, lattice, of_all_sizes])
def test_many_boxes_are_decided_as_by_tables_alone(make, dtype, rng, monkeypatch):
    boxes = make(rng, 1500).astype(dtype)
    scores = rng.integers(0, 400, len(boxes)).astype(dtype)  # ties
    for threshold in (0.0, 0.3, 0.5, 0.8, 1.0):
        monkeypatch.undo()
        kept = nms(boxes, scores, threshold)
        monkeypatch.setattr("minircnn.boxes.suppression._FEW_DROPPED", 2.0)  # look at once
        np.testing.assert_array_equal(nms(boxes, scores, threshold), kept)
        monkeypatch.setattr("minircnn.boxes.suppression._MANY", len(boxes))  # never
        np.testing.assert_array_equal(nms(boxes, scores, threshold), kept)
        assert kept.tolist() == textbook.greedy_suppression(box_iou(boxes, boxes), scores, dtype(threshold))
