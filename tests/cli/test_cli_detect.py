"""Detection in many photos: it goes on where it stopped, and one odd photo does not cost the others."""

import dataclasses
import json
import os
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

import minircnn.cli.detect as detect_module
from minircnn.cli import main
from minircnn.cli.photos import find_photos, result_names
from minircnn.cli.running import open_detector
from minircnn.detectors import save_detector
from minircnn.imaging import PHOTO_ENDINGS, write_image


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def photos(workspace, tmp_path):
    """A folder with a blank in its name, and four photos in it."""
    folder = tmp_path / "the photos"
    folder.mkdir()
    for number in range(4):
        shutil.copy(workspace / "photos" / f"test_0000{number % 2}.png", folder / f"{number}.png")
    return folder


def stop_after(monkeypatch, count, error=KeyboardInterrupt):
    """Let detection be interrupted after `count` photos; return the names of those that were begun."""
    begun, detect = [], detect_module._detect

    def counted(detector, files, *rest, **more):
        if len(begun) == count:
            raise error
        begun.append(files.photo.name)
        return detect(detector, files, *rest, **more)

    monkeypatch.setattr(detect_module, "_detect", counted)
    return begun


def advice(text):
    """The command that a message tells to go on with, as its words."""
    (line,) = [line for line in text.splitlines() if line.startswith("go on with: minircnn ")]
    shown = subprocess.run(
        ["sh", "-c", f'for w in {line.removeprefix("go on with: minircnn ")}; do echo "$w"; done'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return shown.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device", "x.png")])
def test_an_interrupted_call_goes_on_where_it_stopped(
    error, workspace, photos, tmp_path, capsys, monkeypatch
):
    call = ["detect", workspace / "fast", photos, "--out", tmp_path / "o ut", "--min-score", "-5"]
    with monkeypatch.context() as patch:
        stop_after(patch, 2, error)
        assert run(*call) == (130 if error is KeyboardInterrupt else 1)
    said = capsys.readouterr().err
    assert "2 of 4 photos are done" in said
    assert not [path for path in (tmp_path / "o ut").iterdir() if path.name.startswith(".")]
    whole = tmp_path / "whole"
    assert run("detect", workspace / "fast", photos, "--out", whole, "--min-score", "-5", "--json") == 0
    expected = json.loads(capsys.readouterr().out)

    with monkeypatch.context() as patch:
        begun = stop_after(patch, 9)
        assert main([*advice(said), "--json"]) == 0
    assert begun == ["2.png", "3.png"]
    captured = capsys.readouterr()
    assert "2 of 4 photos are done already" in captured.err
    found = json.loads(captured.out)
    for one, other in zip(found, expected, strict=True):
        assert one.pop("picture") != other.pop("picture")
        assert one == other
    for path in whole.glob("*.png"):
        assert (tmp_path / "o ut" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_only_what_is_still_true_is_taken(workspace, photos, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    call = ["detect", workspace / "fast", photos, "--out", out]
    assert run(*call) == 0
    write_image(photos / "0.png", np.zeros((50, 60, 3), np.uint8))  # another photo of the same name
    (out / "1.png").unlink()
    torn = (out / "2.json").read_text()
    (out / "2.json").write_text(torn.replace('"fingerprint": "', '"fingerprint": "0'))

    def begun(*more):
        with monkeypatch.context() as patch:
            names = stop_after(patch, 9)
            assert run(*call, "--resume", *more) == 0
        return names

    assert begun() == ["0.png", "1.png", "2.png"]
    assert begun() == []
    assert "4 of 4 photos are done already" in capsys.readouterr().err
    assert len(begun("--min-score", "0.1")) == 4
    assert len(begun("--min-score", "0.1", "--max-width", "50")) == 4
    assert len(begun("--min-score", "0.1", "--svd", "fc6=4")) == 4
    call[1] = workspace / "rcnn"
    assert len(begun()) == 4


def test_resume_and_overwrite_exclude_each_other(workspace, photos, tmp_path, capsys):
    assert run("detect", workspace / "fast", photos, "--out", tmp_path / "o", "--resume", "--overwrite") == 2
    assert "leave one of them away" in capsys.readouterr().err


def test_a_file_of_somebody_else_is_not_taken_for_a_result(workspace, photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "3.json").write_text('{"shapes": []}')
    assert run("detect", workspace / "fast", photos, "--out", tmp_path / "out", "--resume") == 1
    assert (tmp_path / "out" / "3.json").read_text() == '{"shapes": []}'


def test_odd_entries_of_a_folder_do_not_end_the_work(workspace, photos, tmp_path, capsys):
    (photos / "broken link.jpg").symlink_to(tmp_path / "nowhere")
    (photos / "folder.jpg").mkdir()
    (photos / "._0.jpg").write_bytes(b"\0\5\x16\7")  # macOS puts these beside files on other disks
    (photos / ".hidden.png").write_text("")
    (photos / "Thumbs.db").write_text("")
    (photos / "__MACOSX").mkdir()
    os.mkfifo(photos / "pipe.png")
    assert run("detect", workspace / "fast", photos, "--out", tmp_path / "out") == 1
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if "error" in line]
    assert len(errors) == 2
    assert "broken link.jpg: is a link that leads nowhere" in errors[0]
    assert "pipe.png: is a pipe" in errors[1]
    assert len(list((tmp_path / "out").glob("*.json"))) == 4


def test_a_link_to_nowhere_that_is_named_is_like_any_unreadable_photo(workspace, photos, tmp_path, capsys):
    (photos / "x.png").symlink_to(tmp_path / "nowhere")
    names = sorted(photos.iterdir())  # as the shell's *.png names them
    assert run("detect", workspace / "fast", *names, "--out", tmp_path / "out") == 1
    assert "x.png: is a link that leads nowhere" in capsys.readouterr().err
    assert len(list((tmp_path / "out").glob("*.json"))) == 4


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_photo_that_fails_in_detection_does_not_cost_the_others(jobs, workspace, photos, tmp_path, capsys):
    boxes = np.array([[5, 5, 40, 60]], np.float32)
    np.savez(tmp_path / "boxes.npz", **{"0": boxes, "1": boxes + 500, "3": boxes})
    call = ["detect", workspace / "fast", photos, "--proposals", tmp_path / "boxes.npz", "--jobs", jobs]
    assert run(*call, "--out", tmp_path / "out") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 2
    assert "1.png: " in errors[0]
    assert "does not lie in the photo" in errors[0]
    assert "2.png: " in errors[1]
    assert "no boxes for photo '2'" in errors[1]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"0.png", "0.json", "3.png", "3.json"}


def test_where_nothing_scores_enough_the_printed_call_finds_something(workspace, photos, tmp_path, capsys):
    assert run("detect", workspace / "fast", photos, "--out", tmp_path / "out", "--min-score", "0.99") == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "nothing scores 0.99" in line]
    assert main(["detect", *shlex.split(line.partition("minircnn detect")[2]), "--json"]) == 0
    assert any(record["detections"] for record in json.loads(capsys.readouterr().out))


def test_where_there_is_nothing_at_all_no_lower_score_is_advised(workspace, tmp_path, capsys):
    write_image(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))
    assert run("detect", workspace / "fast", tmp_path / "dot.png", "--out", tmp_path / "out") == 0
    assert "nothing was found at any score" in capsys.readouterr().err


