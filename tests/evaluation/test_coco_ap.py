import json

import numpy as np
import pytest
from evaluation_records import CLASSES, annotations, detections, evaluation_sets, perfect
from hypothesis import given, settings

from minircnn.evaluation import evaluate_coco, evaluate_voc

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
