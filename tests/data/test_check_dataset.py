import json

import numpy as np
import pytest
from voc_folder import annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, Scenes, VOCDataset, check_dataset
from minircnn.data.opening import open_dataset
from minircnn.imaging import write_image


@pytest.fixture
def voc(tmp_path):
    files = {
        "a": annotation_xml(object_xml("dog", (1, 1, 20, 10)), object_xml("cat", difficult=1)),
        "b": annotation_xml(),
        "c": annotation_xml(object_xml("cat", (5, 5, 5, 5)), object_xml("cat", (1, 1, 30, 40))),
    }
    return make_voc(tmp_path / "mine", files, {"train": "a\nb", "test": "c"})


def test_counts_and_sizes(voc):
    report = check_dataset(voc, split="train")
    assert report.ok
    assert (report.name, report.images, report.objects, report.images_without_objects) == ("mine", 2, 2, 1)
    assert report.splits == {"train": 2}
    assert [(c.name, c.objects, c.difficult, c.images) for c in report.classes] == [
        ("cat", 1, 1, 1),
        ("dog", 1, 0, 1),
    ]
    assert (report.box_width.smallest, report.box_width.largest) == (20, 21)
    assert (report.box_height.smallest, report.box_height.largest) == (10, 21)
    assert report.box_aspect.largest == 2
    assert report.objects_per_image.median == 1
    assert "no problems" in report.text()


def test_all_splits_are_checked_and_problems_do_not_raise(voc):
    report = check_dataset(voc)
    assert not report.ok
    assert report.droppable
    assert (report.images, report.objects) == (3, 3)
    assert [p.kind for p in report.problems] == ["one-pixel"]
    assert "c.xml, object 0 (cat): [5, 5, 5, 5]" in report.text()


def test_files_beyond_repair_are_not_droppable(voc):
    (voc / "Annotations" / "b.xml").write_text("<broken")
    report = check_dataset(voc)
    assert not report.droppable
    assert {p.kind for p in report.problems} == {"unreadable", "one-pixel"}
    assert report.images == 2


def test_lists_that_share_or_repeat_photos(voc):
    (voc / "ImageSets" / "Main" / "test.txt").write_text("c\nc\na")
    kinds = [p.kind for p in check_dataset(voc).problems]
    assert kinds.count("leak") == kinds.count("duplicate") == 1
    (voc / "ImageSets" / "Main" / "test.txt").rename(voc / "ImageSets" / "Main" / "trainval.txt")
    assert "leak" not in [p.kind for p in check_dataset(voc).problems]
    (voc / "ImageSets" / "Main" / "trainval.txt").rename(voc / "ImageSets" / "Main" / "Valid.txt")
    assert "leak" in [p.kind for p in check_dataset(voc).problems]


def test_a_list_that_names_nothing_is_one_problem_of_many(voc):
    lists = voc / "ImageSets" / "Main"
    (lists / "test.txt").write_text("\n")
    (lists / "val.txt").write_bytes(b"a\n\xff\n")
    report = check_dataset(voc)
    assert report.images > 0
    found = {p.file: p.message for p in report.problems if p.kind == "unreadable"}
    assert found[str(lists / "test.txt")] == "lists no photo"
    assert "no UTF-8 text" in found[str(lists / "val.txt")]


def test_classes_that_look_alike_are_told_apart(tmp_path):
    names = ["\u00e9", "e\u0301"]
    make_voc(tmp_path, {"a": annotation_xml(*map(object_xml, names))})
    (remark,) = check_dataset(tmp_path).remarks
    assert "differ in the encoding of accents only" in remark
    assert r"'\xe9', 'e\u0301'" in remark or r"'e\u0301', '\xe9'" in remark


def test_a_folder_of_photos_is_not_passed_over(voc):
    for attempt in (
        lambda: check_dataset(voc, image_folder=voc),
        lambda: open_dataset(voc, "train", images=voc),
        lambda: open_dataset("scenes", "val", images=voc),
    ):
        with pytest.raises(DatasetError, match=r"brings its own photos; .*\(--images\) is for COCO files"):
            attempt()


def test_class_outside_the_given_ones(voc):
    report = check_dataset(voc, split="train", class_names=["cat"])
    assert [p.kind for p in report.problems] == ["class"]
    assert report.objects == 1


@pytest.mark.parametrize("decode", [False, True])
def test_truncated_photo_is_found_when_photos_are_decoded(voc, decode):
    file = voc / "JPEGImages" / "a.png"
    write_image(file, np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))
    file.write_bytes(file.read_bytes()[:3000])
    report = check_dataset(voc, split="train", decode_photos=decode)
    assert report.ok is not decode
    if decode:
        assert "a.png" in str(report.problems[0])


def test_json_of_a_report_with_nan(voc):
    (voc / "Annotations" / "b.xml").write_text(annotation_xml(object_xml(box=("nan", 1, 2, 3))))
    record = json.loads(json.dumps(check_dataset(voc).to_dict(), allow_nan=False))
    assert record["ok"] is False
    assert record["classes"][0]["name"] == "cat"
    assert sorted(p["kind"] for p in record["problems"]) == ["not finite", "one-pixel"]
    assert "nan" in [p["box"][0] for p in record["problems"]]


def test_long_lists_of_problems_are_cut(voc):
    (voc / "Annotations" / "b.xml").write_text(annotation_xml(*[object_xml(box=(5, 5, 5, 5))] * 30))
    text = check_dataset(voc).text(most=5)
    assert "31 problem(s)" in text
    assert "and 26 more" in text


def test_scenes_are_sound():
    report = check_dataset(Scenes("val", count=30), decode_photos=True)
    assert report.ok
    assert report.images == 30
    assert len(report.classes) == 10
    assert report.splits == {}


def test_made_data_set_reports_what_it_dropped(voc):
    report = check_dataset(VOCDataset(voc, "test", on_bad_box="drop"))
    assert [p.action for p in report.problems] == ["dropped"]


def test_coco_file(tmp_path):
    write_image(tmp_path / "a.png", np.zeros((60, 80, 3), np.uint8))
    file = tmp_path / "small.json"
    image = {"id": 1, "file_name": "a.png", "height": 60, "width": 80}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [3, 4, 0, 9]}
    categories = [{"id": 1, "name": "cat"}]
    file.write_text(json.dumps({"images": [image], "annotations": [box], "categories": categories}))
    report = check_dataset(file)
    assert (report.name, report.images, report.objects) == ("small", 1, 0)
    assert [p.kind for p in report.problems] == ["empty"]


def test_no_data_at_all(tmp_path):
    with pytest.raises(DatasetError, match="no Annotations folder"):
        check_dataset(tmp_path)


def test_real_blood_cells(shared_data):
    report = check_dataset(shared_data / "BCCD")
    assert (report.images, report.objects) == (364, 4886)
    assert [p.kind for p in report.problems] == ["one-pixel", "one-pixel"]
    assert report.droppable
