"""Names and text of other systems: byte order marks, Windows paths, blanks, accents, other cases."""

import json
import os
import unicodedata

import pytest
from coco_file import coco_content, read_coco_file, save_coco, truth_of
from voc_folder import annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset

XML = annotation_xml(object_xml())
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_lists_of_any_system(tmp_path, encoding, end):
    make_voc(tmp_path, {"a": XML, "b": XML})
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_bytes(end.join(["b", "a", ""]).encode(encoding))
    assert VOCDataset(tmp_path, "train").image_ids == ("b", "a")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_coco_files_of_any_system(tmp_path, encoding):
    content = coco_content()
    content["categories"][0]["name"] = "Kätzchen"
    file = save_coco(tmp_path, content)
    file.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    assert read_coco_file(file).class_names == ("Kätzchen", "dog")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_annotations_of_any_system(tmp_path, encoding):
    make_voc(tmp_path, {"a": XML})
    (tmp_path / "Annotations" / "a.xml").write_bytes(XML.replace("cat", "Kätzchen").encode(encoding))
    assert VOCDataset(tmp_path, "train").class_names == ("Kätzchen",)


def test_text_in_no_known_encoding_is_named(tmp_path):
    make_voc(tmp_path, {"a": XML})
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_bytes("Kätzchen\n".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"train\.txt: is no UTF-8 text.*save it as UTF-8"):
        VOCDataset(tmp_path, "train")
    file = save_coco(tmp_path, coco_content())
    file.write_bytes(file.read_bytes().replace(b"cat", b"k\xe4t"))
    with pytest.raises(DatasetError, match=r"some\.json: is no UTF-8 text"):
        read_coco_file(file)


@pytest.mark.parametrize(
    "line",
    [
        "my photo",
        "  my photo\t",
        "my photo  -1",
        "my photo 1",
        "my photo.png",
        "my photo.JPG 0",
        "my photo.xml",
        "JPEGImages/my photo.png",
        "./data/obj/my photo.png",
        "C:\\data\\obj\\my photo.png",
        "VOC2007\\JPEGImages\\my photo.png",
        '"my photo.png"',
        "MY PHOTO",
    ],
)
def test_a_line_of_a_list_names_a_photo_in_many_ways(tmp_path, line):
    make_voc(tmp_path, {"my photo": XML, "other": XML}, {"train": f"# of the first day\n{line}\n"})
    assert VOCDataset(tmp_path, "train").image_ids == ("my photo",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("gone", "gone"), ("gone -1", "gone"), ("x/gone.png", "gone"), ("gone far", "gone")],
)
def test_a_line_that_names_no_photo_is_reported(tmp_path, line, expected):
    make_voc(tmp_path, {"a": XML}, {"train": f"a\n{line}\n"})
    with pytest.raises(DatasetError, match=rf"Annotations/.*{expected}\.xml: no such file"):
        VOCDataset(tmp_path, "train")
    assert VOCDataset(tmp_path, "train", on_bad_photo="drop").image_ids == ("a",)


def test_flags_of_class_lists_do_not_leave_photos_out(tmp_path):
    make_voc(tmp_path, {"a": XML, "b": XML, "1": XML}, {"cat_train": "a  1\nb -1\n1 0\n"})
    assert VOCDataset(tmp_path, "cat_train").image_ids == ("a", "b", "1")


def test_accents_are_found_however_they_are_encoded(tmp_path):
    composed, apart = (unicodedata.normalize(form, "Übung é") for form in ("NFC", "NFD"))
    make_voc(tmp_path, {apart: XML}, {"train": composed})
    assert len(VOCDataset(tmp_path, "train")) == 1
    content = coco_content()
    content["images"][0]["file_name"] = f"{composed}.png"
    file = save_coco(tmp_path, content)
    (tmp_path / "1.png").rename(tmp_path / f"{apart}.png")
    assert len(read_coco_file(file)) == 3


@pytest.mark.parametrize(
    "name",
    [
        "./1.png",
        ".\\1.png",
        "1.PNG",
        "images/1.png",
        "images\\1.png",
        "set/images/1.png",
        "C:\\users\\me\\set\\images\\1.png",
        "D:/set/1.png",
        "\\\\server\\share\\1.png",
        "../images/1.png",
        "sub/../1.png",
    ],
)
def test_a_file_name_of_another_system_is_found(tmp_path, name):
    folder = tmp_path / "set" / "images"
    folder.mkdir(parents=True)
    plain = truth_of(read_coco_file(save_coco(folder, coco_content())))
    content = coco_content()
    content["images"][0]["file_name"] = name
    dataset = read_coco_file(save_coco(folder, content))
    assert truth_of(dataset) == plain
    assert dataset.path(0) == folder / "1.png"


