"""``minircnn pretrain``: what it writes and says, and that what it prints next works."""

import json
import re
import shlex

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.imaging import write_image
from minircnn.training.pretraining import pretrain

FEW = ["--solver.iterations", "3", "--batch", "4"]


@pytest.fixture
def here(tmp_path, monkeypatch, rng):
    """A folder of eight photos of two classes."""
    monkeypatch.chdir(tmp_path)
    for number in range(8):
        path = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, rng.integers(0, 256, (60, 70, 3), dtype=np.uint8))
    return tmp_path


@pytest.fixture
def few_digits(monkeypatch):
    """Let the built-in digits be few."""
    from minircnn.data import single_digits

    monkeypatch.setattr(single_digits, "_DEFAULT_COUNT", {"learn": 12, "held-out": 6})


def run(*words):
    return main([str(word) for word in words])


def next_words(capsys, word="next: "):
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.strip().startswith(word)]
    return shlex.split(line.strip().removeprefix("next: "))[1:]


def test_the_next_command_trains_a_detector_from_the_digits(here, few_digits, capsys):
    assert run("pretrain", "digits", "--out", "runs/digits", *FEW) == 0
    words = next_words(capsys)
    assert words[:3] == ["train", "fast-rcnn", "scenes"]
    assert words[-1] == "runs/digits/weights.safetensors"
    few = ["--photos", "1", "--solver.iterations", "1", "--proposals.method", "sliding-window", "--jobs", "1"]
    assert run(*words, *few, "--proposals.limit", "20") == 0


def test_the_next_command_trains_a_detector_from_a_folder(here, workspace, capsys):
    assert run("pretrain", "photos", "--out", "runs/a b", *FEW) == 0
    words = [workspace / "voc" if word == "DATA" else word for word in next_words(capsys)]
    assert words[words.index("--preset") + 1] == "small"
    few = ["--solver.iterations", "1", "--proposals.method", "sliding-window", "--jobs", "1"]
    assert run(*words, *few, "--proposals.limit", "20") == 0
    assert {path.name for path in (here / "runs/a b").iterdir()} >= {
        "settings.json",
        "pretrain.checkpoint.safetensors",
        "pretrain.log.jsonl",
        "accuracy.log.jsonl",
        "curves.png",
        "weights.safetensors",
    }


def test_json_tells_the_accuracy_and_where_the_weights_are(here, capsys):
    assert run("pretrain", "photos", "--out", "run", *FEW, "--json", "--profile") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["weights"] == "run/weights.safetensors"
    assert (said["images"], said["held_out"]) == (6, 2)
    assert said["accuracy"] in (0.0, 0.5, 1.0)
    assert said["profile"]["peak_memory_bytes"] > 0


def test_a_stopped_run_says_how_to_go_on_and_goes_on_with_its_settings(here, capsys, monkeypatch):
    assert run("pretrain", "photos", "--out", "whole", *FEW, "--seed", "3") == 0
    with monkeypatch.context() as patched:
        patched.setattr("minircnn.cli.pretrain.pretrain", lambda *a, **k: pretrain(*a, **k, stop_after=1))
        assert run("pretrain", "photos", "--out", "parts", *FEW, "--seed", "3") == 130
    words = next_words(capsys, "minircnn pretrain")
    assert words == ["pretrain", "photos", "--out", "parts", "--resume"]
    assert run(*words) == 0
    whole, parts = (here / name / "weights.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_an_estimate_makes_no_folder(here, capsys):
    assert run("pretrain", "photos", "--out", "run", *FEW, "--estimate", "--json") == 0
    assert [part["name"] for part in json.loads(capsys.readouterr().out)["parts"]] == ["training", "accuracy"]
    assert not (here / "run").exists()


def test_a_detector_does_not_go_on_in_the_folder_of_a_pretraining(here, workspace, capsys):
    assert run("pretrain", "photos", "--out", "run", *FEW) == 0
    assert run("train", "fast-rcnn", workspace / "voc", "--out", "run", "--preset", "small", "--resume") != 0
    assert "run holds a run of pretrain, not of fast-rcnn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["gone"], 1, "gone: no such folder; name a folder with a folder of images for each class"),
        (["photos", "--preset", "tiny"], 2, "there is no preset 'tiny' of pretrain; there are paper, small"),
        (["digits", "--held-out", "0.5"], 2, "--held-out is for folders"),
        (["photos", "--crop-size", "40"], 1, "crop_size 40 does not fit tiny, whose crops have 48"),
        (["photos", "--batch", "0"], 1, "batch must be at least 1, got 0"),
    ],
)
def test_errors_say_what_to_do(here, words, code, message, capsys):
    assert run("pretrain", *words, "--out", "run") == code
    assert message in capsys.readouterr().err


def test_a_broken_photo_is_named_and_dropped(here, capsys):
    (here / "photos" / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert run("pretrain", "photos", "--out", "run", *FEW) == 1
    assert re.search(r"photos/cat/broken\.jpg: cannot be read as an image", capsys.readouterr().err)
    assert run("pretrain", "photos", "--out", "run", *FEW, "--on-bad-photo", "drop") == 0
