"""A field means the same whatever type a tool wrote it in, in VOC and in COCO."""

import json
import math

import pytest
from coco_file import coco_content, read_coco_file, save_coco, truth_of
from voc_folder import annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset, fields
from minircnn.data.fields import MISSING, FieldError


@pytest.mark.parametrize(
    ("read", "values", "means"),
    [
        (fields.number, [7, 7.0, "7", " 7.0 ", "+7", "7e0", "07"], 7.0),
        (fields.whole, [480, 480.0, "480", "480.0", "4.8e2"], 480),
        (fields.pixels, [0, 0.0, "0", -1, "-1", "", None, MISSING], None),
        (fields.flag, [0, 0.0, False, "0", "false", "FALSE", "", "Unspecified", None, MISSING], False),
        (fields.flag, [1, 1.0, True, "1", "true", "True"], True),
        (fields.identity, [3, 3.0, "3", " 3 "], 3),
        (fields.identity, ["03"], "03"),
        (fields.identity, ["ckr0z"], "ckr0z"),
        (fields.area, [None, MISSING], None),
        (fields.class_name, [5, "5", " 5 "], "5"),
    ],
)
def test_what_has_one_meaning_is_read(read, values, means):
    found = [read(value, "field") for value in values]
    assert found == [means] * len(values)
    assert {type(value) for value in found} == {type(means)}


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (fields.number, ["ten", "1_0", "1,5", "", "0x1", "１２", True, None, MISSING, [1], {}]),
        (fields.whole, [1.5, "1.5", math.inf, math.nan, "1e400"]),
        (fields.pixels, [-2, "-480", math.inf, True, [480], "480px"]),
        (fields.flag, [2, -1, "2", "no", "yes", math.nan, [0], {}]),
        (fields.identity, [None, MISSING, True, 1.5, math.inf, "", [1], {}]),
        (fields.text, [None, MISSING, "", " ", 5, True, ["a"], "\ud800", "a\0b", "a\nb"]),
        (fields.area, [math.nan, math.inf, -1, "large", True, [4]]),
        (fields.box, [None, MISSING, 4, "1 2 3 4", [1, 2, 3], [1, 2, 3, None], [1, 2, 3, [4]], {"x": 1}]),
    ],
)
def test_what_has_none_is_refused_by_the_name_of_the_field(read, values):
    for value in values:
        with pytest.raises(FieldError, match="height"):
            read(value, "height")


def test_a_whole_number_of_any_length_is_infinite_as_a_number():
    assert fields.number(10**400, "x") == math.inf
    assert fields.number(-(10**400), "x") == -math.inf


def test_long_and_nested_values_are_quoted_shortened():
    nested = []
    for _ in range(500):
        nested = [nested]
    for value in ("a" * 9999, 10**400, nested, {"a": nested}):
        assert len(fields.shown(value)) < 80
    assert [fields.shown(v) for v in (None, True, False)] == ["null", "true", "false"]


