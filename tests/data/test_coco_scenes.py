"""Masks of a COCO file, photo by photo."""

import json

import numpy as np
import pytest

from minircnn.data import COCOScenes, DatasetError

SQUARE = [[1, 1, 3, 1, 3, 3, 1, 3]]


def content():
    crowd = {"size": [4, 5], "counts": [8, 4, 8]}
    return {
        "images": [{"id": 7, "file_name": "a.png", "height": 4, "width": 5}],
        "categories": [{"id": 9, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 9, "segmentation": SQUARE, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "segmentation": crowd, "iscrowd": 1},
        ],
    }


def saved(folder, made):
    file = folder / "instances.json"
    file.write_text(json.dumps(made), encoding="utf-8")
    return file


def test_a_file_as_scenes(tmp_path):
    scenes = COCOScenes(saved(tmp_path, content()))
    assert (len(scenes), scenes.image_ids, scenes.class_names) == (1, ("7",), ("cat", "dog"))
    scene = scenes.scene(0)
    assert scene.labels.tolist() == [2, 1]
    assert scene.difficult.tolist() == [False, True]
    assert scene.class_map().tolist() == [[0, 0, 1, 0, 0], [0, 2, 1, 0, 0], [0, 2, 1, 0, 0], [0, 0, 1, 0, 0]]
    assert scene.objects().areas.tolist() == [4, 4]


def test_a_photo_without_objects(tmp_path):
    made = content() | {"annotations": []}
    assert COCOScenes(saved(tmp_path, made)).scene(0).class_map().sum() == 0


def test_a_mask_without_a_pixel_is_named_or_left_out(tmp_path):
    made = content()
    made["annotations"][0]["segmentation"] = [[1.1, 1.1, 1.2, 1.1, 1.2, 1.2]]
    file = saved(tmp_path, made)
    with pytest.raises(DatasetError, match=r"annotation id 1\).*no pixel; on_bad_mask='drop'"):
        COCOScenes(file).scene(0)
    assert len(COCOScenes(file, on_bad_mask="drop").scene(0)) == 1
    with pytest.raises(ValueError, match="on_bad_mask must be"):
        COCOScenes(file, on_bad_mask="skip")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["images"][0].pop("height"), "height and width are not there"),
        (lambda c: c["annotations"][0].update(image_id=8), "image_id 8 is not in the file"),
        (lambda c: c["annotations"].append("x"), "the entry is 'x'"),
        (lambda c: c["categories"].append({"id": 3, "name": "cow"}), "two categories have the same id 3"),
        (lambda c: c["images"].append(dict(c["images"][0])), "two images have the same id 7"),
        (lambda c: c.pop("annotations"), "it has no list 'annotations'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(tmp_path, change, message):
    made = content()
    change(made)
    with pytest.raises(DatasetError, match=message) as error:
        COCOScenes(saved(tmp_path, made))
    assert "instances.json" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"category_id": 4}, "category_id 4 is not in the file"),
        ({"segmentation": []}, r"segmentation is \[\]"),
        ({"iscrowd": 2}, "iscrowd is 2, not 0 or 1"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_named(tmp_path, change, message):
    made = content()
    made["annotations"][1] |= change
    with pytest.raises(DatasetError, match=rf"annotation id 2\): {message}"):
        COCOScenes(saved(tmp_path, made)).scene(0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_masks_agree_with_pycocotools(tmp_path):
    peer = pytest.importorskip("pycocotools.coco")
    file = saved(tmp_path, content())
    theirs = peer.COCO(str(file))
    for number, mask in enumerate(COCOScenes(file).scene(0).masks, start=1):
        np.testing.assert_array_equal(mask, theirs.annToMask(theirs.anns[number]).astype(bool))
