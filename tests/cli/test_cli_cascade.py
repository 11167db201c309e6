"""A cascade's file detects by itself, without training and without a download."""

import json

import numpy as np
import pytest
from skimage import data
from skimage.data import lbp_frontal_face_cascade_filename
from trained_detectors import train_shortly

from minircnn.boxes import box_iou
from minircnn.cli import main
from minircnn.cli.explain.steps import follow, steps_of
from minircnn.cli.explain.viola_jones import training_picture
from minircnn.detectors import ViolaJones
from minircnn.imaging import write_image


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "face.png"
    write_image(path, data.astronaut()[:300, 100:350])
    return path


def test_the_face_of_the_astronaut(face, tmp_path, capsys):
    assert run("detect", "--cascade", "lbp-face", face, "--out", tmp_path / "out", "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)
    (found,) = record["detections"]
    assert found["class"] == "face"
    assert found["score"] > 3
    truth = np.array([[77.0, 66, 172, 161]])
    assert box_iou(np.array([found["box"]]), truth)[0, 0] > 0.6
    assert (tmp_path / "out" / "face.png").is_file()


def test_a_file_finds_objects_unless_they_have_a_name(face, tmp_path, capsys):
    path = lbp_frontal_face_cascade_filename()
    for more, name in (([], "object"), (["--class-name", "head"], "head")):
        out = tmp_path / name
        assert run("detect", "--cascade", path, face, "--out", out, "--json", *more) == 0
        (record,) = json.loads(capsys.readouterr().out)
        assert {one["class"] for one in record["detections"]} == {name}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--cascade", "none.xml"],
            "no file none.xml: --cascade takes an XML file of OpenCV, or the word lbp-face",
        ),
        (["--cascade", "BAD"], "bad.xml is damaged or no XML file"),
        (["--cascade", "lbp-face", "--svd", "fc6=4"], "--svd and --max-width are nothing for a --cascade"),
        (["--cascade", "lbp-face", "--class-name", " "], "--class-name is empty"),
        (["--cascade", "lbp-face", "--batch", "0"], "--batch must be 1 or more"),
        (["--cascade", "lbp-face", "--device", "cuda"], "runs on the CPU"),
        (["--class-name", "x"], "--class-name is for what a --cascade finds"),
    ],
)
@pytest.mark.usefixtures("no_cupy")
def test_what_does_not_fit_is_refused_in_words(words, message, face, tmp_path, capsys):
    bad = tmp_path / "bad.xml"
    bad.write_text("no cascade")
    words = [str(bad) if word == "BAD" else word for word in words]
    assert run("detect", *words, face, "--out", tmp_path / "out") != 0
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_detector_beside_a_cascade_is_no_photo(face, tmp_path, capsys):
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    (run_folder / "model.safetensors").write_bytes(b"")
    write_image(run_folder / "curves.png", data.astronaut()[:40, :40])
    for word in (run_folder, "pretrained"):
        assert run("detect", "--cascade", "lbp-face", word, face, "--out", tmp_path / "out") == 2
        message = " ".join(capsys.readouterr().err.split())
        assert f"{word} is a detector, and --cascade names another one" in message
    assert not (tmp_path / "out").exists()


def test_patterns_are_explained_too(face):
    detector = ViolaJones.from_cascade_file(lbp_frontal_face_cascade_filename(), "face")
    steps = {step.key: step for step in steps_of(follow(detector, data.astronaut()[:300, 100:350]))}
    assert list(steps)[:4] == ["integral", "features", "stages", "grouping"]
    assert "Local binary patterns" in steps["features"].text
    assert steps["stages"].fact.endswith("pass all 20 stages")
    assert len(steps["stages"].table[1]) == 20
    assert steps["grouping"].fact.endswith("become 1 box")
    assert steps["detections"].fact.startswith("1 with")


def test_a_photo_without_a_window_that_passes_says_so():
    detector = ViolaJones.from_cascade_file(lbp_frontal_face_cascade_filename(), "face")
    with pytest.raises(ValueError, match="Viola–Jones itself names no box in this photo"):
        follow(detector, np.full((60, 60, 3), 9, np.uint8))


def test_a_run_has_its_picture(tmp_path):
    assert training_picture(tmp_path) is None
    train_shortly("viola-jones", tmp_path / "run")
    assert len(training_picture(tmp_path / "run").axes) == 3