WAYS = {
    "ids as text": lambda d: [a.update(image_id=str(a["image_id"])) for a in d["annotations"]],
    "ids as floats": lambda d: [i.update(id=float(i["id"])) for i in d["images"]],
    "categories as text": lambda d: [c.update(id=str(c["id"])) for c in d["categories"]],
    "crowds as text": lambda d: [a.update(iscrowd=str(a["iscrowd"])) for a in d["annotations"]],
    "crowds as words": lambda d: [a.update(iscrowd=bool(a["iscrowd"])) for a in d["annotations"]],
    "sizes as text": lambda d: [i.update(height="60", width="80.0") for i in d["images"]],
    "sizes as floats": lambda d: [i.update(height=60.0, width=80.0) for i in d["images"]],
    "sizes of null": lambda d: [i.update(height=None, width=None) for i in d["images"]],
    "sizes of -1, as VIA writes": lambda d: [i.update(height=-1, width=-1) for i in d["images"]],
    "sizes of 0": lambda d: [i.update(height=0, width=0) for i in d["images"]],
    "no sizes": lambda d: [(i.pop("height"), i.pop("width")) for i in d["images"]],
    "boxes as text": lambda d: [a.update(bbox=[str(v) for v in a["bbox"]]) for a in d["annotations"]],
    "one annotation twice": lambda d: d["annotations"].insert(1, dict(d["annotations"][0])),
    "one category twice": lambda d: d["categories"].append(dict(d["categories"][0])),
    "more than is needed": lambda d: d.update(info=None, licenses=[], type="instances"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_coco_file_written_otherwise_is_the_same_data_set(tmp_path, way):
    plain = read_coco_file(save_coco(tmp_path, coco_content()))
    content = coco_content()
    WAYS[way](content)
    other = read_coco_file(save_coco(tmp_path, content))
    assert truth_of(other) == truth_of(plain)
    assert truth_of(plain)[0][3] == [False, True]
    assert other.class_names == plain.class_names
    assert other.category_ids == plain.category_ids


ODD = [None, True, 5, 1.5, "text", [], [1], {}, float("nan"), float("inf"), -1, 10**400, "\ud800", "a\0b"]
PLACES = [
    ("images",),
    ("annotations",),
    ("categories",),
    *[("images", 1), ("annotations", 1), ("categories", 1)],
    *[("images", 1, field) for field in ("id", "file_name", "height", "width")],
    *[("annotations", 1, field) for field in ("image_id", "category_id", "bbox", "iscrowd", "area")],
    *[("annotations", 1, "bbox", 2), ("categories", 1, "id"), ("categories", 1, "name")],
]


def put(content, place, value):
    for key in place[:-1]:
        content = content[key]
    content[place[-1]] = value


@pytest.mark.parametrize("place", PLACES, ids=lambda place: "/".join(map(str, place)))
def test_whatever_stands_in_a_coco_file_is_read_or_named(tmp_path, place):
    file = save_coco(tmp_path, coco_content())
    messages = []
    for value in ODD:
        content = coco_content()
        put(content, place, value)
        file.write_text(json.dumps(content))
        try:
            assert len(read_coco_file(file)) == 3
        except DatasetError as error:
            messages.append(str(error))
    assert len(messages) >= 5
    assert all("some" in message and message.encode("utf-8") for message in messages)


def test_every_malformed_entry_is_named_by_file_position_and_field(tmp_path):
    content = coco_content()
    content["images"][0]["height"] = [60]
    content["images"].append(None)
    content["annotations"][2]["bbox"] = [1, 2, "x", 4]
    content["annotations"][4]["iscrowd"] = "maybe"
    content["annotations"].append(7)
    content["categories"][1].pop("name")
    with pytest.raises(DatasetError) as caught:
        read_coco_file(save_coco(tmp_path, content))
    message = str(caught.value)
    for words in (
        "some.json (image id 1, entry 0 of 'images'): height is [60], not a number",
        "some.json (entry 3 of 'images'): the entry is null",
        "some.json (annotation id 21), object 2 (cat): bbox[2] is 'x', not a number",
        "some.json (annotation id 31), object 4 (cat): iscrowd is 'maybe', not 0 or 1",
        "some.json (entry 6 of 'annotations'), object 6: the entry is 7",
        "there is no name",
    ):
        assert words in message


def test_the_area_of_coco_is_kept_and_a_missing_one_is_that_of_the_box(tmp_path):
    content = coco_content()
    content["annotations"][0].pop("area")
    areas = read_coco_file(save_coco(tmp_path, content)).annotations(0).areas
    assert areas.tolist() == [20.5 * 30, 400.5]


def test_annotations_of_one_id_are_all_taken_and_remarked(tmp_path):
    content = coco_content()
    for annotation in content["annotations"]:
        annotation["id"] = 0
    file = save_coco(tmp_path, content)
    assert [len(read_coco_file(file).annotations(i)) for i in range(3)] == [2, 2, 2]
    report = check_dataset(file)
    assert report.ok
    assert "5 annotation(s) have the id of another" in report.remarks[0]


def test_ids_that_differ_in_type_only_are_one_id(tmp_path):
    content = coco_content()
    content["images"][1]["id"] = "1"
    with pytest.raises(DatasetError, match="two images have the same id 1"):
        read_coco_file(save_coco(tmp_path, content))


def test_ids_of_text_and_number_may_stand_side_by_side(tmp_path):
    content = coco_content()
    content["images"][1]["id"] = "second"
    content["categories"][1]["id"] = "d"
    for annotation in content["annotations"]:
        annotation["image_id"] = "second" if annotation["image_id"] == 2 else annotation["image_id"]
        annotation["category_id"] = "d" if annotation["category_id"] == 2 else 1
    dataset = read_coco_file(save_coco(tmp_path, content))
    assert dataset.image_ids == ("1", "second", "3")
    assert dataset.category_ids == (1, "d")
    assert [len(dataset.annotations(i)) for i in range(3)] == [2, 2, 2]


def test_a_key_said_twice_is_read_if_it_says_the_same(tmp_path):
    text = json.dumps(coco_content())
    same = text.replace('"iscrowd": 0', '"iscrowd": 0, "iscrowd": 0', 1)
    assert len(read_coco_file(save_coco(tmp_path, same))) == 3
    other = text.replace('"iscrowd": 0', '"iscrowd": 0, "iscrowd": 1', 1)
    with pytest.raises(DatasetError, match="the entry with id 11 says 'iscrowd' twice, differently"):
        read_coco_file(save_coco(tmp_path, other))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "lists within lists"),
        ("1" * 5000, "cannot be read as JSON"),
        ('{"images": [], "categories": []}', "no list 'annotations': files of a test set"),
        ('{"images": {}, "annotations": [], "categories": []}', r"'images' is \{\}, not a list"),
        (
            '{"images": [NaN], "annotations": [], "categories": []}',
            r"entry 0 of 'images'\): the entry is nan",
        ),
    ],
)
def test_json_that_cannot_be_used_is_named(tmp_path, text, words):
    with pytest.raises(DatasetError, match=rf"some\.json.*{words}"):
        read_coco_file(save_coco(tmp_path, text))


