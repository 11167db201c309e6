"""Every step that is advised can be taken: commands that are printed are typed here, as they stand."""

import re
import shlex
import shutil

import numpy as np
import pytest
import small_detectors
from PIL import Image

from minircnn.cli import main
from minircnn.detectors import save_detector
from minircnn.devices import usable_cupy
from minircnn.proposals import write_proposals

COMMANDS = ["check-data", "anchors", "propose", "evaluate", "detect", "explain", "export", "gradcheck"]


@pytest.fixture
def desk(workspace, stand_in, tmp_path, monkeypatch):
    """A folder with what the examples name, and the present one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "faster").mkdir(parents=True)
    for name in ("fast", "rcnn"):
        (tmp_path / "runs" / name).mkdir()
        shutil.copy(workspace / name / "model.safetensors", tmp_path / "runs" / name)
    save_detector(tmp_path / "runs" / "faster" / "model.safetensors", small_detectors.faster_rcnn(("0", "1")))
    Image.open(workspace / "photos" / "test_00000.png").save("photo.jpg")
    for name in ("VOC2007", "VOCdevkit/VOC2007", "DATA"):
        shutil.copytree(workspace / "voc", name)
    shutil.move("DATA/ImageSets/Main/test.txt", "DATA/ImageSets/Main/val.txt")
    shutil.copytree(workspace / "photos", "my photos")
    return tmp_path


def typed(command):
    """Type a command that was printed, as a shell takes it apart, and return the exit code."""
    program, *words = shlex.split(command)
    assert program == "minircnn"
    return main(words)


def said(capsys):
    return capsys.readouterr().err


def what_a_gpu_lacks():
    """Return what keeps this machine's GPU from being used, and nothing where it can be."""
    try:
        usable_cupy()
    except RuntimeError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_examples_and_next_steps_of_the_help_can_be_typed(command, desk, capsys):
    main([command, "--help"])
    text = capsys.readouterr().out
    examples = re.findall(r"^ +(minircnn .*?) *$", text, re.MULTILINE)
    inline = re.findall(rf"`(minircnn (?:{'|'.join(COMMANDS)}) [^`]*)`", " ".join(text.split()))
    assert examples
    for number, example in enumerate([*examples, *inline]):
        out = (
            []
            if "--out" in example or command in ("gradcheck", "check-data", "anchors", "export")
            else ["--out", f"out{number}"]
        )
        if "--device cuda" in example and (missing := what_a_gpu_lacks()):
            # what needs no GPU is done, and then the reason stands there, with the mend
            assert typed(example) == 1
            assert missing in said(capsys)
            continue
        assert typed(" ".join([example, *out])) == 0, example


def test_first_steps_can_be_typed(desk, capsys):
    main(["--help"])
    steps = re.findall(r"^ +(minircnn .*?) *$", capsys.readouterr().out, re.MULTILINE)
    possible = [step for step in steps if "demo" not in step and "train" not in step]
    assert len(possible) == 5
    for number, step in enumerate(possible):
        out = ["--out", f"out{number}"] if "detect" in step else []
        assert typed(" ".join([step, *out])) == 0, step


