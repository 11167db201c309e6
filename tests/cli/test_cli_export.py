"""``minircnn export``: one file, half as large, with a card that says what it is."""

import json

import pytest

from minircnn.cli import main
from minircnn.cli.running import open_detector
from minircnn.detectors import load_detector
from minircnn.pretrained import read_card

CARD = {
    "data": "two scenes",
    "command": "minircnn train fast-rcnn voc",
    "measured": "VOC AP at IoU 0.5 on two scenes",
    "failures": ["it has seen two photos"],
    "license": "BSD-3-Clause",
    "initial_weights": "random",
    "initial_weights_license": "none",
}


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def card(workspace, tmp_path):
    """Write a card of the workspace's Fast R-CNN, with these changes, and return its path."""
    scores = dict.fromkeys(open_detector(workspace / "fast").class_names, 0.5)

    def write(more_scores=None, **changes):
        said = CARD | {"scores": scores | (more_scores or {})} | changes
        content = {name: value for name, value in said.items() if value is not None}
        (tmp_path / "card.json").write_text(json.dumps(content))
        return tmp_path / "card.json"

    return write


def test_half_the_size_and_a_card(workspace, tmp_path, card, capsys):
    file = tmp_path / "new" / "small.safetensors"
    assert run("export", workspace / "fast", file, "--half", "--card", card()) == 0
    said = capsys.readouterr()
    assert "its card:" in said.out
    assert file.stat().st_size < 0.6 * (workspace / "fast" / "model.safetensors").stat().st_size
    written = read_card(file.with_suffix(".json"))
    assert written.detector == "fast-rcnn"
    assert written.settings["solver.iterations"] == 3
    assert written.seed == 0
    assert str(workspace) not in file.with_suffix(".json").read_text()
    (line,) = [line for line in said.err.splitlines() if line.startswith("next: ")]
    assert line == f"next: minircnn detect {file} photo.jpg"
    photo = workspace / "photos" / "test_00000.png"
    assert run("detect", file, photo, "--out", tmp_path / "out") == 0


def test_without_half_it_is_the_same_detector(workspace, tmp_path, capsys):
    assert run("export", workspace / "rcnn", tmp_path / "r.safetensors", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["card"] is None
    assert result["bytes"] == (tmp_path / "r.safetensors").stat().st_size
    assert load_detector(tmp_path / "r.safetensors").name == "rcnn"


def test_what_was_exported_is_exported_again_with_its_card(workspace, tmp_path, card):
    run("export", workspace / "fast", tmp_path / "one.safetensors", "--half", "--card", card())
    again = [tmp_path / "one.safetensors", tmp_path / "two.safetensors", "--half"]
    assert run("export", *again, "--card", tmp_path / "one.json") == 0
    one, two = (tmp_path / f"{name}.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": None}, "card lacks the field 'data'"),
        ({"failures": []}, "card.failures must be one value or more"),
        ({"scores": {"0": 0.5}}, "card.scores has no score of"),
        ({"more_scores": {"3": 53}}, "card.scores of 3 must be between 0 and 1, or none, got 53"),
        ({"note": "x"}, "card has no field 'note'"),
        ({"license": " "}, "card.license must be a text"),
    ],
)
def test_a_card_that_says_too_little_stops_before_anything_is_written(
    changes, words, workspace, tmp_path, card, capsys
):
    assert run("export", workspace / "fast", tmp_path / "x.safetensors", "--card", card(**changes)) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x.safetensors").exists()


def test_files_are_kept_and_replaced_as_everywhere(workspace, tmp_path, capsys, card):
    file = tmp_path / "x.safetensors"
    assert run("export", workspace / "fast", tmp_path / "x.npz") == 2
    assert "must end in .safetensors" in capsys.readouterr().err
    assert run("export", workspace / "fast", file) == 0
    assert run("export", workspace / "fast", file) == 1
    assert "name another file, or add --overwrite" in capsys.readouterr().err
    assert run("export", workspace / "rcnn", file, "--overwrite") == 0
    assert load_detector(file).name == "rcnn"
    assert run("export", file, file, "--overwrite") == 1
    assert "is read by this command" in capsys.readouterr().err
    file.write_bytes(b"somebody's")
    assert run("export", workspace / "fast", file, "--overwrite") == 1
    (tmp_path / "list.json").write_text("[]")
    assert (
        run("export", workspace / "fast", tmp_path / "y.safetensors", "--card", tmp_path / "list.json") == 1
    )
    assert "a card is a JSON object" in capsys.readouterr().err
