import logging
import shutil

import numpy as np
import pytest
from PIL import Image
from voc_folder import HEIGHT, WIDTH, annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, Scenes, VOCDataset, export_voc


@pytest.fixture
def voc(tmp_path):
    files = {
        "a": annotation_xml(object_xml("dog", (1, 1, WIDTH, HEIGHT)), object_xml("cat", difficult=1)),
        "b": annotation_xml(),
        "c": annotation_xml(object_xml("bird", (5.5, 6, 20, 30.25))),
    }
    return make_voc(tmp_path / "VOC2007", files, {"train": "a\nb\n\n", "cat_val": "c  -1\n"})


def test_boxes_are_half_open_and_difficult_is_kept(voc):
    train = VOCDataset(voc, "train")
    assert len(train) == 2
    assert train.image_ids == ("a", "b")
    assert train.name == "VOC2007-train"
    assert train.flippable
    truth = train.annotations(0)
    np.testing.assert_array_equal(truth.boxes, [[0, 0, WIDTH, HEIGHT], [9, 19, 30, 40]])
    assert truth.labels.tolist() == [3, 2]
    assert truth.difficult.tolist() == [False, True]
    assert (truth.height, truth.width) == (HEIGHT, WIDTH)
    assert train.image(0).shape == (HEIGHT, WIDTH, 3)


def test_a_photo_without_objects_is_kept(voc):
    truth = VOCDataset(voc, "train").annotations(1)
    assert truth.boxes.shape == (0, 4)
    assert truth.boxes.dtype == np.float64
    assert len(truth.labels) == len(truth.difficult) == 0


def test_splits_agree_on_the_classes_and_lists_may_carry_flags(voc):
    train, val, everything = VOCDataset(voc, "train"), VOCDataset(voc, "cat_val"), VOCDataset(voc, None)
    assert train.class_names == val.class_names == ("bird", "cat", "dog")
    np.testing.assert_array_equal(val.annotations(0).boxes, [[4.5, 5, 20, 30.25]])
    assert len(everything) == 3


def test_given_classes_fix_the_labels(voc):
    train = VOCDataset(voc, "train", class_names=["dog", "cat", "horse"])
    assert train.annotations(0).labels.tolist() == [1, 2]


def test_an_object_outside_the_given_classes_is_named(voc):
    with pytest.raises(DatasetError, match=r"a\.xml, object 0 \(dog\).*not among cat"):
        VOCDataset(voc, "train", class_names=["cat"], on_bad_box="drop")


def test_folder_is_found_below_the_root(voc):
    assert len(VOCDataset(voc.parent, "train")) == 2
    devkit = voc.parent / "outer" / "VOCdevkit"
    devkit.mkdir(parents=True)
    voc.rename(devkit / "VOC2007")
    assert len(VOCDataset(devkit.parent, "train")) == 2


def test_a_year_chooses_among_several(voc):
    make_voc(voc.parent / "VOC2012", {"z": annotation_xml(object_xml())})
    with pytest.raises(DatasetError, match="several VOC folders"):
        VOCDataset(voc.parent, "train")
    assert VOCDataset(voc.parent, "train", year="2012").image_ids == ("z",)
    with pytest.raises(DatasetError, match="no VOC1999/Annotations"):
        VOCDataset(voc.parent, "train", year="1999")


def test_a_folder_that_is_none_and_a_list_that_is_missing_are_named(voc, tmp_path):
    with pytest.raises(DatasetError, match="no Annotations folder"):
        VOCDataset(tmp_path / "nothing", "train")
    with pytest.raises(DatasetError, match=r"test\.txt: no such file; there is cat_val, train"):
        VOCDataset(voc, "test")
    (voc / "ImageSets" / "Main" / "test.txt").write_text("\n")
    with pytest.raises(DatasetError, match="lists no photo"):
        VOCDataset(voc, "test")


BAD_BOXES = [
    ((30, 20, 10, 40), "reversed"),
    ((10, 40, 30, 20), "reversed"),
    ((11, 20, 10, 40), "empty"),
    ((10, 20, 10, 20), "one pixel"),
    ((10, 20, 10, 40), "one pixel"),
    (("nan", 20, 30, 40), "not a finite"),
    ((10, 20, "inf", 40), "not a finite"),
    ((10, 20, WIDTH + 1, 40), "outside"),
    ((0, 20, 30, 40), "outside"),
    ((WIDTH + 10, 20, WIDTH + 30, 40), "outside"),
]


