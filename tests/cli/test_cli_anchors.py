"""``minircnn anchors``: what it measures, and that what it prints can be typed."""

import json
import re
import shlex

import pytest

import minircnn.cli.train as train_module
from minircnn.boxes import AnchorSettings
from minircnn.cli import main
from minircnn.data import Scenes, export_voc
from minircnn.training import RECIPES

PRESETS = RECIPES["faster-rcnn"].presets


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A VOC folder of four scenes, named from the folder it lies in."""
    monkeypatch.chdir(tmp_path)
    export_voc(Scenes("train", count=4, size=96, heights=(20, 48)), "digits", "train")
    return "digits"


@pytest.fixture
def asked(monkeypatch):
    """The settings and photos with which trainings were asked for, which are not made."""
    trainings = []

    def estimated(dataset, settings, *others, **options):
        trainings.append((settings, len(dataset.image_ids)))
        return []

    monkeypatch.setattr(train_module, "estimate_training", estimated)
    return trainings


def run_json(capsys, *arguments):
    assert main(["anchors", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_suggestion_is_measured_beside_the_presets_anchors(data, capsys):
    result = run_json(capsys, data, "--preset", "scenes")
    assert (result["photos"], result["stride"], result["short_side"]) == (4, 4, None)
    suggested, preset = result["suggested"], result["preset"]
    assert tuple(preset["scales"]) == PRESETS["scenes"].anchors.scales
    assert len(suggested["ratios"]) == 2
    assert len(suggested["scales"]) == 5
    assert 0.7 < preset["mean_iou"] < suggested["mean_iou"] <= 1
    for name in ("suggested", "preset"):
        bands = result[name]["by_size"].values()
        assert sum(band["objects"] for band in bands) == result["objects"]
        for figure in ("recall_0.5", "recall_0.7", "mean_iou"):
            total = sum((band[figure] or 0) * band["objects"] for band in bands)
            assert result[name][figure] == pytest.approx(total / result["objects"])
    assert None in [band["mean_iou"] for band in preset["by_size"].values()]


def test_the_options_are_those_of_training(data, capsys, asked):
    result = run_json(capsys, data, "--preset", "scenes", "--scales", "3", "--stride", "8")
    options = [*result["options"], "--preset", "scenes", "--out", "run", "--estimate"]
    assert main(["train", "faster-rcnn", data, *options]) == 0
    names = ("base_size", "ratios", "scales", "rounded")
    (settings, _), suggested = asked[0], result["suggested"]
    assert settings.anchors == AnchorSettings(*(suggested[name] for name in names))
    assert settings.anchors.base_size == 8
    assert settings.anchors.num_anchors == 6


@pytest.mark.parametrize(
    ("options", "short_side", "photos"),
    [
        ([], 600, 4),
        (["--short-side", "448", "--photos", "2"], 448, 2),
        (["--short-side", "1200", "--split", "train"], 1200, 4),
        (["--preset", "scenes"], None, 4),
    ],
)
def test_the_next_command_can_be_typed(options, short_side, photos, data, capsys, asked):
    assert main(["anchors", data, *options]) == 0
    printed = capsys.readouterr()
    assert f"{photos} photos" in printed.out
    assert "height : width" in printed.out
    (command,) = re.findall(r"next: minircnn (.*)", printed.err)
    assert main([*shlex.split(command), "--estimate"]) == 0
    settings, count = asked[0]
    assert (settings.scale.short_side, count) == (short_side, photos)
    assert settings.scale.max_long_side >= (short_side or 0)
    assert " ".join(printed.out.splitlines()[-1].split()[1:]) in command


def test_a_preset_of_frozen_layers_names_weights(data, capsys):
    assert main(["anchors", data, "--preset", "pretrained"]) == 0
    assert "--backbone.weights squeezenet1_1 " in capsys.readouterr().err


def test_the_built_in_scenes_have_their_own_preset(capsys):
    result = run_json(capsys, "scenes", "--photos", "3")
    assert tuple(result["preset"]["ratios"]) == PRESETS["scenes"].anchors.ratios


def test_a_picture_is_drawn_and_not_replaced_unasked(data, tmp_path, capsys):
    call = ["anchors", data, "--draw", "pictures/anchors.png"]
    assert main(call) == 0
    assert (tmp_path / "pictures" / "anchors.png").read_bytes()[1:4] == b"PNG"
    assert main(call) == 1
    assert "--draw" in capsys.readouterr().err
    assert main([*call, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ratios", "0"], "--ratios"),
        (["--scales", "-1"], "--scales"),
        (["--stride", "0"], "--stride"),
        (["--stride", "nan"], "--stride"),
        (["--short-side", "0"], "--short-side"),
        (["--max-long-side", "0"], "--max-long-side"),
        (["--short-side", "600", "--max-long-side", "500"], "max-long-side"),
        (["--preset", "none"], "no preset 'none' of faster-rcnn"),
        (["--draw", "x.jpg"], "--draw writes .png files"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(options, message, data, capsys):
    assert main(["anchors", data, *options]) in (1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "this is a bug" not in captured.err


def test_a_data_set_of_difficult_objects_alone_is_refused(data, tmp_path, capsys):
    for file in (tmp_path / data / "Annotations").glob("*.xml"):
        file.write_text(file.read_text().replace("<difficult>0", "<difficult>1"))
    assert main(["anchors", data]) == 1
    assert "no (not difficult) object to make anchors for" in capsys.readouterr().err
