"""``minircnn exercise``: every command, and that what it prints next works."""

import json
import shlex
from pathlib import Path

import pytest

from minircnn.cli import main
from minircnn.cli.exercise import _tell_next
from minircnn.exercises import LABS

RIGHT = """
def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared and shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *words):
    code = main(["exercise", *map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def next_command(error):
    return shlex.split(error.split("next: ")[1])[2:]


def test_list_says_what_where_and_how_hard(capsys):
    code, out, err = run(capsys, "list")
    assert code == 0
    for name, lab in LABS.items():
        (line,) = [line for line in out.splitlines() if line.split()[0] == name]
        assert lab.level in line
        assert lab.source in line
        assert lab.page.split("/")[1].split(".")[0] in line
        assert all(function in line for function in lab.functions)
    assert next_command(err) == ["start", "iou"]
    code, out, err = run(capsys, "list", "--json")
    assert [row["name"] for row in json.loads(out)] == list(LABS)
    assert err == ""


def test_from_the_list_to_the_next_lab(here, capsys):
    command = next_command(run(capsys, "list")[2])
    code, out, err = run(capsys, *command)
    assert (code, out) == (0, "iou.py\n")
    assert "Intersection over union: write iou; explained on docs/walkthroughs/detection" in err
    grading = next_command(err)
    code, out, err = run(capsys, *grading)
    assert (code, err) == (1, "")
    assert "untouched stub" in out
    stub = (here / "iou.py").read_text()
    assert "# Grade it with: minircnn exercise check iou.py\n" in stub
    (here / "iou.py").write_text(stub.split("def iou")[0] + RIGHT)
    code, out, err = run(capsys, *grading)
    assert code == 0
    assert "7 of 7 parts pass" in out
    assert next_command(err) == ["start", "integral-image"]
    assert "to compare with yours: minircnn/textbook/boxes.py\n" in err


def test_after_the_last_lab_comes_none(here, capsys, monkeypatch):
    monkeypatch.setattr("minircnn.cli.exercise.LABS", {"iou": LABS["iou"]})
    (here / "iou.py").write_text(RIGHT)
    code, _, err = run(capsys, "check", "iou.py")
    assert (code, err) == (0, "to compare with yours: minircnn/textbook/boxes.py\n")


@pytest.mark.parametrize("name", LABS)
def test_there_is_one_file_to_compare_with(name, capsys):
    _tell_next(name)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("to compare")]
    text = (Path(__file__).resolve().parents[2] / line.split(": ")[1]).read_text(encoding="utf-8")
    assert all(f"def {function}(" in text for function in LABS[name].functions)


def test_start_names_its_file_and_replaces_none_unasked(here, capsys):
    assert run(capsys, "start", "roi-pool")[1] == "roi_pool.py\n"
    written = (here / "roi_pool.py").read_text() + "# my work\n"
    (here / "roi_pool.py").write_text(written)
    code, _, err = run(capsys, "start", "roi-pool")
    assert code == 1
    assert "roi_pool.py exists: grade it with 'minircnn exercise check roi_pool.py', name another file" in err
    assert (here / "roi_pool.py").read_text() == written
    assert run(capsys, "start", "roi-pool", "--overwrite")[0] == 0
    assert "# my work" not in (here / "roi_pool.py").read_text()
    code, out, err = run(capsys, "start", "nms", "--out", "my work/a.py")
    assert (code, out) == (0, "my work/a.py\n")
    assert next_command(err) == ["check", "my work/a.py"]
    assert "check 'my work/a.py'" in (here / "my work" / "a.py").read_text()


def test_start_never_replaces_what_is_no_exercise(here, capsys):
    (here / "nms.py").write_text("import this\n")
    code, _, err = run(capsys, "start", "nms", "--overwrite")
    assert code == 1
    assert "nothing in it says that minircnn made it" in err
    assert (here / "nms.py").read_text() == "import this\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("start", "yolo"), "unknown lab 'yolo'; there are iou"),
        (("start", "nms", "--out", "nms.txt"), "--out must end in .py"),
        (("check",), "name a file to check"),
        (("check", "gone.py"), "gone.py: No such file"),
        (("check", "other.py"), "add the line '# minircnn exercise: NAME'"),
    ],
    ids=["lab", "ending", "no file", "missing", "unknown"],
)
def test_what_cannot_be_done_is_said(here, capsys, words, said):
    (here / "other.py").write_text("x = 1\n")
    code, out, err = run(capsys, *words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_wrong_answer_ends_with_1_and_is_there_for_scripts(here, capsys):
    (here / "iou.py").write_text(RIGHT.replace(" - shared)", ")"))
    code, out, err = run(capsys, "check", "iou.py", "--json")
    assert (code, err) == (1, "")
    (report,) = json.loads(out)
    assert (report["lab"], report["ok"], report["passed"], len(report["parts"])) == ("iou", False, 4, 7)
    failure = report["parts"][0]["failure"]
    assert failure["call"] == "iou([0, 0, 2, 2], [1, 1, 3, 3])"
    assert "counted twice" in failure["hint"]


def test_a_folder_is_graded_file_by_file(here, capsys):
    (here / "ann.py").write_text(RIGHT)
    (here / "bob.py").write_text(RIGHT.replace(" - shared)", ")"))
    (here / "cat.py").write_text("def iou(a, b:\n")
    (here / "dan.py").write_text("x = 1\n")
    names = ["ann.py", "bob.py", "cat.py", "dan.py", "eve.py"]
    code, out, _ = run(capsys, "check", *names)
    assert code == 1
    lines = {line.split()[0]: line for line in out.splitlines()[2:]}
    assert list(lines) == names
    assert lines["ann.py"].split() == ["ann.py", "iou", "7", "7", "-"]
    assert lines["bob.py"].split()[:4] == ["bob.py", "iou", "4", "7"]
    assert "two boxes that meet" in lines["bob.py"]
    assert "line 1 is no Python" in lines["cat.py"]
    assert "no function of an exercise" in lines["dan.py"]
    assert "eve.py: No such file" in lines["eve.py"]
    assert run(capsys, "check", "ann.py", "ann.py")[0] == 0
    reports = json.loads(run(capsys, "check", *names, "--json")[1])
    assert [report["ok"] for report in reports] == [True, False, False, False, False]


def test_a_student_cannot_write_to_the_terminal_as_he_likes(here, capsys):
    (here / "iou.py").write_text('def iou(a, b):\n    print("\\x1b[2J")\n    return 2\n')
    code, out, _ = run(capsys, "check", "iou.py")
    assert code == 1
    assert "\x1b" not in out
    assert "\\x1b[2J" in out


@pytest.mark.parametrize("command", ["list", "start", "check"])
def test_help_teaches(command, capsys):
    assert main(["exercise", command, "--help"]) == 0
    assert f"minircnn exercise {command}" in capsys.readouterr().out