@pytest.mark.parametrize(("box", "words"), BAD_BOXES)
def test_a_bad_box_is_named_by_file_object_and_box(tmp_path, box, words):
    make_voc(tmp_path, {"x": annotation_xml(object_xml("cat"), object_xml("dog", box))})
    written = r"\[" + ", ".join(str(v) for v in box) + r"\]"
    with pytest.raises(DatasetError, match=rf"x\.xml, object 1 \(dog\): {written} .*{words}") as caught:
        VOCDataset(tmp_path, "train")
    assert "--on-bad-box drop" in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("box", "words"), [b for b in BAD_BOXES if b[1] != "outside"])
def test_a_bad_box_is_dropped_and_reported(tmp_path, caplog, box, words):
    make_voc(tmp_path, {"x": annotation_xml(object_xml("dog", box), object_xml("cat"))})
    with caplog.at_level(logging.WARNING, "minircnn.data"):
        dataset = VOCDataset(tmp_path, "train", on_bad_box="drop")
    np.testing.assert_array_equal(dataset.annotations(0).boxes, [[9, 19, 30, 40]])
    assert [p.action for p in dataset.problems] == ["dropped"]
    assert words in str(dataset.problems[0])
    assert "dropped 1 and clipped 0 bad boxes" in caplog.text


def test_a_box_that_reaches_outside_is_clipped_rather_than_lost(tmp_path):
    outside = [(0, 0, 20, 30), (60, 50, WIDTH + 5, HEIGHT + 5), (WIDTH, 10, WIDTH + 9, 30), (90, 10, 99, 30)]
    make_voc(tmp_path, {"x": annotation_xml(*(object_xml("cat", box) for box in outside))})
    dataset = VOCDataset(tmp_path, "train", on_bad_box="drop")
    np.testing.assert_array_equal(dataset.annotations(0).boxes, [[0, 0, 20, 30], [59, 49, WIDTH, HEIGHT]])
    assert [p.action for p in dataset.problems] == ["clipped", "clipped", "dropped", "dropped"]


def test_many_bad_boxes_are_counted_and_the_first_named(tmp_path):
    bad = [object_xml("cat", (10, 20, 10, 20))] * 14
    make_voc(tmp_path, {"x": annotation_xml(*bad)})
    with pytest.raises(DatasetError, match="14 bad") as caught:
        VOCDataset(tmp_path, "train")
    assert "and 4 more" in str(caught.value)
    assert len(caught.value.problems) == 14


def test_unknown_policy_is_refused(voc):
    with pytest.raises(ValueError, match="on_bad_box"):
        VOCDataset(voc, "train", on_bad_box="ignore")


def test_missing_files_are_all_named(voc):
    (voc / "JPEGImages" / "a.png").unlink()
    (voc / "Annotations" / "b.xml").unlink()
    with pytest.raises(DatasetError) as caught:
        VOCDataset(voc, "train")
    message = str(caught.value)
    assert "a.jpg: no such photo" in message
    assert "b.xml: no such file" in message


def test_a_photo_listed_twice_is_named(voc):
    (voc / "ImageSets" / "Main" / "train.txt").write_text("a\na\n")
    with pytest.raises(DatasetError, match="a: this photo is listed more than once"):
        VOCDataset(voc, "train")


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<annotation><object>", "cannot be read as VOC XML"),
        ("", "cannot be read as VOC XML"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>', "EntitiesForbidden"),
        (annotation_xml(object_xml("")), "object 0: the object has no name"),
        (annotation_xml("<object><name>cat</name></object>"), r"object 0 \(cat\): no valid xmin"),
        (annotation_xml(object_xml(box=("ten", 20, 30, 40))), "'ten'"),
        (annotation_xml(object_xml(difficult="no")), "difficult flag"),
        (annotation_xml(height=WIDTH, width=HEIGHT), "says 60 x 80 pixels, but x.png has 80 x 60"),
    ],
)
def test_a_broken_file_is_named(tmp_path, xml, words):
    make_voc(tmp_path, {"x": xml})
    with pytest.raises(DatasetError, match=rf"(?s)x\.xml.*{words}"):
        VOCDataset(tmp_path, "train", on_bad_box="drop")


