"""Where photos and annotations lie: in VOC's folders, in others' names for them, or side by side."""

import numpy as np
import pytest
from coco_file import coco_content, read_coco_file, save_coco
from voc_folder import HEIGHT, WIDTH, annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset
from minircnn.data.opening import open_dataset
from minircnn.imaging import write_image

XML = annotation_xml(object_xml())


def place(root, *names):
    """Write photos and annotations at the given places."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in (".xml", ".txt"):
            path.write_text(XML if path.suffix.lower() == ".xml" else "a\n")
        else:
            write_image(path, np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    return root


LAYOUTS = {
    "labelImg, side by side": (["a.xml", "a.png", "b.xml", "b.png"], ["a", "b"]),
    "Kaggle": (["annotations/a.xml", "images/a.png"], ["a"]),
    "other words": (["Annotation/a.xml", "imgs/a.png"], ["a"]),
    "Oxford pets": (["annotations/xmls/a.xml", "images/a.png", "annotations/trimaps/t.png"], ["a"]),
    "photos at the top": (["annotations/a.xml", "a.png"], ["a"]),
    "CVAT with folders": (["Annotations/sub/a.xml", "JPEGImages/sub/a.png"], ["sub/a"]),
    "ILSVRC": (["Annotations/DET/train/n01/a.xml", "Data/DET/train/n01/a.png"], ["DET/train/n01/a"]),
    "one level below": (["export/annotations/a.xml", "export/images/a.png"], ["a"]),
    "endings in capitals": (["Annotations/a.XML", "JPEGImages/a.PNG"], ["a"]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_photos_and_annotations_are_found(tmp_path, layout):
    names, ids = LAYOUTS[layout]
    dataset = open_dataset(place(tmp_path, *names), None, default_split="train")
    assert list(dataset.image_ids) == ids
    assert dataset.image(0).shape == (HEIGHT, WIDTH, 3)
    report = check_dataset(tmp_path)
    assert report.ok
    assert report.unannotated == ()


def test_folders_of_an_export_are_its_splits(tmp_path):
    place(tmp_path, "train/a.xml", "train/a.png", "train/b.xml", "train/b.png")
    place(tmp_path, "valid/a.xml", "valid/a.png", "test/images/c.png", "test/annotations/c.xml")
    assert VOCDataset(tmp_path, "train").image_ids == ("train/a", "train/b")
    assert VOCDataset(tmp_path, "val").image_ids == ("valid/a",)
    assert open_dataset(tmp_path, None, default_split="test").image_ids == ("test/c",)
    assert len(VOCDataset(tmp_path, "all")) == 4
    assert check_dataset(tmp_path).splits == {"train": 2, "valid": 1, "test": 1}


def test_a_folder_of_a_split_may_begin_with_a_capital(tmp_path):
    place(tmp_path, "Train/a.xml", "Train/a.png", "Validation/b.xml", "Validation/b.png")
    assert VOCDataset(tmp_path, "train").image_ids == ("Train/a",)
    assert VOCDataset(tmp_path, "val").image_ids == ("Validation/b",)


def test_the_folder_itself_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(place(tmp_path / "mine", "a.xml", "a.png"))
    assert VOCDataset(".", "all").name == "mine-all"


def test_lists_lie_in_main_or_right_in_image_sets(tmp_path):
    place(tmp_path, "annotations/a.xml", "images/a.png", "ImageSets/train.TXT")
    assert VOCDataset(tmp_path, "train").image_ids == ("a",)


@pytest.mark.parametrize(
    "clutter", ["._a.xml", ".DS_Store.xml", "__MACOSX/a.xml", ".ipynb_checkpoints/a.xml"]
)
def test_what_systems_leave_behind_is_passed_over(tmp_path, clutter):
    make_voc(tmp_path, {"a": XML})
    place(tmp_path / "Annotations", clutter)
    place(tmp_path / "JPEGImages", clutter.replace("xml", "png"))
    place(tmp_path, clutter)
    report = check_dataset(tmp_path)
    assert report.ok
    assert (report.images, report.unannotated) == (1, ())


def test_photos_without_annotation_are_counted_and_named(tmp_path):
    make_voc(tmp_path, {f"p{i}": XML for i in range(9)})
    for i in range(7):
        (tmp_path / "Annotations" / f"p{i}.xml").unlink()
    (tmp_path / "ImageSets" / "Main" / "train.txt").unlink()
    report = check_dataset(tmp_path)
    assert report.ok
    assert report.unannotated == tuple(f"JPEGImages/p{i}.png" for i in range(7))
    assert "7 photo(s) have no annotation and are left out: JPEGImages/p0.png, " in report.text()
    assert report.to_dict()["unannotated"][6] == "JPEGImages/p6.png"


def test_photos_that_a_coco_file_does_not_name_are_counted(tmp_path):
    content = coco_content()
    content["images"].pop()
    content["annotations"] = content["annotations"][:4]
    report = check_dataset(save_coco(tmp_path, content))
    assert report.ok
    assert report.unannotated == ("3.png",)


def test_the_xml_says_which_of_two_photos_of_one_name_is_meant(tmp_path):
    place(tmp_path, "a.xml", "a.png", "a.bmp")
    with pytest.raises(DatasetError, match=r"a\.xml: filename is '', but several photos .*a\.bmp, a\.png"):
        VOCDataset(tmp_path, None)
    (tmp_path / "a.xml").write_text(XML.replace("<size>", "<filename>A.bmp</filename><size>"))
    dataset = VOCDataset(tmp_path, None)
    assert dataset.path(0).name == "a.bmp"
    assert check_dataset(tmp_path).unannotated == ("a.png",)


@pytest.mark.parametrize("said", ["photo 1.png", "C:\\data\\photo 1.png", "/home/me/photo 1.png", "photo 1"])
def test_a_photo_of_another_name_is_found_by_the_name_that_the_xml_says(tmp_path, said):
    place(tmp_path, "photo 1.png", "a.xml")
    (tmp_path / "a.xml").write_text(XML.replace("<size>", f"<filename>{said}</filename><size>"))
    dataset = VOCDataset(tmp_path, None)
    assert dataset.image_ids == ("a",)
    assert dataset.path(0).name == "photo 1.png"


def test_an_annotation_that_says_the_name_of_another_photo_is_remarked(tmp_path):
    place(tmp_path, "a.xml", "a.png", "b.xml", "b.png")
    (tmp_path / "b.xml").write_text(XML.replace("<size>", "<filename>a.png</filename><size>"))
    report = check_dataset(tmp_path)
    assert report.ok
    assert report.remarks == ("1 annotation(s) say the name of another photo, b.xml for one",)


def test_one_photo_has_one_annotation(tmp_path):
    place(tmp_path, "a.xml", "a.png", "b.xml", "c.xml", "c.png")
    (tmp_path / "b.xml").write_text(XML.replace("<size>", "<filename>a.png</filename><size>"))
    with pytest.raises(DatasetError, match=r"b\.xml: is about the same photo as a\.xml"):
        VOCDataset(tmp_path, None)
    assert VOCDataset(tmp_path, None, on_bad_photo="drop").image_ids == ("c",)
    place(tmp_path, "a.XML")
    with pytest.raises(DatasetError, match=r"several files are about this photo: a\.XML, a\.xml"):
        VOCDataset(tmp_path, None)


def test_one_photo_has_one_entry_in_a_coco_file(tmp_path):
    content = coco_content()
    content["images"][2]["file_name"] = "./1.png"
    file = save_coco(tmp_path, content)
    with pytest.raises(
        DatasetError, match=r"image id 3, entry 2 of 'images'\): image id 1 is the same photo"
    ):
        read_coco_file(file)
    assert read_coco_file(file, on_bad_photo="drop").image_ids == ("2",)


def test_a_stray_xml_file_above_does_not_hide_the_folder(tmp_path):
    make_voc(tmp_path / "VOC2007", {"a": XML})
    (tmp_path / "export.xml").write_text("<annotations><image/></annotations>")
    assert VOCDataset(tmp_path, "train").image_ids == ("a",)


def test_cvat_s_file_beside_its_folder_of_photos_is_named(tmp_path):
    place(tmp_path, "images/a.png")
    (tmp_path / "annotations.xml").write_text("<annotations><image/></annotations>")
    with pytest.raises(DatasetError, match=r"annotations\.xml: this is CVAT's own XML"):
        open_dataset(tmp_path, None, default_split="train")
