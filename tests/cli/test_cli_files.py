"""What is read is never written to, what others wrote stays, and folders that take none are found early."""

import json
import os

import numpy as np
import pytest

from minircnn.cli import main
from minircnn.cli.files import refuse_folder_of, refuse_to_overwrite, require_writable, written_by_us
from minircnn.imaging import write_image
from minircnn.proposals import write_proposals
from minircnn.viz import Report, draw_boxes, save_figure

PHOTO = np.full((60, 80, 3), 128, np.uint8)
LABELME = '{"version": "5.0", "shapes": [], "imagePath": "a.png"}'


def digest(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def own(tmp_path):
    """A folder of a photo and somebody's boxes beside it, under the names that detect would write."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    write_image(folder / "a.png", PHOTO)
    (folder / "a.json").write_text(LABELME)
    return folder


@pytest.mark.parametrize("more", [[], ["--overwrite"], ["--resume"]], ids=" ".join)
def test_detect_never_writes_among_its_photos(own, workspace, capsys, more):
    before = digest(own)
    assert run("detect", workspace / "fast", own, "--out", own, *more) == 1
    assert run("detect", workspace / "fast", own / "a.png", "--out", own / ".." / own.name, *more) == 1
    assert digest(own) == before
    error = capsys.readouterr().err
    assert "--out detections" in error
    assert "--overwrite" not in error


@pytest.mark.parametrize(
    "way", ["link to the folder", "link to the photo", "hard link", "link from the folder"]
)
def test_links_hide_no_photo(way, own, workspace, tmp_path):
    out, photos = tmp_path / "out", own
    if way == "link to the folder":
        out.symlink_to(own)
    else:
        out.mkdir()
        if way == "link to the photo":
            (out / "a.png").symlink_to(own / "a.png")
        elif way == "hard link":
            os.link(own / "a.png", out / "a.png")
        else:
            photos = tmp_path / "links"
            photos.mkdir()
            (photos / "a.png").symlink_to(own / "a.png")
            out = own
    before = digest(own)
    assert run("detect", workspace / "fast", photos, "--out", out, "--overwrite") == 1
    assert run("explain", workspace / "fast", photos / "a.png", "--out", out, "--overwrite") in (0, 1)
    assert digest(own).items() >= before.items()


@pytest.mark.parametrize("command", ["detect", "propose", "explain"])
def test_a_file_of_somebody_else_is_not_replaced(command, own, workspace, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    names = {"detect": "a.json", "propose": "a.proposals.png", "explain": "explained.html"}
    (out / names[command]).write_text(LABELME)
    arguments = [
        command,
        *([] if command == "propose" else [workspace / "fast"]),
        own / "a.png",
        "--out",
        out,
    ]
    for more in ([], ["--overwrite"]):
        assert run(*arguments, *more) == 1
        error = capsys.readouterr().err
        assert "nothing in it says that minircnn made it: name another folder with --out" in error
        assert "--overwrite" not in error  # which would not help
    assert (out / names[command]).read_text() == LABELME


def test_steps_of_an_explanation_do_not_fall_on_other_pictures(own, workspace, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_image(out / "01-proposals.png", PHOTO)
    before = digest(out)
    assert run("explain", workspace / "fast", own / "a.png", "--out", out, "--overwrite") == 1
    assert digest(out) == before


def test_boxes_are_not_saved_onto_what_is_read(workspace, tmp_path, capsys):
    photo = workspace / "photos" / "test_00000.png"
    write_proposals(tmp_path / "boxes.npz", {"test_00000": np.array([[0, 0, 30, 30]], np.float32)})
    arguments = [
        "propose",
        photo,
        "--method",
        "file",
        "--path",
        tmp_path / "boxes.npz",
        "--out",
        tmp_path / "o",
    ]
    before = digest(tmp_path)
    assert run(*arguments, "--save", tmp_path / "boxes.npz", "--overwrite") == 1
    assert "another file with --save" in capsys.readouterr().err
    assert digest(tmp_path) == before
    np.savez(tmp_path / "matrix.npz", weights=np.zeros((3, 3)))
    assert run(*arguments, "--save", tmp_path / "matrix.npz", "--overwrite") == 1
    assert "another file with --save" in capsys.readouterr().err


def test_marks_of_our_own_files(tmp_path):
    ours = [
        save_figure(draw_boxes(PHOTO, np.zeros((0, 4))), tmp_path / "a.png"),
        Report("page").save(tmp_path / "a.html"),
        tmp_path / "a.json",
        tmp_path / "coco.json",
        tmp_path / "a.npz",
        tmp_path / "empty.png",
    ]
    (tmp_path / "a.json").write_text('{"image": "a.png", "picture": "b.png", "detections": []}')
    (tmp_path / "coco.json").write_text(
        '[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]'
    )
    write_proposals(tmp_path / "a.npz", {"a": np.zeros((0, 4), np.float32)})
    (tmp_path / "empty.png").touch()
    for path in ours:
        assert written_by_us(path), path
        with pytest.raises(FileExistsError, match="or add --overwrite"):
            refuse_to_overwrite([path])
        refuse_to_overwrite([path], overwrite=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", LABELME),
        ("a.json", "[" * 100_000),
        ("a.json", '{"images": [], "annotations": [], "categories": []}'),
        ("a.json", "[1, 2]"),
        ("a.json", "no JSON"),
        ("a.html", "<html><meta name='generator' content='Word'></html>"),
        ("a.png", "no picture"),
        ("a.npz", "no zip"),
        ("a.txt", "words"),
    ],
)
def test_what_is_not_ours(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    assert not written_by_us(tmp_path / name)
    with pytest.raises(FileExistsError, match="name another folder with --out"):
        refuse_to_overwrite([tmp_path / name], overwrite=True)


def test_links_to_nowhere_and_folders_are_in_the_way_too(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b.png").mkdir()
    for name in ("a.png", "b.png"):
        with pytest.raises(FileExistsError, match=name):
            refuse_to_overwrite([tmp_path / name], overwrite=True)


def test_a_folder_that_takes_no_file_is_found_before_the_work(tmp_path, monkeypatch):
    require_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file is a file, where a folder is needed: name another folder"):
            require_writable(path)

    def full(path, payload):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("minircnn.cli.files.write_bytes", full)
    with pytest.raises(
        OSError, match=r"folder: cannot be written to \(No space left on device\): name another"
    ):
        require_writable(tmp_path / "new" / "folder")


@pytest.mark.parametrize(
    "command",
    [
        *("detect", "explain", "propose", "propose --save", "demo"),
        *("train", "train --proposal-folder", "evaluate --proposal-folder"),
    ],
)
def test_no_command_works_for_a_folder_that_takes_no_file(command, workspace, tmp_path, capsys, monkeypatch):
    def worked(*arguments, **options):
        raise AssertionError("worked before it looked")

    for name in ("detectors.base.RegionDetector.look", "proposals.SelectiveSearch.search"):
        monkeypatch.setattr(f"minircnn.{name}", worked)
    monkeypatch.setattr("minircnn.cli.demo.train_or_reuse", worked)
    (tmp_path / "file").touch()
    photo, out = workspace / "photos" / "test_00000.png", tmp_path / "file"
    arguments = {
        "detect": ["detect", workspace / "fast", photo, "--out", out],
        "explain": ["explain", workspace / "fast", photo, "--out", out],
        "propose": ["propose", photo, "--out", out],
        "propose --save": ["propose", photo, "--out", tmp_path / "new", "--save", out / "x.npz"],
        "demo": ["demo", "--out", out],
        "train": ["train", "rcnn", "scenes", "--photos", 2, "--out", out],
        "train --proposal-folder": [
            *("train", "rcnn", "scenes", "--photos", 2, "--out", tmp_path / "run", "--proposal-folder", out)
        ],
        "evaluate --proposal-folder": [
            *("evaluate", workspace / "fast", "scenes", "--photos", 2, "--proposal-folder", out)
        ],
    }
    assert run(*arguments[command]) == 1
    error = capsys.readouterr().err
    assert "file is a file, where a folder is needed: name another" in error
    assert "worked before" not in error


@pytest.mark.parametrize("name", ["x.csv", "x", "x.npy", "folder.npz"])
def test_a_place_for_boxes_is_checked_before_the_work(name, workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minircnn.proposals.SelectiveSearch.search", lambda *_: pytest.fail("worked"))
    (tmp_path / "folder.npz").mkdir()
    photo = workspace / "photos" / "test_00000.png"
    assert run("propose", photo, "--out", tmp_path / "out", "--save", tmp_path / name) == 2
    assert "--save" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_folder_than_that_of_the_photos_is_fine(own, tmp_path):
    refuse_folder_of([own / "a.png"], tmp_path)
    refuse_folder_of([own / "a.png"], tmp_path / "new")


def test_what_detect_wrote_can_be_overwritten(own, workspace, tmp_path):
    arguments = ["detect", workspace / "fast", own, "--out", tmp_path / "out"]
    assert run(*arguments) == 0
    record = tmp_path / "out" / "a.json"
    record.write_text(record.read_text().replace('"height": 60', '"height": 61'))
    assert run(*arguments) == 1
    assert run(*arguments, "--overwrite") == 0
    assert json.loads(record.read_text())["height"] == 60
