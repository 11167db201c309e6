"""COCO's panoptic pictures and their JSON."""

import json

import numpy as np
import pytest
from PIL import Image

from minircnn.data import COCOPanoptic, DatasetError
from minircnn.imaging import ImageError

CATEGORIES = [{"id": 5, "name": "grass", "isthing": 0}, {"id": 2, "name": "cat", "isthing": 1}]
IDS = np.array([[0, 70000, 70000], [300, 300, 1]])


def save(folder, ids=IDS, segments=None, **more):
    given = [
        {"id": 70000, "category_id": 2, "iscrowd": 0},
        {"id": 300, "category_id": 5},
        {"id": 1, "category_id": 2, "iscrowd": 1},
    ]
    entry = {"image_id": 12, "file_name": "12.png", "segments_info": given if segments is None else segments}
    made = {"annotations": [entry], "categories": CATEGORIES} | more
    file = folder / "panoptic.json"
    file.write_text(json.dumps(made), encoding="utf-8")
    (folder / "panoptic").mkdir(exist_ok=True)
    pixels = np.stack([ids % 256, ids // 256 % 256, ids // 256**2], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "panoptic" / "12.png")
    return file


def test_ids_are_made_of_three_colours(tmp_path):
    read = COCOPanoptic(save(tmp_path))
    assert (len(read), read.image_ids, read.class_names, read.stuff) == (
        1,
        ("12",),
        ("cat", "grass"),
        ("grass",),
    )
    panoptic = read.panoptic(0)
    np.testing.assert_array_equal(panoptic.ids, IDS)
    assert [(s.id, s.label, s.crowd) for s in panoptic.segments] == [
        (70000, 1, False),
        (300, 2, False),
        (1, 1, True),
    ]
    scene = read.scene(0)
    assert scene.class_map().tolist() == [[255, 1, 1], [2, 2, 1]]
    assert scene.instance_map().tolist() == [[0, 1, 1], [0, 0, 2]]


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([{"id": 300, "category_id": 5}], "the id 1 has pixels, and no segment"),
        ([{"id": 300, "category_id": 4}], "category_id 4 of segment 300 is not in the file"),
        ([{"id": 300}], "there is no category_id of segment 300"),
        ([7], "a segment is 7"),
    ],
)
def test_a_picture_and_a_json_that_disagree_are_refused(tmp_path, segments, message):
    with pytest.raises(DatasetError, match=rf"panoptic\.json \(image_id 12\).*{message}"):
        COCOPanoptic(save(tmp_path, segments=segments)).panoptic(0)


def test_a_segment_without_pixels_and_one_said_twice_are_refused(tmp_path):
    given = [{"id": 300, "category_id": 5}, {"id": 8, "category_id": 5}]
    read = COCOPanoptic(save(tmp_path, np.full((2, 2), 300), given))
    with pytest.raises(DatasetError, match=r"12\.png.*segment 8 has no pixel"):
        read.panoptic(0)
    with pytest.raises(DatasetError, match="two segments have the id 300"):
        COCOPanoptic(save(tmp_path, np.full((2, 2), 300), [given[0], given[0]])).panoptic(0)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"annotations": 3}, "no list 'annotations'"),
        ({"categories": []}, "has no list of categories"),
        ({"categories": [{"id": 1, "name": "cat"}]}, "no isthing"),
        ({"categories": [CATEGORIES[0], CATEGORIES[0]]}, "two categories have the id 5"),
        ({"categories": [CATEGORIES[0], CATEGORIES[0] | {"id": 9}]}, "two categories have the name 'grass'"),
        ({"categories": [3]}, r"entry 0 of the categories\): the entry is 3"),
        (
            {"annotations": [{"image_id": 1, "file_name": "../x.png", "segments_info": []}]},
            "not the name of a file",
        ),
        ({"annotations": [{"image_id": 1, "file_name": "x.png"}]}, "no list segments_info"),
        ({"annotations": [4]}, "the entry is 4"),
        (
            {"annotations": [{"image_id": 1, "file_name": "x.png", "segments_info": []}] * 2},
            "has two annotations",
        ),
    ],
)
def test_a_damaged_json_is_refused(tmp_path, more, message):
    with pytest.raises(DatasetError, match=message):
        COCOPanoptic(save(tmp_path, **more))


def test_categories_may_stand_in_a_file_of_their_own(tmp_path):
    file = save(tmp_path, categories=None)
    listed = tmp_path / "categories.json"
    listed.write_text(json.dumps(CATEGORIES), encoding="utf-8")
    assert COCOPanoptic(file, categories=listed).class_names == ("cat", "grass")


def test_pictures_of_numbers_must_not_be_changed_ones(tmp_path):
    read = COCOPanoptic(save(tmp_path))
    png = tmp_path / "panoptic" / "12.png"
    Image.open(png).convert("L").save(png)
    with pytest.raises(ImageError, match=r"12\.png: is of the kind L"):
        read.panoptic(0)
    png.write_bytes(png.read_bytes()[:40])
    with pytest.raises(ImageError, match=r"12\.png: cannot be read as an image"):
        read.panoptic(0)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(png, format="JPEG")
    with pytest.raises(ImageError, match="is JPEG, which changes pixels"):
        read.panoptic(0)
    png.unlink()
    with pytest.raises(ImageError, match="no such file"):
        read.panoptic(0)


def test_the_two_photos_of_coco(shared_data):
    folder = shared_data / "classical" / "panoptic_sample"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    read = COCOPanoptic(folder / "panoptic_examples.json")
    assert [len(read.panoptic(i).segments) for i in range(len(read))] == [18, 32]
    assert len(read.class_names) == 133
    assert len(read.stuff) == 53
    infos = [
        s
        for a in json.loads((folder / "panoptic_examples.json").read_text())["annotations"]
        for s in a["segments_info"]
    ]
    masks = [read.panoptic(i).mask(s) for i in range(2) for s in read.panoptic(i).segments]
    assert [int(mask.sum()) for mask in masks] == [info["area"] for info in infos]
