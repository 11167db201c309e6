"""A photo is known by its content: its file's bytes where nothing changes them, its pixels otherwise."""

import shutil

import numpy as np
import pytest

from minircnn.data import COCODataset, FlippedDataset, Scenes, VOCDataset, export_voc
from minircnn.data.digest import photo_digest
from minircnn.data.opening import FirstPhotos, open_dataset

SCENES = Scenes("train", count=2, size=64, heights=(16, 32))


@pytest.fixture
def voc(tmp_path):
    export_voc(SCENES, tmp_path / "voc", "train")
    return tmp_path / "voc"


def test_equal_photos_have_one_digest_whatever_they_are_called(voc, tmp_path):
    dataset = VOCDataset(voc)
    first = photo_digest(dataset, 0)
    assert len(first) == 64
    assert first != photo_digest(dataset, 1)
    photo = dataset.path(0)
    shutil.copytree(voc, tmp_path / "moved")
    assert photo_digest(VOCDataset(tmp_path / "moved"), 0) == first
    shutil.copy(dataset.path(1), photo)
    assert photo_digest(VOCDataset(voc), 0) == photo_digest(dataset, 1) != first


def test_the_photo_is_not_decoded_where_it_has_a_file(voc, monkeypatch):
    dataset = VOCDataset(voc)
    monkeypatch.setattr("minircnn.data.records.read_image", lambda path: 1 / 0)
    assert photo_digest(dataset, 0) == photo_digest(FirstPhotos(dataset, 1), 0)


def test_a_subclass_that_changes_the_pixels_has_other_digests(voc):
    class Grey(VOCDataset):
        def image(self, index):
            return np.repeat(super().image(index).mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)

    class Renamed(VOCDataset):
        pass

    plain = photo_digest(VOCDataset(voc), 0)
    assert photo_digest(Grey(voc), 0) != plain
    assert photo_digest(Renamed(voc), 0) == plain
    changed = VOCDataset(voc)
    changed.image = lambda index: np.zeros((4, 4, 3), np.uint8)
    assert photo_digest(changed, 0) != plain
    assert photo_digest(FirstPhotos(changed, 1), 0) == photo_digest(changed, 0)


def test_pixels_without_a_file_are_told_apart_by_shape_too():
    class Blank(Scenes):
        def image(self, index):
            return np.zeros((4, 6, 3) if index else (6, 4, 3), np.uint8)

    blank = Blank("train", count=2)
    assert photo_digest(blank, 0) != photo_digest(blank, 1)
    assert photo_digest(SCENES, 1) == photo_digest(FirstPhotos(SCENES, 2), 1)
    with pytest.raises(IndexError, match=r"photos 0\.\.0"):
        photo_digest(FirstPhotos(SCENES, 1), 1)


def test_a_mirrored_photo_is_another_one(voc):
    dataset = VOCDataset(voc)
    both = FlippedDataset(dataset)
    digests = [photo_digest(both, i) for i in range(len(both))]
    assert digests[:2] == [photo_digest(dataset, i) for i in range(2)]
    assert len(set(digests)) == 4


def test_a_coco_file_knows_its_photos_by_content_too(voc, tmp_path):
    import json

    scene = VOCDataset(voc)
    image = {"id": 0, "file_name": scene.path(1).name, "height": 64, "width": 64}
    content = {"images": [image], "annotations": [], "categories": [{"id": 1, "name": "a"}]}
    (tmp_path / "x.json").write_text(json.dumps(content))
    coco = COCODataset(tmp_path / "x.json", scene.path(1).parent)
    assert photo_digest(coco, 0) == photo_digest(scene, 1)
    opened = open_dataset(voc, "train", limit=1)
    assert photo_digest(opened, 0) == photo_digest(scene, 0)
