"""COCO's results: what is written is read again to the last digit; what cannot be used is named."""

import json
import re

import numpy as np
import pytest
from evaluation_records import CLASSES, detections, evaluation_sets
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.evaluation import evaluate_coco, evaluate_voc, read_coco_detections, write_coco_detections
from minircnn.files import TextError
from minircnn.structures import Detections

ENTRY = {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.5}


def read(tmp_path, *entries, image_ids=(7, 9), category_ids=(3, 5, 90)):
    text = json.dumps(entries[0] if len(entries) == 1 and not isinstance(entries[0], dict) else entries)
    (tmp_path / "results.json").write_text(text)
    return read_coco_detections(tmp_path / "results.json", image_ids, category_ids, CLASSES)


def test_a_file_of_the_format(tmp_path):
    other = {**ENTRY, "image_id": 9, "category_id": 90, "score": 0.25, "id": 4, "segmentation": []}
    first, second = read(tmp_path, ENTRY, {**ENTRY, "score": 0.75, "category_id": 5}, other)
    np.testing.assert_array_equal(first.boxes, [[10, 20, 40, 60]] * 2)
    assert first.names() == ["dog", "cat"]  # best score first
    assert second.names() == ["owl"]
    assert read(tmp_path, [])[0].scores.tolist() == []


def test_ids_of_the_file_are_written(tmp_path):
    found = [detections([[1, 2, 4, 8]], [0.5], [2]), detections([[0, 0, 5, 5]], [0.25], [3])]
    path = write_coco_detections(tmp_path / "new" / "r.json", ["a b", 12], [3, 5, 90], found)
    assert json.loads(path.read_text()) == [
        {"image_id": "a b", "category_id": 5, "bbox": [1, 2, 3, 6], "score": 0.5},
        {"image_id": 12, "category_id": 90, "bbox": [0, 0, 5, 5], "score": 0.25},
    ]
    none = write_coco_detections(tmp_path / "none.json", [1], [3, 5, 90], [Detections.empty(CLASSES)])
    assert json.loads(none.read_text()) == []


@settings(deadline=None, max_examples=25)
@given(evaluation_sets())
def test_writing_and_reading_changes_no_figure(tmp_path_factory, data):
    found, truth = data
    file, ids = tmp_path_factory.mktemp("coco") / "r.json", list(range(len(found)))
    write_coco_detections(file, ids, [1, 2, 3], found)
    again = read_coco_detections(file, ids, [1, 2, 3], CLASSES)
    assert evaluate_voc(again, truth).to_record() == evaluate_voc(found, truth).to_record()
    assert evaluate_coco(again, truth).stats == evaluate_coco(found, truth).stats


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_corners_and_scores_come_back_to_the_last_digit(tmp_path, rng, dtype):
    low = rng.uniform(0, 500, (3000, 2)) * rng.choice([1, 1e-6], (3000, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, 400, low.shape)], axis=1).astype(dtype)
    found = Detections(
        boxes, np.sort(rng.random(3000).astype(dtype))[::-1], np.ones(3000, np.int64), ("cat",)
    )
    write_coco_detections(tmp_path / "r.json", [1], [1], [found])
    (again,) = read_coco_detections(tmp_path / "r.json", [1], [1], ("cat",))
    np.testing.assert_array_equal(again.boxes, found.boxes.astype(np.float64))
    np.testing.assert_array_equal(again.scores, found.scores.astype(np.float64))