def test_only_outlines_and_no_boxes(tmp_path):
    content = coco_content()
    content["annotations"][0].update(bbox=None, segmentation=[[1, 2, 3, 4, 5, 6]])
    with pytest.raises(DatasetError, match="only a segmentation; export boxes"):
        read_coco_file(save_coco(tmp_path, content))


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (annotation_xml(object_xml(difficult=2)), "difficult flag: '2' is neither 0 nor 1"),
        (annotation_xml(object_xml(), width="inf"), "width is 'inf', not a whole number"),
        (annotation_xml(object_xml(), width="-80"), "width is '-80'"),
        (annotation_xml(object_xml(box=("1,5", 2, 30, 40))), "xmin is '1,5'"),
        (
            annotation_xml(object_xml().replace("<name>", "<name>dog</name><name>")),
            "elements <name> that differ",
        ),
        (
            annotation_xml(object_xml().replace("<bndbox>", "<bndbox><xmin>1</xmin></bndbox><bndbox>")),
            "2 elements <bndbox> that differ",
        ),
        (
            annotation_xml("<object><name>a</name><polygon><pt/></polygon></object>"),
            "no bndbox, only a <polygon>",
        ),
        (
            f"<annotation><size/><objects>{object_xml()}</objects></annotation>",
            "element <objects> is unknown",
        ),
        (f"<annotation><size/><x>{object_xml()}</x></annotation>", "objects inside other elements"),
        (annotation_xml(object_xml().replace("object>", "item>")), "<bndbox> that belongs to no <object>"),
        (annotation_xml(object_xml(difficult=1).replace("difficult>", "Difficult>")), "VOC's is <difficult>"),
        ("<annotation/>", "nothing of VOC in it"),
    ],
)
def test_a_field_of_voc_that_cannot_be_read_is_named(tmp_path, xml, words):
    make_voc(tmp_path, {"x": xml, "y": annotation_xml(object_xml())})
    with pytest.raises(DatasetError, match=rf"x\.xml.*{words}"):
        VOCDataset(tmp_path, "train")
    assert VOCDataset(tmp_path, "train", on_bad_photo="drop").image_ids == ("y",)


