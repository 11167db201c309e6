"""``minircnn reproduce``."""

import dataclasses
import json
import random
import signal
import subprocess
import sys
import time

import pytest

import minircnn.cli.reproduce as command
from minircnn import Scenes
from minircnn.cli import main
from minircnn.cli.reproduce import QUICK
from minircnn.experiments import EXPERIMENTS, Bench
from minircnn.training import TrainingInterrupted
from minircnn.training.feature_files import NoRoomError


def test_the_list_names_every_experiment(capsys):
    assert main(["reproduce", "list"]) == 0
    out = capsys.readouterr().out
    for experiment in EXPERIMENTS.values():
        assert experiment.name in out
        assert experiment.teaches in out
    assert main(["reproduce", "list", "--json"]) == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == list(EXPERIMENTS)


def test_an_unknown_experiment_is_refused_by_name(capsys):
    assert main(["reproduce", "svdd"]) == 1
    assert "svd" in capsys.readouterr().err


@pytest.mark.parametrize("updates", ["0", "11"])
def test_numbers_of_updates_that_make_no_sense_are_refused(capsys, tmp_path, updates):
    assert main(["reproduce", "svd", "--out", str(tmp_path), "--updates", updates]) == 2
    assert "--updates" in capsys.readouterr().err


def test_a_backbone_without_weights_is_refused(capsys, tmp_path):
    call = ["reproduce", "svd", "--out", str(tmp_path), "--backbone.name", "vgg16"]
    assert main(call) == 2
    assert "--backbone.weights" in capsys.readouterr().err


def test_photos_that_were_learnt_from_are_no_test(capsys, tmp_path):
    call = ["reproduce", "svd", "--quick", "--out", str(tmp_path), "--test", "train"]
    assert main(call) == 2
    said = capsys.readouterr().err
    assert (
        "8 of the 8 photos of --test train are among those of --train train, the first 'train_00000'" in said
    )
    assert not (tmp_path / "work").exists()


def test_a_full_disk_names_no_option_that_is_not_there(capsys, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise NoRoomError(
            "needs 9 GB and X has 1 GB", "make room and continue with --resume, or --proposals.limit"
        )

    monkeypatch.setattr(command, "run_experiment", full)
    assert main(["reproduce", "svd", "--quick", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "--resume" not in said
    assert "--proposals.limit" not in said
    assert "needs 9 GB and X has 1 GB; make room and give the same call again" in said


def test_what_it_takes_is_said_of_the_usual_form_alone(tmp_path):
    usual = Bench(Scenes("train", count=200), Scenes("test", count=200), tmp_path)
    assert command._is_usual(usual)
    for other in ({"updates": 0.5}, {"limit": 9}, {"test": Scenes("test", count=9)}, {"preset": "small"}):
        assert not command._is_usual(dataclasses.replace(usual, **other))
    experiment = dataclasses.replace(EXPERIMENTS["svd"], minutes=9, seeds=3)
    assert "18 minutes" in command._expected(experiment, missing=12, rows=2)  # six seeds
    assert command._expected(experiment, missing=0, rows=2) == ""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("reproduce")
    assert main(["reproduce", "svd", "--quick", "--jobs", "1", "--out", str(out)]) == 0
    return out


def test_table_plot_page_and_json_are_written(finished):
    own = finished / QUICK / "svd"
    assert {path.name for path in own.iterdir()} == {"result.json", "times.json", "plot.png", "page.html"}
    result = json.loads((own / "result.json").read_text())
    assert result["quick"] is True
    assert result["rows"][0]["name"] == "rank-1"
    page = (own / "page.html").read_text()
    for text in ("Truncated SVD", "0.669", "What differs from the paper", "its figures mean nothing"):
        assert text in page
    assert (own / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_call_again_measures_nothing(finished, capsys, monkeypatch):
    before = (finished / QUICK / "svd" / "result.json").read_bytes()
    monkeypatch.setattr("minircnn.experiments.running._measure", None)
    assert main(["reproduce", "svd", "--quick", "--out", str(finished), "--json"]) == 0
    captured = capsys.readouterr()
    assert "0 of them still to be measured" in captured.err
    assert json.loads(captured.out)["result"] == json.loads(before)
    assert (finished / QUICK / "svd" / "result.json").read_bytes() == before
    assert not (finished / "svd").exists(), "results that mean something are not replaced"


def test_an_interruption_names_the_call_that_goes_on(tmp_path, capsys, monkeypatch):
    def stopped(*arguments, **options):
        raise TrainingInterrupted("continue with --resume", signal.SIGTERM)

    monkeypatch.setattr("minircnn.cli.reproduce.run_experiment", stopped)
    assert main(["reproduce", "svd", "--quick", "--out", str(tmp_path)]) == 128 + signal.SIGTERM
    said = capsys.readouterr().err
    assert f"go on with the same call: minircnn reproduce svd --quick --out {tmp_path}" in said
    assert "--resume" not in said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as a POSIX system does")
def test_killed_at_five_moments_it_gives_the_same_bytes(finished, tmp_path):
    call = [
        sys.executable,
        "-m",
        "minircnn",
        "reproduce",
        "svd",
        "--quick",
        "--jobs",
        "1",
        "--out",
        str(tmp_path),
    ]
    moments, killed = random.Random(5), 0
    for _ in range(5):
        with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(moments.uniform(2.0, 5.0))
            process.send_signal(signal.SIGKILL)
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 1
    subprocess.run(call, check=True, capture_output=True)
    kept = (tmp_path / QUICK / "svd" / "result.json").read_bytes()
    assert kept == (finished / QUICK / "svd" / "result.json").read_bytes()
