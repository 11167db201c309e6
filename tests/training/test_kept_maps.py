"""Trainings on the maps of frozen convolutions: stopped, resumed, shared, and begun before there were any."""

import dataclasses
import json
import logging

import numpy as np
import pytest

from minircnn.backbones import build_backbone
from minircnn.cli import main
from minircnn.data import Scenes
from minircnn.detectors import StorageError, load_detector
from minircnn.detectors.storage import read_bundle, write_bundle
from minircnn.training import RECIPES, TrainingInterrupted, train

SCENES = Scenes("train", count=3, size=96, heights=(20, 48))
NEW = ("class_agnostic", "keep_maps", "postprocess.vote_iou", "backbone.widths", "backbone.dropout",
       "backbone.roi_size", "backbone.pooled_scale")  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """File of the tiny network's convolutions."""
    path = tmp_path_factory.mktemp("weights") / "tiny.npz"
    net = build_backbone("tiny", rng=np.random.default_rng(1))
    np.savez(path, **{name: p.data for name, p in net.named_parameters() if name.startswith("conv")})
    return path


def settings_of(name, weights, **changes):
    preset = RECIPES[name].presets["scenes-quick"]
    backbone = dataclasses.replace(
        preset.backbone, weights=str(weights), frozen=("convolutions",), widths=(64,), dropout=0.25
    )
    solver = dataclasses.replace(preset.solver, iterations=6, learning_rate=0.001)
    proposals = dataclasses.replace(preset.proposals, limit=30)
    changes |= {"backbone": backbone, "proposals": proposals, "solver": solver}
    return dataclasses.replace(preset, keep_maps=True, **changes)


def arrays(folder):
    return read_bundle(folder / "model.safetensors")[0]


@pytest.mark.parametrize("name", ["fast-rcnn", "sppnet"])
def test_a_stopped_run_on_kept_maps_goes_on_bit_for_bit(name, weights, tmp_path):
    settings, shared = settings_of(name, weights), tmp_path / "maps"
    keep = {"progress": False, "proposal_folder": tmp_path / "proposals"}
    train(SCENES, settings, tmp_path / "whole", map_folder=shared, **keep)
    with pytest.raises(TrainingInterrupted):
        train(SCENES, settings, tmp_path / "halves", stop_after=2, **keep)  # with maps of its own
    train(SCENES, settings, tmp_path / "halves", resume=True, map_folder=shared, **keep)
    whole, halves = arrays(tmp_path / "whole"), arrays(tmp_path / "halves")
    assert whole.keys() == halves.keys()
    for array in whole:
        np.testing.assert_array_equal(whole[array], halves[array], err_msg=array)
    assert list((tmp_path / "halves" / "maps").rglob("*.npy"))
    detector = load_detector(tmp_path / "whole" / "model.safetensors")
    assert [n for n, _ in detector.network.head.children()] == ["flatten", "fc6", "relu6", "drop6"]


def test_runs_with_other_weights_and_scales_share_a_folder_but_no_maps(weights, tmp_path):
    keep = {"progress": False, "proposal_folder": tmp_path / "proposals", "map_folder": tmp_path / "maps"}
    settings = settings_of("fast-rcnn", weights, flip=False)
    train(SCENES, settings, tmp_path / "one", **keep)
    first = {path: path.read_bytes() for path in (tmp_path / "maps").rglob("*.npy")}
    assert len(first) == len(SCENES)
    scale = dataclasses.replace(settings.scale, short_side=80, max_long_side=200)
    train(SCENES, dataclasses.replace(settings, scale=scale), tmp_path / "two", **keep)
    other = tmp_path / "other.npz"
    np.savez(other, **{name: 2 * array for name, array in np.load(weights).items()})
    train(SCENES, settings_of("fast-rcnn", other, flip=False), tmp_path / "three", **keep)
    assert len(list((tmp_path / "maps").rglob("*.npy"))) == 3 * len(SCENES)
    assert {path: path.read_bytes() for path in first} == first


def test_what_is_loaded_is_said_once(weights, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    train(SCENES, settings_of("fast-rcnn", weights), tmp_path / "run", progress=False)
    assert caplog.text.count("from random weights") == 1


def test_the_command_line_keeps_maps_where_it_is_told_and_its_call_that_goes_on_works(
    weights, tmp_path, monkeypatch, capsys
):
    run, maps = tmp_path / "run", tmp_path / "maps"
    words = ["train", "fast-rcnn", "scenes", "--photos", "2", "--out", str(run), "--preset", "scenes-quick"]
    words += ["--backbone.weights", str(weights), "--backbone.frozen", "convolutions", "--keep-maps"]
    words += ["--class-agnostic", "--backbone.widths", "16", "--solver.iterations", "2", "--jobs", "1"]
    words += ["--proposals.limit", "20", "--map-folder", str(maps)]
    with monkeypatch.context() as patch:
        patch.setattr("minircnn.training.loop._update", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(words) == 130
    (again,) = [line for line in capsys.readouterr().err.splitlines() if "--resume" in line]
    assert f"--map-folder {maps}" in again
    assert main(again.partition("minircnn ")[2].split()) == 0
    stored = json.loads((run / "settings.json").read_text())
    assert stored["backbone.frozen"] == ["convolutions"]
    assert stored["keep_maps"] is stored["class_agnostic"] is True
    assert list(maps.rglob("*.npy"))
    assert not (run / "maps").exists()


def as_if_older(run):
    """Take from a stopped run what settings it could not know before there were these."""
    path = run / "settings.json"
    stored = {n: value for n, value in json.loads(path.read_text()).items() if n not in NEW}
    path.write_text(json.dumps(stored, indent=2))
    (checkpoint,) = run.glob("*.checkpoint.safetensors")
    kept, meta = read_bundle(checkpoint)
    meta["settings"] = {n: value for n, value in meta["settings"].items() if n not in NEW}
    write_bundle(checkpoint, kept, meta)


@pytest.mark.parametrize("name", ["fast-rcnn", "sppnet"])
def test_a_run_from_before_these_settings_goes_on(name, tmp_path):
    preset = RECIPES[name].presets["scenes-quick"]
    settings = dataclasses.replace(
        preset,
        solver=dataclasses.replace(preset.solver, iterations=3),
        proposals=dataclasses.replace(preset.proposals, limit=20),
    )
    with pytest.raises(TrainingInterrupted):
        train(SCENES, settings, tmp_path, stop_after=1, progress=False)
    as_if_older(tmp_path)
    if name == "fast-rcnn":
        changed = dataclasses.replace(settings, class_agnostic=True)
        with pytest.raises(StorageError, match="class_agnostic: False then, True now"):
            train(SCENES, changed, tmp_path, resume=True, progress=False)
    assert train(SCENES, settings, tmp_path, resume=True, progress=False).model_path.is_file()