CALLS = {
    "detect": "minircnn detect runs/fast 'my photos' --out found",
    "explain": "minircnn explain runs/fast photo.jpg --out found",
    "propose": "minircnn propose photo.jpg --out found",
    "evaluate": "minircnn evaluate runs/fast VOC2007 --out found",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", CALLS)
def test_each_way_out_of_a_used_folder_works(command, desk, capsys):
    call = CALLS[command]
    assert typed(call) == 0
    said(capsys)
    assert typed(call) == 1
    advice = said(capsys)
    assert ("go on with --resume" in advice) == (command == "detect")
    assert "name another folder with --out" in advice
    assert "add --overwrite" in advice
    assert typed(f"{call} --overwrite") == 0
    assert typed(call.replace("found", "elsewhere")) == 0
    if command == "detect":
        assert typed(f"{call} --resume") == 0


@pytest.mark.parametrize("command", ["detect", "explain", "propose"])
def test_the_way_out_of_the_folder_of_the_photos_works(command, desk, capsys):
    call = CALLS[command].replace("--out found", "--out .").replace("'my photos'", "photo.jpg")
    assert typed(call) == 1
    (advice,) = re.findall(r"e\.g\. (--out \w+)", said(capsys))
    assert typed(call.replace("--out .", advice)) == 0


@pytest.mark.parametrize("command", ["detect", "explain", "propose"])
def test_the_way_out_where_a_file_is_in_the_way_works(command, desk, capsys):
    (desk / "found").write_text("a file")
    assert typed(CALLS[command]) == 1
    assert "name another folder with --out" in said(capsys)
    assert typed(CALLS[command].replace("found", "another")) == 0


def test_ways_out_for_saved_boxes_work(desk, capsys):
    call = "minircnn propose photo.jpg --out one --save boxes.csv"
    assert typed(call) == 2
    (name,) = re.findall(r"name one, e\.g\. (\S+),", said(capsys))
    assert typed(call.replace("boxes.csv", name)) == 0
    again = call.replace("boxes.csv", name).replace("one", "two")
    assert typed(again) == 1
    advice = said(capsys)
    assert "name another file with --save" in advice
    assert "add --overwrite" in advice
    assert typed(f"{again} --overwrite") == 0
    assert typed(again.replace(name, "others.npz").replace("two", "three")) == 0
    assert typed("minircnn propose photo.jpg --method file --out four") == 2
    assert "--path FILE (propose --save writes one)" in said(capsys)
    assert typed(f"minircnn propose photo.jpg --method file --path {name} --out four") == 0
    assert typed(f"minircnn propose photo.jpg --path {name} --out five") == 2
    assert "add --method file" in said(capsys)


def test_photos_of_one_name_can_be_looked_at_one_after_the_other(desk, capsys):
    (desk / "other").mkdir()
    shutil.copy("photo.jpg", "other/photo.jpg")
    assert typed("minircnn detect runs/fast photo.jpg other/photo.jpg --out found") == 1
    assert "run once for each, with an --out of its own" in said(capsys)
    assert typed("minircnn detect runs/fast photo.jpg --out one") == 0
    assert typed("minircnn detect runs/fast other/photo.jpg --out two") == 0


def test_boxes_without_names_of_their_own_can_be_used_one_photo_after_the_other(desk, capsys):
    write_proposals("boxes.npz", {"photo": np.array([[5, 5, 40, 60]], np.float32)})
    Image.open("photo.jpg").save("photo.png")
    call = "minircnn detect runs/fast photo.jpg photo.png --proposals boxes.npz --out found"
    assert typed(call) == 1
    assert "run the command once for each, with another --out" in said(capsys)
    for ending, out in (("jpg", "one"), ("png", "two")):
        single = f"minircnn detect runs/fast photo.{ending} --proposals boxes.npz --out {out}"
        assert typed(single) == 0


def test_an_unfinished_run_names_the_call_that_continues_it(desk, workspace, capsys):
    run = desk / "my runs"
    run.mkdir()
    for name in ("settings.json", "fast-rcnn.checkpoint.safetensors", "fast-rcnn.log.jsonl"):
        shutil.copy(workspace / "fast" / name, run)
    assert typed("minircnn detect 'my runs' photo.jpg --out found") == 1
    (call,) = re.findall(r"minircnn train .*$", said(capsys), re.MULTILINE)
    assert typed(call.replace("DATA", str(workspace / "voc"))) == 0
    assert typed("minircnn detect 'my runs' photo.jpg --out found") == 0
    assert typed("minircnn evaluate 'my photos' VOC2007") == 1
    assert "there is no training run in this folder" in said(capsys)
