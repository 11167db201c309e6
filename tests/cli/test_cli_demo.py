"""The demonstration, with next to no training."""

import dataclasses
import json

import minircnn.cli.demo as demo_module
from minircnn.cli import main
from minircnn.training import FAST_RCNN_PRESETS, RCNN_PRESETS


def tiny_plan(*, quick, seed):
    fast, rcnn = FAST_RCNN_PRESETS["scenes"], RCNN_PRESETS["scenes"]
    few = dataclasses.replace(fast.proposals, limit=30)
    stage = dataclasses.replace(
        rcnn.fine_tune, solver=dataclasses.replace(rcnn.fine_tune.solver, iterations=2), background=8
    )
    return demo_module.Plan(
        dataclasses.replace(fast, proposals=few, solver=dataclasses.replace(fast.solver, iterations=2)),
        dataclasses.replace(rcnn, proposals=few, fine_tune=stage),
        train_photos=2,
        test_photos=2,
        window_photos=1,
    )


def test_demo_compares_and_can_be_restarted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_module, "make_plan", tiny_plan)
    out = tmp_path / "demo"
    arguments = ["demo", "--out", str(out), "--jobs", "1"]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    fast, rcnn, few, windows = result["rows"]
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
    assert quick.fast_rcnn.solver.iterations < full.fast_rcnn.solver.iterations
    assert quick.train_photos < full.train_photos
    assert full.fast_rcnn.seed == quick.rcnn.seed == 3
