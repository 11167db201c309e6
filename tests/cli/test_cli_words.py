"""Which words of detect and explain are a detector and which are photos, and what photos there are."""

import io
import json
import shutil
import sys

import numpy as np
import pytest

from minircnn import pretrained
from minircnn.cli import main
from minircnn.cli.models import PRETRAINED, model_and_photos
from minircnn.cli.photos import find_photos, photos_of, result_names
from minircnn.data.photos import EXAMPLES
from minircnn.imaging import read_image, write_image

PHOTO = np.full((40, 50, 3), 128, np.uint8)


@pytest.fixture
def desk(workspace, stand_in, tmp_path, monkeypatch):
    """A folder with a run, photos and other things, and the present one."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(workspace / "fast", "run")
    shutil.copytree(workspace / "fast", "unfinished", ignore=shutil.ignore_patterns("model*"))
    shutil.copy("run/model.safetensors", "small.safetensors")
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "deep/c.png", ".hidden.png"):
        write_image(tmp_path / "photos" / name, PHOTO)
    shutil.copy("photos/a.png", "photo without ending")
    (tmp_path / "photos" / "notes.txt").write_text("notes")
    (tmp_path / "photos" / "settings.json").write_text('{"of": "another program"}')
    return tmp_path


def run(*words):
    return main([str(word) for word in words])


def complaint(capsys, *words):
    code = run(*words)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    return code, line


@pytest.mark.parametrize(
    "word",
    ["run", "unfinished", "small.safetensors", "gone.safetensors", "runs/gone", "notes.txt", PRETRAINED],
)
def test_a_detector_goes_before_its_photos(word, desk):
    (desk / "notes.txt").write_text("notes")
    model, photos = model_and_photos([word, "photos/a.png"])
    assert str(model) == word
    assert photos == ["photos/a.png"]


@pytest.mark.parametrize(
    "word",
    ["photos", "photos/a.png", "gone.JPG", "photo without ending", "photos/*.png", "/dev/stdin", "example"],
)
def test_without_a_detector_the_pretrained_one_is_taken(word, desk, capsys):
    model, photos = model_and_photos([word, "photos/b.jpg"])
    assert str(model) == PRETRAINED
    assert photos == [word, "photos/b.jpg"]
    assert f"taking the one that comes with minircnn, {pretrained.DEFAULT}" in capsys.readouterr().err


def test_the_pretrained_detector_finds_what_its_file_finds(desk, capsys):
    found = []
    for number, words in enumerate((["photos"], ["pretrained", "photos"], ["small.safetensors", "photos"])):
        assert run("detect", *words, "--out", f"out{number}", "--min-score", "-1", "--json") == 0
        found.append([record["detections"] for record in json.loads(capsys.readouterr().out)])
    assert found[0] == found[1] == found[2]
    assert all(found[0])


def test_the_users_own_things_go_before_words(desk):
    shutil.copytree("run", "pretrained")
    (desk / "example").mkdir()
    write_image(desk / "example" / "mine.png", PHOTO)
    model, photos = model_and_photos(["pretrained", "example"])
    assert model.is_dir()
    assert [path.name for path in find_photos(photos)] == ["mine.png"]


def test_explain_takes_one_photo(desk, capsys):
    assert run("explain", "photos/deep", "--out", "page", "--json") == 0
    assert (desk / "page" / "explained.html").is_file()
    code, line = complaint(capsys, "explain", "run", "photos", "--out", "page2")
    assert code == 2
    assert "explain takes one photo, got 2: photos/a.png, photos/b.jpg" in line
    assert not (desk / "page2").exists()


def test_evaluate_takes_the_word(desk, workspace, capsys):
    assert run("evaluate", "pretrained", workspace / "voc", "--json", "--jobs", "1") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "pretrained"


@pytest.mark.parametrize(
    ("words", "code", "words_of_error"),
    [
        (["run"], 2, "run is a detector: name a photo, too"),
        (["pretrained"], 2, "pretrained is a detector: name a photo, too"),
        (["runs/gone"], 1, "runs/gone: no such file or folder, of a detector or of photos"),
        (["gone.safetensors"], 1, "gone.safetensors: no such file or folder, of a detector or of photos"),
        (["runs/gone", "photos"], 1, "runs/gone: no such file or folder, of a detector or of photos"),
        (["unfinished", "photos"], 1, "training has not finished"),
        (["notes.txt", "photos"], 1, "notes.txt is damaged or no safetensors file"),
        (["run", "gone.jpg"], 1, "gone.jpg: no such file"),
        (["run", "empty"], 1, "empty: no photo in this folder"),
        (["run", "photos/*.tif"], 1, "photos/*.tif: no file has a name like this"),
        (["run", "photos/*.txt"], 1, "photos/*.txt: no photo among them"),
        (["run", "https://a.org/a b.jpg"], 1, "curl --location --output photo.jpg 'https://a.org/a b.jpg'"),
        (["http://example.org/a.jpg"], 1, "is an address, and only files are read"),
        (["file:///tmp/a.jpg"], 1, "name the file by its path, without file://"),
        (["example:dog"], 1, "there are example:astronaut, example:cat, example:motorbike"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_named(words, code, words_of_error, desk, capsys):
    (desk / "empty").mkdir()
    (desk / "notes.txt").write_text("notes")
    was, line = complaint(capsys, "detect", *words, "--out", "out")
    assert (was, words_of_error in line) == (code, True), line
    assert not (desk / "out").exists() or not list((desk / "out").iterdir())


def test_without_a_pretrained_detector_it_is_said(desk, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "FOLDER", desk / "photos")
    for words in (["detect", "photos"], ["detect", "pretrained", "photos"], ["explain", "photos/a.png"]):
        code, line = complaint(capsys, *words)
        assert code == 1
        assert "this copy of minircnn comes without a pretrained detector" in line


def names(*words):
    return [str(path).replace("\\", "/") for path in find_photos(words)]


def test_patterns(desk, capsys):
    assert names("photos/*.png") == ["photos/a.png"]
    assert names("photos/?.*") == ["photos/a.png", "photos/b.jpg"]
    assert names("photos/*") == ["photos/a.png", "photos/b.jpg"]
    assert names("photos/**/*.png") == ["photos/a.png", "photos/deep/c.png"]
    assert names("photos/**", "photos/a.png") == ["photos/a.png", "photos/b.jpg", "photos/deep/c.png"]
    (desk / "photos" / "x.heic").write_bytes(b"0")
    assert names("photos/*") == ["photos/a.png", "photos/b.jpg"]
    assert "photos/*: 1 file(s) left out that cannot be read as photos, x.heic" in capsys.readouterr().err
    write_image(desk / "a[1].png", PHOTO)
    assert names("a[1].png") == ["a[1].png"]  # a file of the very name goes before the pattern


def test_links_that_lead_upward_do_not_multiply_the_paths(desk):
    for place in ("photos", "photos/deep", "photos/deep/er"):
        (desk / place).mkdir(exist_ok=True)
        for name in ("up", "also up"):
            (desk / place / name).symlink_to(desk / "photos", target_is_directory=True)
    assert names("photos/**/*.png") == ["photos/a.png", "photos/deep/c.png"]
    assert names("photos/**/deep/**/c.*") == ["photos/deep/c.png"]
    assert names(f"{desk}/**/b.jpg") == [f"{desk}/photos/b.jpg".replace("\\", "/")]
    assert names("**/b.jpg") == ["photos/b.jpg"]


def test_a_photo_has_its_own_name_and_not_that_of_a_link(desk):
    (desk / "photos" / "A link.png").symlink_to(desk / "photos" / "a.png")
    assert names("photos") == ["photos/a.png", "photos/b.jpg"]


@pytest.mark.parametrize("there", [True, False])
def test_a_photo_that_cannot_be_read_is_no_detector(there, desk, capsys):
    if there:
        (desk / "x.heic").write_bytes(b"\0\0\0\x18ftypheic")
    code, line = complaint(capsys, "detect", "x.heic")
    assert code == 1
    assert ("export the photo as JPEG" if there else "no such file") in line


def test_a_pattern_begins_at_home(desk, monkeypatch):
    monkeypatch.setenv("HOME", str(desk))
    monkeypatch.setenv("USERPROFILE", str(desk))
    assert [path.name for path in find_photos(["~/photos/*.png"])] == ["a.png"]


@pytest.fixture
def standard_input(monkeypatch):
    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def test_a_photo_from_standard_input(desk, standard_input, capsys):
    standard_input((desk / "photos" / "b.jpg").read_bytes())
    assert run("detect", "-", "--out", "out", "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["image"] == "stdin"
    assert {path.name for path in (desk / "out").iterdir()} == {"stdin.png", "stdin.json"}
    standard_input((desk / "photos" / "b.jpg").read_bytes())
    assert run("explain", "run", "-", "--out", "page") == 0
    assert "sees stdin" in (desk / "page" / "explained.html").read_text("utf-8")


def test_standard_input_that_holds_no_photo(desk, standard_input, capsys, monkeypatch):
    standard_input(b"")
    assert "-: standard input is empty" in complaint(capsys, "detect", "-")[1]
    standard_input(b"no photo")
    code, line = complaint(capsys, "detect", "-", "--out", "out")
    assert code == 1
    assert "error: stdin: cannot be read as an image" in line
    monkeypatch.setattr(sys, "stdin", None)
    assert "add < photo.jpg" in complaint(capsys, "detect", "-")[1]


@pytest.mark.parametrize("command", [["explain", "run"], ["propose"]])
def test_what_is_no_photo_is_called_standard_input(command, desk, standard_input, capsys):
    standard_input(b"no photo")
    code, line = complaint(capsys, *command, "-", "--out", "out")
    assert code == 1
    assert "error: stdin: cannot be read as an image" in line


def test_what_came_from_standard_input_is_cleared_away(standard_input):
    standard_input(b"a photo")
    with photos_of(["/dev/stdin"]) as (path,):
        assert path.read_bytes() == b"a photo"
    assert not path.parent.exists()


def test_examples_are_photos_that_are_there(desk, capsys):
    assert [read_image(path).shape for path in find_photos(["example"])] == [
        (512, 512, 3), (300, 451, 3), (500, 741, 3)
    ]  # fmt: skip
    assert len(EXAMPLES) == 3
    assert run("detect", "example:cat", "--out", "out", "--max-width", "100") == 0
    assert "\nexample:cat " in capsys.readouterr().out
    record = json.loads((desk / "out" / "cat.json").read_text())
    assert read_image(record["image"]).shape == (300, 451, 3)
    assert (desk / "out" / "cat.png").is_file()


def test_results_of_examples_are_called_by_their_words(desk):
    examples = find_photos(["example"])
    assert result_names(examples) == list(EXAMPLES)
    assert result_names([*examples, desk / "cat.jpg"]) == ["astronaut", "cat.png", "motorbike", "cat.jpg"]
    assert result_names([desk / "chelsea.png"]) == ["chelsea"]  # a file of the user's


def test_propose_takes_the_same_words(desk, standard_input, capsys):
    out = ("--out", "out", "--max-width", "100", "--json")
    assert run("propose", "example:cat", *out, "--save", "cat.npz") == 0
    assert {path.name for path in (desk / "out").iterdir()} == {"cat.proposals.png", "cat.hierarchy.png"}
    assert run("detect", "run", "example:cat", "--out", "found", "--proposals", "cat.npz") == 0
    standard_input((desk / "photos" / "b.jpg").read_bytes())
    capsys.readouterr()
    assert run("propose", "-", *out) == 0
    assert json.loads(capsys.readouterr().out)["photo"] == "stdin"


@pytest.mark.parametrize(
    ("word", "code", "words_of_error"),
    [
        ("https://a.org/a.jpg", 1, "curl --location --output photo.jpg https://a.org/a.jpg"),
        ("example", 2, "propose takes one photo, got 3: example:astronaut, example:cat, example:motorbike"),
        ("photos/*", 2, "propose takes one photo, got 2: photos/a.png, photos/b.jpg"),
        ("gone.jpg", 1, "gone.jpg: no such file"),
        ("gone", 1, "gone: no such data set"),
    ],
)
def test_what_propose_cannot_take_is_named(word, code, words_of_error, desk, capsys):
    was, line = complaint(capsys, "propose", word, "--out", "out")
    assert (was, words_of_error in line) == (code, True), line
    assert not (desk / "out").exists()