NAMES = [
    "-x",
    "a b",
    "new\nline",
    "$HOME",
    "100%",
    "{0}",
    "back\\slash",
    "\x1b[31m",
    "'quoted\"",
    "é犬",
    "\udcff",
]


@pytest.mark.parametrize("command", ["detect", "explain", "propose"])
def test_photos_of_any_name(command, workspace, tmp_path, capsys):
    folder, photo = tmp_path / "photos", workspace / "photos" / "test_00000.png"
    folder.mkdir()
    for name in [*NAMES, "n" * 251] if command == "detect" else ["new\nline $x$ \udcff"]:
        shutil.copy(photo, folder / f"{name}.png")
        if command != "detect":
            model = [workspace / "fast"] if command == "explain" else []
            assert run(command, *model, folder / f"{name}.png", "--out", tmp_path / "out", "--json") == 0
    if command == "detect":
        assert run(command, workspace / "fast", folder, "--out", tmp_path / "out") == 0
        captured = capsys.readouterr()
        assert "\x1b" not in captured.out  # nor does a name speak to the terminal
        assert len(captured.out.splitlines()) == 2 + len(NAMES) + 1
        records = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json")]
        assert {record["image"] for record in records} == {str(path) for path in folder.iterdir()}


def test_a_photo_whose_name_begins_with_a_dash_can_be_named(workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(workspace / "photos" / "test_00000.png", "-x.png")
    call = ["detect", str(workspace / "fast"), "-x.png"]
    assert main(call) == 2
    assert "is written ./-x.png" in capsys.readouterr().err
    assert main([*call[:2], "./-x.png"]) in (0, 1)
    assert main(["detect", "--out", "elsewhere", "--", *call[1:]]) == 0


def test_photos_of_a_folder_are_found_by_their_endings(tmp_path):
    for ending in PHOTO_ENDINGS:
        (tmp_path / f"a{ending}").touch()
        (tmp_path / f"B{ending.upper()}").touch()
    (tmp_path / "notes.txt").touch()
    assert len(find_photos([tmp_path])) == 2 * len(PHOTO_ENDINGS)
    assert {".jpg", ".jfif", ".jpe", ".gif", ".avif", ".jp2", ".ppm"} <= set(PHOTO_ENDINGS)


def test_photos_that_cannot_be_read_by_their_kind_are_left_out_with_a_word(tmp_path, capsys):
    for name in ("a.jpg", "b.HEIC", "c.dng", "d.txt"):
        (tmp_path / name).touch()
    assert find_photos([tmp_path]) == [tmp_path / "a.jpg"]
    assert "2 file(s) left out that cannot be read as photos, b.HEIC for one" in capsys.readouterr().err


def test_a_folder_of_other_files_says_what_is_looked_for(tmp_path):
    (tmp_path / "photo.heic").touch()
    with pytest.raises(FileNotFoundError, match=r"no photo in this folder \(files that end in \.jpg \.jpeg"):
        find_photos([tmp_path])


def test_a_photo_named_twice_is_one_photo(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    found = find_photos([tmp_path / "b.jpg", tmp_path, tmp_path / ".." / tmp_path.name / "a.jpg"])
    assert [path.name for path in found] == ["b.jpg", "a.jpg"]


def test_photos_that_differ_in_their_ending_alone_keep_it_in_their_results(tmp_path):
    photos = [tmp_path / name for name in ("a.jpg", "a.png", "b.jpg", "C.JPG", "c.gif")]
    assert result_names(photos) == ["a.jpg", "a.png", "b", "C.JPG", "c.gif"]
    with pytest.raises(ValueError, match="same name"):
        result_names([tmp_path / "a.jpg", tmp_path / "x" / "a.jpg"])
    with pytest.raises(ValueError, match="same name"):
        result_names([tmp_path / "a.jpg", tmp_path / "a.gif", tmp_path / "a.jpg.png"])


def test_boxes_looked_up_by_name_need_names_of_their_own(workspace, photos, tmp_path, capsys):
    Image.open(photos / "0.png").save(photos / "0.bmp")
    np.savez(tmp_path / "boxes.npz", **{"0": np.array([[5, 5, 40, 60]], np.float32)})
    call = ["detect", workspace / "fast", photos, "--out", tmp_path / "out"]
    assert run(*call, "--proposals", tmp_path / "boxes.npz") == 1
    assert "2 photos are called 0" in capsys.readouterr().err
    assert run(*call) == 0
    assert {"0.png.json", "0.bmp.json"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("detector", ["fast", "rcnn"])
def test_names_of_classes_are_shown_as_they_are(detector, workspace, tmp_path, capsys):
    trained = open_detector(workspace / detector)
    odd = ["$$", r"$\frac{$", "$x$", "a_b^{", "two\nlines", "100 %", "<b>", "\x1b[31m", "_low"]
    odd = (odd + [f"class {i}" for i in range(9)])[: len(trained.class_names)]
    model = tmp_path / "odd.safetensors"
    save_detector(model, dataclasses.replace(trained, class_names=tuple(odd)))
    photo = workspace / "photos" / "test_00000.png"
    assert run("detect", model, photo, "--out", tmp_path / "found", "--min-score", "-9") == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out
    assert len(captured.out.splitlines()) == 3
    assert run("explain", model, photo, "--out", tmp_path / "explained") == 0
    assert "<b>" not in (tmp_path / "explained" / "explained.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["x.gif", "X.GIF", "x.jfif", "x.ppm"])
def test_propose_takes_what_detect_takes(name, workspace, tmp_path):
    with Image.open(workspace / "photos" / "test_00000.png") as photo:
        photo.save(tmp_path / name, format={"jfif": "jpeg"}.get(name[2:]))
    assert run("propose", tmp_path / name, "--mode", "single", "--out", tmp_path / "out") == 0
    assert find_photos([tmp_path]) == [tmp_path / name]
