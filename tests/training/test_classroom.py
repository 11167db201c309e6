"""The detectors that the walkthroughs share are trained once, and again only for other code."""

import dataclasses

import numpy as np
import pytest

from minircnn.data import Scenes
from minircnn.training import CLASSROOM_SCENES, RECIPES, classroom
from minircnn.training.code_digest import code_digest
from minircnn.training.presets import CLASSROOM_SHARE, shortened


def module():
    """Return the module, which the function of its name hides in the package."""
    import importlib

    return importlib.import_module("minircnn.training.classroom")


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Let a classroom have three scenes and a training of two updates."""
    recipe = RECIPES["fast-rcnn"]
    preset = recipe.presets["scenes-quick"]
    solver = dataclasses.replace(preset.solver, iterations=2, step=1)
    presets = {**recipe.presets, "classroom": dataclasses.replace(preset, solver=solver)}
    monkeypatch.setitem(RECIPES, "fast-rcnn", dataclasses.replace(recipe, presets=presets))
    monkeypatch.setattr(module(), "CLASSROOM_SCENES", 3)
    monkeypatch.setenv("MINIRCNN_CACHE", str(tmp_path))
    return tmp_path


def test_the_second_time_it_is_only_loaded(quick, monkeypatch):
    first = classroom("fast-rcnn")
    monkeypatch.setattr(module(), "train", None)
    second = classroom("fast-rcnn")
    assert second.model_path == first.model_path
    assert second.seconds == pytest.approx(first.seconds)
    image = Scenes("test", count=1).image(0)
    found, again = (run.detector.detect(image) for run in (first, second))
    np.testing.assert_array_equal(again.boxes, found.boxes)
    np.testing.assert_array_equal(again.scores, found.scores)


def test_other_code_trains_anew(quick, monkeypatch):
    first = classroom("fast-rcnn")
    monkeypatch.setattr(module(), "code_digest", lambda: "other")
    second = classroom("fast-rcnn")
    assert second.model_path != first.model_path
    assert len(list(quick.rglob("model.safetensors"))) == 2


def test_the_digest_knows_the_rooms_that_train(monkeypatch, tmp_path):
    for room in ("nn", "viz"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_text("x = 1\n")
    monkeypatch.setattr("minircnn.__file__", str(tmp_path / "__init__.py"))
    before = code_digest()
    (tmp_path / "viz" / "a.py").write_text("x = 2\n")
    assert code_digest() == before
    (tmp_path / "nn" / "a.py").write_text("x = 2\n")
    assert code_digest() != before


@pytest.mark.parametrize("name", ["fast-rcnn", "rcnn", "sppnet"])
def test_the_preset_is_that_of_the_scenes_with_half_of_the_updates(name):
    presets = RECIPES[name].presets
    solvers = [getattr(presets[key], "fine_tune", presets[key]).solver for key in ("scenes", "classroom")]
    assert solvers[1] == shortened(solvers[0], CLASSROOM_SHARE)
    assert solvers[1].iterations * 2 == solvers[0].iterations
    assert CLASSROOM_SCENES == 80
