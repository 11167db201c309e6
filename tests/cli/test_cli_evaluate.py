"""Detections in and out of ``minircnn evaluate``, classes by their names, what is refused before the work."""

import json
import shutil

import pytest

from minircnn.cli import main
from minircnn.data import VOCDataset

KEPT = ("--jobs", "1")


def run(capsys, *arguments):
    """Run evaluate with JSON and return the exit code, the result and what was said."""
    capsys.readouterr()
    code = main(["evaluate", *map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else None, captured.err


def figures(result):
    """Return what must not depend on where the detections come from."""
    own = {"model", "detections", "proposals", "seconds_per_photo", "processes", "seconds_include_proposals"}
    return {name: value for name, value in result.items() if name not in own}


@pytest.fixture(scope="module")
def coco(workspace, tmp_path_factory):
    """The test photos as a COCO file without the photos: ids that do not rise, sizes, areas, a crowd."""
    data = VOCDataset(workspace / "voc", "test")
    numbers, names = (31, 4), data.class_names
    objects = []
    for number, index in zip(numbers, range(len(data)), strict=True):
        truth = data.annotations(index)
        for (x1, y1, x2, y2), label in zip(truth.boxes.tolist(), truth.labels.tolist(), strict=True):
            box = [x1, y1, x2 - x1, y2 - y1]
            entry = {"image_id": number, "category_id": 10 * label, "bbox": box, "area": box[2] * box[3] / 2}
            objects.append({**entry, "id": len(objects) + 1, "iscrowd": 0})
    images = [
        {"id": number, "file_name": f"{name}.png", "width": 96, "height": 96}
        for number, name in zip(numbers, data.image_ids, strict=True)
    ]
    categories = [{"id": 10 * label, "name": name} for label, name in enumerate(names, start=1)]
    file = tmp_path_factory.mktemp("coco") / "instances.json"
    file.write_text(json.dumps({"images": images, "annotations": objects, "categories": categories}))
    return file


@pytest.mark.parametrize("metric", ["voc", "voc07-published", "coco"])
@pytest.mark.parametrize("target", ["results.json", "devkit"])
@pytest.mark.parametrize("kind", ["voc", "coco"])
def test_saved_detections_give_the_same_figures(workspace, coco, tmp_path, capsys, kind, target, metric):
    data = workspace / "voc" if kind == "voc" else coco
    photos = () if kind == "voc" else ("--images", workspace / "photos")
    saved = tmp_path / "new" / target
    arguments = (data, "--metric", metric, *photos)
    code, first, said = run(
        capsys, workspace / "fast", *arguments, *KEPT, "--save-detections", saved,
        "--proposal-folder", workspace / "proposals",
    )  # fmt: skip
    assert code == 0
    assert f"detections: {saved}" in said
    code, again, _ = run(capsys, *arguments, "--detections", saved)
    assert code == 0
    assert figures(again) == figures(first)  # to the last digit
    assert again["detections"] == str(saved)
    assert again["model"] is None
    third = tmp_path / "third" / target
    code, copied, _ = run(capsys, *arguments, "--detections", saved, "--save-detections", third)
    assert figures(copied) == figures(first)
    assert (
        [path.read_text() for path in sorted(third.iterdir())]
        == [path.read_text() for path in sorted(saved.iterdir())]
        if saved.is_dir()
        else third.read_text() == saved.read_text()
    )


def test_margins_of_svms_come_back_too(workspace, tmp_path, capsys):
    arguments = (workspace / "rcnn", workspace / "voc", *KEPT, "--save-detections", tmp_path / "r.json")
    code, first, _ = run(capsys, *arguments)
    assert code == 0
    assert figures(run(capsys, workspace / "voc", "--detections", tmp_path / "r.json")[1]) == figures(first)


def test_ids_of_a_coco_file_are_kept(workspace, coco, tmp_path, capsys):
    saved = tmp_path / "r.json"
    arguments = (workspace / "fast", coco, "--images", workspace / "photos", "--photos", "1", *KEPT)
    assert run(capsys, *arguments, "--save-detections", saved)[0] == 0
    entries = json.loads(saved.read_text())
    assert {entry["image_id"] for entry in entries} == {31}
    assert {entry["category_id"] for entry in entries} <= {10 * k for k in range(1, 11)}


def test_no_photo_is_needed_for_detections_from_a_file(workspace, tmp_path, capsys):
    shutil.copytree(workspace / "voc", tmp_path / "voc")
    shutil.rmtree(tmp_path / "voc" / "JPEGImages")
    saved = tmp_path / "devkit"
    assert run(capsys, workspace / "fast", workspace / "voc", *KEPT, "--save-detections", saved)[0] == 0
    code, result, said = run(capsys, tmp_path / "voc", "--detections", saved, "--out", tmp_path / "report")
    assert code == 0
    assert result["photos"] == 2
    assert "no photos in the report" in said
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Class by class" in page
    assert "most mistakes" not in page


def test_the_folder_of_detect_is_read(workspace, coco, tmp_path, capsys):
    found = tmp_path / "found"
    photos = workspace / "photos"
    assert (
        main(["detect", str(workspace / "fast"), str(photos), "--out", str(found), "--min-score", "-9"]) == 0
    )
    _, direct, _ = run(capsys, workspace / "fast", coco, "--images", photos, *KEPT)
    code, result, said = run(capsys, coco, "--detections", found)
    assert code == 0
    assert "--min-score" in said
    assert figures(result) == figures(direct)


def test_a_folder_of_the_first_photos_is_enough_for_them(workspace, tmp_path, capsys):
    found, data = tmp_path / "found", VOCDataset(workspace / "voc", "test")
    assert len(data) > 1
    assert main(["detect", str(workspace / "fast"), str(data.path(0)), "--out", str(found)]) == 0
    given = (workspace / "voc", "--split", "test", "--detections", found)
    code, result, _ = run(capsys, *given, "--photos", 1)
    assert (code, result["photos"]) == (0, 1)
    code, _, said = run(capsys, *given)
    assert code == 1
    assert f"no result of {len(data) - 1} photo(s)" in said


def test_the_report_shows_the_mistakes_where_the_photos_are_there(workspace, tmp_path, capsys):
    saved = tmp_path / "devkit"
    assert run(capsys, workspace / "fast", workspace / "voc", *KEPT, "--save-detections", saved)[0] == 0
    code, _, _ = run(
        capsys, workspace / "voc", "--detections", saved, "--out", tmp_path / "r", "--iou", "0.3"
    )
    assert code == 0
    page = (tmp_path / "r" / "report.html").read_text()
    assert "most mistakes" in page
    assert "mAP at IoU 0.3" in page


def rewritten(coco, folder, *, drop=(), add=(), order=1):
    """Write the file again with other categories, and return it."""
    content = json.loads(coco.read_text())
    content["categories"] = [c for c in content["categories"] if c["name"] not in drop] + [
        {"id": 500 + i, "name": name} for i, name in enumerate(add)
    ]
    ids = {c["id"] for c in content["categories"]}
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] in ids]
    for category in content["categories"]:
        category["id"] *= order
    for entry in content["annotations"]:
        entry["category_id"] *= order
    (folder / "other.json").write_text(json.dumps(content))
    return folder / "other.json"


