import json
from xml.etree import ElementTree

import numpy as np
import pytest
from evaluation_records import CLASSES, annotations, evaluation_sets
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.evaluation import evaluate_voc, mabo, proposal_recall
from minircnn.structures import Annotations, Detections

quick = settings(deadline=None, max_examples=60)
NONE = np.zeros((0, 4))


def test_known_values():
    truth = [annotations([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 1]), annotations([[0, 0, 10, 10]], [2])]
    proposals = [np.array([[0.0, 0.0, 10.0, 5.0], [0.0, 0.0, 10.0, 8.0]]), np.array([[0.0, 0.0, 10.0, 10.0]])]
    result = proposal_recall(proposals, truth, (0.5, 0.8, 0.9))
    np.testing.assert_allclose(result.best_overlaps, [0.8, 0, 1])
    assert result.per_class["cat"].abo == pytest.approx(0.4)
    assert result.per_class["owl"].abo is None
    assert result.mabo == mabo(proposals, truth) == pytest.approx(0.7)  # (0.4 + 1) / 2: a mean over classes
    assert result.mean_best_overlap == pytest.approx(0.6)  # 1.8 / 3: a mean over objects
    assert result.recall == pytest.approx((2 / 3, 2 / 3, 1 / 3))  # at least the threshold
    assert result.class_recall == pytest.approx((0.75, 0.75, 0.5))
    assert result.num_proposals == 1.5
    first = proposal_recall(proposals, truth, (0.5,), max_proposals=1)
    np.testing.assert_allclose(first.best_overlaps, [0.5, 0, 1])
    assert first.num_proposals == 1


def test_difficult_objects_on_request():
    truth = [annotations([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 1], [False, True])]
    proposals = [np.array([[0.0, 0.0, 10.0, 10.0]])]
    assert proposal_recall(proposals, truth).recall == (1, 1)
    assert proposal_recall(proposals, truth, count_difficult=True).recall == (0.5, 0.5)
    assert mabo(proposals, truth, count_difficult=True) == 0.5


def test_no_proposals_and_no_objects():
    truth = [annotations([[0, 0, 10, 10]], [1])]
    assert proposal_recall([NONE], truth).recall == (0, 0)
    assert mabo([NONE], truth) == 0
    nothing = proposal_recall([NONE], [annotations([], [])])
    assert np.isnan(nothing.mabo)
    assert np.isnan(nothing.recall).all()
    record = json.loads(json.dumps(nothing.to_record()))
    assert record["mabo"] is None
    assert record["recall"] == [None, None]


def test_table():
    result = proposal_recall([np.array([[0.0, 0.0, 10.0, 6.0]])], [annotations([[0, 0, 10, 10]], [1])])
    lines = result.table().splitlines()
    assert [line.split() for line in lines] == [
        ["class", "ABO", "R@0.5", "R@0.7", "objects"],
        ["cat", "0.6000", "1.0000", "0.0000", "1"],
        ["dog", "absent", "-", "-", "0"],
        ["owl", "absent", "-", "-", "0"],
        ["class", "mean", "0.6000", "1.0000", "0.0000", "1"],
        ["all", "objects", "0.6000", "1.0000", "0.0000", "1"],
    ]
    assert len(set(map(len, lines))) == 1


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="proposals of 1 photos but annotations of 0"):
        proposal_recall([NONE], [])
    with pytest.raises(ValueError, match="nothing to evaluate"):
        proposal_recall([], [])


@quick
@given(evaluation_sets(), st.integers(0, 8))
def test_equals_the_textbook_and_grows_with_proposals(data, limit):
    found, truth = data
    proposals = [d.boxes for d in found]
    result = proposal_recall(proposals, truth, (0.3, 0.5, 0.7), max_proposals=limit)
    expected, labels = [], []
    for boxes, t in zip(proposals, truth, strict=True):
        for box, label, difficult in zip(t.boxes, t.labels, t.difficult, strict=True):
            if not difficult:
                expected.append(max((textbook.iou(box, p) for p in boxes[:limit]), default=0.0))
                labels.append(CLASSES[label - 1])
    np.testing.assert_allclose(result.best_overlaps, expected, rtol=0, atol=1e-15)
    if not expected:
        return
    abos = [np.mean([e for e, n in zip(expected, labels, strict=True) if n == name]) for name in set(labels)]
    assert result.mabo == pytest.approx(np.mean(abos))
    assert list(result.recall) == sorted(result.recall, reverse=True)
    more = proposal_recall(proposals, truth, (0.3, 0.5, 0.7))
    assert (more.best_overlaps >= result.best_overlaps).all()


def test_original_selective_search_boxes(shared_data):
    folder = shared_data / "demo_voc2007"
    facts = json.loads((folder / "boxes_facts.json").read_text())["000004"]
    proposals = np.load(folder / "000004_boxes.npy").astype(np.float64) + np.array(
        [0, 0, 1, 1]
    )  # inclusive, from 0
    tree = ElementTree.parse(folder / "Annotations/000004.xml")
    legacy = [
        [float(o.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
        for o in tree.iter("object")
    ]
    truth = annotations(np.array(legacy) - [1, 1, 0, 0], [1] * len(legacy))  # inclusive, from 1
    result = proposal_recall([proposals], [truth], (0.5,))
    assert result.num_proposals == facts["n"]
    assert result.recall == (facts["recall_at_0.5"],)
    np.testing.assert_allclose(result.best_overlaps, facts["best_iou_per_gt_in_xml_order"], atol=5e-4)
    assert result.mean_best_overlap == pytest.approx(facts["mean_best_iou"], abs=1e-7)


def test_a_data_set_without_classes_or_objects_has_a_table_without_figures():
    nothing = Annotations(np.zeros((0, 4)), np.zeros(0, np.int64), (), 60, 80)
    result = proposal_recall([np.array([[0.0, 0, 9, 9]])], [nothing])
    assert result.table().splitlines()[1:] == [
        "class mean        -       -       -        0",
        "all objects       -       -       -        0",
    ]
    assert "nan" not in evaluate_voc([Detections.empty(())], [nothing]).table()
