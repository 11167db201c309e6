import json

import numpy as np
import pytest

from minircnn.data import COCODataset, DatasetError
from minircnn.imaging import write_image


def content():
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "height": 60, "width": 80},
            {"id": 3, "file_name": "sub/b.png", "height": 60, "width": 80},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1.5, 2, 10.25, 20], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 4, "bbox": [0, 0, 80, 60], "iscrowd": 1},
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 4, "name": "motorcycle"}],
    }


@pytest.fixture
def save(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b.png"):
        write_image(tmp_path / name, np.zeros((60, 80, 3), np.uint8))

    def write(data):
        file = tmp_path / "instances_train.json"
        file.write_text(json.dumps(data))
        return file, tmp_path

    return write


def with_box(bbox):
    data = content()
    data["annotations"][0]["bbox"] = bbox
    return data


def test_boxes_labels_and_crowds(save):
    dataset = COCODataset(*save(content()))
    assert dataset.name == "instances_train"
    assert dataset.class_names == ("motorcycle", "toothbrush")
    assert dataset.category_ids == (4, 90)
    assert dataset.image_ids == ("7", "3")
    truth = dataset.annotations(0)
    np.testing.assert_array_equal(truth.boxes, [[1.5, 2, 11.75, 22], [0, 0, 80, 60]])
    assert truth.labels.tolist() == [2, 1]
    assert truth.difficult.tolist() == [False, True]
    assert dataset.annotations(1).boxes.shape == (0, 4)
    assert dataset.image(1).shape == (60, 80, 3)
    assert dataset.path(1).name == "b.png"


@pytest.mark.parametrize(
    ("bbox", "words"),
    [
        ([10, 10, -5, 5], "reversed"),
        ([10, 10, 0, 5], "empty"),
        ([10, 10, 1, 5], "one pixel"),
        ([10, 10, float("nan"), 5], "not a finite"),
        ([-40, 10, 20, 5], "outside"),
    ],
)
def test_bad_boxes(save, bbox, words):
    with pytest.raises(DatasetError, match=rf"annotation id 1\), object 0 \(toothbrush\).*{words}"):
        COCODataset(*save(with_box(bbox)))
    dataset = COCODataset(*save(with_box(bbox)), on_bad_box="drop")
    assert len(dataset.annotations(0)) == 1
    assert [p.action for p in dataset.problems] == ["dropped"]


def test_rounding_beyond_the_edge_is_not_called_bad(save):
    dataset = COCODataset(*save(with_box([70, 50, 10.01, 10.02])))
    np.testing.assert_array_equal(dataset.annotations(0).boxes[0], [70, 50, 80, 60])
    assert dataset.problems == ()


def test_box_reaching_outside_is_clipped(save):
    dataset = COCODataset(*save(with_box([70, 50, 30, 30])), on_bad_box="drop")
    np.testing.assert_array_equal(dataset.annotations(0).boxes[0], [70, 50, 80, 60])
    assert [p.action for p in dataset.problems] == ["clipped"]


def change(key, number, **fields):
    def apply(data):
        data[key][number].update(fields)

    return apply


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (change("annotations", 0, image_id=99), "image_id 99 is not in the file"),
        (change("annotations", 0, category_id=99), "category_id 99 is not in the file"),
        (change("annotations", 0, bbox=[1, 2, 3]), r"bbox is \[1, 2, 3\], not \[x, y, width, height\]"),
        (change("annotations", 0, bbox=None), "bbox is null"),
        (change("images", 1, id=7), "two images have the same id"),
        (change("images", 1, file_name="c.png"), "file_name is 'c.png': no such photo in"),
        (change("images", 1, height=61), "says 80 x 61 pixels"),
        (change("categories", 1, name="toothbrush"), "the categories 4, 90 have the same name 'toothbrush'"),
        (lambda data: data.pop("categories"), "no list 'categories'"),
        (
            lambda data: data["images"][0].pop("file_name"),
            r"image id 7, entry 0 of 'images'\): there is no file_name",
        ),
    ],
)
def test_what_cannot_be_dropped_is_named(save, damage, words):
    data = content()
    damage(data)
    with pytest.raises(DatasetError, match=words):
        COCODataset(*save(data), on_bad_box="drop")


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "null"])
def test_no_coco_file(save, text):
    file, folder = save(content())
    file.write_text(text)
    with pytest.raises(DatasetError, match="instances_train"):
        COCODataset(file, folder)


def test_missing_file(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        COCODataset(tmp_path / "none.json", tmp_path)
