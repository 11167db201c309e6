"""Damage leaves the same data set or is named: file, entry and field; nothing changes in silence."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from minircnn.data import COCODataset, DatasetError, VOCDataset, check_dataset
from minircnn.imaging import ImageError

IDS = ("a1", "b2", "c3")
SIZE = (60, 80)  # height, width
OBJECTS = {  # name, x1, y1, x2, y2 half-open, difficult
    "a1": (("cat", 9, 19, 30, 40, 0), ("dog", 0, 0, 80, 60, 1)),
    "b2": (("dog", 4, 5, 44, 55, 0),),
    "c3": (("cat", 10, 10, 20, 50, 1), ("bird", 30, 10, 70, 50, 0)),
}
NO_VALUE = ("abc", "nan", "inf", "1e400", "10,5", "--3", "0x1g", "None", "[1]")
NO_JSON_VALUE = (None, [], {}, "abc", "", True, float("nan"), float("inf"), 10**400, [1], {"a": 1}, -7, 2.5)
ONCE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def write_photo(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=90)


def facts(dataset):
    """Return all that must not change in silence: photos, boxes, classes and flags."""
    photos = []
    for index in range(len(dataset)):
        truth = dataset.annotations(index)
        names = [truth.class_names[label - 1] for label in truth.labels]
        pixels = dataset.image(index).tobytes()
        photos.append((pixels, truth.boxes.tolist(), names, truth.difficult.tolist()))
    return dataset.class_names, photos


def outcome(open_dataset):
    """Return the facts of the data set, or the error that refuses it."""
    try:
        return facts(open_dataset())
    except (DatasetError, ImageError) as error:
        return error


def require_same_or_named(found, sound, *words):
    if isinstance(found, Exception):
        missing = [word for word in words if not any(w in str(found) for w in word.split("|"))]
        assert not missing, f"{found} does not name {missing}"
    else:
        assert found == sound


# --- PASCAL VOC -----------------------------------------------------------------------------------------


def fields_of(image_id):
    """Return the XML of a photo as pairs of a tag and its text, or of a tag and such pairs."""
    objects = [
        (
            "object",
            [
                ("name", name),
                ("difficult", str(difficult)),
                (
                    "bndbox",
                    [("xmin", str(x1 + 1)), ("ymin", str(y1 + 1)), ("xmax", str(x2)), ("ymax", str(y2))],
                ),
            ],
        )
        for name, x1, y1, x2, y2, difficult in OBJECTS[image_id]
    ]
    size = ("size", [("width", str(SIZE[1])), ("height", str(SIZE[0])), ("depth", "3")])
    return [("filename", f"{image_id}.jpg"), size, *objects]


def as_xml(pairs):
    inner = ((tag, as_xml(value) if isinstance(value, list) else value) for tag, value in pairs)
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in inner)


@pytest.fixture(scope="module")
def sound_voc(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound") / "voc"
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / part).mkdir(parents=True)
    for seed, image_id in enumerate(IDS):
        write_photo(root / "JPEGImages" / f"{image_id}.jpg", seed)
        (root / "Annotations" / f"{image_id}.xml").write_text(
            f"<annotation>{as_xml(fields_of(image_id))}</annotation>"
        )
    (root / "ImageSets/Main/train.txt").write_text("".join(f"{i}\n" for i in IDS))
    return root


@pytest.fixture
def voc(sound_voc, tmp_path_factory):
    """Return what makes a fresh copy of the sound folder, for each example anew."""

    def fresh():
        root = tmp_path_factory.mktemp("damaged") / "voc"
        shutil.copytree(sound_voc, root)
        return root

    return fresh


def paths_in(pairs, above=()):
    """Yield where each field stands: a path of positions."""
    for position, (_, value) in enumerate(pairs):
        yield (*above, position)
        if isinstance(value, list):
            yield from paths_in(value, (*above, position))


@ONCE
@given(data=st.data())
def test_a_damaged_field_of_voc_is_the_same_or_named(sound_voc, voc, data):
    image_id = data.draw(st.sampled_from(IDS))
    pairs = copy.deepcopy(fields_of(image_id))
    place = data.draw(st.sampled_from(list(paths_in(pairs))))
    holder = pairs
    for position in place[:-1]:
        holder = holder[position][1]
    tag, value = holder[place[-1]]
    how = data.draw(st.sampled_from(["drop", "repeat", "other", "same"]))
    # the flag may be left out, which says 0; an object that is gone altogether leaves no trace
    assume(not (how == "drop" and (tag == "object" or (tag, value) == ("difficult", "1"))))
    assume(not (how == "repeat" and tag == "object"))  # two equal objects may be meant
    if how == "drop":
        del holder[place[-1]]
    elif how == "repeat":
        other = data.draw(st.sampled_from(["7", "cat"])) if isinstance(value, str) else value
        holder.append((tag, other))
    elif isinstance(value, list) or tag in ("name", "filename", "depth"):
        assume(False)
    elif how == "other":
        holder[place[-1]] = (tag, data.draw(st.sampled_from(NO_VALUE)))
    else:
        form = data.draw(st.sampled_from(["{}.0", " {} ", "\n{}\n", "+{}", "{}e0"]))
        holder[place[-1]] = (tag, form.format(value))
    root = voc()
    (root / "Annotations" / f"{image_id}.xml").write_text(f"<annotation>{as_xml(pairs)}</annotation>")
    inside_object = pairs and place[0] >= 2
    entry = [f"object {place[0] - 2}"] if inside_object else []
    named = {"bndbox": "bndbox|xmin", "size": "size|width"}.get(tag, tag)
    require_same_or_named(
        outcome(lambda: VOCDataset(root, "train")),
        facts(VOCDataset(sound_voc, "train")),
        f"{image_id}.xml",
        *entry,
        f"{named}|box",
    )
    check_dataset(root)  # reports, whatever is wrong


@ONCE
@given(data=st.data())
def test_a_damaged_file_of_voc_is_the_same_or_named(sound_voc, voc, data):
    root = voc()
    files = sorted(p.relative_to(root) for p in root.rglob("*") if p.is_file())
    file = root / data.draw(st.sampled_from(files))
    how = data.draw(st.sampled_from(["drop", "empty", "cut", "encode", "double", "folder"]))
    is_list = file.suffix == ".txt"
    payload = file.read_bytes()
    if how == "drop":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "cut":
        cut = data.draw(st.integers(1, len(payload) - 1))
        assume(not is_list or payload[cut - 1 : cut + 1].isalnum())  # between two lines nothing is to be seen
        file.write_bytes(payload[:cut])
    elif how == "encode":
        assume(file.suffix != ".jpg")
        text = payload.decode().replace("\n", data.draw(st.sampled_from(["\n", "\r\n"])))
        encoding = data.draw(st.sampled_from(["utf-8-sig", "utf-16"]))
        head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>' if not is_list else ""
        file.write_bytes((head + text).encode(encoding))
    elif how == "double":
        shutil.copy(file, file.with_name("._" + file.name))
    else:
        file.unlink()
        file.mkdir()
    found = outcome(lambda: VOCDataset(root, "train"))
    require_same_or_named(found, facts(VOCDataset(sound_voc, "train")), f"{file.stem}|train.txt")
    if not is_list:  # a list that names nothing is refused
        assert not check_dataset(root, decode_photos=True).ok or isinstance(found, tuple)


# --- COCO -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound_coco(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound") / "coco"
    root.mkdir()
    content = {"images": [], "annotations": [], "categories": []}
    for number, name in enumerate(("bird", "cat", "dog"), start=3):
        content["categories"].append({"id": number, "name": name})
    number_of = {entry["name"]: entry["id"] for entry in content["categories"]}
    for number, image_id in enumerate(IDS):
        write_photo(root / f"{image_id}.jpg", number)
        content["images"].append(
            {"id": 50 + number, "file_name": f"{image_id}.jpg", "height": SIZE[0], "width": SIZE[1]}
        )
        for name, x1, y1, x2, y2, crowd in OBJECTS[image_id]:
            content["annotations"].append(
                {
                    "id": 900 + len(content["annotations"]),
                    "image_id": 50 + number,
                    "category_id": number_of[name],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": crowd,
                }
            )
    (root / "set.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def coco(sound_coco, tmp_path_factory):
    """Return what makes a fresh copy of the sound set, for each example anew."""

    def fresh() -> Path:
        root = tmp_path_factory.mktemp("damaged") / "coco"
        shutil.copytree(sound_coco, root)
        return root

    return fresh


def dumps_with_repeated_key(content, kind, position, field, second):
    """Return JSON in which one entry has the same key twice."""
    marked = copy.deepcopy(content)
    marked[kind][position]["@again"] = second
    return json.dumps(marked).replace('"@again"', json.dumps(field))


@ONCE
@given(data=st.data())
def test_a_damaged_field_of_coco_is_the_same_or_named(sound_coco, coco, data):
    root = coco()
    file = root / "set.json"
    content = json.loads(file.read_text())
    kind = data.draw(st.sampled_from(["images", "annotations", "categories"]))
    position = data.draw(st.integers(0, len(content[kind]) - 1))
    entry = content[kind][position]
    field = data.draw(st.sampled_from(sorted(entry)))
    how = data.draw(st.sampled_from(["drop", "other", "same", "repeat", "entry", "number"]))
    value = entry[field]
    text = None
    if how == "drop":
        assume((field, value) != ("iscrowd", 1))  # left out, it says 0
        del entry[field]
    elif how == "other":
        entry[field] = data.draw(st.sampled_from(NO_JSON_VALUE))
        assume(field != "name" or entry[field] not in ("abc", -7, 10**400))  # another name is a name,
        assume(field != "iscrowd" or value == 0 or entry[field] is not None)  # null says nothing, which is 0,
        assume((field, entry[field]) != ("iscrowd", True))  # and another flag is a flag
    elif how == "same":
        assume(isinstance(value, int))
        entry[field] = data.draw(st.sampled_from([float(value), str(value)]))
    elif how == "repeat":
        text = dumps_with_repeated_key(
            content, kind, position, field, data.draw(st.sampled_from([value, 7, "x"]))
        )
    elif how == "entry":
        content[kind][position] = data.draw(st.sampled_from([None, 5, "text", [], {}]))
    else:
        assume(field == "bbox")
        corner = data.draw(st.integers(0, 3))
        entry[field] = copy.copy(value)
        entry[field][corner] = data.draw(st.sampled_from(NO_JSON_VALUE))
        assume(entry[field][corner] != 2.5)  # another corner is a corner
    file.write_text(json.dumps(content) if text is None else text)
    numbers = {"images": 50, "annotations": 900, "categories": 3}
    who = f"id {numbers[kind] + position}|{position} of|entry {position}|annotation id"
    if how == "repeat" and field == "id":
        who = "entry"  # which of its two ids to call it by is the question
    require_same_or_named(
        outcome(lambda: COCODataset(file, root)),
        facts(COCODataset(sound_coco / "set.json", sound_coco)),
        "set.json|.jpg" if field == "file_name" else "set.json",
        who,
        f"{field}|box|{kind}|image_id|category_id",
    )
    if how not in ("entry", "repeat"):
        check_dataset(file)


@ONCE
@given(data=st.data())
def test_a_damaged_file_of_coco_is_the_same_or_named(sound_coco, coco, data):
    root = coco()
    file = root / data.draw(st.sampled_from(["set.json", "a1.jpg", "b2.jpg"]))
    payload = file.read_bytes()
    how = data.draw(st.sampled_from(["drop", "empty", "cut", "encode", "folder", "list"]))
    if how == "drop":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "cut":
        file.write_bytes(payload[: data.draw(st.integers(1, len(payload) - 1))])
    elif how == "encode":
        assume(file.suffix == ".json")
        file.write_bytes(
            payload.decode().encode(data.draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-32"])))
        )
    elif how == "list":
        assume(file.suffix == ".json")
        content = json.loads(payload)
        del content[data.draw(st.sampled_from(sorted(content)))]
        file.write_text(json.dumps(content))
    else:
        file.unlink()
        file.mkdir()
    require_same_or_named(
        outcome(lambda: COCODataset(root / "set.json", root)),
        facts(COCODataset(sound_coco / "set.json", sound_coco)),
        file.name,
    )
