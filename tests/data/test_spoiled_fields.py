"""Whatever is damaged in a sound data set: it is the same data set still, or a problem names the place."""

import copy
import json
import math
from xml.etree import ElementTree

import pytest
from coco_file import coco_content, read_coco_file, save_coco, truth_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from voc_folder import annotation_xml, make_voc, object_xml

from minircnn.data import DatasetError, VOCDataset, check_dataset

FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
OPTIONAL = ("iscrowd", "area", "difficult", "height", "width", "size", "filename", "depth")
"""What may be missing without changing what the data set says."""

odd = st.sampled_from(
    [None, True, [], {}, [[]], "x", "", "\0", "ten", "1e", -1, 0.5, math.nan, math.inf, 10**400]
)


def sound_coco():
    content = coco_content()
    for annotation in content["annotations"]:
        annotation.update(iscrowd=0, area=annotation["bbox"][2] * annotation["bbox"][3])
    return content


def places(content, place=()):
    """Yield the place of every field in the three lists."""
    inside = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in inside:
        if len(place) >= 2:
            yield (*place, key)
        if isinstance(value, dict | list):
            yield from places(value, (*place, key))


def retyped(value):
    """Return `value` in another type that means the same, where there is one."""
    if isinstance(value, int):
        return [float(value), str(value)]
    return [str(value)] if isinstance(value, float) else [f" {value} "]


PLACES = list(places(sound_coco()))


def change(content, place, value):
    *way, last = place
    for key in way:
        content = content[key]
    content[last] = value


def lookup(content, place):
    for key in place:
        content = content[key]
    return content


def assert_same_or_named(read, truth, words):
    """Read a damaged data set; `words` are what must stand in the message where it cannot be read."""
    try:
        found = truth_of(read())
    except DatasetError as error:
        message = str(error)
    else:
        assert found == truth
        return
    for word in words:
        assert word in message


@pytest.fixture
def coco(tmp_path):
    file = save_coco(tmp_path, sound_coco())
    return file, truth_of(read_coco_file(file))


@FEW
@given(place=st.sampled_from(PLACES), value=odd)
def test_a_spoiled_field_of_coco(coco, place, value):
    file, truth = coco
    if (place[-1] == "name" and isinstance(value, str)) or (place[-1] == "iscrowd" and value is True):
        return  # another name or flag is another data set
    content = sound_coco()
    if place[-1] in ("id", "image_id", "category_id", "area") or (len(place) == 4 and value in (-1, 0.5)):
        value = None if value in (-1, 0.5) else value  # another number is another data set
    change(content, place, value)
    file.write_text(json.dumps(content))
    # a size that differs and a box that is no box are said in words
    field = "" if place[2] in ("height", "width") or len(place) == 4 else place[2]
    assert_same_or_named(lambda: read_coco_file(file), truth, ["some.json", field])
    report = check_dataset(file)
    assert json.dumps(report.to_dict(), allow_nan=False)


@FEW
@given(place=st.sampled_from([place for place in PLACES if len(place) == 3]))
def test_a_field_of_coco_that_is_gone(coco, place):
    file, truth = coco
    content = sound_coco()
    del lookup(content, place[:-1])[place[-1]]
    file.write_text(json.dumps(content))
    if place[-1] in OPTIONAL or place[::2] == ("annotations", "id"):
        assert truth_of(read_coco_file(file)) == truth
    else:
        with pytest.raises(DatasetError, match=rf"some\.json.*there is no {place[-1]}"):
            read_coco_file(file)


@FEW
@given(place=st.sampled_from([p for p in PLACES if p[-1] != "bbox"]), data=st.data())
def test_a_field_of_coco_in_another_type(coco, place, data):
    file, truth = coco
    content = sound_coco()
    change(content, place, data.draw(st.sampled_from(retyped(lookup(content, place)))))
    file.write_text(json.dumps(content))
    assert truth_of(read_coco_file(file)) == truth


@FEW
@given(cut=st.floats(0, 1, exclude_max=True), encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_a_coco_file_that_ends_early(coco, cut, encoding):
    file, _ = coco
    payload = json.dumps(sound_coco()).encode(encoding)
    file.write_bytes(payload[: int(cut * len(payload))])
    with pytest.raises(DatasetError, match=r"some\.json"):
        read_coco_file(file)


def sound_voc():
    xml = annotation_xml(object_xml("dog", (1, 2, 30, 40)), object_xml("cat", (5.5, 6, 20, 30)))
    return xml.replace("<size>", "<folder>f</folder><filename>a.png</filename><size>")


NODES = [node.tag for node in ElementTree.fromstring(sound_voc()).iter()]


@pytest.fixture
def voc(tmp_path):
    make_voc(tmp_path, {"a": sound_voc(), "b": annotation_xml(object_xml())})
    return tmp_path, truth_of(VOCDataset(tmp_path))


def damaged_voc(number, damage):
    root = ElementTree.fromstring(sound_voc())
    node = list(root.iter())[number]
    parent = {child: parent for parent in root.iter() for child in parent}[node]
    damage(parent, node)
    return ElementTree.tostring(root, encoding="unicode")


def check_damaged_voc(voc, xml, words):
    folder, truth = voc
    (folder / "Annotations" / "a.xml").write_text(xml, "utf-8")
    assert_same_or_named(lambda: VOCDataset(folder), truth, ["a.xml", *words])
    assert json.dumps(check_dataset(folder).to_dict(), allow_nan=False)


@FEW
@given(number=st.integers(1, len(NODES) - 1))
def test_an_element_of_voc_that_is_gone_or_stands_twice(voc, number):
    tag = NODES[number]
    if tag == "object":
        return  # a photo may have any number of objects
    check_damaged_voc(voc, damaged_voc(number, lambda parent, node: parent.append(copy.deepcopy(node))), [])
    words = [] if tag in OPTIONAL else [tag.removesuffix("bndbox")]
    check_damaged_voc(voc, damaged_voc(number, lambda parent, node: parent.remove(node)), words)


@FEW
@given(
    number=st.integers(1, len(NODES) - 1),
    text=st.sampled_from(["", " ", "x", "1_0", "1,5", "nan", "1e999", "-5", "9" * 5000, "<y/>", "None"]),
)
def test_a_spoiled_element_of_voc(voc, number, text):
    def spoil(parent, node):
        node[:] = []
        node.text = text

    if NODES[number] in ("name", "object", "filename") and text.strip():
        return  # another name is another data set
    check_damaged_voc(voc, damaged_voc(number, spoil), [])


@FEW
@given(cut=st.floats(0, 1, exclude_max=True), encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_a_voc_file_that_ends_early(voc, cut, encoding):
    folder, _ = voc
    payload = sound_voc().encode(encoding)
    (folder / "Annotations" / "a.xml").write_bytes(payload[: int(cut * len(payload))])
    with pytest.raises(DatasetError, match=r"a\.xml"):
        VOCDataset(folder)
