"""The records of what is known and found in a photo hold no value that would be wrong in silence."""

import math

import numpy as np
import pytest

from minircnn.structures import Annotations, Detections

NAMES = ("cat", "dog")
BOXES, LABELS, SCORES = np.array([[0, 0, 9, 9], [5, 5, 7, 8.5]]), np.array([1, 2]), np.array([0.9, 0.5])


def annotations(**fields):
    given = {"boxes": BOXES, "labels": LABELS, "class_names": NAMES, "height": 10, "width": 10}
    return Annotations(**(given | fields))


def detections(**fields):
    return Detections(**({"boxes": BOXES, "scores": SCORES, "labels": LABELS, "class_names": NAMES} | fields))


@pytest.mark.parametrize("record", [annotations, detections])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"boxes": BOXES.tolist()}, "boxes must be an array of numbers"),
        ({"boxes": BOXES.astype(object)}, "boxes must be an array of numbers"),
        ({"boxes": BOXES.astype(complex)}, "boxes must be an array of numbers"),
        ({"boxes": BOXES[:, :3]}, r"boxes must have shape \(R, 4\), got \(2, 3\)"),
        ({"boxes": BOXES * [[1], [math.nan]]}, "box 1 is not finite"),
        ({"boxes": BOXES[:, [2, 1, 0, 3]]}, r"box 0 is reversed: \[9\.0, 0\.0, 0\.0, 9\.0\]"),
        ({"labels": LABELS - 1}, r"labels must lie in 1\.\.2 \(0 is background\), got 0\.\.1"),
        ({"labels": LABELS.astype(float)}, "labels must be integers, got dtype float64"),
        ({"labels": LABELS > 1}, "labels must be integers, got dtype bool"),
        ({"boxes": np.ma.array(BOXES, mask=BOXES > 8)}, "boxes must be an array of numbers"),
        ({"labels": LABELS[:1]}, r"labels must have shape \(2,\), one for each box, got \(1,\)"),
        ({"labels": LABELS[:, None]}, r"labels must have shape \(2,\), one for each box, got \(2, 1\)"),
        ({"labels": LABELS.tolist()}, r"labels must be an array, got \[1, 2\]"),
        ({"labels": None}, "labels must be an array, got None"),
        ({"class_names": "ab"}, "class_names must be a tuple of names, got the text 'ab'"),
    ],
)
def test_boxes_and_labels_of_both_records(record, fields, words):
    with pytest.raises(ValueError, match=words):
        record(**fields)


def test_flags_are_no_numbers():
    """``~`` of the numbers 0 and 1 would choose the last boxes, not the others."""
    with pytest.raises(ValueError, match="difficult must be true or false, got dtype int64"):
        annotations(difficult=np.array([0, 1]))
    assert annotations(difficult=np.array([False, True])).difficult.sum() == 1


COLUMNS = [
    (annotations, "difficult", LABELS > 1),
    (annotations, "areas", SCORES),
    (detections, "scores", SCORES),
]


@pytest.mark.parametrize(("record", "name", "right"), COLUMNS)
def test_there_is_one_value_a_box_in_an_array(record, name, right):
    record(**{name: right})
    for wrong in (right.tolist(), 5, np.array(True), right[:1], right[:, None], right.astype(str)):
        with pytest.raises(ValueError, match=f"{name} must"):
            record(**{name: wrong})


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1])
def test_areas_are_numbers_of_pixels(bad):
    with pytest.raises(ValueError, match="an area is negative or not finite"):
        annotations(areas=np.array([bad, 3]))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_are_finite(bad):
    with pytest.raises(ValueError, match="a score is not finite"):
        detections(scores=np.array([bad, 0.5]))


def test_a_box_without_area_is_a_box():
    assert len(detections(boxes=np.array([[0, 0, 0, 9], [5, 5, 5, 5]]))) == 2
