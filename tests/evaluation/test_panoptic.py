"""Panoptic quality: against the loops, the published figures, and what it must be by its definition."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import PanopticMap, Segment, textbook
from minircnn.data import COCOPanoptic
from minircnn.evaluation import evaluate_panoptic

NAMES, STUFF = ("cat", "dog", "grass"), ("grass",)


def random_map(rng, shape, near=None, crowd=0.0):
    """Return a map of blocks; one `near` another is that with some of its pixels changed."""
    if near is None:
        ids = np.kron(rng.integers(0, 5, (3, 3)), np.ones((4, 4), dtype=int))[: shape[0], : shape[1]]
    else:
        ids = np.where(rng.random(shape) < rng.choice([0.1, 0.4]), rng.integers(0, 5, shape), near.ids)
    numbers = [int(i) for i in np.unique(ids) if i]
    before = {} if near is None else {s.id: s.label for s in near.segments}
    segments = [
        Segment(
            i, int(rng.integers(0, 4)) if rng.random() < 0.2 else before.get(i, 1), bool(rng.random() < crowd)
        )
        for i in numbers
    ]
    return PanopticMap(ids, tuple(segments), NAMES, STUFF)


@st.composite
def pairs(draw, crowd=0.3):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    truth = random_map(rng, (12, 10), crowd=crowd)
    return random_map(rng, (12, 10), near=truth), truth


def plain(panoptic):
    return panoptic.ids, {s.id: (s.label, s.crowd) for s in panoptic.segments}


@settings(deadline=None, max_examples=150)
@given(st.lists(pairs(), min_size=1, max_size=3))
def test_it_is_the_quality_of_the_loops(photos):
    result = evaluate_panoptic([found for found, _ in photos], [truth for _, truth in photos])
    total = {}
    for found, truth in photos:
        for label, row in textbook.panoptic_quality(*plain(truth), *plain(found)).items():
            total[label] = np.add(total.get(label, 0), row)
    expected = {label: row for label, row in total.items() if row[1:].any()}
    assert len(result.per_class) == len(expected)
    for label, (iou, tp, fp, fn) in expected.items():
        own = result.per_class["background" if label == 0 else NAMES[label - 1]]
        assert (own.tp, own.fp, own.fn) == (tp, fp, fn)
        assert own.iou == pytest.approx(iou)
        assert own.pq == pytest.approx(own.sq * own.rq)


@settings(deadline=None, max_examples=150)
@given(pairs())
def test_no_segment_has_two_partners_of_an_iou_above_one_half(photo):
    found, truth = photo
    void = truth.ids == 0
    iou = np.array(
        [
            [
                (truth.mask(g) & found.mask(p)).sum() / (truth.mask(g) | (found.mask(p) & ~void)).sum()
                for p in found.segments
            ]
            for g in truth.segments
        ]
    ).reshape(len(truth.segments), len(found.segments))
    assert ((iou > 0.5).sum(axis=0) <= 1).all()
    assert ((iou > 0.5).sum(axis=1) <= 1).all()


@settings(deadline=None)
@given(pairs(crowd=0.0))
def test_the_truth_itself_is_perfect(photo):
    result = evaluate_panoptic([photo[1]], [photo[1]])
    assert np.isnan(result.all.pq) if result.all.n == 0 else result.all.pq == 1


def test_an_overlap_of_exactly_one_half_is_no_match():
    truth = PanopticMap(np.array([[1, 1, 1, 2, 2, 2]]), (Segment(1, 1), Segment(2, 2)), NAMES, STUFF)
    found = PanopticMap(np.array([[1, 1, 1, 1, 1, 1]]), (Segment(1, 1),), NAMES, STUFF)
    result = evaluate_panoptic([found], [truth])
    assert (result.per_class["cat"].tp, result.per_class["cat"].fp, result.per_class["cat"].fn) == (0, 1, 1)


def test_what_lies_mostly_on_void_or_a_crowd_is_not_false():
    truth = PanopticMap(np.array([[0, 0, 0, 5, 5, 5]]), (Segment(5, 1, crowd=True),), NAMES, STUFF)
    ids = np.array([[1, 1, 2, 2, 2, 2]])
    for label, false in [(1, 0), (2, 1)]:  # of the crowd's class, or another
        found = PanopticMap(ids, (Segment(1, 2), Segment(2, label)), NAMES, STUFF)
        result = evaluate_panoptic([found], [truth])
        assert sum(c.fp for c in result.per_class.values()) == false
        assert sum(c.fn for c in result.per_class.values()) == 0


def test_several_crowds_count_together_or_the_last_alone():
    crowds = (Segment(5, 1, crowd=True), Segment(6, 1, crowd=True), Segment(7, 2))
    truth = PanopticMap(np.array([[5, 5, 6, 6, 7, 7]]), crowds, NAMES, STUFF)
    found = PanopticMap(np.array([[1, 1, 1, 1, 1, 1]]), (Segment(1, 1),), NAMES, STUFF)
    assert "cat" not in evaluate_panoptic([found], [truth]).per_class
    assert evaluate_panoptic([found], [truth], crowds="last").per_class["cat"].fp == 1


def test_nothing_known_and_nothing_said_has_no_figure():
    empty = PanopticMap(np.zeros((2, 2), dtype=int), (), NAMES, STUFF)
    result = evaluate_panoptic([empty], [empty])
    assert result.all.n == 0
    assert np.isnan(result.all.pq)
    assert result.to_record()["all"] == {"pq": None, "sq": None, "rq": None, "n": 0}
    assert "absent" in result.table()


def test_things_and_stuff_are_averaged_apart():
    ids = np.array([[1, 1, 2, 2, 3, 3]])
    truth = PanopticMap(ids, (Segment(1, 1), Segment(2, 3), Segment(3, 0)), NAMES, STUFF)
    found = PanopticMap(ids, (Segment(1, 2), Segment(2, 3), Segment(3, 0)), NAMES, STUFF)
    result = evaluate_panoptic([found], [truth])
    assert (result.things.n, result.things.pq, result.stuff.n, result.stuff.pq) == (2, 0, 2, 1)
    assert list(result.per_class) == ["background", "cat", "dog", "grass"]
    assert result.to_record()["per_class"]["grass"]["tp"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_names": ("a", "b", "grass")}, "photo 0 .*: other classes"),
        ({"ids": np.ones((1, 3), dtype=int)}, r"photo 0: \(1, 3\) pixels predicted, \(1, 2\) known"),
    ],
)
def test_maps_that_do_not_fit_are_refused(change, message):
    same = {
        "ids": np.ones((1, 2), dtype=int),
        "segments": (Segment(1, 1),),
        "class_names": NAMES,
        "stuff": STUFF,
    }
    with pytest.raises(ValueError, match=message):
        evaluate_panoptic([PanopticMap(**same | change)], [PanopticMap(**same)])
    with pytest.raises(ValueError, match="predictions of 0 photos but the truth of 1"):
        evaluate_panoptic([], [PanopticMap(**same)])


def test_a_class_must_not_have_the_name_of_class_0():
    ids = np.array([[1, 2]])
    both = PanopticMap(ids, (Segment(1, 0), Segment(2, 1)), ("background",))
    with pytest.raises(ValueError, match="a class is named 'background'"):
        evaluate_panoptic([both], [both])


def test_the_published_figures(shared_data):
    """Of panopticapi, for a disturbed prediction of two photos of COCO."""
    folder = shared_data / "classical" / "panoptic_sample"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    truth = COCOPanoptic(folder / "panoptic_examples.json")
    found = COCOPanoptic(folder / "golden" / "pred.json")
    expected = json.loads((folder / "golden" / "expected.json").read_text(encoding="utf-8"))
    places = [found.image_ids.index(image_id) for image_id in truth.image_ids]
    result = evaluate_panoptic(
        [found.panoptic(i) for i in places], [truth.panoptic(i) for i in range(len(truth))]
    )
    assert result.all.n == expected["n"]
    for name in ("pq", "sq", "rq"):
        assert getattr(result.all, name) == pytest.approx(expected[name], abs=1e-15)
