"""One odd photo, field or name does not block a data set: it is named, and can be left out with counts."""

import logging

import pytest
from coco_file import coco_content, read_coco_file, save_coco
from PIL import Image
from voc_folder import HEIGHT, WIDTH, annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset
from minircnn.data.opening import open_dataset

XML = annotation_xml(object_xml())


def break_photo(voc):
    (voc / "JPEGImages" / "a.png").write_bytes(b"no image")


def lose_photo(voc):
    (voc / "JPEGImages" / "a.png").unlink()


def lose_xml(voc):
    (voc / "Annotations" / "a.xml").unlink()


def cut_xml(voc):
    (voc / "Annotations" / "a.xml").write_text(XML[:50])


def spoil_field(voc):
    (voc / "Annotations" / "a.xml").write_text(annotation_xml(object_xml(), object_xml(difficult="perhaps")))


def exchange_sides(voc):
    (voc / "Annotations" / "a.xml").write_text(annotation_xml(object_xml(), height=WIDTH, width=HEIGHT))


def name_unknown_class(voc):
    (voc / "Annotations" / "a.xml").write_text(annotation_xml(object_xml(), object_xml("unicorn")))


DAMAGES = {
    break_photo: "a.png: cannot be read as an image",
    lose_photo: "a.jpg: no such photo",
    lose_xml: "a.xml: no such file",
    cut_xml: "a.xml: cannot be read as VOC XML",
    spoil_field: "a.xml, object 1 (cat): no valid difficult flag: 'perhaps'",
    exchange_sides: "a.xml: says 60 x 80 pixels, but a.png has 80 x 60",
    name_unknown_class: "a.xml, object 1 (unicorn): this class is not among cat",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_bad_photo_of_voc_is_named_or_left_out_as_a_whole(tmp_path, caplog, damage):
    make_voc(tmp_path, {"a": XML, "b": XML})
    damage(tmp_path)
    with pytest.raises(DatasetError) as caught:
        VOCDataset(tmp_path, "train", class_names=["cat"])
    assert DAMAGES[damage] in str(caught.value)
    assert "on_bad_photo='drop' (--on-bad-photo drop)" in str(caught.value)
    assert "--on-bad-box" not in str(caught.value)
    with caplog.at_level(logging.WARNING, "minircnn.data"):
        dataset = VOCDataset(tmp_path, "train", class_names=["cat"], on_bad_photo="drop")
    assert dataset.image_ids == ("b",)
    assert [problem.action for problem in dataset.problems] == ["dropped"]
    assert "left out photos with 1 problem(s), 1 kept" in caplog.text
    assert DAMAGES[damage] in caplog.text


def test_a_broken_photo_without_a_size_in_the_xml_is_blamed_itself(tmp_path):
    make_voc(tmp_path, {"a": f"<annotation>{object_xml()}</annotation>", "b": XML})
    break_photo(tmp_path)
    assert [problem.file for problem in check_dataset(tmp_path).problems] == [
        str(tmp_path / "JPEGImages" / "a.png")
    ]


def test_a_photo_listed_twice_is_taken_once(tmp_path):
    make_voc(tmp_path, {"a": XML, "b": XML}, {"train": "a\nb\na\n"})
    assert VOCDataset(tmp_path, "train", on_bad_photo="drop").image_ids == ("a", "b")


def test_exif_is_blamed_only_where_there_is_one(tmp_path):
    make_voc(tmp_path, {"a": XML, "b": XML})
    exchange_sides(tmp_path)
    assert ("EXIF" in str(check_dataset(tmp_path).problems[0])) is False
    exif = Image.Exif()
    exif[0x0112] = 6
    lose_photo(tmp_path)
    Image.new("RGB", (HEIGHT, WIDTH)).save(tmp_path / "JPEGImages" / "a.jpg", exif=exif)
    assert "after its EXIF orientation" in str(check_dataset(tmp_path).problems[0])


COCO_DAMAGES = {
    "image_id 9 is not in the file": (lambda d: d["annotations"][0].update(image_id=9), ("1", "2", "3")),
    "category_id 9 is not": (lambda d: d["annotations"][0].update(category_id=9), ("2", "3")),
    "bbox is": (lambda d: d["annotations"][0].update(bbox="x"), ("2", "3")),
    "file_name is '9.png': no such photo in": (
        lambda d: d["images"][0].update(file_name="9.png"),
        ("2", "3"),
    ),
    "says 80 x 59 pixels": (lambda d: d["images"][0].update(height=59), ("2", "3")),
    "height is 'x'": (lambda d: d["images"][0].update(height="x"), ("2", "3")),
    "two images have the same id 2": (lambda d: d["images"][0].update(id=2), ("3",)),
}


@pytest.mark.parametrize("words", COCO_DAMAGES)
def test_a_bad_photo_of_coco_is_named_or_left_out_as_a_whole(tmp_path, words):
    damage, kept = COCO_DAMAGES[words]
    content = coco_content()
    damage(content)
    file = save_coco(tmp_path, content)
    with pytest.raises(DatasetError) as caught:
        read_coco_file(file)
    assert words in str(caught.value)
    assert "--on-bad-photo drop" in str(caught.value)
    assert read_coco_file(file, on_bad_photo="drop").image_ids == kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d["annotations"][0].update(image_id=None),
        lambda d: d["annotations"].append(None),
        lambda d: d["categories"].append({"id": 2, "name": "cow"}),
        lambda d: d["categories"].append({"id": 3}),
    ],
)
def test_what_may_concern_any_photo_cannot_be_left_out(tmp_path, damage):
    content = coco_content()
    damage(content)
    with pytest.raises(DatasetError, match=r"some\.json") as caught:
        read_coco_file(save_coco(tmp_path, content), on_bad_photo="drop")
    assert "--on-bad-photo" not in str(caught.value)