def test_an_id_means_the_same_as_number_and_as_digits_where_that_is_clear(tmp_path):
    texts = {**ENTRY, "image_id": "7", "category_id": "3"}
    assert len(read(tmp_path, texts)[0]) == 1
    assert len(read(tmp_path, {**ENTRY, "image_id": 7.0})[0]) == 1
    assert len(read(tmp_path, ENTRY, image_ids=("7", "9"))[0]) == 1
    both = read(tmp_path, ENTRY, texts, texts, image_ids=("7", 7))
    assert [len(found) for found in both] == [2, 1]
    with pytest.raises(ValueError, match="image_id '007' is not in the data set"):
        read(tmp_path, {**ENTRY, "image_id": "007"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": 8}, "image_id 8 is not in the data set, whose ids are 7, 9$"),
        ({"image_id": True}, "image_id True is not"),
        ({"image_id": None}, "image_id None is not"),
        ({"image_id": [7]}, r"image_id \[7\] is not"),
        ({"image_id": "photo"}, "image_id 'photo' is not"),
        ({"category_id": 4}, "category_id 4 is not"),
        ({"score": None}, "there is no score"),
        ({"score": "0.5"}, "score is '0.5', not a number"),
        ({"score": True}, "score is True, not a number"),
        ({"score": float("nan")}, "score is nan, not a finite number"),
        ({"score": 10**400}, "score is 1000.*, not a finite number"),
        ({"bbox": [1, 2, 3]}, r"bbox is \[1, 2, 3\], not \[x, y, width, height\]"),
        ({"bbox": {"x": 1}}, "bbox is {'x': 1}, not"),
        ({"bbox": [1, 2, 3, "4"]}, r"bbox\[3\] is '4', not a number"),
        ({"bbox": [1, 2, float("inf"), 4]}, r"bbox\[2\] is inf, not a finite number"),
        ({"bbox": [10, 10, -5, 4]}, r"bbox is .*: a width or height below 0"),
        ({"bbox": [1.7e308, 0, 1.7e308, 1]}, r"bbox is .*: it lies too far away"),
    ],
    ids=str,
)
def test_an_entry_that_cannot_be_used_is_named(tmp_path, change, words):
    with pytest.raises(ValueError, match=rf"results\.json, entry 1: {words}"):
        read(tmp_path, ENTRY, {**ENTRY, **change})


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("bbox", "there is no bbox, only segmentation: write the boxes, too"),
        ("score", "there is no score"),
        ("image_id", "there is no image_id; COCO's results are"),
        ("category_id", "there is no category_id"),
    ],
)
def test_a_missing_field_is_named(tmp_path, field, words):
    entry = {**ENTRY, "segmentation": {"size": [5, 5], "counts": "abc"}}
    del entry[field]
    with pytest.raises(ValueError, match=f"entry 1: {words}"):
        read(tmp_path, ENTRY, entry)


odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(deadline=None, max_examples=150)
@given(field=st.sampled_from([*ENTRY, "other"]), value=odd_values, whole=st.booleans())
def test_any_damage_is_named_or_harmless(tmp_path_factory, field, value, whole):
    file = tmp_path_factory.mktemp("odd") / "results.json"
    file.write_text(json.dumps([ENTRY, value if whole else {**ENTRY, field: value}]))
    said, found = "", None
    try:
        (found,) = read_coco_detections(file, [7], [3], ("cat",))
    except ValueError as error:
        said = str(error)
    if found is None:
        assert said.startswith(f"{file}, entry 1: ")
    else:
        assert len(found) == 2
        assert np.isfinite(found.boxes).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [], "annotations": [], "categories": []}', "is an annotation file, not results"),
        ('{"predictions": []}', "COCO's results are a list of entries"),
        ("[1]", "entry 0: is 1; COCO's results are a list"),
        ("null", "this is None"),
        ('[{"image_id": 7', "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("", "cannot be read as JSON"),
    ],
    ids=lambda value: value[:12],
)
def test_files_of_another_form_are_refused(tmp_path, text, words):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ValueError, match=rf"r\.json.*{re.escape(words)}"):
        read_coco_detections(tmp_path / "r.json", [7], [3], ("cat",))


def test_other_encodings(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "r.json").write_bytes(json.dumps([ENTRY]).encode(encoding))
        assert len(read_coco_detections(tmp_path / "r.json", [7], [3], ("cat",))[0]) == 1
    (tmp_path / "r.json").write_bytes(b"\xff[]")
    with pytest.raises(TextError, match="save it as UTF-8"):
        read_coco_detections(tmp_path / "r.json", [7], [3], ("cat",))
    with pytest.raises(FileNotFoundError):
        read_coco_detections(tmp_path / "none.json", [7], [3], ("cat",))


def test_wrong_arguments_are_refused(tmp_path):
    one = Detections.empty(CLASSES)
    with pytest.raises(ValueError, match="image id 7 is given twice"):
        write_coco_detections(tmp_path / "r.json", [7, 7], [1, 2, 3], [one, one])
    with pytest.raises(ValueError, match="category id 1 is given twice"):
        write_coco_detections(tmp_path / "r.json", [7], [1, 1, 3], [one])
    with pytest.raises(ValueError, match="2 image ids but detections of 1"):
        write_coco_detections(tmp_path / "r.json", [7, 8], [1, 2, 3], [one])
    with pytest.raises(ValueError, match="3 classes but 2 ids"):
        write_coco_detections(tmp_path / "r.json", [7], [1, 2], [one])
    assert not (tmp_path / "r.json").exists()
