"""Detectors and stopped runs of version 0.1.0 are read, and go on.

The files in ``v0_1_0`` were written by that version: the tiny network with few channels, on four small
scenes, stopped after 25 of 40 updates and finished; with what its detector found in the first scene.
"""

import dataclasses
import functools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from minircnn.backbones import BACKBONES
from minircnn.cli import main
from minircnn.data import Scenes
from minircnn.detectors import StorageError, load_detector, save_detector
from minircnn.detectors.storage import read_bundle
from minircnn.training import RECIPES, RCNNTrainer, cache_features, compute_proposals, read_log, train
from minircnn.training.old_runs import old_feature_key
from minircnn.training.regions import region_records

OLD = Path(__file__).with_name("v0_1_0")
KINDS = {"fast_rcnn": "fast-rcnn", "rcnn": "rcnn"}
SCENES = Scenes("train", count=4, size=128, heights=(24, 56))
BLAS = "SkylakeX"  # of the machine that wrote the files: how products are rounded depends on it


def same_bits_expected():
    return BLAS in {library.get("architecture") for library in threadpool_info()}


def settings_of(kind):
    preset = RECIPES[KINDS[kind]].presets["scenes"]
    changes = {"proposals": dataclasses.replace(preset.proposals, limit=40, max_width=None), "batch": 16}
    if kind == "fast_rcnn":
        changes["solver"] = dataclasses.replace(preset.solver, iterations=40)
    else:
        solver = dataclasses.replace(preset.fine_tune.solver, iterations=40)
        changes["fine_tune"] = dataclasses.replace(
            preset.fine_tune, foreground=4, background=8, solver=solver
        )
    return dataclasses.replace(preset, **changes)


@pytest.fixture
def few_channels(monkeypatch):
    """The network of the stopped runs, by the name that their settings have for it."""
    small = functools.partial(BACKBONES["tiny"], channels=(4, 4, 6, 6), widths=(8, 8), roi_size=3)
    monkeypatch.setitem(BACKBONES, "tiny", small)


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_detector_finds_what_it_found(kind, tmp_path):
    detector = load_detector(OLD / kind / "model.safetensors")
    assert detector.name == KINDS[kind]
    assert detector.batch == 16
    assert detector.proposer.limit == 40
    expected = np.load(OLD / kind / "expected.npz")
    found = detector.detect(SCENES.image(0), proposals=expected["proposals"])
    np.testing.assert_allclose(found.scores, expected["scores"], rtol=1e-4, atol=1e-5)
    if same_bits_expected():
        for name in ("boxes", "scores", "labels"):
            assert getattr(found, name).tobytes() == expected[name].tobytes(), name
    save_detector(tmp_path / "new.safetensors", detector)
    again = load_detector(tmp_path / "new.safetensors").detect(
        SCENES.image(0), proposals=expected["proposals"]
    )
    np.testing.assert_array_equal(again.boxes, found.boxes)
    np.testing.assert_array_equal(again.scores, found.scores)


@pytest.mark.usefixtures("few_channels")
@pytest.mark.parametrize("kind", KINDS)
def test_an_old_run_goes_on_to_where_it_would_have_come(kind, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(OLD / kind, run)
    (run / "model.safetensors").unlink()
    train(SCENES, settings_of(kind), run, resume=True, progress=False)
    log = read_log(run / f"{KINDS[kind]}.log.jsonl")
    assert [line["iteration"] for line in log] == list(range(1, 41))
    expected = np.load(OLD / kind / "expected.npz")
    np.testing.assert_allclose([line["loss"] for line in log], expected["losses"], rtol=0.02)
    new, old = (read_bundle(folder / "model.safetensors")[0] for folder in (run, OLD / kind))
    if same_bits_expected():
        assert [line["loss"] for line in log] == expected["losses"].tolist()
        for name, array in old.items():
            if name.startswith("network."):
                np.testing.assert_array_equal(new[name], array, err_msg=name)


@pytest.mark.usefixtures("few_channels")
@pytest.mark.parametrize("kind", KINDS)
def test_an_old_run_with_another_setting_is_refused_by_its_present_name(kind, tmp_path):
    shutil.copytree(OLD / kind, tmp_path / "run")
    settings = dataclasses.replace(settings_of(kind), batch=17)
    with pytest.raises(StorageError, match=r"\(batch: 16 then, 17 now\)"):
        train(SCENES, settings, tmp_path / "run", resume=True, progress=False)


@pytest.mark.usefixtures("few_channels")
def test_the_command_line_takes_the_settings_of_an_old_run(tmp_path, capsys, monkeypatch):
    shutil.copytree(OLD / "fast_rcnn", tmp_path / "run")
    seen = []
    monkeypatch.setattr(
        "minircnn.cli.train.train", lambda data, settings, *_, **__: seen.append(settings) or 1 / 0
    )
    main(["train", "fast-rcnn", "scenes", "--out", str(tmp_path / "run"), "--resume"])
    assert seen == [settings_of("fast_rcnn")]
    stored = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert stored["detector"] == "fast_rcnn"  # only training itself touches the folder


def test_a_file_of_a_newer_version_is_named(tmp_path):
    from minircnn.detectors.storage import write_bundle

    write_bundle(tmp_path / "m.safetensors", {"a": np.zeros(1)}, {"format": 5, "detector": "rcnn"})
    with pytest.raises(StorageError, match=r"m\.safetensors was written by a newer minircnn \(format 5\)"):
        load_detector(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [
        (["detect", "m", "p.png"], "--region-batch", "--batch"),
        (["evaluate", "m", "scenes"], "--crop-batch=3", "--batch"),
        (["train", "rcnn", "scenes", "--out", "x"], "--nms-iou", "--postprocess.nms-iou"),
        (["train", "fast-rcnn", "scenes", "--out", "x"], "--min-score", "--postprocess.min-score"),
        (
            ["train", "rcnn", "scenes", "--out", "x"],
            "--box-regression.alpha",
            "--box-regression.regularization",
        ),
    ],
)
def test_old_options_name_the_new_ones(command, old, new, capsys):
    assert main([*command, old, "1"]) == 2
    assert f"{old.partition('=')[0]} is called {new} now" in capsys.readouterr().err


@pytest.mark.usefixtures("few_channels")
def test_features_of_an_old_run_are_not_computed_again(tmp_path):
    """The key that 0.1.0 gave to them is known; here it is written by hand below features of today."""
    settings = settings_of("rcnn")
    train(SCENES, settings, tmp_path / "run", progress=False)
    done = tmp_path / "run" / "features" / "done.json"
    state = json.loads(done.read_text())
    trainer = RCNNTrainer(SCENES, [np.zeros((0, 4))] * len(SCENES), settings)
    detector = load_detector(tmp_path / "run" / "model.safetensors")
    proposals = compute_proposals(
        SCENES, detector.proposer, folder=tmp_path / "run" / "proposals", progress=False
    )
    old = old_feature_key(detector, region_records(SCENES, proposals), "float32", 0.6)
    assert old != state["key"]
    assert old_feature_key(object(), [], "float32", 0.6) is None
    done.write_text(json.dumps({**state, "key": old}))
    cached = cache_features(
        detector,
        trainer.photos,
        region_records(SCENES, proposals),
        tmp_path / "run" / "features",
        min_iou=0.6,
        progress=False,
        trust_old=True,
    )
    assert cached.fc7.any()
    assert json.loads(done.read_text())["key"] == old  # nothing was written
