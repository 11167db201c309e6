import dataclasses
import json

import numpy as np
import pytest
from evaluation_records import CLASSES, annotations, detections, evaluation_sets, perfect
from hypothesis import given, settings

from minircnn.evaluation import evaluate_coco, evaluate_voc
from minircnn.evaluation.coco_matching import coco_area

quick = settings(deadline=None, max_examples=40)
NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]
SMALL, MEDIUM, LARGE = [0, 0, 20, 20], [0, 0, 60, 60], [0, 0, 100, 100]


def test_perfect_detections_by_area():
    truth = [annotations([SMALL], [1]), annotations([MEDIUM], [1])]
    result = evaluate_coco([perfect(t) for t in truth], truth)
    assert list(result.stats) == NAMES
    expected = dict.fromkeys(NAMES, 1.0) | {"APl": -1.0, "ARl": -1.0}  # no large object
    assert result.stats == pytest.approx(expected)
    assert result.per_class == {"cat": pytest.approx(1.0), "dog": None, "owl": None}


def test_thresholds_are_averaged():
    # IoU 0.72: a match at 0.50, 0.55, 0.60, 0.65 and 0.70, not at the other five thresholds.
    result = evaluate_coco([detections([[0, 0, 100, 72]], [0.9], [1])], [annotations([LARGE], [1])])
    assert result.stats["AP"] == pytest.approx(0.5)
    assert (result.stats["AP50"], result.stats["AP75"]) == (pytest.approx(1.0), 0)
    assert result.stats["AR100"] == pytest.approx(0.5)


def test_a_duplicate_may_take_the_neighbour():
    # As in the VOC test of the same name, where it may not.
    objects = [[0, 0, 10, 10], [0, 4, 10, 14]]
    found = detections([[0, 0, 10, 10], [0, 1, 10, 11]], [0.9, 0.8], [1, 1])
    truth = annotations(objects, [1, 1])
    assert evaluate_coco([found], [truth]).stats["AP50"] == pytest.approx(1.0)
    assert evaluate_voc([found], [truth]).map == 0.5


def test_limits_on_detections():
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(5)]
    truth = annotations(boxes, [1] * 5)
    stats = evaluate_coco([perfect(truth)], [truth], (1, 2, 4)).stats
    assert [stats[k] for k in ("AR1", "AR2", "AR4")] == pytest.approx([0.2, 0.4, 0.8])


def test_crowds_are_ignored():
    truth = annotations([LARGE, SMALL], [1, 1], [True, False])
    inside = [[50, 50, 60, 60], [60, 60, 70, 70]]  # any number of detections may fall on a crowd
    found = detections([*inside, SMALL], [0.9, 0.8, 0.7], [1, 1, 1])
    assert evaluate_coco([found], [truth]).stats["AP"] == pytest.approx(1.0)


def test_areas_may_be_given():
    truth = annotations([LARGE], [1])
    stats = evaluate_coco([perfect(truth)], [truth], areas=[np.array([500.0])]).stats
    assert (stats["APs"], stats["APl"]) == (pytest.approx(1.0), -1)


def test_areas_of_the_annotations_are_the_default():
    truth = dataclasses.replace(annotations([LARGE], [1]), areas=np.array([500.0]))
    stats = evaluate_coco([perfect(truth)], [truth]).stats
    assert (stats["APs"], stats["APm"], stats["APl"]) == (pytest.approx(1.0), -1, -1)
    large = evaluate_coco(
        [perfect(truth)], [truth], areas=[np.array([1e4])]
    ).stats  # what is given comes first
    assert (large["APs"], large["APl"]) == (-1, pytest.approx(1.0))


@pytest.mark.parametrize("ids", [("2", "10"), ("a", "b"), ("7", "a")])
def test_equal_scores_count_in_the_order_of_ids(ids):
    # a hit in the photo that comes first, a miss in the other: precision 1 or 1/2 at the only object
    hit, miss = annotations([SMALL], [1], image_id=ids[0]), annotations([], [], image_id=ids[1])
    found = detections([SMALL], [0.5], [1])
    for order in (1, -1):
        assert evaluate_coco([found] * 2, [hit, miss][::order]).stats["AP50"] == pytest.approx(1.0)
    reverse = evaluate_coco([found] * 2, [hit, miss], image_ids=[2, 1])
    assert reverse.stats["AP50"] == pytest.approx(0.5)