def test_an_absolute_path_inside_the_folder_is_found(tmp_path):
    content = coco_content()
    content["images"][0]["file_name"] = str(tmp_path / "1.png")
    assert len(read_coco_file(save_coco(tmp_path, content))) == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../1.png", "leads out of the photo folder"),
        ("..\\..\\label-studio\\media\\1.png", "leads out of the photo folder"),
        ("/etc/1.png", "leads out of the photo folder"),
        ("a/../../1.png", "leads out of the photo folder"),
        ("../../media/upload/4/2.png", "write '2.png', which is there"),
        ("%31.png", "undo the %-encoding"),
        ("https://images.example/1.png", "is an address; download the photo"),
        ("other/1.png", "no such photo"),
        ("1", "no such photo"),
        (".", "no such photo"),
        ("x" * 5000, "no such photo"),
    ],
)
def test_a_file_name_that_leads_nowhere_or_out_is_named(tmp_path, name, words):
    content = coco_content()
    content["images"][0]["file_name"] = name
    (tmp_path / "in").mkdir()
    (tmp_path / "1.png").write_bytes(b"")
    file = save_coco(tmp_path / "in", content)
    with pytest.raises(DatasetError, match=rf"image id 1, entry 0 of 'images'\): .*{words}"):
        read_coco_file(file)
    assert read_coco_file(file, on_bad_photo="drop").image_ids == ("2", "3")


def test_names_that_differ_in_case_only_are_two_photos(tmp_path):
    content = coco_content()
    content["images"][0]["file_name"] = "A.png"
    content["images"][1]["file_name"] = "a.png"
    file = save_coco(tmp_path, content)
    (tmp_path / "1.png").rename(tmp_path / "A.png")
    (tmp_path / "2.png").rename(tmp_path / "a.png")
    dataset = read_coco_file(file)
    assert [dataset.path(i).name for i in range(2)] == ["A.png", "a.png"]


def test_photos_in_another_folder_are_one_problem_with_the_mend(tmp_path):
    file = save_coco(tmp_path, coco_content())
    (tmp_path / "elsewhere").mkdir()
    report = check_dataset(file, image_folder=tmp_path / "elsewhere")
    assert [p.kind for p in report.problems] == ["missing"]
    assert "none of its 3 photos lies in" in str(report.problems[0])
    assert "--images" in str(report.problems[0])


def test_file_names_in_no_encoding_are_printed_in_escapes(tmp_path):
    make_voc(tmp_path, {"a": XML})
    strange = os.fsdecode(b"k\xe4tzchen")
    for folder, ending in (("JPEGImages", ".png"), ("Annotations", ".xml")):
        try:
            (tmp_path / folder / f"{strange}{ending}").write_text("broken")
        except OSError:
            pytest.skip("this file system keeps to UTF-8")
    report = check_dataset(tmp_path)
    assert len(report.problems) == 2
    assert "k\\udce4tzchen.xml" in report.text()
    assert report.text().encode("utf-8")


@pytest.mark.parametrize("name", [" a", "a "])
def test_blanks_at_the_ends_of_a_name_belong_to_it(tmp_path, name):
    make_voc(tmp_path, {name: XML, "b": XML}, {"train": f"{name}\nb\n"})
    assert VOCDataset(tmp_path, "train").image_ids == (name, "b")
    content = coco_content()
    content["images"][0]["file_name"] = f" {name}.png"
    file = save_coco(tmp_path, content)
    (tmp_path / "1.png").rename(tmp_path / f" {name}.png")
    assert read_coco_file(file).path(0).name == f" {name}.png"


@pytest.mark.parametrize("written", ["photos/{}.png", "{}", "{}.jpg", "%3{}.png"])
def test_names_that_are_nearly_those_of_the_photos_are_told_one_by_one(tmp_path, written):
    content = coco_content()
    for image in content["images"]:
        image["file_name"] = written.format(image["id"])
    with pytest.raises(DatasetError, match=r"but there is '1\.png'") as refusal:
        read_coco_file(save_coco(tmp_path, content))
    assert "--images" not in str(refusal.value)
