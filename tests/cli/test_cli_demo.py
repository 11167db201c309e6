"""The demonstration, with next to no training."""

import html
import json
import re
import shlex

import pytest
from trained_detectors import shortened

import minircnn.cli.demo as demo_module
from minircnn.cli import main
from minircnn.detectors import DETECTORS, NetworkDetector
from minircnn.training import RECIPES

NETWORKS = [name for name, kind in DETECTORS.items() if issubclass(kind, NetworkDetector)]


def tiny_plan(*, quick, seed, classical):
    settings = [shortened(RECIPES[name].presets["scenes"], 2, 30) for name in NETWORKS]
    return demo_module.Plan(settings, train_photos=2, test_photos=2, window_photos=1)


@pytest.mark.slow
def test_demo_compares_and_can_be_restarted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_module, "make_plan", tiny_plan)
    out = tmp_path / "demo"
    arguments = ["demo", "--out", str(out), "--jobs", "1"]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    *detectors, few, windows = result["rows"]
    assert [row["name"] for row in detectors] == [DETECTORS[name].title for name in NETWORKS]
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

    photos = list((out / "photos").iterdir())
    monkeypatch.chdir(tmp_path / "demo")  # the page may be read anywhere
    for call in re.findall(r"(minircnn (?:explain|detect) [^<]*)</p>", html.unescape(page)):
        assert main(shlex.split(call)[1:]) == 0
    assert (out / "detections" / photos[0].name).is_file()
    assert (out / "explained" / "explained.html").is_file()
    capsys.readouterr()

    assert main(arguments) == 1
    assert "--resume" in capsys.readouterr().err
    (out / "rcnn" / "seconds.json").write_text("")  # lost power
    (out / "fast-rcnn" / "seconds.json").write_text('{"seco')
    before = (out / "sppnet" / "model.safetensors").stat().st_mtime_ns
    assert main([*arguments, "--resume"]) == 0
    captured = capsys.readouterr()
    assert "mAP@.5" in captured.out
    assert str(out / "report.html") in captured.err
    assert (out / "sppnet" / "model.safetensors").stat().st_mtime_ns == before
    for name in NETWORKS:
        assert json.loads((out / name / "seconds.json").read_text())["seconds"] > 0

    # the quick detectors are not those of the whole demonstration, nor those of another seed
    changed = shortened(RECIPES["fast-rcnn"].presets["scenes"], 3, 30)
    monkeypatch.setattr(demo_module, "make_plan", lambda **_: demo_module.Plan([changed], 2, 2, 1))
    assert main([*arguments, "--resume"]) == 1
    error = capsys.readouterr().err
    assert "solver.iterations: 2 then, 3 now" in error
    assert "name another folder with --out" in error


def test_plans_differ_in_length_and_seed():
    full, quick = (demo_module.make_plan(quick=quick, seed=3) for quick in (False, True))
    assert (
        {one.detector for one in full.settings} == {one.detector for one in quick.settings} == set(NETWORKS)
    )
    assert quick.settings != full.settings
    assert quick.train_photos < full.train_photos
    assert {settings.seed for settings in full.settings + quick.settings} == {3}


def test_those_without_a_network_come_last_where_they_are_wanted():
    plan = demo_module.make_plan(quick=True, seed=0, classical=True)
    names = [settings.detector for settings in plan.settings]
    assert sorted(names) == sorted(RECIPES)
    assert set(names[: len(NETWORKS)]) == set(NETWORKS)


@pytest.mark.parametrize("more", [[], ["--resume"]], ids=" ".join)
@pytest.mark.parametrize("name", ["thesis.pdf", "report.html"])
def test_a_folder_of_other_files_is_left_alone(name, more, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_module, "make_plan", tiny_plan)
    (tmp_path / name).write_text("mine")
    assert main(["demo", "--out", str(tmp_path), *more]) == 1
    assert "is not empty: name another folder with --out" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_page_of_somebody_else_is_not_replaced(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_module, "make_plan", tiny_plan)
    (tmp_path / "proposals").mkdir()
    (tmp_path / "report.html").write_text("mine")
    assert main(["demo", "--out", str(tmp_path), "--resume"]) == 1
    assert "report.html exists, and nothing in it says that minircnn made it" in capsys.readouterr().err
    assert (tmp_path / "report.html").read_text() == "mine"


def test_an_interrupted_demonstration_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_module, "train_or_reuse", interrupted)
    assert main(["demo", "--quick", "--out", str(tmp_path / "de mo")]) == 130
    assert (
        f"go on with: minircnn demo --resume --quick --out '{tmp_path / 'de mo'}'" in capsys.readouterr().err
    )
