"""``minircnn weights``: every command, and that what it prints next works."""

import dataclasses
import hashlib
import json
import shlex

import numpy as np
import pytest
from safetensors.numpy import save_file

from minircnn.backbones import build_backbone
from minircnn.cli import main
from minircnn.training.backbone import make_backbone
from minircnn.training.settings import BackboneSettings
from minircnn.weights import CATALOGUE, WeightsError, open_weights


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, and another one for what is fetched."""
    monkeypatch.setenv("MINIRCNN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def unsaid(here, rng):
    """SqueezeNet's weights under the names of here, in a file that says nothing of its pixels."""
    net = build_backbone("squeezenet1_1", rng=rng)
    arrays = {name: np.ascontiguousarray(parameter.data) for name, parameter in net.named_parameters()}
    save_file(arrays, here / "w.safetensors")
    return arrays


def run(capsys, *words):
    code = main(["weights", *map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_list_names_what_there_is_and_where_it_lies(here, capsys, monkeypatch):
    code, out, err = run(capsys, "list")
    assert code == 0
    for name in CATALOGUE:
        assert name in out
    assert "BSD-3-Clause" in out
    assert err == "next: minircnn weights fetch squeezenet1_1\n"
    (here.parent / "cache").mkdir()
    file = here.parent / "cache" / CATALOGUE["squeezenet1_1"].file_name
    file.touch()
    code, out, err = run(capsys, "list")
    assert err.splitlines() == [
        f"{file}: is not the published file, or not all of it: delete it",
        "next: minircnn weights fetch squeezenet1_0",
    ]
    empty = dataclasses.replace(CATALOGUE["squeezenet1_1"], sha256=hashlib.sha256().hexdigest())
    monkeypatch.setitem(CATALOGUE, "squeezenet1_1", empty)
    code, out, err = run(capsys, "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["squeezenet1_1"]["file"] == str(file)
    assert rows["vgg16"]["file"] is None
    assert rows["vgg16"]["url"].startswith("https://")
    code, out, err = run(capsys, "list")
    assert err == "next: minircnn weights fetch squeezenet1_0\n"


def test_fetch_without_a_connection_says_what_to_do(here, capsys, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    code, out, err = run(capsys, "fetch", "squeezenet1_1", "--folder", here / "mine")
    assert (code, out) == (1, "")
    url = CATALOGUE["squeezenet1_1"].url
    assert f"{url} was not downloaded: there is no connection to the server" in err
    assert err.endswith(f"(about 5 MB) and put it there: {here}/mine/squeezenet1_1-b8a52dc0.pth\n")
    assert list((here / "mine").iterdir()) == []


def test_fetch_tells_the_training_that_takes_it(here, capsys, monkeypatch):
    monkeypatch.setattr("minircnn.cli.weights.fetch", lambda name, folder: (folder or here) / "f.pth")
    code, out, err = run(capsys, "fetch", "vgg16")
    assert (code, out) == (0, f"{here}/f.pth\n")
    training = (
        "next: minircnn train fast-rcnn DATA --preset pretrained --backbone.name vgg16 --backbone.weights"
    )
    assert err == f"{training} vgg16\n"
    assert run(capsys, "fetch", "vgg16", "--folder", "x")[2] == f"{training} x/f.pth\n"
    monkeypatch.setattr("minircnn.cli.weights.fetch", interrupted)
    code, _, err = run(capsys, "fetch", "vgg16")
    assert code == 130
    assert err.startswith("what has come is kept; the same command goes on from there\n")


def interrupted(name, folder):
    raise KeyboardInterrupt


def test_import_asks_for_the_input_and_notes_it(here, unsaid, capsys):
    code, _, err = run(capsys, "import", "w.safetensors", "--out", "out.npz")
    assert code == 1
    assert "nothing in it tells which input its weights want for squeezenet1_1" in err
    assert not (here / "out.npz").exists()
    advice = shlex.split(err[err.index("'minircnn weights import") :].split("'")[1])
    code, out, err = run(capsys, *advice[2:], "--out", "out.npz")
    assert (code, out) == (0, "out.npz\n")
    assert "squeezenet1_1, 722,496 numbers; photos become BGR 0..255 minus 104, 117, 123" in err
    assert "next: minircnn train fast-rcnn DATA --preset pretrained --backbone.name squeezenet1_1" in err
    made = build_backbone("squeezenet1_1", weights=here / "out.npz")
    assert made.options["normalization"] == "caffe"
    for name, parameter in made.named_parameters():
        np.testing.assert_array_equal(parameter.data, unsaid[name])


def test_import_never_replaces_what_is_not_its_own(here, unsaid, capsys):
    code, _, err = run(capsys, "import", "w.safetensors", "--input", "caffe")
    assert (code, err[:60]) == (1, "minircnn: error: w.safetensors is read by this command and n")
    save_file(unsaid, here / "mine.safetensors")
    words = ("import", "w.safetensors", "--input", "caffe", "--half", "--out")
    assert (
        "nothing in it says that minircnn made it"
        in run(capsys, *words, "mine.safetensors", "--overwrite")[2]
    )
    for out in ("out.safetensors", "out.npz"):
        assert run(capsys, *words, out)[0] == 0
        assert "add --overwrite" in run(capsys, *words, out)[2]
        assert run(capsys, *words, out, "--overwrite")[0] == 0
        assert open_weights(here / out).arrays["conv1.weight"].dtype == np.float16
    assert "--out must end in .safetensors or .npz, got out.pth" in run(capsys, *words, "out.pth")[2]


def test_import_of_what_fits_nothing_says_what_each_backbone_lacks(here, capsys):
    np.savez(here / "odd.npz", weight=np.ones(3, np.float32))
    code, _, err = run(capsys, "import", "odd.npz")
    assert code == 1
    assert "odd.npz: fits no backbone as it is built by default:\n" in err
    for name in ("tiny", "alexnet", "alexnet_torchvision", "vgg16", "squeezenet1_0", "squeezenet1_1"):
        assert f"\n  {name}: array 'conv1" in err
    assert "unknown backbone 'resnet'" in run(capsys, "import", "odd.npz", "--backbone", "resnet")[2]
    assert (
        "missing for tiny; the file holds 'weight'"
        in run(capsys, "import", "odd.npz", "--backbone", "tiny")[2]
    )


def test_show_tells_format_backbone_pixels_and_arrays(here, unsaid, capsys):
    code, out, err = run(capsys, "show", "w.safetensors")
    assert code == 0
    assert "'minircnn weights import w.safetensors --backbone squeezenet1_1 --input torchvision'" in err
    assert out.startswith("w.safetensors: SafeTensors, 50 arrays, 722,496 numbers\nbackbone: squeezenet1_1\n")
    assert "photos become: the file does not tell" in out
    assert run(capsys, "import", "w.safetensors", "--input", "torchvision", "--out", "out.npz")[0] == 0
    code, out, _ = run(capsys, "show", "out.npz")
    assert "out.npz: NumPy archive" in out
    assert (
        "photos become: RGB 0..1 minus 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225, as the file says" in out
    )
    line = next(line for line in out.splitlines() if line.startswith("fire2.squeeze1x1.weight"))
    assert line.split() == shlex.split(
        "fire2.squeeze1x1.weight fire2.squeeze1x1.weight 16 × 64 × 1 × 1 float32 1,024"
    )
    shown = json.loads(run(capsys, "show", "out.npz", "--json")[1])
    assert shown["backbones"] == ["squeezenet1_1"]
    assert shown["normalization"]["mean"] == [0.485, 0.456, 0.406]
    assert shown["arrays"]["conv1.bias"] == {"shape": [64], "type": "float32"}
    assert shown["why_no_other"].keys() >= {"vgg16", "tiny"}


def test_show_of_what_fits_nothing_says_why(here, capsys):
    np.savez(here / "odd.npz", weight=np.float32(3))
    code, out, err = run(capsys, "show", "odd.npz")
    assert code == 0
    assert "backbone: none as it is built by default" in out
    assert "one number" in out
    assert "vgg16: array 'conv1_1.weight' of shape (64, 3, 3, 3) is missing" in err
    assert json.loads(run(capsys, "show", "odd.npz", "--json")[1])["normalization"] is None


@pytest.mark.parametrize("command", ["import", "show"])
def test_names_that_are_not_fetched_are_answered_with_the_command(here, capsys, command):
    code, _, err = run(capsys, command, "vgg16")
    assert code == 1
    assert err.endswith("have not been fetched: minircnn weights fetch vgg16\n")
    assert run(capsys, command, "gone.npz")[2] == "minircnn: error: gone.npz: no such file\n"


def test_training_takes_a_name_and_says_what_is_missing(here, rng):
    with pytest.raises(WeightsError, match=r"minircnn weights fetch vgg16$"):
        make_backbone(BackboneSettings("vgg16", weights="vgg16"), rng)
