"""A run folder belongs to one training at a time; whatever lies in it, there is a way on."""

import dataclasses
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from trained_detectors import SCENES, settings_of, train_shortly

from minircnn.training import FolderInUseError, TrainingInterrupted, train
from minircnn.training.feature_files import CacheError
from minircnn.training.old_runs import read_settings
from minircnn.training.run_folder import FolderBusyError, locked, unless_done

HOLDER = """
import sys, time
from pathlib import Path
from minircnn.training.run_folder import FolderBusyError, locked, unless_done
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_training_in_the_folder_is_refused(tmp_path):
    run = tmp_path / "run"
    with locked(run), pytest.raises(FolderInUseError, match=r"run: another process is training there"):
        train_shortly("fast-rcnn", run)
    train_shortly("fast-rcnn", run)


def test_what_another_process_trains_is_waited_for(monkeypatch):
    monkeypatch.setattr("minircnn.training.run_folder._LOOK_EVERY", 0.0)
    calls = []

    def busy_twice():
        calls.append(1)
        if len(calls) < 3:
            raise FolderBusyError("another process is training there")

    unless_done(lambda: len(calls) == 3, busy_twice)
    assert len(calls) == 3
    unless_done(lambda: True, lambda: calls.append(1))
    assert len(calls) == 3


def test_another_run_in_the_folder_is_not_waited_for():
    def another():
        raise FolderInUseError("the folder holds another run")

    with pytest.raises(FolderInUseError, match="another run"):
        unless_done(lambda: False, another)


@pytest.mark.slow
def test_the_lock_ends_with_the_process(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    with holder.stdout:
        assert holder.stdout.readline() == "locked\n"
    with pytest.raises(FolderInUseError), locked(tmp_path):
        pass
    holder.kill()
    holder.wait()
    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_partial_files_of_killed_processes_are_removed(tmp_path):
    old = time.time() - 7200
    names = {
        ".model.safetensors.123.partial": (time.time(), False),
        "rcnn.checkpoint.safetensors.partial": (time.time(), False),  # of version 0.1.0
        "features/.done.json.7.partial": (time.time(), False),
        "proposals/key/.a.npy.7.partial": (old, False),
        "proposals/key/.b.npy.8.partial": (time.time(), True),  # perhaps of a run that shares them
        "maps/key/.a.npy.7.partial": (old, False),
        "maps/key/.b.npy.8.partial": (time.time(), True),
        "proposals/key/a.npy": (old, True),
        "partial": (old, True),
    }
    for name, (changed, _) in names.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        os.utime(path, (changed, changed))
    with locked(tmp_path):
        pass
    assert {name for name in names if (tmp_path / name).exists()} == {
        n for n, (_, kept) in names.items() if kept
    }


def test_a_folder_with_a_model_alone_is_not_overwritten(tmp_path):
    run = tmp_path / "run"
    train_shortly("fast-rcnn", run)
    (run / "settings.json").unlink()
    with pytest.raises(FolderInUseError, match="already holds a trained network"):
        train_shortly("fast-rcnn", run)


@pytest.mark.parametrize("content", ["", "\n", '{\n  "detector": "fast-rc'])
def test_settings_cut_before_anything_was_trained_start_over(content, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "settings.json").write_text(content)
    train_shortly("fast-rcnn", run)
    assert '"detector": "fast-rcnn"' in (run / "settings.json").read_text()


@pytest.mark.parametrize("content", ["", '{\n  "detector": "fast-rc'])
def test_a_run_with_a_checkpoint_goes_on_without_its_settings(content, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(TrainingInterrupted):
        train_shortly("fast-rcnn", run, stop_after=2)
    (run / "settings.json").write_text(content)
    with pytest.raises(FolderInUseError, match="continue it with --resume"):
        train_shortly("fast-rcnn", run)
    train_shortly("fast-rcnn", run, resume=True)
    assert (run / "model.safetensors").is_file()


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("content", ["[]", "null", "5", "hello"])
def test_foreign_settings_are_named(content, resume, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "settings.json").write_text(content)
    with pytest.raises(ValueError, match=r"settings\.json holds no settings of a training run"):
        train_shortly("fast-rcnn", run, resume=resume)
    assert (run / "settings.json").read_text() == content


@pytest.mark.parametrize(
    ("number", "value"), [("checkpoint_every", 0), ("checkpoint_every", -1), ("stop_after", -1)]
)
def test_numbers_without_sense_are_refused_before_any_work(number, value, tmp_path):
    with pytest.raises(ValueError, match=f"{number}.*must be .* or more"):
        train(None, settings_of("fast-rcnn"), tmp_path / "run", **{number: value})
    assert not (tmp_path / "run").exists()


def test_a_run_that_has_no_room_for_its_features_goes_on_with_smaller_ones(tmp_path, monkeypatch):
    run = tmp_path / "run"
    settings = dataclasses.replace(settings_of("rcnn"), cache_dtype="float32")
    smaller = dataclasses.replace(settings, cache_dtype="float16")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(CacheError, match="continue with --resume, which takes --cache-dtype float16 too"):
        train(SCENES, settings, run, progress=False)
    monkeypatch.undo()
    train(SCENES, smaller, run, resume=True, progress=False)
    train(SCENES, smaller, tmp_path / "straight", progress=False)
    assert (run / "model.safetensors").read_bytes() == (
        tmp_path / "straight" / "model.safetensors"
    ).read_bytes()
    assert read_settings(run) == read_settings(tmp_path / "straight")
