"""Failures are one clear line, never a traceback; nothing is overwritten unasked."""

import pytest

from minircnn.cli import main
from minircnn.cli.errors import run_guarded


def failing(error):
    def command():
        raise error

    return command


def complaint(capsys, *arguments):
    """Run a command that fails and return its exit code and what it said."""
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    lines = [line for line in captured.err.splitlines() if line.startswith("minircnn: error: ")]
    assert len(lines) == 1
    return code, lines[0]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ValueError("the seed is odd"), 1, "the seed is odd"),
        (KeyError("no layer fc9"), 1, "no layer fc9"),
        (FileNotFoundError(2, "No such file or directory", "a.png"), 1, "a.png: No such file or directory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("division by zero"), 1, "MINIRCNN_TRACEBACK=1"),
        (ModuleNotFoundError("pictures need matplotlib"), 1, "pictures need matplotlib"),
        (MemoryError("Unable to allocate"), 1, "not enough memory"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_failure_is_one_line(error, code, words, capsys):
    assert run_guarded(failing(error)) == code
    text = capsys.readouterr().err
    assert text.startswith("minircnn: error: ")
    assert words in text
    assert text.count("\n") == 1


def test_traceback_on_request(capsys, monkeypatch):
    monkeypatch.setenv("MINIRCNN_TRACEBACK", "1")
    assert run_guarded(failing(ZeroDivisionError("division by zero"))) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "nope"),
        (["detect"], "MODEL"),
        (["train", "fast-rcnn", "scenes"], "--out"),
        (["train", "fast-rcnn", "scenes", "--out", "x", "--solver.iterations", "many"], "many"),
        (["train", "fast-rcnn", "scenes", "--out", "x", "--solver.iteration", "3"], "--solver.iterations"),
        (
            ["train", "fast-rcnn", "scenes", "--out", "x", "--preset", "best"],
            "paper, pretrained, small, scenes",
        ),
        (["gradcheck", "--device", "tpu"], "cuda"),
        (["propose", "photo.jpg", "--method", "file"], "--path FILE"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_usage_errors_name_the_word_and_exit_with_2(arguments, words, capsys):
    code, line = complaint(capsys, *arguments)
    assert code == 2
    assert words in line


def test_a_used_folder_is_refused(workspace, capsys):
    code, line = complaint(
        capsys, "train", "fast-rcnn", workspace / "voc", "--out", workspace / "fast", "--preset", "scenes"
    )
    assert code == 1
    assert "--resume" in line
    assert str(workspace / "fast") in line


def test_detections_are_not_overwritten(workspace, tmp_path, capsys):
    (tmp_path / "test_00000.json").write_text("mine")
    code, line = complaint(
        capsys, "detect", workspace / "fast", workspace / "photos" / "test_00000.png", "--out", tmp_path
    )
    assert code == 1
    assert "test_00000.json exists" in line
    assert (tmp_path / "test_00000.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check-data", "nowhere"], "nowhere: no such data set"),
        (["check-data", "https://a.org/a.json"], "https://a.org/a.json: is an address"),
        (["check-data", "https://a.org/voc"], "download the data set and name its folder or file"),
        (["propose", "nowhere"], "nowhere: no such data set"),
        (["propose", "nowhere.jpg"], "nowhere.jpg"),
        (["propose", "scenes", "--split", "trial"], "trial"),
        (["propose", "scenes", "--photos", "0"], "at least 1"),
        (["detect", "nowhere.safetensors", "a.png"], "a.png: no such file"),
        (["demo", "--device", "cuda"], "needs CuPy"),
        (["detect", "nowhere.safetensors", "a.png", "--device", "cuda"], "a.png: no such file"),
        (["gradcheck", "--device", "cuda"], "needs CuPy"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("no_cupy")
def test_what_is_missing_is_named(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, line = complaint(capsys, *arguments)
    assert code == 1
    assert words in line
    assert list(tmp_path.iterdir()) == []


def test_wrong_model_files_are_named(workspace, tmp_path, capsys):
    photo = workspace / "photos" / "test_00000.png"
    (tmp_path / "broken.safetensors").write_bytes(b"not a model")
    _, line = complaint(capsys, "detect", tmp_path / "broken.safetensors", photo)
    assert "broken.safetensors is damaged" in line
    _, line = complaint(capsys, "detect", workspace / "fast" / "fast-rcnn.checkpoint.safetensors", photo)
    assert "model file" in line
    _, line = complaint(capsys, "evaluate", workspace / "photos", workspace / "voc")
    assert "model.safetensors" in line
    _, line = complaint(capsys, "detect", workspace / "fast", photo, "--svd", "fc6:8")
    assert "fc6=1024,fc7=256" in line
    _, line = complaint(capsys, "detect", workspace / "fast", photo, "--svd", "fc9=8")
    assert "fc9" in line


def test_an_interrupted_command_says_so(capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("minircnn.cli.propose.make_proposer", interrupted)
    code, line = complaint(capsys, "propose", "scenes")
    assert code == 130
    assert "interrupted" in line


def test_an_unreadable_photo_does_not_cost_the_others_their_result(workspace, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_text("no photo")
    out = tmp_path / "out"
    photo = workspace / "photos" / "test_00000.png"
    assert (
        main(["detect", *map(str, [workspace / "fast", tmp_path / "broken.jpg", photo, "--out", out])]) == 1
    )
    captured = capsys.readouterr()
    assert "test_00000.png" in captured.out
    assert "broken.jpg: cannot be read" in captured.err
    assert (out / "test_00000.json").is_file()
    code, line = complaint(capsys, "detect", workspace / "fast", tmp_path / "broken.jpg", "--out", out)
    assert code == 1
    assert "broken.jpg" in line


def test_two_photos_of_one_name_are_refused(workspace, tmp_path, capsys):
    photo = workspace / "photos" / "test_00000.png"
    (tmp_path / photo.name).write_bytes(photo.read_bytes())
    _, line = complaint(capsys, "detect", workspace / "fast", photo, tmp_path / photo.name, "--out", tmp_path)
    assert "same name" in line
