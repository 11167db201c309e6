"""The folder that ``minircnn detect`` writes, as detections in a data set."""

import json

import numpy as np
import pytest
from evaluation_records import annotations

from minircnn.evaluation import read_photo_records

TRUTH = [annotations([[0, 0, 10, 10]], [1]), annotations([], [])]


def write(folder, name, *found, **changes):
    entries = [{"class": c, "score": s, "box": b} for c, s, b in found]
    record = {"image": f"photos/{name}.jpg", "height": 100, "width": 100, "detections": entries, **changes}
    (folder / f"{name}.json").write_text(json.dumps(record))


def test_records_are_found_by_the_name_of_the_photo(tmp_path):
    write(tmp_path, "a", ("dog", 0.25, [1, 2, 3, 4]), ("cow", 0.5, [5, 6, 7, 8]))
    write(tmp_path, "other", image="C:\\photos\\b.png")
    (tmp_path / "result.json").write_text('{"map": 0.5}')  # no record
    first, second = read_photo_records(tmp_path, ["a", "b"], TRUTH)
    np.testing.assert_array_equal(first.boxes, [[5, 6, 7, 8], [1, 2, 3, 4]])
    assert first.class_names == second.class_names == ("cat", "dog", "owl", "cow")
    assert first.names() == ["cow", "dog"]


def test_what_does_not_fit_is_named(tmp_path):
    with pytest.raises(ValueError, match="none of its JSON files is a result"):
        read_photo_records(tmp_path, ["a", "b"], TRUTH)
    write(tmp_path, "a")
    with pytest.raises(ValueError, match=r"no result of 1 photo\(s\) of the data set, b for one"):
        read_photo_records(tmp_path, ["a", "b"], TRUTH)
    with pytest.raises(ValueError, match="several photos of the data set are called a"):
        read_photo_records(tmp_path, ["a", "a"], TRUTH)
    write(tmp_path, "b", height=50)
    with pytest.raises(ValueError, match=r"b\.json: is of a photo of 100 x 50 pixels, .* 100 x 100"):
        read_photo_records(tmp_path, ["a", "b"], TRUTH)
    write(tmp_path, "c", image="b.png")
    with pytest.raises(ValueError, match=r"c\.json and b\.json are both of a photo b"):
        read_photo_records(tmp_path, ["a", "b"], TRUTH)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (("cat", "high", [1, 2, 3, 4]), "needs a score and a box of four numbers"),
        (("cat", float("nan"), [1, 2, 3, 4]), "needs a score"),
        (("cat", 0.5, [1, 2, 3]), "needs a score"),
        (("cat", 0.5, None), "needs a score"),
        (("cat", 0.5, [1, 2, 3, 10**400]), "needs a score"),
        (("cat", 0.5, [3, 2, 1, 4]), "the box is reversed"),
        ((None, 0.5, [1, 2, 3, 4]), "there is no class"),
    ],
    ids=str,
)
def test_a_detection_that_cannot_be_used_is_named(tmp_path, entry, words):
    write(tmp_path, "a", ("cat", 0.5, [1, 2, 3, 4]), entry)
    write(tmp_path, "b")
    with pytest.raises(ValueError, match=rf"a\.json, detection 1: {words}"):
        read_photo_records(tmp_path, ["a", "b"], TRUTH)
