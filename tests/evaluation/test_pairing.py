"""What is judged belongs together: classes by their names, photos once, boxes that are boxes."""

import dataclasses

import numpy as np
import pytest
from evaluation_records import annotations, detections

from minircnn.evaluation import evaluate_coco, evaluate_voc, join_classes, proposal_recall, relabel
from minircnn.structures import Annotations, Detections

BOX = [0, 0, 10, 10]


def damaged(record, field, value):
    """Return `record` with an array changed after it was checked, as arrays can be."""
    changed = dataclasses.replace(record, **{field: getattr(record, field).copy()})
    getattr(changed, field)[0] = value
    return changed


def test_classes_are_joined_by_name():
    joined = join_classes(("dog", "cow", "cat"), ("cat", "dog", "owl"))
    assert joined.names == ("cat", "dog", "owl", "cow")
    assert (joined.unknown, joined.absent) == (("owl",), ("cow",))
    found = relabel(detections([BOX] * 3, [3, 2, 1], [1, 2, 3], ("dog", "cow", "cat")), joined.names)
    assert found.labels.tolist() == [2, 4, 1]
    assert found.names() == ["dog", "cow", "cat"]
    truth = annotations([BOX], [3], [True])
    assert relabel(truth, joined.names).difficult.tolist() == [True]
    assert relabel(truth, truth.class_names) is truth


def test_what_cannot_be_joined_is_refused():
    with pytest.raises(ValueError, match="no class in common: the detections have a, b, the data set has c"):
        join_classes(("a", "b"), ("c",))
    with pytest.raises(ValueError, match="the data set: a class is named twice: a, b, a"):
        join_classes(("a",), ("a", "b", "a"))
    with pytest.raises(ValueError, match="cow: not among cat"):
        relabel(detections([BOX], [1], [1], ("cow",)), ("cat",))


@pytest.mark.parametrize("evaluate", [evaluate_voc, evaluate_coco])
def test_unsound_records_are_refused(evaluate):
    found, truth = detections([BOX], [0.5], [1]), annotations([BOX], [1], image_id="a")
    for record, value, words in (
        (found, [0, np.nan, 1, 1], "detection 0 is not finite"),
        (found, [5, 0, 1, 1], "detection 0 is reversed"),
        (truth, [0, 5, 1, 1], "object 0 is reversed"),
    ):
        pair = [damaged(record, "boxes", value) if record is own else own for own in (found, truth)]
        with pytest.raises(ValueError, match=rf"photo 0 \(a\): {words}"):
            evaluate([pair[0]], [pair[1]])
    with pytest.raises(ValueError, match=r"photo 0 \(a\): a score is not finite"):
        evaluate([damaged(found, "scores", np.nan)], [truth])
    with pytest.raises(ValueError, match=r"photo 1 \(a\): is photo 0 again"):
        evaluate([found, found], [truth, truth])


def test_unsound_proposals_are_refused():
    truth = [annotations([BOX], [1])]
    for boxes, words in (
        (np.array([[0, 0, np.nan, 1.0]]), "proposal 0 is not finite"),
        (np.array([[4, 0, 1, 1.0]]), "proposal 0 is reversed"),
        (np.zeros((2, 5)), r"must have shape \(R, 4\)"),
    ):
        with pytest.raises(ValueError, match=words):
            proposal_recall([boxes], truth)
    good = [np.array([[0, 0, 1, 1.0]])]
    for thresholds in ((0.5, 1.5), (0.0,), (float("nan"),)):
        with pytest.raises(ValueError, match="thresholds must be between 0 and 1"):
            proposal_recall(good, truth, thresholds)
    with pytest.raises(ValueError, match="max_proposals must be at least 0"):
        proposal_recall(good, truth, max_proposals=-1)


def test_tables_print_no_nan():
    nothing = annotations([], [])
    assert "nan" not in proposal_recall([np.zeros((0, 4))], [nothing]).table()
    assert "nan" not in evaluate_voc([detections([], [], [])], [nothing]).table()


@pytest.mark.filterwarnings("error")
def test_boxes_in_half_precision_are_compared_without_a_warning():
    box, name = np.array([[0, 0, 300, 300]], np.float16), ("a",)
    truth = Annotations(box.astype(float), np.array([1]), name, 400, 400)
    found = Detections(box, np.ones(1), np.array([1]), name)
    assert evaluate_voc([found], [truth]).map == evaluate_coco([found], [truth]).stats["AP"] == 1
    assert proposal_recall([box], [truth]).mabo == 1


@pytest.mark.parametrize("bad", [None, "0.5", [0.5], 1j, np.nan, 0, 2])
def test_a_threshold_is_a_number(bad):
    truth = Annotations(np.array([[0, 0, 9, 9.0]]), np.array([1]), ("a",), 9, 9)
    with pytest.raises(ValueError, match=r"^iou_threshold must be"):
        evaluate_voc([Detections.empty(("a",))], [truth], iou_threshold=bad)
    for thresholds in (bad, (0.5, bad)):
        if thresholds != [0.5]:
            with pytest.raises(ValueError, match=r"^thresholds must be"):
                proposal_recall([truth.boxes], [truth], thresholds)
    with pytest.raises(ValueError, match=r"^max_detections must be"):
        evaluate_coco([Detections.empty(("a",))], [truth], bad)
    if bad not in (None, 0, 2):
        with pytest.raises(ValueError, match=r"^max_proposals must be"):
            proposal_recall([truth.boxes], [truth], max_proposals=bad)
