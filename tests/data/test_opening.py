"""Data sets by one word."""

import json
import pickle

import numpy as np
import pytest

from minircnn.data import COCODataset, DatasetError, Scenes, VOCDataset, export_voc
from minircnn.data.opening import FirstPhotos, open_dataset
from minircnn.data.records import one_photo
from minircnn.imaging import write_image


@pytest.fixture
def scenes():
    return Scenes("val", count=2, size=96, heights=(20, 48))


def test_scenes_by_name():
    dataset = open_dataset("scenes", "val")
    assert isinstance(dataset, Scenes)
    assert dataset.name == "scenes-val"
    assert open_dataset("scenes", None).name == "scenes-train"
    with pytest.raises(ValueError, match="split must be one of"):
        open_dataset("scenes", "trial")


def test_voc_folder(scenes, tmp_path):
    export_voc(scenes, tmp_path, "val")
    dataset = open_dataset(tmp_path, "val")
    assert isinstance(dataset, VOCDataset)
    np.testing.assert_array_equal(dataset.annotations(1).boxes, scenes.annotations(1).boxes)


def test_coco_file_beside_its_photos_or_not(scenes, tmp_path):
    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "a.png", scenes.image(0))
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 96, "width": 96}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 30, 40], "iscrowd": 0}],
        "categories": [{"id": 7, "name": "thing"}],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(content))
    dataset = open_dataset(file, "any", images=tmp_path / "photos")
    assert isinstance(dataset, COCODataset)
    np.testing.assert_array_equal(dataset.annotations(0).boxes, [[1, 2, 31, 42]])
    with pytest.raises(DatasetError):
        open_dataset(file, None)  # no photo beside the file


@pytest.mark.parametrize("spec", ["nowhere", "nowhere.json"])
def test_nothing_there(spec, tmp_path):
    with pytest.raises(DatasetError, match="no such"):
        open_dataset(tmp_path / spec, "train")


def test_first_photos(scenes):
    first = FirstPhotos(scenes, 1)
    assert len(first) == 1
    assert list(first.image_ids) == ["val_00000"]
    assert not first.flippable
    np.testing.assert_array_equal(first.image(0), scenes.image(0))
    assert len(FirstPhotos(scenes, 9)) == 2
    assert len(open_dataset("scenes", "test", limit=3)) == 3
    with pytest.raises(IndexError):
        first.annotations(1)
    with pytest.raises(ValueError, match="at least 1"):
        FirstPhotos(scenes, 0)


def test_one_photo_travels_without_the_records_of_the_others(tmp_path):
    export_voc(Scenes("val", count=12, size=96, heights=(20, 48)), tmp_path, "val")
    whole = open_dataset(tmp_path, "val")
    for dataset in (whole, FirstPhotos(whole, 9)):
        for index in (0, 8):
            one, place = one_photo(dataset, index)
            assert len(pickle.dumps(one)) < len(pickle.dumps(whole)) / 3
            assert one.image_ids[place] == dataset.image_ids[index]
            np.testing.assert_array_equal(one.image(place), dataset.image(index))
            np.testing.assert_array_equal(one.annotations(place).boxes, dataset.annotations(index).boxes)


def test_who_changes_the_pixels_travels_whole(tmp_path, scenes):
    class Darker(VOCDataset):
        def image(self, index):
            return super().image(index) // 2

    export_voc(scenes, tmp_path, "val")
    dark = Darker(tmp_path, "val")
    for dataset in (dark, FirstPhotos(dark, 2), scenes):
        one, place = one_photo(dataset, 1)
        np.testing.assert_array_equal(one.image(place), dataset.image(1))