def test_ids_that_are_texts_count_by_their_letters():
    truth = [annotations([SMALL], [1], image_id="9"), annotations([], [], image_id="10")]
    found = [detections([SMALL], [0.5], [1])] * 2
    assert evaluate_coco(found, truth, image_ids=["9", "10"]).stats["AP50"] == pytest.approx(0.5)
    assert evaluate_coco(found, truth, image_ids=[9, 10]).stats["AP50"] == pytest.approx(1.0)


def test_an_overlap_of_exactly_a_threshold_in_decimals():
    # half of 40.4 is 20.2, but not so for the differences of the corners
    x, width, half = 26.5, 40.4, 20.2
    inner, outer = ((x + half) - x) * 10, ((x + width) - x) * 10
    assert inner / (outer + inner - inner) < 0.5
    truth = annotations([[x, 0, x + width, 10]], [1])
    found = detections([[x, 0, x + half, 10]], [0.5], [1])
    assert evaluate_coco([found], [truth]).stats["AP50"] == pytest.approx(1.0)
    assert coco_area(truth.boxes).tolist() == [404.0]
    assert coco_area(np.array([[0.1, 0.1, 0.1 + 1 / 3, 1.1]])) == pytest.approx(1 / 3)


def test_nothing_found_and_nothing_to_find():
    empty, truth = detections([], [], []), annotations([SMALL], [1])
    assert evaluate_coco([empty], [truth]).stats["AP"] == 0
    nothing = evaluate_coco([perfect(truth)], [annotations([], [])])
    assert set(nothing.stats.values()) == {-1.0}
    assert set(nothing.to_record()["stats"].values()) == {None}


def test_table_and_record():
    truth = annotations([SMALL], [1])
    result = evaluate_coco([perfect(truth)], [truth])
    assert result.table().splitlines()[0].split() == ["AP", "1.0000"]
    assert result.table().splitlines()[-1].split() == ["owl", "absent"]
    assert json.loads(json.dumps(result.to_record()))["per_class"]["owl"] is None


def test_wrong_arguments_are_refused():
    found, truth = detections([SMALL], [0.9], [1]), annotations([SMALL], [1])
    with pytest.raises(ValueError, match="three rising"):
        evaluate_coco([found], [truth], (10, 1, 100))
    with pytest.raises(ValueError, match="one number per annotated object"):
        evaluate_coco([found], [truth], areas=[np.zeros(2)])
    for area in (-1.0, np.nan):
        with pytest.raises(ValueError, match="photo 0: areas must be numbers of at least 0"):
            evaluate_coco([found], [truth], areas=[np.array([area])])
    with pytest.raises(ValueError, match="2 image_ids but annotations of 1"):
        evaluate_coco([found], [truth], image_ids=[1, 2])
    with pytest.raises(ValueError, match="annotations of 2"):
        evaluate_coco([found], [truth, truth])


@quick
@given(evaluation_sets())
def test_figures_lie_in_their_range(data):
    found, truth = data
    result = evaluate_coco(found, truth)
    for value in result.stats.values():
        assert value == -1 or 0 <= value <= 1 + 1e-12
    stats = result.stats
    assert stats["AP"] <= stats["AP50"] + 1e-12
    assert stats["AR1"] <= stats["AR10"] <= stats["AR100"]
    for k, name in enumerate(CLASSES, start=1):
        present = any(((t.labels == k) & ~t.difficult).any() for t in truth)
        assert (result.per_class[name] is not None) == present


@quick
@given(evaluation_sets())
def test_the_truth_itself_scores_one(data):
    truth = [
        annotations(t.boxes, t.labels) for t in data[1]
    ]  # nothing difficult: a crowd changes the matching
    stats = evaluate_coco([perfect(t) for t in truth], truth).stats
    expected = 1.0 if any(len(t) for t in truth) else -1.0
    assert stats["AP"] == stats["AR100"] == pytest.approx(expected)