def test_a_photo_that_is_no_image_is_named(voc):
    (voc / "JPEGImages" / "a.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"a\.png: cannot be read as an image"):
        VOCDataset(voc, "train")


def test_a_missing_size_is_taken_from_the_photo(tmp_path):
    make_voc(tmp_path, {"x": f"<annotation>{object_xml()}</annotation>"})
    truth = VOCDataset(tmp_path, "train").annotations(0)
    assert (truth.height, truth.width) == (HEIGHT, WIDTH)


def test_exif_orientation_is_that_of_the_pixels_returned(tmp_path):
    make_voc(tmp_path, {"x": annotation_xml(object_xml(), height=WIDTH, width=HEIGHT)})
    (tmp_path / "JPEGImages" / "x.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "JPEGImages" / "x.jpg", exif=exif)
    dataset = VOCDataset(tmp_path, "train")
    assert dataset.image(0).shape == (WIDTH, HEIGHT, 3)
    (tmp_path / "Annotations" / "x.xml").write_text(annotation_xml(object_xml()))
    with pytest.raises(DatasetError, match="after its EXIF orientation"):
        VOCDataset(tmp_path, "train")


def test_parts_of_an_object_are_not_objects(tmp_path):
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    make_voc(tmp_path, {"x": annotation_xml(object_xml().replace("</object>", f"{part}</object>"))})
    dataset = VOCDataset(tmp_path, "train")
    assert dataset.class_names == ("cat",)
    assert len(dataset.annotations(0)) == 1


@pytest.mark.parametrize("image_format", ["png", "jpg"])
def test_exported_scenes_come_back(tmp_path, image_format):
    scenes = Scenes("val", count=12)
    export_voc(scenes, tmp_path / "scenes", "val", image_format=image_format)
    back = VOCDataset(tmp_path / "scenes", "val", class_names=scenes.class_names, flippable=False)
    assert back.image_ids == scenes.image_ids
    for index in range(len(scenes)):
        ours, theirs = scenes.annotations(index), back.annotations(index)
        np.testing.assert_array_equal(ours.boxes, theirs.boxes)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        if image_format == "png":
            np.testing.assert_array_equal(scenes.image(index), back.image(index))


def test_export_writes_back_what_was_read(voc, tmp_path):
    original = VOCDataset(voc, None)
    export_voc(original, tmp_path / "copy", "train", indices=[0, 2])
    copy = VOCDataset(tmp_path / "copy", "train")
    for mine, theirs in ((0, 0), (1, 2)):
        np.testing.assert_array_equal(copy.annotations(mine).boxes, original.annotations(theirs).boxes)
        np.testing.assert_array_equal(
            copy.annotations(mine).difficult, original.annotations(theirs).difficult
        )
    text = (tmp_path / "copy" / "Annotations" / "a.xml").read_text()
    assert "<xmin>1</xmin>" in text
    assert f"<xmax>{WIDTH}</xmax>" in text


@pytest.mark.parametrize("image_id", ["../x", "a b", ""])
def test_export_refuses_ids_that_are_no_file_names(tmp_path, image_id):
    scenes = Scenes("val", count=1)
    scenes.image_ids = (image_id,)
    with pytest.raises(ValueError, match="plain file names"):
        export_voc(scenes, tmp_path, "val")


def test_real_voc_folder(shared_data):
    trainval, test = (VOCDataset(shared_data / "voc2012_mini", s) for s in ("trainval", "test"))
    assert (len(trainval), len(test)) == (210, 100)
    assert len(trainval.class_names) == 20
    for dataset, objects, difficult in ((trainval, 450, 21), (test, 280, 18)):
        truth = [dataset.annotations(i) for i in range(len(dataset))]
        assert sum(len(t) for t in truth) == objects
        assert sum(t.difficult.sum() for t in truth) == difficult
    truth = test.annotations(0)
    assert test.image(0).shape == (truth.height, truth.width, 3)


def test_real_one_pixel_boxes(shared_data):
    with pytest.raises(
        DatasetError, match=r"00343\.xml, object 3 \(RBC\): \[181, 329, 181, 329\].*one pixel"
    ):
        VOCDataset(shared_data / "BCCD", "train")
    dataset = VOCDataset(shared_data / "BCCD", "train", on_bad_box="drop")
    assert len(dataset) == 205
    assert dataset.class_names == ("Platelets", "RBC", "WBC")
    assert len(dataset.problems) == 1


def test_data_set_survives_the_folder_moving_only_if_not_read(voc):
    dataset = VOCDataset(voc, "train")
    shutil.rmtree(voc)
    assert len(dataset.annotations(0)) == 2  # annotations are held, photos are not
    with pytest.raises(ValueError, match="no such file"):
        dataset.image(0)
