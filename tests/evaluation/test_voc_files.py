import numpy as np
import pytest
from evaluation_records import CLASSES, detections, evaluation_sets
from hypothesis import given, settings

from minircnn.evaluation import evaluate_voc, read_voc_detections, write_voc_detections
from minircnn.structures import Detections


def test_lines_are_inclusive_and_count_from_one(tmp_path):
    found = detections([[0, 0, 500, 375], [9.5, 19, 30, 40]], [0.25, 1], [1, 2])
    paths = write_voc_detections(tmp_path / "new", "test", ["000001"], [found])
    assert [p.name for p in paths] == [f"comp4_det_test_{name}.txt" for name in CLASSES]
    assert [p.read_text() for p in paths] == ["000001 0.25 1 1 500 375\n", "000001 1 10.5 20 30 40\n", ""]


def test_a_file_of_the_kit(tmp_path):
    for name, text in zip(
        CLASSES, ["7 0.100 1.0 1.0 20.0 30.0\n8 -2.5e-1 2 2 3 3\n\n", "7 0.9 5 5 9 9\n", ""], strict=True
    ):
        (tmp_path / f"comp3_det_val_{name}.txt").write_text(text)
    seven, eight, nine = read_voc_detections(tmp_path, "val", ["7", "8", "9"], CLASSES, competition="comp3")
    np.testing.assert_array_equal(seven.boxes, [[4, 4, 9, 9], [0, 0, 20, 30]])  # best score first
    assert seven.names() == ["dog", "cat"]
    np.testing.assert_array_equal(eight.scores, [-0.25])
    assert len(nine) == 0


@settings(deadline=None, max_examples=25)
@given(evaluation_sets())
def test_writing_and_reading_changes_no_figure(tmp_path_factory, data):
    found, truth = data
    folder, ids = tmp_path_factory.mktemp("devkit"), [f"{i:06d}" for i in range(len(found))]
    write_voc_detections(folder, "test", ids, found)
    again = read_voc_detections(folder, "test", ids, CLASSES)
    assert evaluate_voc(again, truth).to_record() == evaluate_voc(found, truth).to_record()


def test_close_float32_scores_stay_apart(tmp_path, rng):
    scores = np.unique(rng.random(500).astype(np.float32))[::-1]
    scores[1] = np.nextafter(scores[0], np.float32(0))
    boxes = (rng.random((len(scores), 2)).astype(np.float32) * 500)[:, [0, 1, 0, 1]] + np.float32(
        [0, 0, 9, 9]
    )
    found = Detections(boxes, scores, np.ones(len(scores), np.int64), CLASSES)
    write_voc_detections(tmp_path, "test", ["1"], [found])
    (again,) = read_voc_detections(tmp_path, "test", ["1"], CLASSES)
    np.testing.assert_array_equal(again.scores.astype(np.float32), scores)
    np.testing.assert_allclose(again.boxes, boxes, rtol=0, atol=1e-5)


@pytest.mark.parametrize("line", ["7 0.9 1 1 5", "7 high 1 1 5 5", "7 nan 1 1 5 5", "7 1_0 1 1 5 5", "7"])
def test_a_malformed_line_is_named(tmp_path, line):
    (tmp_path / "comp4_det_test_cat.txt").write_text(f"7 0.5 1 1 5 5\n{line}\n")
    with pytest.raises(ValueError, match=r"comp4_det_test_cat\.txt, line 2: expected"):
        read_voc_detections(tmp_path, "test", ["7"], ("cat",))


def test_other_wrong_arguments_are_refused(tmp_path):
    one = detections([[0, 0, 5, 5]], [0.5], [1])
    write_voc_detections(tmp_path, "test", ["7"], [one])
    with pytest.raises(ValueError, match="line 1: photo '7' is not in the set"):
        read_voc_detections(tmp_path, "test", ["8"], CLASSES)
    with pytest.raises(FileNotFoundError, match="comp4_det_val_cat"):
        read_voc_detections(tmp_path, "val", ["7"], CLASSES)
    with pytest.raises(ValueError, match="2 image identifiers"):
        write_voc_detections(tmp_path, "test", ["7", "8"], [one])
    for odd in ("", " photo", "photo ", "two\nlines", "old\rmac"):
        with pytest.raises(ValueError, match="white space"):
            write_voc_detections(tmp_path, "test", [odd], [one])
    with pytest.raises(ValueError, match="given twice"):
        write_voc_detections(tmp_path, "test", ["7", "7"], [one, one])
    with pytest.raises(ValueError, match="given twice"):
        read_voc_detections(tmp_path, "test", ["7", "7"], CLASSES)
    with pytest.raises(ValueError, match="8: other classes"):
        write_voc_detections(tmp_path, "test", ["7", "8"], [one, Detections.empty(("cat",))])