def test_classes_are_told_by_their_names(workspace, coco, tmp_path, capsys):
    kept = ("--images", workspace / "photos", *KEPT, "--proposal-folder", workspace / "proposals")
    _, first, said = run(capsys, workspace / "fast", coco, *kept)
    assert "unknown" not in said
    # the other way round: label 1 of the detector is the last label of the data set
    _, reverse, _ = run(capsys, workspace / "fast", rewritten(coco, tmp_path, order=-1), *kept)
    assert list(reverse["per_class"]) == list(first["per_class"])[::-1]
    assert reverse["per_class"] == first["per_class"]
    assert reverse["map"] == pytest.approx(first["map"], abs=1e-15)

    present = [name for name, one in first["per_class"].items() if one["num_gt"]]
    fewer = rewritten(coco, tmp_path, drop=present[:1])
    code, result, said = run(capsys, workspace / "fast", fewer, *kept)
    assert code == 0
    assert result["absent_classes"] == present[:1]
    assert result["per_class"][present[0]]["ap"] is None
    assert f"absent from other: {present[0]}" in said
    code, _, said = run(capsys, workspace / "fast", fewer, *kept, "--save-detections", tmp_path / "r.json")
    assert f"detections of classes that other does not have are not written to {tmp_path}" in said
    _, again, _ = run(capsys, fewer, "--detections", tmp_path / "r.json")
    for name in ("map", "best_balance"):
        assert again[name] == result[name]

    more = rewritten(coco, tmp_path, add=["cow"])
    code, result, said = run(capsys, workspace / "fast", more, *kept)
    assert result["unknown_classes"] == ["cow"]
    assert result["map"] == first["map"]  # no cow to find
    assert "unknown to the detector: cow" in said