def test_bad_boxes_and_bad_photos_are_named_together_with_both_ways_out(tmp_path):
    make_voc(tmp_path, {"a": XML, "b": XML, "c": annotation_xml(object_xml(), object_xml(box=(5, 5, 5, 5)))})
    break_photo(tmp_path)
    with pytest.raises(DatasetError, match="2 problem") as caught:
        VOCDataset(tmp_path, "train")
    assert "(--on-bad-box drop --on-bad-photo drop)" in str(caught.value)
    report = check_dataset(tmp_path)
    assert not report.ok
    assert report.mends == ("on_bad_box", "on_bad_photo")
    dropped = check_dataset(tmp_path, on_bad_box="drop", on_bad_photo="drop")
    assert dropped.ok
    assert [problem.action for problem in dropped.problems] == ["dropped", "dropped"]


def test_nothing_is_advised_that_would_leave_nothing(tmp_path):
    make_voc(tmp_path, {"a": XML})
    break_photo(tmp_path)
    with pytest.raises(DatasetError) as caught:
        VOCDataset(tmp_path, "train")
    assert "--on-bad-photo" not in str(caught.value)
    assert check_dataset(tmp_path).mends == ()
    with pytest.raises(DatasetError, match="nothing to work with"):
        VOCDataset(tmp_path, "train", on_bad_photo="drop")


def test_no_photo_and_no_object_is_a_problem(tmp_path):
    make_voc(tmp_path / "empty", {"a": annotation_xml()})
    make_voc(tmp_path / "none", {}, {"train": "\n"})
    (tmp_path / "none" / "ImageSets" / "Main" / "train.txt").unlink()
    for folder, words in (("empty", r"no object is marked in its 1 photo"), ("none", "no photo in it")):
        report = check_dataset(tmp_path / folder)
        assert [problem.kind for problem in report.problems] == ["nothing"]
        assert not report.ok
        with pytest.raises(DatasetError, match=words):
            open_dataset(tmp_path / folder, None)
    file = save_coco(tmp_path, {"images": [], "annotations": [], "categories": []})
    assert [problem.kind for problem in check_dataset(file).problems] == ["nothing"]
    content = coco_content()
    content["annotations"] = []
    file = save_coco(tmp_path, content)
    with pytest.raises(DatasetError, match=r"no object is marked in its 3 photo"):
        open_dataset(file, None)
    assert len(read_coco_file(file)) == 3  # in Python, photos alone are a data set


