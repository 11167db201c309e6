"""What goes to another program and comes back is the same; what cannot be read is named."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minircnn.evaluation import read_voc_detections, write_voc_detections
from minircnn.structures import Detections

NAMES = ("cat", "dog", "a b & <c>")


@st.composite
def detections(draw, dtype=None):
    """Any record as detectors return it: best score first, some corners equal, perhaps empty."""
    count = draw(st.integers(0, 6))
    kind = dtype or draw(st.sampled_from([np.float32, np.float64]))
    numbers = st.floats(-1e5, 1e5, width=32)
    low = draw(arrays.arrays(kind, (count, 2), elements=numbers))
    size = draw(arrays.arrays(kind, (count, 2), elements=st.floats(0, 1e5, width=32)))
    scores = np.sort(draw(arrays.arrays(kind, count, elements=numbers)))[::-1]
    labels = draw(arrays.arrays(np.int64, count, elements=st.integers(1, len(NAMES))))
    return Detections(np.concatenate([low, low + size], axis=1), scores, labels, NAMES)


def require_same(again, found, dtype=None):
    assert again.class_names == found.class_names
    assert again.names() == found.names()
    np.testing.assert_array_equal(again.boxes, found.boxes)
    np.testing.assert_array_equal(again.scores, found.scores)
    assert again.boxes.dtype == again.scores.dtype == (dtype or found.boxes.dtype)


@given(detections())
def test_records(found):
    through_json = json.loads(json.dumps(found.to_records()))
    require_same(Detections.from_records(through_json, NAMES), found, np.float64)
    assert Detections.from_records(through_json).names() == found.names()


@given(detections(), st.sampled_from([None, (5, 1, 90), ("c", "d", "7")]))
def test_coco(found, ids):
    entries = json.loads(json.dumps(found.to_coco(3, ids)))
    others = [{"image_id": 4, "of": "another photo"}]
    require_same(Detections.from_coco(entries, NAMES, ids), found, np.float64)
    require_same(Detections.from_coco(others + entries, NAMES, ids, image_id="3"), found, np.float64)


@given(detections())
def test_pandas(found):
    pytest.importorskip("pandas")
    require_same(Detections.from_pandas(found.to_pandas(), NAMES), found)
    shuffled = found.to_pandas().iloc[::-1]
    np.testing.assert_array_equal(Detections.from_pandas(shuffled, NAMES).scores, found.scores)


@given(detections())
def test_supervision(found):
    pytest.importorskip("supervision")
    theirs = found.to_supervision()
    require_same(Detections.from_supervision(theirs, NAMES), found)
    theirs.data = {}
    require_same(Detections.from_supervision(theirs, NAMES), found)
    np.testing.assert_array_equal(theirs.box_area, np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1))


@settings(max_examples=20)
@given(st.lists(detections(np.float64), min_size=1, max_size=3))
def test_files_of_the_voc_devkit(tmp_path_factory, found):
    """Corners move by 1 on the way, which 64ths of a pixel take without loss."""
    folder, ids = tmp_path_factory.mktemp("voc"), [f"photo {i}" for i in range(len(found))]
    named = [
        Detections(np.round(f.boxes * 64) / 64, f.scores, f.labels, ("cat", "dog", "cow")) for f in found
    ]
    write_voc_detections(folder, "test", ids, named)
    for again, one in zip(read_voc_detections(folder, "test", ids, named[0].class_names), named, strict=True):
        order = np.lexsort([one.labels, -one.scores])  # equal scores come in the order of the classes' files
        assert again.names() == one.take(order).names()
        np.testing.assert_array_equal(again.scores, one.scores[order])
        np.testing.assert_array_equal(again.boxes, one.boxes[order])


FOUND = Detections(
    np.array([[1, 2, 4, 8], [0, 0, 5, 5.5]]), np.array([0.9, 0.25]), np.array([3, 1]), ("cat", "dog", "owl")
)


def test_what_the_forms_look_like():
    assert FOUND.to_records()[0] == {"class": "owl", "score": 0.9, "box": [1, 2, 4, 8]}
    assert FOUND.to_coco("a", (7, 8, 9))[0] == {
        "image_id": "a",
        "category_id": 9,
        "bbox": [1, 2, 3, 6],
        "score": 0.9,
    }
    assert [entry["category_id"] for entry in FOUND.to_coco("a")] == [3, 1]
    table = pytest.importorskip("pandas").DataFrame(FOUND.to_pandas())
    assert list(table.columns) == ["class", "score", "x1", "y1", "x2", "y2"]
    assert table.iloc[1].tolist() == ["cat", 0.25, 0, 0, 5, 5.5]


def test_classes_are_counted_from_0_in_supervision():
    pytest.importorskip("supervision")
    theirs = FOUND.to_supervision()
    assert theirs.class_id.tolist() == [2, 0]
    assert theirs.data["class_name"].tolist() == ["owl", "cat"]
    assert theirs.xyxy.tolist() == FOUND.boxes.tolist()
    theirs.xyxy[:] = 0
    assert FOUND.boxes.any()  # no memory is shared


def test_names_go_before_numbers_from_supervision():
    sv = pytest.importorskip("supervision")
    theirs = sv.Detections(
        np.array([[0, 0, 2, 2], [1, 1, 3, 3]], np.float32),
        confidence=np.array([0.25, 0.5], np.float32),
        class_id=np.array([17, 4]),
        data={"class_name": np.array(["dog", "cat"])},
        mask=np.zeros((2, 4, 4), bool),
    )
    own = Detections.from_supervision(theirs)
    assert own.names() == ["cat", "dog"]  # best score first
    assert own.class_names == ("dog", "cat")
    assert Detections.from_supervision(theirs, ("cat", "dog", "owl")).labels.tolist() == [1, 2]


def supervision_of(**fields):
    sv = pytest.importorskip("supervision")
    given_ = {"xyxy": np.array([[0, 0, 2, 2.0]]), "confidence": np.array([0.5]), "class_id": np.array([1])}
    return sv.Detections(**(given_ | fields))


@pytest.mark.parametrize(
    ("fields", "names", "words"),
    [
        ({"confidence": None}, NAMES, "have no confidence: are they annotations"),
        ({"class_id": None}, NAMES, "have no classes"),
        ({}, None, "say class_names, in the order of the numbers"),
        ({}, ("cat",), "class_id 1 is not among the 1 class_names"),
        ({"class_id": np.array([-1])}, NAMES, "class_id -1 is not among"),
        (
            {"data": {"class_name": np.array(["cow"])}},
            NAMES,
            "class 'cow' is not among class_names: cat, dog",
        ),
        ({"xyxy": np.array([[0, 0, -2, 2.0]])}, NAMES, "box 0 is reversed"),
    ],
)
def test_what_supervision_does_not_say_is_not_guessed(fields, names, words):
    with pytest.raises(ValueError, match=words):
        Detections.from_supervision(supervision_of(**fields), names)


def test_nothing_found_comes_from_supervision_too():
    sv = pytest.importorskip("supervision")
    assert len(Detections.from_supervision(sv.Detections.empty())) == 0
    assert Detections.from_supervision(sv.Detections.empty(), NAMES).class_names == NAMES


GOOD = {"class": "cat", "score": 0.5, "box": [0, 0, 1, 1]}


@pytest.mark.parametrize(
    ("records", "names", "words"),
    [
        ("cat", None, "records: detections is 'cat', not a list"),
        ([GOOD, 7], None, "records, detection 1: there is no class, in 7"),
        ([{**GOOD, "score": None}], None, "detection 0: needs a score and a box of four numbers"),
        ([{**GOOD, "box": [0, 0, 1]}], None, "needs a score and a box of four numbers"),
        ([{**GOOD, "box": [5, 0, 1, 1]}], None, "the box is reversed"),
        ([GOOD], ("dog",), "class 'cat' is not among class_names: dog"),
        ([GOOD], ("cat", "cat"), "a class is named twice: cat, cat"),
        ([GOOD], "cat", "class_names must be a tuple of names, got the text 'cat'"),
    ],
)
def test_records_that_say_too_little(records, names, words):
    with pytest.raises(ValueError, match=words):
        Detections.from_records(records, names)


def test_entries_of_several_photos_need_a_choice():
    entries = FOUND.to_coco(1) + FOUND.to_coco(2)
    with pytest.raises(ValueError, match="entries of several photos, 1 and 2: say which one, with image_id"):
        Detections.from_coco(entries, FOUND.class_names)
    with pytest.raises(ValueError, match=r"entries, entry 1: category_id 1 is not in the data set"):
        Detections.from_coco(FOUND.to_coco(1), FOUND.class_names, (3, 4, 5))
    with pytest.raises(ValueError, match="3 classes but 2 ids"):
        FOUND.to_coco(1, (1, 2))


def test_tables_of_something_else_are_refused():
    pandas = pytest.importorskip("pandas")
    table = FOUND.to_pandas()
    with pytest.raises(ValueError, match="the table has no column 'x2'"):
        Detections.from_pandas(table.rename(columns={"x2": "width"}))
    with pytest.raises(ValueError, match=r"column 'y1' holds .*, not numbers"):
        Detections.from_pandas(table.assign(y1=["0", "1"]))
    with pytest.raises(ValueError, match="column 'class' holds nan, not the name of a class"):
        Detections.from_pandas(table.assign(**{"class": pandas.Series(["cat", np.nan], dtype=object)}))
    with pytest.raises(ValueError, match="a score is not finite"):
        Detections.from_pandas(table.assign(score=[0.5, np.nan]))
    assert len(Detections.from_pandas(table[table.score > 2], NAMES)) == 0


@pytest.mark.parametrize("library", ["pandas", "supervision"])
def test_without_the_library_its_name_is_said(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"pip install {library}"):
        getattr(FOUND, f"to_{library}")()


def test_ids_of_numpy_are_numbers():
    ids = np.array([3, 5, 9])[: len(FOUND.class_names)]
    entries = json.loads(json.dumps(FOUND.to_coco(np.int64(7), ids)))
    assert {entry["image_id"] for entry in entries} == {7}
    require_same(Detections.from_coco(entries, FOUND.class_names, ids, np.int64(7)), FOUND, np.float64)
    for entry in entries:
        entry |= {"image_id": np.int32(7), "category_id": np.int64(entry["category_id"])}
    require_same(Detections.from_coco(entries, FOUND.class_names, ids, 7), FOUND, np.float64)
    with pytest.raises(ValueError, match=r"None is no id"):
        FOUND.to_coco(None)
    with pytest.raises(ValueError, match="category id 3 is given twice"):
        FOUND.to_coco(1, [3] * len(FOUND.class_names))


def test_class_names_are_several_different_ones():
    with pytest.raises(ValueError, match="must be a tuple of names, got the text 'cat'"):
        Detections.from_coco([], "cat")
    with pytest.raises(ValueError, match="a class is named twice"):
        Detections.from_coco([], ["a", "a"])