def test_an_unknown_class_counts_as_never_found(workspace, coco, tmp_path, capsys):
    content = json.loads(coco.read_text())
    renamed = content["annotations"][0]["category_id"]
    for category in content["categories"]:
        if category["id"] == renamed:
            category["name"] = "cow"
    (tmp_path / "cow.json").write_text(json.dumps(content))
    code, result, _ = run(
        capsys, workspace / "fast", tmp_path / "cow.json", "--images", workspace / "photos", *KEPT
    )
    assert code == 0
    assert result["per_class"]["cow"]["ap"] == 0
    assert result["per_class"]["cow"]["num_gt"] > 0
    present = [one["ap"] for one in result["per_class"].values() if one["ap"] is not None]
    assert result["map"] == pytest.approx(sum(present) / len(present))


def test_no_class_in_common_names_both(workspace, coco, tmp_path, capsys):
    content = json.loads(coco.read_text())
    for category in content["categories"]:
        category["name"] = f"letter {category['name']}"
    (tmp_path / "letters.json").write_text(json.dumps(content))
    code, _, said = run(
        capsys, workspace / "fast", tmp_path / "letters.json", "--images", workspace / "photos", *KEPT
    )
    assert code == 1
    assert "no class in common: the detections have" in said
    assert "the data set has letter" in said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["RUN"], 2, "minircnn evaluate DATA --detections FILE"),
        (["RUN", "DATA", "--detections", "x.json"], 2, "--detections takes the place of the detector"),
        (["RUN", "DATA", "--metric", "coco", "--iou", "0.6"], 2, "--iou is for the voc metrics"),
        (["RUN", "DATA", "--iou", "0"], 1, "--iou must be between 0 and 1"),
        (["RUN", "DATA", "--iou", "nan"], 1, "--iou must be between 0 and 1"),
        (["DATA", "--detections", "x.json", "--svd", "fc6=1"], 2, "--svd is for a detector"),
        (["DATA", "--detections", "x.json", "--batch", "3"], 2, "--batch is for a detector"),
        (
            ["DATA", "--detections", "none.json"],
            1,
            "none.json: no such file or folder; --detections takes COCO",
        ),
        (["DATA", "--detections", "EMPTY"], 1, "holds no detections"),
        (["DATA", "--detections", "EMPTY/../photos/test_00000.png"], 1, "is none of COCO's results"),
        (["RUN", "DATA", "--save-detections", "found.txt"], 2, "takes a .json file or a folder"),
        (
            ["RUN", "DATA", "--save-detections", "RUN/config.json/found"],
            1,
            "is a file, where a folder is needed",
        ),
        (["RUN", "DATA", "--out", "RUN/model.safetensors/report"], 1, "is a file, where a folder is needed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_before_the_work(workspace, capsys, monkeypatch, arguments, code, words):
    def no_work(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("minircnn.cli.evaluate.detect_all", no_work)
    (workspace / "empty").mkdir(exist_ok=True)
    (workspace / "fast" / "config.json").touch()
    places = {"RUN": workspace / "fast", "DATA": workspace / "voc", "EMPTY": workspace / "empty"}
    typed = []
    for word in arguments:
        first, *rest = word.split("/", 1)
        typed.append("/".join([str(places.get(first, first)), *rest]))
    assert run(capsys, *typed)[0] == code
    assert words in run(capsys, *typed)[2]


def test_earlier_detections_are_not_overwritten_unasked(workspace, coco, tmp_path, capsys):
    saved = tmp_path / "r.json"
    saved.write_text("[]")
    code, _, said = run(capsys, coco, "--detections", saved, "--save-detections", saved, "--overwrite")
    assert code == 1
    assert "is read by this command and never written to" in said
    other = tmp_path / "other.json"
    assert run(capsys, coco, "--detections", saved, "--save-detections", other)[0] == 0
    code, _, said = run(capsys, coco, "--detections", saved, "--save-detections", other)
    assert code == 1
    assert "another with --save-detections, or add --overwrite" in said
    assert run(capsys, coco, "--detections", saved, "--save-detections", other, "--overwrite")[0] == 0
    assert run(capsys, coco, "--detections", saved, "--save-detections", coco, "--overwrite")[0] == 1


def test_files_of_the_devkit_are_replaced_on_request(coco, tmp_path, capsys):
    (tmp_path / "none.json").write_text("[]")
    call = (coco, "--detections", tmp_path / "none.json", "--save-detections", tmp_path / "devkit")
    assert run(capsys, *call)[0] == 0
    assert run(capsys, *call)[0] == 1
    assert run(capsys, *call, "--overwrite")[0] == 0
    code, _, said = run(
        capsys,
        coco,
        "--detections",
        tmp_path / "devkit",
        "--save-detections",
        tmp_path / "devkit",
        "--overwrite",
    )
    assert code == 1
    assert "never written to" in said


def test_the_folder_of_the_devkit_is_named_where_it_lies_deeper(coco, tmp_path, capsys):
    place = tmp_path / "results" / "VOC2007" / "Main"
    place.mkdir(parents=True)
    (place / "comp4_det_test_1.txt").touch()
    code, _, said = run(capsys, coco, "--detections", tmp_path / "results")
    assert code == 1
    assert f"there are some in {place}" in said


def test_nothing_found_reads_as_zero_and_nothing_to_find_as_absent(coco, tmp_path, capsys):
    (tmp_path / "none.json").write_text("[]")
    code, result, _ = run(capsys, coco, "--detections", tmp_path / "none.json")
    assert (code, result["map"]) == (0, 0)
    assert result["best_balance"] == {"score": None, "precision": 0, "recall": 0}
    assert main(["evaluate", str(coco), "--detections", str(tmp_path / "none.json")]) == 0
    text = capsys.readouterr().out
    assert "absent" in text
    assert "nan" not in text
    assert "best balance: none, no detection is right" in text


def test_scenes_are_saved_with_numbered_classes(tmp_path, capsys, workspace):
    saved = tmp_path / "r.json"
    code, _, said = run(
        capsys, workspace / "fast", "scenes", "--photos", "1", *KEPT, "--save-detections", saved
    )
    assert code == 0
    assert "scenes-test has no category ids" in said
    assert run(capsys, "scenes", "--photos", "1", "--detections", saved)[0] == 0


def test_an_interval_is_drawn_on_request(coco, tmp_path, capsys):
    truth = json.loads(coco.read_text())["annotations"]
    entries = [{**{k: e[k] for k in ("image_id", "category_id", "bbox")}, "score": 0.5} for e in truth]
    results = tmp_path / "results.json"
    results.write_text(json.dumps(entries))
    arguments = (coco, "--detections", results, "--bootstrap", "20")
    code, result, _ = run(capsys, *arguments)
    assert code == 0
    assert result["interval"] == {"low": 1.0, "high": 1.0, "samples": 20}
    assert main(["evaluate", *map(str, arguments)]) == 0
    assert "mAP by chance: 1.000 to 1.000 (95 % of 20 samples of the photos)" in capsys.readouterr().out
    assert main(["evaluate", *map(str, arguments), "--metric", "coco"]) == 2
    assert "--bootstrap is for the voc metrics" in capsys.readouterr().err
