"""Settings come from the preset, or the run that is resumed, with the options on top."""

import dataclasses
import json
import shutil

import pytest

import minircnn.cli.train as train_module
from minircnn.cli import main
from minircnn.training import FAST_RCNN_PRESETS, RCNN_PRESETS, RECIPES, TrainingInterrupted, as_json


@pytest.fixture
def settings_of(monkeypatch):
    """Return the settings that `minircnn train ...` would train with."""
    seen = []

    def pretend(dataset, settings, out, **options):
        seen.append(settings)
        raise TrainingInterrupted("pretended")

    monkeypatch.setattr(train_module, "train", pretend)

    def run(*arguments):
        assert main(["train", *map(str, arguments)]) == 130
        return seen[-1]

    return run


PRESETS = [(recipe.name, preset) for recipe in RECIPES.values() for preset in recipe.presets]


@pytest.mark.parametrize(("recipe", "preset"), PRESETS)
def test_a_preset_arrives_unchanged(recipe, preset, settings_of):
    assert settings_of(recipe, "scenes", "--out", "x", "--preset", preset) == RECIPES[recipe].presets[preset]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_explains_itself(recipe, capsys):
    assert main(["train", recipe, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"minircnn train {recipe} scenes --out runs/{recipe}" in shown
    assert "--postprocess.nms-iou" in shown
    assert "--batch" in shown
    assert ("--backbone.name" in shown) == hasattr(RECIPES[recipe].settings(), "backbone")


def test_the_preset_follows_the_data(settings_of, workspace):
    assert settings_of("fast-rcnn", "scenes", "--out", "x") == FAST_RCNN_PRESETS["scenes"]
    assert settings_of("rcnn", workspace / "voc", "--out", "x") == RCNN_PRESETS["paper"]


def test_options_replace_single_values(settings_of):
    settings = settings_of(
        "fast-rcnn", "scenes", "--out", "x", "--solver.iterations", 7, "--scale.short-side", 300,
        "--backbone.name", "squeezenet1_1", "--backbone.weights", "w.npz", "--backbone.frozen", "conv1",
        "--backbone.frozen", "fire2", "--no-flip", "--seed", 5, "--solver.clip-norm", "none",
    )  # fmt: skip
    preset = FAST_RCNN_PRESETS["scenes"]
    expected = dataclasses.replace(
        preset,
        solver=dataclasses.replace(preset.solver, iterations=7, clip_norm=None),
        scale=dataclasses.replace(preset.scale, short_side=300),
        backbone=dataclasses.replace(
            preset.backbone, name="squeezenet1_1", weights="w.npz", frozen=("conv1", "fire2")
        ),
        flip=False,
        seed=5,
    )
    assert settings == expected


@pytest.mark.parametrize("detector", ["rcnn", "fast-rcnn", "faster-rcnn"])
@pytest.mark.parametrize("backbone", ["alexnet", "alexnet_torchvision", "vgg16", "squeezenet1_0"])
def test_another_backbone_than_the_presets_takes_its_own_options(detector, backbone, settings_of, tmp_path):
    """What the preset says for its own network alone is left away, so that the settings can be used."""
    out = tmp_path / "run"
    settings = settings_of(
        detector, "scenes", "--out", out, "--preset", "pretrained", "--backbone.name", backbone
    )
    others = {"keep_maps": False} if hasattr(settings, "keep_maps") else {}
    thawed = dataclasses.replace(settings.backbone, frozen=())  # random weights cannot be frozen
    RECIPES[detector].check(dataclasses.replace(settings, backbone=thawed, **others))
    preset = RECIPES[detector].presets["pretrained"]
    assert settings.backbone.widths == preset.backbone.widths  # which all of them can be given
    given = settings_of(
        detector, "scenes", "--out", out, "--preset", "pretrained", "--backbone.name", backbone,
        "--backbone.widths", 77,
    )  # fmt: skip
    assert given.backbone.widths == (77,)


def test_there_must_be_a_run_to_resume(tmp_path, capsys):
    assert main(["train", "fast-rcnn", "scenes", "--out", str(tmp_path / "typo"), "--resume"]) == 1
    assert "typo: there is no run to continue in this folder" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_resuming_takes_the_settings_of_the_run(settings_of, tmp_path):
    preset = FAST_RCNN_PRESETS["scenes"]
    stored = dataclasses.replace(preset, seed=9, solver=dataclasses.replace(preset.solver, iterations=11))
    (tmp_path / "settings.json").write_text(json.dumps({"detector": "fast-rcnn", **as_json(stored)}))
    assert settings_of("fast-rcnn", "scenes", "--out", tmp_path, "--resume") == stored
    longer = settings_of("fast-rcnn", "scenes", "--out", tmp_path, "--resume", "--solver.iterations", 20)
    assert longer.solver.iterations == 20
    assert longer.seed == 9


def test_a_finished_run_resumes_to_the_same_model(workspace, capsys):
    model = workspace / "fast" / "model.safetensors"
    before = model.read_bytes()
    arguments = ["train", "fast-rcnn", str(workspace / "voc"), "--out", str(workspace / "fast")]
    assert main([*arguments, "--resume", "--jobs", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == str(model)
    assert model.read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"null"])
def test_a_run_with_damaged_settings_resumes_from_its_checkpoint(workspace, tmp_path, damage):
    run = tmp_path / "run"
    shutil.copytree(workspace / "fast", run)
    before = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").unlink()
    (run / "settings.json").write_bytes(damage)
    assert (
        main(["train", "fast-rcnn", str(workspace / "voc"), "--out", str(run), "--resume", "--jobs", "1"])
        == 0
    )
    assert (run / "model.safetensors").read_bytes() == before
