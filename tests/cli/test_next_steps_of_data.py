"""What ``check-data`` says to do next works when it is typed."""

import json
import shlex

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.data import Scenes, export_voc
from minircnn.imaging import write_image

XML = (
    "<annotation><size><width>96</width><height>96</height></size><object><name>thing</name><bndbox>"
    "<xmin>10</xmin><ymin>20</ymin><xmax>60</xmax><ymax>{}</ymax></bndbox></object></annotation>"
)
QUICK = "--preset small --solver.iterations 1 --jobs 1 --proposals.limit 40 --sampling.rois-per-image 8"


def noise(file, seed=0):
    write_image(file, np.random.default_rng(seed).integers(0, 256, (96, 96, 3), dtype=np.uint8))


def flat(folder, *, bad=()):
    """Photos and XML files side by side; of `bad`, the boxes or the photos are."""
    folder.mkdir()
    for number, name in enumerate(("a", "b", "c d")):
        noise(folder / f"{name}.png", number)
        (folder / f"{name}.xml").write_text(XML.format(20 if name == "b" and "box" in bad else 70))
    if "photo" in bad:
        (folder / "a.png").write_bytes(b"no photo")
    return folder


def listed(folder):
    scenes = Scenes("train", count=2, size=96, heights=(20, 48))
    export_voc(scenes, folder, "trainval", indices=[0, 1])
    return folder


def listed_as_train(folder):
    scenes = Scenes("train", count=5, size=96, heights=(20, 48))
    export_voc(scenes, folder, "Train", indices=[0, 1])
    export_voc(scenes, folder, "Test", indices=[2, 3, 4])
    return folder


def coco(folder):
    """A COCO file with its photos elsewhere; returns the file."""
    (folder / "my photos").mkdir(parents=True)
    noise(folder / "my photos" / "1.png")
    image = {"id": 1, "file_name": "1.png", "height": None, "width": None}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [9, 19, 51, 51]}
    content = {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "thing"}]}
    (folder / "x.json").write_text(json.dumps(content))
    return folder / "x.json"


CASES = {
    "side by side": (lambda p: [flat(p / "my set")], 0, []),
    "bad box": (lambda p: [flat(p / "set", bad=["box"])], 1, ["--on-bad-box drop"]),
    "bad photo": (lambda p: [flat(p / "set", bad=["photo"])], 1, ["--on-bad-photo drop"]),
    "both": (
        lambda p: [flat(p / "set", bad=["box", "photo"])],
        1,
        ["--on-bad-box drop", "--on-bad-photo drop"],
    ),
    "dropped as asked": (
        lambda p: [flat(p / "set", bad=["box"]), "--on-bad-box", "drop"],
        0,
        ["--on-bad-box drop"],
    ),
    "no list called train": (lambda p: [listed(p / "set")], 0, ["--split trainval"]),
    "train in other letters": (lambda p: [listed_as_train(p / "set")], 0, []),
    "a share": (lambda p: [flat(p / "set"), "--split", "train:1"], 0, ["--split train:1"]),
    "coco": (lambda p: [coco(p / "set"), "--images", p / "set" / "my photos"], 0, ["--images"]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_command_that_check_data_prints_trains(tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    make, code, options = CASES[case]
    assert main(["check-data", *map(str, make(tmp_path))]) == code
    said = capsys.readouterr().err.strip()
    assert said.startswith("next: ")
    for option in ("--on-bad-box drop", "--on-bad-photo drop", "--split", "--images"):
        assert (option in said) is any(option in wanted for wanted in options)
    typed = shlex.split(said[said.index("minircnn ") :])
    assert main([*typed[1:], *QUICK.split()]) == 0


def test_names_that_begin_with_a_dash_are_printed_as_they_can_be_typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flat(tmp_path / "-set")
    assert main(["check-data", "--", "-set"]) == 0
    said = capsys.readouterr().err
    typed = shlex.split(said[said.index("minircnn ") :])
    assert main([*typed[1:], *QUICK.split()]) == 0
    said = capsys.readouterr().err
    assert "minircnn evaluate runs/fast ./-set" in said


def test_a_photo_that_ends_early_is_left_out_as_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo = flat(tmp_path / "set") / "b.png"
    photo.write_bytes(photo.read_bytes()[:-3000])
    assert main(["check-data", "set", "--decode"]) == 1
    said = capsys.readouterr().err
    typed = shlex.split(said[said.index("minircnn train") :].splitlines()[0])
    assert "--on-bad-photo" in typed
    assert main([*typed[1:], *QUICK.split()]) == 0
    assert "left out photos with 1 problem(s), 2 kept" in capsys.readouterr().err
    assert main(["check-data", "set", "--on-bad-photo", "drop"]) == 0
    assert "set: 2 photos" in capsys.readouterr().out


def test_a_share_without_photos_asks_for_another(tmp_path, capsys):
    folder = flat(tmp_path / "set")
    assert main(["check-data", str(folder), "--split", "val:0.000001"]) == 1
    assert "next: take another split or share" in capsys.readouterr().err


def test_nothing_is_advised_where_nothing_helps(tmp_path, capsys):
    folder = flat(tmp_path / "set")
    for file in folder.glob("*.xml"):
        file.write_text("<annotations><image name='a.png'/></annotations>")
    assert main(["check-data", str(folder)]) == 1
    captured = capsys.readouterr()
    assert "this is CVAT's own XML" in captured.out
    assert captured.err.strip() == "next: correct the files"


def test_a_split_that_is_not_there_names_ways_that_work(tmp_path, capsys):
    folder = flat(tmp_path / "set")
    train = ["train", "fast-rcnn", str(folder), "--out", str(tmp_path / "run"), *QUICK.split()]
    assert main([*train, "--split", "train"]) == 1
    message = capsys.readouterr().err
    assert "'all' takes all annotated photos" in message
    assert main([*train, "--split", "all"]) == 0
    assert main(["evaluate", str(tmp_path / "run"), str(folder), "--split", "train:1", "--jobs", "1"]) == 0
