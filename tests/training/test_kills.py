"""A training killed wherever it writes a file and resumed ends with the bytes of one that was not."""

import dataclasses
import random
from contextlib import suppress
from pathlib import Path

import pytest
from fault_layer import FaultLayer, Killed
from trained_detectors import shortened

from minircnn.data import Scenes
from minircnn.training import RECIPES, Validation, read_log, train
from minircnn.training.checkpoint import CheckpointClock

SCENES = Scenes("train", count=4, size=64, heights=(16, 32))
UPDATES = 3
HALVES = {"write", "map", "create"}
"""Operations that a kill can cut in half."""


def settings_of(name):
    settings = shortened(RECIPES[name].presets["scenes-quick"], UPDATES, 12)
    if name in ("fast-rcnn", "faster-rcnn", "hog-svm", "viola-jones"):
        return settings
    # many short rounds of mining, so that there is something to be killed between
    svm = dataclasses.replace(settings.svm, score_rows=1, retrain_after=2)
    if name == "rcnn":
        few = dataclasses.replace(settings.fine_tune, foreground=2, background=4)
        return dataclasses.replace(settings, svm=svm, fine_tune=few)
    return dataclasses.replace(settings, svm=svm)


def train_in(folder, name, **how):
    return train(SCENES, settings_of(name), folder, progress=False, checkpoint_every=2, **how)


@pytest.fixture(autouse=True)
def always_due(monkeypatch):
    """What is written once a minute is written whenever it may be: a training of a second has no minutes."""
    monkeypatch.setattr(CheckpointClock, "due", lambda self: True)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Of every recipe the bytes of its detector, and the operations that its training made on files."""
    known = {}

    def run(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            with pytest.MonkeyPatch.context() as patch, FaultLayer().in_place() as layer:
                patch.setattr(CheckpointClock, "due", lambda self: True)
                train_in(folder, name)
            known[name] = (folder / "model.safetensors").read_bytes(), layer.operations
        return known[name]

    return run


def kill_points(operations):
    """Return where to kill: before every operation, and in the middle of those that have one."""
    before = [(number, False) for number in range(len(operations))]
    return before + [(number, True) for number, name in enumerate(operations) if name in HALVES]


ATOMIC = ["open", "write", "fsync", "replace"]
"""How a whole file is written: up to the last operation the one before it is there."""


def one_point_for_each_file(operations, rng):
    """Return where to kill: once, somewhere, in each file that is written whole; all points of the rest."""
    points, number = [], 0
    while number < len(operations):
        several = 4 if operations[number : number + 4] == ATOMIC else 1
        own = [(number + i, middle) for i, middle in kill_points(operations[number : number + several])]
        points += [rng.choice(own)] if several == 4 else own
        number += several
    return points


def assert_survives(name, expected, folder, *points):
    for number, middle in points:
        with FaultLayer(number, middle=middle).in_place(), pytest.raises(Killed):
            train_in(folder, name, resume=True)
    train_in(folder, name, resume=True)
    where = f"{name}, killed {points}"
    assert (folder / "model.safetensors").read_bytes() == expected, where
    updates = [] if RECIPES[name].estimate else [1, 2, 3]  # a recipe without a network makes none
    assert [line["iteration"] for line in read_log(folder / f"{name}.log.jsonl")] == updates, where
    assert not list(folder.rglob("*.partial")), where


def test_a_training_that_is_validated_survives_as_well(tmp_path):
    others = Scenes("val", count=2, size=64, heights=(16, 32))
    how = {"proposal_folder": tmp_path / "proposals", "validation": Validation(others, every=1)}
    train_in(tmp_path / "first", "fast-rcnn", **how)  # proposals are there from now on
    with FaultLayer().in_place() as layer:
        train_in(tmp_path / "straight", "fast-rcnn", **how)
    points = kill_points(layer.operations)
    for number, middle in random.Random(1).sample(points, 8):
        folder = tmp_path / f"{number}{middle}"
        with FaultLayer(number, middle=middle).in_place(), pytest.raises(Killed):
            train_in(folder, "fast-rcnn", **how)
        train_in(folder, "fast-rcnn", resume=True, **how)
        for kept in ("model", "best", "last"):
            name = f"{kept}.safetensors"
            assert (folder / name).read_bytes() == (tmp_path / "straight" / name).read_bytes(), (number, kept)
        seen = [line["iteration"] for line in read_log(folder / "validation.log.jsonl")]
        assert seen == [1, 2, 3], number


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_killed_here_and_there_ends_with_the_same_bytes(name, straight, tmp_path):
    expected, operations = straight(name)
    points = kill_points(operations)
    for number, point in enumerate(random.Random(name).sample(points, 3)):
        assert_survives(name, expected, tmp_path / str(number), point)


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_killed_again_and_again_comes_to_its_end(name, straight, tmp_path):
    kills = 0
    with suppress(StopIteration):
        while kills < 100:
            with suppress(Killed), FaultLayer(24, middle=kills % 2 == 0).in_place():
                train_in(tmp_path, name, resume=True)
                raise StopIteration
            kills += 1
    assert 0 < kills < 100
    assert (tmp_path / "model.safetensors").read_bytes() == straight(name)[0]


@pytest.mark.parametrize("name", RECIPES)
def test_a_full_disk_is_an_error_that_names_the_file_and_costs_nothing(name, straight, tmp_path):
    expected, operations = straight(name)
    writes = [number for number, operation in enumerate(operations) if operation in ("open", "write")]
    for number in random.Random(name).sample(writes, 3):
        folder = tmp_path / str(number)
        with FaultLayer(number, full=True).in_place(), pytest.raises(OSError, match="No space") as caught:
            train_in(folder, name)
        assert Path(caught.value.filename).is_relative_to(folder)
        assert not caught.value.filename.endswith(".partial")
        train_in(folder, name, resume=True)
        assert (folder / "model.safetensors").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_training_killed_at_any_file_ends_with_the_same_bytes(name, straight, tmp_path):
    expected, operations = straight(name)
    assert set(ATOMIC) <= set(operations)
    points = one_point_for_each_file(operations, random.Random(name))
    assert len(points) >= operations.count("replace") > 5
    for number, point in enumerate(points):
        assert_survives(name, expected, tmp_path / str(number), point)