ROBOFLOW = [
    {"id": 0, "name": "pets", "supercategory": "none"},
    {"id": 1, "name": "cat", "supercategory": "pets"},
    {"id": 2, "name": "dog", "supercategory": "pets"},
]


@pytest.mark.parametrize("root", ["pets", "cat"])
def test_the_unused_root_above_all_categories_is_no_class(tmp_path, root):
    content = coco_content()
    content["categories"] = [{**c, "supercategory": root} for c in ROBOFLOW]
    content["categories"][0] = {"id": 0, "name": root, "supercategory": "none"}
    file = save_coco(tmp_path, content)
    dataset = read_coco_file(file)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.category_ids == (1, 2)
    report = check_dataset(file)
    assert report.ok
    assert f"remark: category {root!r} (id 0) is left out" in report.text()


def test_a_root_that_objects_have_is_a_class(tmp_path):
    content = coco_content()
    content["categories"] = ROBOFLOW
    content["annotations"][0]["category_id"] = 0
    assert read_coco_file(save_coco(tmp_path, content)).class_names == ("pets", "cat", "dog")


def test_other_unused_categories_remain_classes(tmp_path):
    content = coco_content()
    content["categories"].insert(0, {"id": 0, "name": "cow", "supercategory": "none"})
    assert read_coco_file(save_coco(tmp_path, content)).class_names == ("cow", "cat", "dog")


def test_two_used_categories_of_one_name_are_refused_with_both_ids(tmp_path):
    content = coco_content()
    content["categories"][1]["name"] = " cat "
    with pytest.raises(DatasetError, match="the categories 1, 2 have the same name 'cat'"):
        read_coco_file(save_coco(tmp_path, content))


def test_an_unknown_policy_is_refused(tmp_path):
    make_voc(tmp_path, {"a": XML})
    with pytest.raises(ValueError, match="on_bad_photo must be 'error' or 'drop', got 'skip'"):
        VOCDataset(tmp_path, "train", on_bad_photo="skip")


def test_objects_marked_twice_are_remarked(tmp_path):
    make_voc(tmp_path, {"a": annotation_xml(object_xml(), object_xml(), object_xml("dog"))})
    report = check_dataset(tmp_path)
    assert report.ok
    assert "2 objects are marked more than once" in report.remarks[0]
    assert "a.xml, object 0 (cat) for one" in report.remarks[0]


def test_classes_that_differ_in_case_only_are_remarked(tmp_path):
    make_voc(tmp_path, {"a": annotation_xml(object_xml("Cat"), object_xml("cat"), object_xml("dog"))})
    assert check_dataset(tmp_path).remarks == (
        "the classes 'Cat', 'cat' differ in case only, and count as 2",
    )


def test_a_list_of_photos_without_objects_is_a_problem(tmp_path):
    make_voc(tmp_path, {"a": XML, "b": annotation_xml()}, {"train": "a", "val": "b"})
    report = check_dataset(tmp_path)
    assert [str(problem) for problem in report.problems] == [
        f"{tmp_path.name}, list val: no object is marked in the photos of this list"
    ]
    assert not report.ok
    assert report.mends == ()


@pytest.mark.parametrize(
    ("name", "payload", "words"),
    [
        ("a.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.HEIC: .*HEIC, as iPhones write it; export"),
        ("a.dng", b"II*\0", "a.dng: is a camera's raw file; develop it"),
    ],
)
def test_what_lies_in_the_place_of_a_photo_is_named(tmp_path, name, payload, words):
    make_voc(tmp_path, {"a": XML, "b": XML})
    (tmp_path / "JPEGImages" / "a.png").unlink()
    (tmp_path / "JPEGImages" / name).write_bytes(payload)
    with pytest.raises(DatasetError, match=f"a.jpg: no such photo, but {words}"):
        VOCDataset(tmp_path, "train")
