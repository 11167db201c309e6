"""The demonstration, with next to no training."""

import json

from trained_detectors import shortened

import minircnn.cli.demo as demo_module
from minircnn.cli import main
from minircnn.detectors import DETECTORS
from minircnn.training import RECIPES


def tiny_plan(*, quick, seed):
    settings = [shortened(recipe.presets["scenes"], 2, 30) for recipe in RECIPES.values()]
    return demo_module.Plan(settings, train_photos=2, test_photos=2, window_photos=1)


def test_demo_compares_and_can_be_restarted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_module, "make_plan", tiny_plan)
    out = tmp_path / "demo"
    arguments = ["demo", "--out", str(out), "--jobs", "1"]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    *detectors, few, windows = result["rows"]
    assert [row["name"] for row in detectors] == [DETECTORS[name].title for name in RECIPES]
    fast, rcnn = (next(row for row in detectors if row["name"] == name) for name in ("Fast R-CNN", "R-CNN"))
    assert fast["cnn_passes_per_photo"] == 1
    assert rcnn["cnn_passes_per_photo"] == rcnn["boxes_per_photo"] == fast["boxes_per_photo"]
    assert windows["boxes_per_photo"] > rcnn["boxes_per_photo"]
    assert few["photos"] == windows["photos"] == 1
    assert result == json.loads((out / "result.json").read_text())
    page = (out / "report.html").read_text("utf-8")
    assert 'src="http' not in page
    assert 'href="http' not in page
    assert page.count("<img") > 10

    assert main(arguments) == 1
    assert "--resume" in capsys.readouterr().err
    before = (out / "rcnn" / "model.safetensors").stat().st_mtime_ns
    assert main([*arguments, "--resume"]) == 0
    captured = capsys.readouterr()
    assert "mAP@.5" in captured.out
    assert str(out / "report.html") in captured.err
    assert (out / "rcnn" / "model.safetensors").stat().st_mtime_ns == before


def test_plans_differ_in_length_and_seed():
    full, quick = (demo_module.make_plan(quick=quick, seed=3) for quick in (False, True))
    assert len(full.settings) == len(quick.settings) == len(RECIPES)
    assert quick.settings != full.settings
    assert quick.train_photos < full.train_photos
    assert {settings.seed for settings in full.settings + quick.settings} == {3}
