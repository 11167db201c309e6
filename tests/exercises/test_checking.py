"""A student's file in a process of its own: whatever it does, the answer is clear, and it ends."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import test_iou
import test_nms

from minircnn.exercises import check

HALF = "def iou(a, b):\n    {}\n"


@pytest.fixture
def checked(tmp_path):
    """Return the report of a file with this text."""

    def report(text, seconds=20.0):
        file = tmp_path / "mine.py"
        file.write_text(text, encoding="utf-8")
        return check(file, seconds)

    return report


def test_a_right_answer_passes(checked):
    report = checked(test_iou.SOLUTION)
    assert report.ok
    assert report.passed == len(report.parts) == 7
    assert report.first_failure is None
    assert "Intersection over union, 7 of 7 parts pass" in report.text()


def test_a_wrong_answer_shows_the_smallest_case_and_one_hint(checked):
    report = checked(test_nms.SOLUTION.replace("> iou_threshold", ">= iou_threshold"))
    text = report.text()
    assert not report.ok
    assert report.first_failure.name == "an IoU exactly at the threshold"
    assert "    nms(\n        np.array([[0., 0., 2., 1.], [0., 0., 1., 1.]]),  # boxes\n" in text
    assert "returned  [0]\n" in text
    assert "expected  [0, 1]\n" in text
    assert text.count("hint ") == 1
    assert "equals the threshold; they stay" in text


def test_a_syntax_error_is_told_with_its_line(checked):
    report = checked("x = 1\ndef iou(a, b)\n    return 0\n")
    assert not report.ok
    assert "line 2 is no Python: expected ':': def iou(a, b)" in report.text()


def test_an_error_while_the_file_is_read_is_told_with_its_line(checked):
    report = checked("import nonesuch\n" + test_iou.SOLUTION)
    assert report.parts == ()
    assert "No module named 'nonesuch'" in report.text()
    assert "in line 1: import nonesuch" in report.text()


def test_an_error_inside_is_told_with_the_students_line(checked):
    failure = checked(HALF.format("c = a[4]\n    return 0")).first_failure.failure
    assert failure.kind == "exception"
    assert failure.message == "IndexError: list index out of range\nin line 2: c = a[4]"
    assert failure.call == "iou([0, 0, 2, 2], [1, 1, 3, 3])"


def test_an_error_in_a_library_is_told_with_the_students_line(checked):
    solution = "import numpy as np\n" + HALF.format("return float(np.linalg.inv(np.zeros((2, 2)))[0, 0])")
    message = checked(solution).first_failure.failure.message
    assert "Singular matrix" in message
    assert message.endswith("in line 3: return float(np.linalg.inv(np.zeros((2, 2)))[0, 0])")


def test_a_function_that_is_missing_or_takes_other_things(checked):
    half = checked("# minircnn exercise: encode-decode\ndef encode(a, b):\n    return 0, 0, 0, 0\n")
    assert {p.failure.kind for p in half.parts if p.function == "decode"} == {"missing"}
    assert "missing      decode: offsets that shift" in half.text()
    other = checked("def iou(a):\n    return 0\n")
    assert {part.failure.kind for part in other.parts} == {"signature"}
    assert "iou(a) cannot take what it is given: too many positional arguments" in other.text()


def test_what_is_not_written_yet_fails_by_itself(checked):
    text = "def encode(a, b):\n    return (0.0,) * 4\ndef decode(a, b):\n    raise NotImplementedError\n"
    report = checked(text)
    assert {p.failure.kind for p in report.parts if p.function == "decode"} == {"not written"}
    assert "not written  decode: offsets that shift" in report.text()


def test_an_endless_loop_is_ended(checked):
    began = "WRONG        two boxes that meet"
    report = checked(HALF.format("while True: pass"), seconds=1)
    assert report.first_failure.failure.kind == "time"
    assert began in report.text()
    assert "it has not ended after 1 seconds" in report.text()
    assert "iou([0, 0, 2, 2], [1, 1, 3, 3])" in report.text()
    assert {part.failure.kind for part in report.parts[1:]} == {"not tried"}
    assert "not tried    boxes that only touch" in report.text()


def test_what_passed_before_an_endless_loop_counts(checked):
    solution = test_iou.SOLUTION.replace("        return 0.0", "        while True: pass")
    report = checked(solution, seconds=1)
    assert [part.failure is None for part in report.parts] == [True, True, False, False, False, False, False]


def test_a_loop_met_while_the_hint_is_chosen_is_shown_with_its_own_case(checked):
    report = checked(HALF.format("while b[0] > 1: pass\n    return 5"), seconds=1)
    failure = report.first_failure.failure
    assert failure.kind == "time"
    assert float(failure.call.split("[")[2].split(",")[0]) > 1


def test_a_thread_that_never_ends_keeps_none_waiting(checked):
    began = time.monotonic()
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
    assert checked(thread + test_iou.SOLUTION, seconds=500).ok
    assert time.monotonic() - began < 400


def test_what_python_warns_of_is_no_error(checked):
    assert checked(test_iou.SOLUTION.replace("def iou", "PATTERN = '\\s'\ndef iou")).ok


def test_an_endless_loop_at_reading_is_ended(checked):
    report = checked(test_iou.SOLUTION + "while True: pass\n", seconds=1)
    assert report.parts == ()
    assert report.trouble.message == "reading the file: it has not ended after 1 seconds"


@pytest.mark.parametrize(
    "end", ["import os; os._exit(3)", "import ctypes; ctypes.string_at(0)"], ids=["exit", "crash"]
)
def test_a_process_that_is_gone_is_said(checked, end):
    report = checked(HALF.format(end))
    assert report.first_failure.failure.kind == "ended"
    assert "Python itself ended" in report.text()


def test_an_exit_is_an_error_like_others(checked):
    assert "your code ends the program" in checked(HALF.format("raise SystemExit(0)")).text()
    assert "your code ends the program" in checked(test_iou.SOLUTION + "exit()\n").text()


def test_input_finds_its_end(checked):
    assert "EOFError" in checked(HALF.format("return float(input())")).text()


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited on Linux")
def test_a_list_without_end_is_ended(checked):
    text = checked(HALF.format("return sum([0] * 10**10)")).text()
    assert "MemoryError" in text


def test_what_is_printed_is_shown_and_harms_nothing(checked):
    report = checked(HALF.format("print('seen', a); return 5"))
    assert "printed   seen [0, 0, 2, 2]" in report.text()
    noisy = checked(test_iou.SOLUTION.replace("    width", "    print('x' * 10**6)\n    width", 1))
    assert noisy.ok
    loud = checked("import os\nos.write(1, b'{}\\n')\n" + test_iou.SOLUTION)
    assert loud.ok


def test_arguments_that_are_changed_are_told(checked):
    solution = test_nms.SOLUTION.replace(
        "    kept = []", "    kept = []\n    boxes += 0 if len(boxes) == 0 else 1"
    )
    failure = checked(solution).first_failure.failure
    assert failure.kind == "changed"
    assert "x.copy()" in failure.hint


def test_a_students_module_beside_is_found_and_hides_none(checked, tmp_path):
    (tmp_path / "lengths.py").write_text("ZERO = 0.0\n")
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this one')\n")
    solution = "import numpy\nfrom lengths import ZERO\n" + test_iou.SOLUTION.replace("0.0", "ZERO")
    assert checked(solution).ok


def test_decorators_and_dataclasses_work(checked):
    solution = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport functools\n"
        "@dataclass\nclass Side:\n    low: float\n    high: float\n" + test_iou.SOLUTION
    ).replace("def iou", "@functools.wraps(len)\ndef iou")
    assert checked(solution.replace("@functools.wraps(len)\n", "")).ok


def test_what_is_no_file_or_no_text_is_refused(tmp_path):
    with pytest.raises(OSError, match=r"gone\.py"):
        check(tmp_path / "gone.py")
    (tmp_path / "a.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"a\.py: is no"):
        check(tmp_path / "a.py")
    (tmp_path / "b.py").write_text(test_iou.SOLUTION)
    with pytest.raises(ValueError, match="seconds must be"):
        check(tmp_path / "b.py", seconds=0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_process_ends_with_the_one_that_started_it(tmp_path):
    sign = tmp_path / "alive"
    file = tmp_path / "mine.py"
    file.write_text(
        HALF.format(
            f"import time\n    while True:\n        open({str(sign)!r}, 'a').write('.'); time.sleep(0.05)"
        )
    )
    root = Path(__file__).resolve().parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); "
    code += f"from minircnn.exercises import check; check({str(file)!r}, 100)"
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        await_change(sign)
    finally:
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        before = sign.stat().st_size
        time.sleep(0.5)
        if sign.stat().st_size == before:
            return
    raise AssertionError("the student's process goes on")


def await_change(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
