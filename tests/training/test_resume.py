"""An interrupted and resumed run equals the straight one, bit for bit."""

import dataclasses

import numpy as np
import pytest

from minircnn.data import Scenes
from minircnn.detectors import StorageError, load_detector
from minircnn.detectors.storage import read_bundle
from minircnn.training import (
    RECIPES,
    FolderInUseError,
    TrainingInterrupted,
    read_log,
    train,
)

SCENES = Scenes("train", count=4)


def _settings(kind, iterations=6):
    preset = RECIPES[kind].presets["scenes"]
    proposals = dataclasses.replace(preset.proposals, limit=40)
    if kind == "fast-rcnn":
        solver = dataclasses.replace(preset.solver, iterations=iterations)
        return dataclasses.replace(preset, solver=solver, proposals=proposals)
    solver = dataclasses.replace(preset.fine_tune.solver, iterations=iterations)
    fine_tune = dataclasses.replace(preset.fine_tune, solver=solver, foreground=4, background=8)
    return dataclasses.replace(preset, fine_tune=fine_tune, proposals=proposals)


@pytest.mark.parametrize("kind", ["fast-rcnn", "rcnn"])
def test_resumed_run_equals_straight_run(kind, tmp_path):
    settings = _settings(kind)
    proposals = tmp_path / "proposals"
    straight = train(SCENES, settings, tmp_path / "a", progress=False, proposal_folder=proposals)
    with pytest.raises(TrainingInterrupted, match="iteration 3 of 6"):
        train(SCENES, settings, tmp_path / "b", progress=False, proposal_folder=proposals, stop_after=3)
    resumed = train(SCENES, settings, tmp_path / "b", progress=False, proposal_folder=proposals, resume=True)

    for name in (f"{kind}.checkpoint.safetensors", "model.safetensors"):
        first, first_meta = read_bundle(tmp_path / "a" / name)
        second, second_meta = read_bundle(tmp_path / "b" / name)
        assert first_meta == second_meta
        assert first.keys() == second.keys()
        for key in first:
            np.testing.assert_array_equal(first[key], second[key], err_msg=key)
    losses = [[r["loss"] for r in read_log(tmp_path / f / f"{kind}.log.jsonl")] for f in "ab"]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 6

    # the stored detector is the one in memory
    image = SCENES.image(0)
    loaded = load_detector(resumed.model_path)
    for detector in (loaded, straight.detector):
        found = detector.detect(image)
        np.testing.assert_array_equal(found.boxes, resumed.detector.detect(image).boxes)
        np.testing.assert_array_equal(found.scores, resumed.detector.detect(image).scores)


def test_a_folder_in_use_is_not_overwritten(tmp_path):
    settings = _settings("fast-rcnn", iterations=1)
    train(SCENES, settings, tmp_path, progress=False)
    with pytest.raises(FolderInUseError, match="--resume"):
        train(SCENES, settings, tmp_path, progress=False)


def test_a_folder_of_the_other_detector_is_refused(tmp_path):
    train(SCENES, _settings("fast-rcnn", iterations=1), tmp_path, progress=False)
    with pytest.raises(FolderInUseError, match="a run of fast-rcnn, not of rcnn"):
        train(SCENES, _settings("rcnn", iterations=1), tmp_path, progress=False, resume=True)


def test_resume_with_other_settings_names_them(tmp_path):
    train(SCENES, _settings("fast-rcnn", iterations=1), tmp_path, progress=False)
    with pytest.raises(StorageError, match=r"solver\.iterations: 1 then, 2 now"):
        train(SCENES, _settings("fast-rcnn", iterations=2), tmp_path, progress=False, resume=True)


def test_a_damaged_checkpoint_is_named(tmp_path):
    settings = _settings("fast-rcnn", iterations=1)
    train(SCENES, settings, tmp_path, progress=False)
    checkpoint = tmp_path / "fast-rcnn.checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(StorageError, match=r"fast-rcnn\.checkpoint\.safetensors is damaged"):
        train(SCENES, settings, tmp_path, progress=False, resume=True)
