"""Annotations alone: what can be measured without the photos is read without them."""

import json

import pytest

from minircnn.data import COCODataset, DatasetError, VOCDataset
from minircnn.data.opening import open_dataset
from minircnn.imaging import ImageError

ENTRY = {"id": 1, "category_id": 7, "bbox": [10, 20, 30, 40], "area": 600.5, "iscrowd": 0}


def coco_file(folder, image_id):
    image = {"id": image_id, "file_name": "a.jpg", "width": 100, "height": 80}
    content = {
        "images": [image, {**image, "id": 1, "file_name": "b.jpg"}],
        "annotations": [{**ENTRY, "image_id": image_id}],
        "categories": [{"id": 7, "name": "cat"}],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return folder / "instances.json"


@pytest.mark.parametrize("image_id", [139, "photo 139"])
def test_a_coco_file_without_its_photos(tmp_path, image_id):
    file = coco_file(tmp_path, image_id)
    with pytest.raises(DatasetError, match="photo"):
        COCODataset(file, tmp_path)
    data = open_dataset(file, None, need_photos=False)
    truth = data.annotations(0)
    assert (truth.height, truth.width) == (80, 100)
    assert truth.boxes.tolist() == [[10, 20, 40, 60]]
    assert truth.areas.tolist() == [600.5]
    assert data.original_ids == (image_id, 1)
    assert data.original_category_ids == (7,)
    with pytest.raises((ImageError, OSError)):
        data.image(0)


def test_a_voc_folder_without_its_photos(tmp_path):
    for part in ("Annotations", "ImageSets/Main"):
        (tmp_path / "voc" / part).mkdir(parents=True)
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    text = f"<annotation>{size}<object><name>cat</name>{box}</object></annotation>"
    (tmp_path / "voc" / "Annotations" / "a.xml").write_text(text)
    (tmp_path / "voc" / "ImageSets" / "Main" / "test.txt").write_text("a\n")
    with pytest.raises(DatasetError, match="no such photo"):
        VOCDataset(tmp_path / "voc", "test")
    data = open_dataset(tmp_path / "voc", "test", need_photos=False)
    assert data.annotations(0).boxes.tolist() == [[0, 1, 30, 40]]
    assert (data.annotations(0).height, data.annotations(0).width) == (80, 100)
    (tmp_path / "voc" / "Annotations" / "a.xml").write_text(text.replace(size, ""))
    with pytest.raises(DatasetError, match=r"a\.(xml|jpg)"):  # nobody says how large it is
        VOCDataset(tmp_path / "voc", "test", need_photos=False)
