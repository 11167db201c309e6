"""Lists, shares and all photos: which photos a split takes, and that no data set is a dead end."""

import logging

import pytest
from coco_file import coco_content, read_coco_file, save_coco
from voc_folder import annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset
from minircnn.data.opening import open_dataset
from minircnn.data.splits import parse_split

IDS = [f"photo_{i}" for i in range(2000)]


def taken(split, ids=IDS):
    return {i for i in ids if parse_split(split).takes(i)}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("train:0.8", "val:0.2"),
        ("train:.9", "test:.1"),
        ("train:0.333", "valid:0.667"),
        ("train:0.1", "val:0.9"),
    ],
)
def test_complementary_shares_are_disjoint_and_complete(first, last):
    assert not taken(first) & taken(last)
    assert taken(first) | taken(last) == set(IDS)
    assert len(taken(first)) == pytest.approx(2000 * float(first.split(":")[1]), abs=100)


def test_a_share_depends_on_no_other_photo_and_grows_with_its_size():
    assert taken("train:0.5", IDS[:10]) == taken("train:0.5") & set(IDS[:10])
    assert taken("train:0.5", IDS[::-1]) == taken("train:0.5")
    assert taken("train:0.5") < taken("train:0.8") < taken("train:1") == set(IDS)


def test_a_share_is_the_same_everywhere():
    assert sorted(taken("val:0.2", IDS[:30])) == ["photo_16", "photo_17", "photo_27"]


@pytest.mark.parametrize(
    "split",
    ["train:", "train:0", "train:1.5", "train:80%", "train:nan", "trian:0.8", "all:0.5", ":0.5", "val:-1"],
)
def test_a_share_that_is_none_is_refused_with_an_example(split):
    with pytest.raises(DatasetError, match=r"a share is written train:0\.8"):
        parse_split(split)


@pytest.fixture
def unlisted(tmp_path):
    files = {f"p{i}": annotation_xml(object_xml()) for i in range(12)}
    folder = make_voc(tmp_path / "mine", files, {"x": "p1"})
    (folder / "ImageSets" / "Main" / "x.txt").unlink()
    return folder


def test_a_voc_folder_without_lists_is_taken_whole_or_in_shares(unlisted):
    everything, train, val = (VOCDataset(unlisted, split) for split in ("all", "train:0.6", "val:0.4"))
    assert set(everything.image_ids) == set(VOCDataset(unlisted, None).image_ids)
    assert len(everything) == 12
    assert sorted([*train.image_ids, *val.image_ids]) == sorted(everything.image_ids)
    assert (everything.name, train.name) == ("mine-all", "mine-train-0.6")


def test_a_list_that_is_not_there_is_refused_with_the_ways_out(unlisted):
    with pytest.raises(DatasetError, match=r"val\.txt: no such file; there is no list.*--split all.*"):
        open_dataset(unlisted, "val", default_split="train")


def test_the_default_list_is_all_photos_where_there_are_no_lists(unlisted, caplog):
    with caplog.at_level(logging.WARNING, "minircnn.data"):
        assert len(open_dataset(unlisted, None, default_split="train")) == 12
    assert "has no lists of photos: all annotated ones are taken" in caplog.text
    assert "--split train:0.8" in caplog.text


def test_the_default_list_is_asked_for_where_there_are_others(tmp_path):
    make_voc(tmp_path, {"a": annotation_xml(object_xml())}, {"trainval": "a"})
    with pytest.raises(DatasetError, match="there is trainval"):
        open_dataset(tmp_path, None, default_split="train")
    assert len(open_dataset(tmp_path, "all", default_split="train")) == 1


def test_val_and_valid_are_one_list(tmp_path):
    make_voc(tmp_path, {"a": annotation_xml(object_xml())}, {"valid": "a"})
    assert VOCDataset(tmp_path, "val").image_ids == ("a",)


def test_a_coco_file_is_cut_into_shares(tmp_path):
    file = save_coco(tmp_path, coco_content())
    first, last = (read_coco_file(file, split=split) for split in ("train:0.5", "val:0.5"))
    assert sorted([*first.image_ids, *last.image_ids]) == ["1", "2", "3"]
    assert first.class_names == last.class_names == ("cat", "dog")
    assert first.name == "some-train-0.5"
    assert check_dataset(file, split="train:0.5").images == len(first)


@pytest.mark.parametrize(("split", "noted"), [("val", True), ("some", False), ("all", False), (None, False)])
def test_a_word_for_a_coco_file_is_noted_since_it_is_one_split(tmp_path, caplog, split, noted):
    file = save_coco(tmp_path, coco_content())
    with caplog.at_level(logging.WARNING, "minircnn.data"):
        assert len(open_dataset(file, split, default_split="train")) == 3
    assert ("is one split by itself" in caplog.text) is noted


def test_a_share_without_photos_says_so(tmp_path):
    with pytest.raises(DatasetError, match="a share of few photos may hold none"):
        read_coco_file(save_coco(tmp_path, coco_content()), split="train:0.00001")


def test_the_first_photos_must_hold_an_object(tmp_path):
    make_voc(tmp_path, {"a": annotation_xml(), "b": annotation_xml(object_xml())})
    with pytest.raises(DatasetError, match=r"no object is marked in its first 1 photo\(s\)"):
        open_dataset(tmp_path, None, limit=1)
    assert len(open_dataset(tmp_path, None, limit=2)) == 2


def test_shares_of_the_scenes_are_refused():
    with pytest.raises(ValueError, match="split must be one of"):
        open_dataset("scenes", "train:0.5")
