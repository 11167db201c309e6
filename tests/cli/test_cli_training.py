"""``minircnn train`` with photos to validate on, its curves, and what it will take."""

import json
import sys

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.cli.errors import UsageError
from minircnn.cli.validating import ValidationOptions
from minircnn.imaging import write_image
from minircnn.training import read_log

FEW = ["--preset", "scenes-quick", "--jobs", "1", "--proposals.limit", "50", "--solver.iterations", "3"]


@pytest.fixture
def call(workspace, tmp_path):
    """Run ``minircnn train fast-rcnn`` on the two scenes, with a folder of the run of its own."""

    def run(*options, data=workspace / "voc", out=tmp_path / "run"):
        shared = ["--proposal-folder", str(workspace / "shared-proposals")]
        words = ["train", "fast-rcnn", str(data), "--out", str(out), *FEW, *shared]
        return main([*words, *map(str, options)])

    return run


def test_a_validated_run_names_its_best_and_its_last(call, tmp_path, capsys):
    run = tmp_path / "run"
    assert call("--validate", "test", "--validate-every", 1) == 0
    shown = capsys.readouterr().out
    assert "best: mAP" in shown
    assert f"last: mAP {read_log(run / 'validation.log.jsonl')[-1]['mAP']:.4f} at iteration 3, " in shown
    assert (run / "model.safetensors").read_bytes() == (run / "best.safetensors").read_bytes()
    assert [line["iteration"] for line in read_log(run / "validation.log.jsonl")] == [1, 2, 3]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_goes_on_with_its_validation(call, tmp_path, capsys):
    run = tmp_path / "run"
    assert call("--validate", "test", "--patience", 2, "--validate-photos", 1, "--json") == 0
    first = json.loads(capsys.readouterr().out)["validation"]
    kept = json.loads((run / "settings.json").read_text())
    assert kept["data.validate"] == "test"
    assert kept["data.patience"] == 2
    assert kept["data.validate_photos"] == 1
    assert call("--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out)["validation"] == first


def test_the_call_that_goes_on_names_the_validation(call, monkeypatch, capsys):
    monkeypatch.setattr("minircnn.training.loop._update", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert call("--validate", "test", "--patience", 2) == 130
    assert "--validate test --patience 2" in capsys.readouterr().err


def test_curves_are_drawn_without_a_validation_too(call, tmp_path):
    assert call() == 0
    assert (tmp_path / "run" / "curves.png").is_file()
    assert not (tmp_path / "run" / "last.safetensors").exists()


def test_without_matplotlib_one_line_says_what_is_missing(call, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    assert call("--validate", "test", "--validate-every", 1) == 0
    assert capsys.readouterr().err.count("pip install 'minircnn[viz]'") == 1
    assert not (tmp_path / "run" / "curves.png").exists()


@pytest.mark.parametrize("option", [("--patience", 2), ("--validate-every", 5)])
def test_details_of_no_validation_are_refused(call, option, capsys):
    assert call(*option) == 2
    assert f"{option[0]} is for a validation" in capsys.readouterr().err


def test_an_unknown_list_is_refused_before_the_work(call, tmp_path, capsys):
    assert call("--validate", "trial") != 0
    assert "trial" in capsys.readouterr().err
    assert not (tmp_path / "run" / "settings.json").exists()


def test_one_coco_file_is_validated_by_a_share_or_another_file(workspace, tmp_path):
    def opened(word):
        options = ValidationOptions(word, validate_photos=5)
        file = str(tmp_path / "train.json")
        return options.plan(file, print, on_bad_box="error", on_bad_photo="error", images=None).dataset

    for name in ("train", "other"):
        photos = [f"{name}{i}.png" for i in range(12)]
        for photo in photos:
            write_image(tmp_path / photo, np.zeros((20, 30, 3), np.uint8))
        images = [{"id": i, "file_name": p, "height": 20, "width": 30} for i, p in enumerate(photos)]
        box = {"category_id": 1, "bbox": [1, 2, 10, 12], "iscrowd": 0}
        objects = [{"id": i, "image_id": i, **box} for i in range(12)]
        categories = [{"id": 1, "name": "thing"}]
        content = {"images": images, "annotations": objects, "categories": categories}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match="one split by itself; name another COCO file, or a share"):
        opened("val")
    assert len(opened(str(tmp_path / "other.json"))) == 5
    assert 0 < len(opened("val:0.5")) <= 5


@pytest.mark.parametrize("recipe", ["rcnn", "sppnet"])
def test_detectors_of_several_parts_are_measured_afterwards(recipe, workspace, tmp_path, capsys):
    words = [
        "train",
        recipe,
        str(workspace / "voc"),
        "--out",
        str(tmp_path / "run"),
        "--preset",
        "scenes-quick",
    ]
    assert main([*words, "--validate", "test"]) != 0
    assert "measure it when it is finished, with minircnn evaluate" in capsys.readouterr().err
    assert main([*words, "--validate", "test", "--estimate"]) != 0
    assert "measure it when it is finished, with minircnn evaluate" in capsys.readouterr().err


def test_an_estimate_writes_nothing(call, tmp_path, capsys):
    assert call("--estimate", "--validate", "test") == 0
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()[2:]] == [
        "proposals", "training", "validation", "together",
    ]  # fmt: skip
    assert "4 photos and 3 updates at most were tried" in shown.err
    assert not (tmp_path / "run").exists()


def test_an_estimate_of_a_run_that_goes_on_counts_what_is_left(call, tmp_path, capsys):
    assert call() == 0
    capsys.readouterr()
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert call("--estimate", "--resume", "--json") == 0
    parts = {part["name"]: part for part in json.loads(capsys.readouterr().out)["parts"]}
    assert parts["training"]["what"] == "0 updates"
    assert parts["proposals"]["what"] == "0 photos, of 2 they are kept"
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == files


def test_a_disk_that_is_too_small_is_said(call, monkeypatch, capsys):
    monkeypatch.setattr("minircnn.cli.estimating._free", lambda out: 1000)
    assert call("--estimate") == 0
    assert "do not fit on the disk of" in capsys.readouterr().err
