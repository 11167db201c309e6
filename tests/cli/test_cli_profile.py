"""``--profile``: where the time went, as a table for people and as JSON for scripts."""

import json
import re

import pytest

import minircnn.cli.profile as profile_module
import minircnn.cli.train as train_module
from minircnn.cli import main
from minircnn.cli.profile import profile_table
from minircnn.profiling import Stage, stage
from minircnn.training import TrainingInterrupted


def branch(name, calls, seconds, *children):
    return Stage(name, calls, seconds, {child.name: child for child in children})


def find(record, *path):
    for name in path:
        record = next(inner for inner in record["stages"] if inner["stage"] == name)
    return record


def assert_adds_up(record):
    assert sum(inner["seconds"] for inner in record["stages"]) <= record["seconds"] * (1 + 1e-9)
    for inner in record["stages"]:
        assert inner["calls"] > 0
        assert_adds_up(inner)


def test_the_table_adds_up_and_leaves_trifles_out(monkeypatch):
    monkeypatch.setattr(profile_module, "peak_memory", lambda: 1_234_400_000)
    conv = branch("convolutions", 2, 4.0, branch("conv1", 2, 2.5), branch("relu1", 2, 0.01))
    photo = branch("photo", 2, 9.0, branch("read", 2, 0.02), branch("proposals", 2, 4.5), conv)
    lines = profile_table(branch("total", 1, 10.0, photo), "photo").splitlines()
    assert lines == [
        "stage             calls  seconds  share %  ms per photo",
        "----------------  -----  -------  -------  ------------",
        "total                 1   10.000    100.0             -",
        "  photo               2    9.000     90.0      4500.000",
        "    proposals         2    4.500     45.0      2250.000",
        "    convolutions      2    4.000     40.0      2000.000",
        "      conv1           2    2.500     25.0      1250.000",
        "      other           -    1.500     15.0       750.000",
        "    other             -    0.500      5.0       250.000",
        "  other               -    1.000     10.0             -",
        "most memory held by this process: 1,234 MB",
    ]


def test_a_system_that_does_not_tell_its_memory(monkeypatch):
    monkeypatch.setattr(profile_module, "peak_memory", lambda: None)
    assert "memory" not in profile_table(branch("total", 1, 1.0), "photo")


@pytest.mark.parametrize(
    ("detector", "stages"),
    [
        ("fast", ["read", "scale and normalise", "convolutions", "proposals", "RoI pooling",
                  "fully connected", "outputs", "decoding", "clipping and NMS", "draw and write"]),
        ("rcnn", ["read", "proposals", "warp and normalise", "convolutions", "pool5", "fully connected",
                  "SVMs", "box regression", "decoding", "clipping and NMS", "draw and write"]),
    ],
)  # fmt: skip
def test_detect_knows_its_stages(workspace, tmp_path, capsys, detector, stages):
    arguments = ["detect", workspace / detector, workspace / "photos", "--out", tmp_path, "--min-score", "0"]
    capsys.readouterr()
    assert main([*map(str, arguments), "--profile", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["photos"]) == 2
    profile = result["profile"]
    assert_adds_up(profile)
    photo = find(profile, "photo")
    assert photo["calls"] == 2
    assert [inner["stage"] for inner in photo["stages"]] == stages
    assert find(photo, "convolutions", "conv1")["calls"] >= 2
    assert find(photo, "fully connected", "fc6")["seconds"] > 0
    assert profile["peak_memory_bytes"] is None or profile["peak_memory_bytes"] > 1 << 20

    assert main([*map(str, arguments), "--profile", "--overwrite"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^stage +calls +seconds +share % +ms per photo$", shown, re.MULTILINE)
    assert re.search(r"^  photo +2 ", shown, re.MULTILINE)


def test_without_the_option_the_json_is_the_list_of_photos(workspace, tmp_path, capsys):
    capsys.readouterr()
    assert (
        main(["detect", str(workspace / "fast"), str(workspace / "photos"), "--out", str(tmp_path), "--json"])
        == 0
    )
    assert isinstance(json.loads(capsys.readouterr().out), list)


def test_only_one_process_can_be_measured(workspace, tmp_path, capsys):
    arguments = ["detect", str(workspace / "fast"), str(workspace / "photos"), "--out", str(tmp_path)]
    assert main([*arguments, "--profile", "--jobs", "2"]) == 2
    assert "--profile measures one process" in capsys.readouterr().err


@pytest.mark.parametrize("detector", ["fast-rcnn", "rcnn"])
def test_train_knows_its_stages(workspace, tmp_path, capsys, detector):
    steps = {
        "fast-rcnn": ["--solver.iterations", "2"],
        "rcnn": [
            "--fine-tune.solver.iterations",
            "2",
            "--fine-tune.background",
            "8",
            "--fine-tune.foreground",
            "4",
        ],
    }
    capsys.readouterr()
    assert main([
        "train", detector, str(workspace / "voc"), "--preset", "scenes", "--jobs", "1",
        "--proposals.limit", "30", "--out", str(tmp_path), *steps[detector], "--profile", "--json",
    ]) == 0  # fmt: skip
    profile = json.loads(capsys.readouterr().out)["profile"]
    assert_adds_up(profile)
    training = find(profile, "training" if detector == "fast-rcnn" else "fine-tuning")
    step = find(training, "step")
    assert step["calls"] == 2
    assert [inner["stage"] for inner in step["stages"]] == [
        "make batch",
        "forward",
        "loss",
        "backward",
        "update",
    ]
    assert find(step, "make batch", "read photo")["calls"] >= 2
    there = [inner["stage"] for inner in find(step, "forward")["stages"]]
    back = [inner["stage"] for inner in find(step, "backward")["stages"]]
    assert there == back[::-1]
    assert find(training, "checkpoint")["calls"] == 1
    if detector == "rcnn":
        assert [inner["stage"] for inner in profile["stages"]] == [
            "fingerprint", "proposals", "fine-tuning", "features", "SVMs", "box regression", "write detector",
        ]  # fmt: skip
        assert find(profile, "features", "read photo")["calls"] == 2


def test_a_stopped_training_says_where_the_time_went(workspace, tmp_path, capsys, monkeypatch):
    def stopped(*arguments, **options):
        with stage("training"), stage("step"):
            pass
        raise TrainingInterrupted("stopped as asked")

    monkeypatch.setattr(train_module, "train", stopped)
    arguments = ["train", "fast-rcnn", "scenes", "--photos", "1", "--out", str(tmp_path)]
    assert main([*arguments, "--profile"]) == 130
    shown = capsys.readouterr().err
    assert shown.index("ms per step") < shown.index("stopped as asked")
    assert main(arguments) == 130
    assert "ms per step" not in capsys.readouterr().err