@pytest.mark.parametrize(
    "xml",
    [
        annotation_xml(object_xml(difficult="Unspecified")),
        annotation_xml(object_xml(difficult="False")),
        annotation_xml(object_xml(box=("10.0", " 20 ", "3e1", "+40"))),
        annotation_xml(object_xml(), height=0, width=0),
        annotation_xml(object_xml(), height="", width=""),
        annotation_xml(object_xml(), height="60.0", width="80.00"),
        annotation_xml(object_xml().replace("<name>cat</name>", "<name>cat</name><name> cat </name>")),
        annotation_xml(object_xml()).replace("<annotation>", '<annotation xmlns="urn:voc" xmlns:a="urn:a">'),
        annotation_xml(object_xml()).replace("<size>", "<!-- by hand --><?some tool?><size>"),
        annotation_xml(object_xml()).replace("annotation>", "Annotation>"),
    ],
)
def test_a_voc_file_written_otherwise_is_the_same_data_set(tmp_path, xml):
    make_voc(tmp_path, {"x": xml})
    assert truth_of(VOCDataset(tmp_path)) == [("x", [[9, 19, 30, 40]], [1], [False], 60, 80)]


@pytest.mark.parametrize("encoding", ["foo", "utf-7", "idna", "hex", "unicode_escape", "rot13"])
def test_an_encoding_that_xml_does_not_know_is_a_problem_of_the_file(tmp_path, encoding):
    make_voc(tmp_path, {"x": f'<?xml version="1.0" encoding="{encoding}"?>{annotation_xml(object_xml())}'})
    assert [problem.kind for problem in check_dataset(tmp_path).problems] == ["unreadable"]


def test_an_encoding_of_several_bytes_is_named_with_the_mend(tmp_path):
    make_voc(tmp_path, {"x": f'<?xml version="1.0" encoding="gb2312"?>{annotation_xml(object_xml())}'})
    with pytest.raises(DatasetError, match=r"x\.xml: .*multi-byte.*; save it as UTF-8"):
        VOCDataset(tmp_path, "train")


def test_a_number_of_thousands_of_digits_is_refused_without_advice_for_programmers(tmp_path):
    with pytest.raises(
        DatasetError, match=r"some\.json: cannot be read as JSON \(Exceeds the limit"
    ) as refusal:
        read_coco_file(save_coco(tmp_path, '{"images": [' + "9" * 5000 + "]}"))
    assert "sys." not in str(refusal.value)


def test_a_category_that_cannot_be_read_is_called_one(tmp_path):
    content = coco_content()
    content["categories"].append({"id": 99})
    with pytest.raises(DatasetError, match=r"\(category id 99\): there is no name"):
        read_coco_file(save_coco(tmp_path, content))


def test_one_rule_of_rounding_for_both_formats(tmp_path):
    (tmp_path / "voc").mkdir()
    make_voc(tmp_path / "voc", {"x": annotation_xml(object_xml(box=(0.98, 1, 80.03, 60.04)))})
    assert VOCDataset(tmp_path / "voc").annotations(0).boxes.tolist() == [[0, 0, 80, 60]]
    content = coco_content()
    content["annotations"][0]["bbox"] = [-0.02, 0, 80.05, 60.04]
    dataset = read_coco_file(save_coco(tmp_path, content))
    assert dataset.annotations(0).boxes[0].tolist() == [0, 0, 80, 60]
    assert dataset.problems == ()
