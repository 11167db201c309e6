"""Values that mean nothing are refused at the door, by the name of the option, before any work."""

import pytest

from minircnn.cli import main
from minircnn.cli.running import parse_svd

PHOTO = "test_00000.png"


@pytest.fixture
def calls(workspace, tmp_path, monkeypatch):
    """The words of a sound call of each command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    photo, fast, voc = (str(workspace / name) for name in (f"photos/{PHOTO}", "fast", "voc"))
    return {
        "detect": ["detect", fast, photo],
        "explain": ["explain", fast, photo],
        "propose": ["propose", photo],
        "propose data": ["propose", voc],
        "evaluate": ["evaluate", fast, voc],
        "train": ["train", "fast-rcnn", voc, "--out", "run", "--preset", "small"],
        "check-data": ["check-data", voc],
        "gradcheck": ["gradcheck"],
        "demo": ["demo", "--quick"],
    }


def refused(call, capsys):
    """What a call that did nothing said, in one line."""
    assert main(call) in (1, 2), call
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "this is a bug" not in captured.err
    (line,) = [line for line in captured.err.splitlines() if line.startswith("minircnn: error: ")]
    return line


@pytest.mark.parametrize(
    ("command", "option", "values"),
    [
        ("detect", "--min-score", ["nan", "", "x", "1,5"]),
        ("detect", "--batch", ["0", "-1", "1.5", "nan", "inf", "1e30", ""]),
        ("detect", "--jobs", ["-1", "0.5", "nan", "inf", ""]),
        ("detect", "--max-width", ["0", "-1", "0.5", "nan", "inf", ""]),
        ("detect", "--svd", ["", ",", "fc6", "fc6=", "=4", "fc6=0", "fc6=-1", "fc6=²", "fc6=4,fc6=5"]),
        ("detect", "--seed", ["-1", "nan", "1.5", ""]),
        ("detect", "--out", ["", " "]),
        ("detect", "--proposals", [""]),
        ("explain", "--max-width", ["0", "-1", "0.5", "nan", ""]),
        ("explain", "--seed", ["-1", "0.5"]),
        ("explain", "--out", [""]),
        ("propose", "--draw", ["-1", "0.5", "nan", ""]),
        ("propose", "--jobs", ["-1", "0.5"]),
        ("propose", "--max-width", ["0", "-1", "2.5", ""]),
        ("propose", "--limit", ["0", "-1", "2.5", ""]),
        ("propose", "--min-size", ["-1", "nan", "-inf", ""]),
        ("propose", "--seed", ["-1", "99.5"]),
        ("propose", "--path", ["boxes.npz"]),
        ("propose", "--save", ["", "x.csv"]),
        ("propose data", "--photos", ["0", "-1", "1.5", "nan", ""]),
        ("propose data", "--split", [""]),
        ("evaluate", "--photos", ["0", "-1", "1.5", ""]),
        ("evaluate", "--seed", ["-1"]),
        ("evaluate", "--out", [""]),
        ("train", "--batch", ["1.5", ""]),
        ("train", "--solver.iterations", ["2.5", ""]),
        ("check-data", "--images", [""]),
        ("gradcheck", "--elements", ["0", "-1", "1.5", ""]),
        ("gradcheck", "--seed", ["-1"]),
        ("demo", "--seed", ["-1", "0.5", ""]),
        ("demo", "--jobs", ["-1"]),
        ("demo", "--out", [""]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_value_without_meaning_is_refused(command, option, values, calls, tmp_path, capsys):
    for value in values:
        line = refused([*calls[command], option, value], capsys)
        name = option.removeprefix("--").replace("-", "_")
        assert option in line or name in line or value == "boxes.npz", (value, line)
        assert list(tmp_path.iterdir()) == [], value


@pytest.mark.parametrize(
    "call",
    [["detect", "", PHOTO], ["detect", "fast", ""], ["explain", "fast", ""], ["propose", ""],
     ["check-data", ""], ["train", "fast-rcnn", "", "--out", "run"], ["evaluate", "fast", ""]],
    ids=" ".join,
)  # fmt: skip
def test_an_empty_word_is_not_the_present_folder(call, workspace, capsys, monkeypatch):
    monkeypatch.chdir(workspace)
    assert "is empty: was a variable of the shell not set?" in refused(call, capsys)


def test_whole_numbers_may_be_written_with_a_point(calls, capsys):
    assert main([*calls["propose"], "--draw", "3.0", "--seed", "0x10"]) == 0


def test_ranks_are_read():
    assert parse_svd(None) is None
    assert parse_svd(" fc6 = 1024, fc7=256") == {"fc6": 1024, "fc7": 256}


@pytest.mark.parametrize(
    ("call", "help_call"),
    [
        (["nope"], "minircnn --help"),
        (["detect", "--nope"], "minircnn detect --help"),
        (["train", "rcnn", "--nope"], "minircnn train rcnn --help"),
        (["train", "nope"], "minircnn train --help"),
        (["--nope"], "minircnn --help"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_help_that_is_advised_exists(call, help_call, capsys):
    assert main(call) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("try: ")]
    assert line == f"try: {help_call}"
    assert main(help_call.split()[1:]) == 0


@pytest.mark.parametrize("command", ["detect", "evaluate", "explain", "propose", "train"])
def test_what_is_advised_against_full_memory_exists(command, calls, capsys, monkeypatch):
    def full(*arguments, **options):
        raise MemoryError("Unable to allocate 9 GiB")

    for module in ("detect.open_detector", "evaluate.open_detector", "explain.open_detector", "train.train"):
        monkeypatch.setattr(f"minircnn.cli.{module}", full)
    monkeypatch.setattr("minircnn.cli.propose.make_proposer", full)
    assert main(calls[command]) == 1
    said = capsys.readouterr().err
    assert "not enough memory" in said
    options = [word for word in said.replace(",", " ").split() if word.startswith("--")]
    assert options
    name = calls[command][: 2 if command == "train" else 1]
    assert main([*name, "--help"]) == 0
    known = capsys.readouterr().out
    assert all(option in known for option in options)


def test_no_problems_fewer_than_none_are_shown(capsys):
    assert main(["check-data", "scenes", "--split", "val", "--problems", "-1"]) == 2
    assert "--problems" in capsys.readouterr().err
