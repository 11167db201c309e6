"""What holds for every lab: a stub that says all, cases from small to large, parts that can fail."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from planted_mistakes import failures

from minircnn.exercises import LABS, Lab, Mistake, Part, check, stub_name, stub_text
from minircnn.exercises.grading import call_of, cases_of
from minircnn.exercises.stubs import is_untouched, lab_of, marked_lab

ROOT = Path(__file__).resolve().parents[2]

every_lab = pytest.mark.parametrize("name", LABS)


def test_which_there_are():
    assert list(LABS) == [
        "iou", "integral-image", "graph-segmentation", "conv-forward", "conv-backward", "max-pool-backward",
        "softmax-cross-entropy", "hard-negative-mining", "encode-decode", "nms", "roi-pool", "smooth-l1",
        "average-precision", "mean-iou", "panoptic-quality",
    ]  # fmt: skip


@every_lab
def test_the_stub_fails_as_untouched(name, tmp_path):
    file = tmp_path / stub_name(name)
    file.write_text(stub_text(name), encoding="utf-8")
    report = check(file)
    assert not report.ok
    assert (report.lab, report.parts) == (name, ())
    assert report.trouble.kind == "not written"
    assert "untouched stub" in report.text()
    assert all(function in report.text() for function in LABS[name].functions)


@every_lab
def test_the_stub_is_complete_and_no_part_passes_with_it(name):
    text = stub_text(name)
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == list(LABS[name].functions)
    for function in functions:
        words = ast.get_docstring(function)
        assert all(f"{heading}\n---" in words for heading in ("Parameters", "Returns"))
        for argument in function.args.args:
            assert re.search(rf"^[\w, ]*\b{argument.arg}\b[\w, ]*( : |$)", words, re.MULTILINE), argument.arg
    assert re.search(r"References\n +---", text)
    assert f"# Hint: {LABS[name].hint}" in text
    failed = failures(name, text)
    assert {failure.kind for failure in failed} == {"not written"}
    assert len(failed) == len(LABS[name].parts)


@every_lab
def test_a_file_is_known_by_its_mark_or_its_functions(name):
    text = stub_text(name)
    assert marked_lab(text) == name
    assert lab_of(text, ast.parse(text), "a.py") == name
    unmarked = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert marked_lab(unmarked) is None
    assert lab_of(unmarked, ast.parse(unmarked), "a.py") == name


@every_lab
def test_the_page_and_its_section_exist(name):
    page, section = LABS[name].page.split("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
    slugs = [re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings]
    assert section in slugs


def numbers_in(value):
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, list | tuple):
        return sum(map(numbers_in, value))
    return 1


@every_lab
def test_the_first_cases_are_the_smallest_and_can_be_read(name):
    for part in LABS[name].parts:
        sizes = [numbers_in(arguments) for arguments in cases_of(part)]
        assert sizes[0] <= 60, part.name
        assert sizes[0] <= 1.5 * min(sizes) + 6, part.name
        first = call_of(LABS[name], part, cases_of(part)[0])
        assert first.count("\n") <= 8, first


@every_lab
def test_the_cases_are_the_same_each_time_and_can_be_pasted(name):
    for part in LABS[name].parts:
        calls = [call_of(LABS[name], part, arguments) for arguments in cases_of(part)]
        assert calls == [call_of(LABS[name], part, arguments) for arguments in cases_of(part)]
        for call in calls:
            assert isinstance(ast.parse(call).body[0].value, ast.Call)


@every_lab
def test_a_pasted_call_makes_the_same_arguments(name):
    names = {}
    exec(stub_text(name), names)
    names["np"] = np
    part = LABS[name].parts[-1]
    arguments = cases_of(part)[-1]
    names[part.function] = lambda *given: given
    assert repr(eval(call_of(LABS[name], part, arguments), names)) == repr(arguments)


@every_lab
def test_no_hint_is_the_solution(name):
    lab = LABS[name]
    hints = [part.hint for part in lab.parts] + [mistake.hint for mistake in lab.mistakes]
    assert all(len(hint) < 130 for hint in hints)
    assert len({part.name + part.function for part in lab.parts}) == len(lab.parts)


def test_a_stub_is_no_longer_untouched_once_a_line_is_written():
    text = stub_text("encode-decode")
    written = text.replace("    raise NotImplementedError", "    return 0, 0, 0, 0", 1)
    assert is_untouched(LABS["encode-decode"], ast.parse(text))
    assert is_untouched(LABS["encode-decode"], ast.parse(text.replace("raise NotImplementedError", "pass")))
    assert not is_untouched(LABS["encode-decode"], ast.parse(written))
    assert not is_untouched(LABS["iou"], ast.parse(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "no function of an exercise"),
        ("def nms(): ...\ndef iou(): ...\n", "functions of iou, nms"),
        ("# minircnn exercise: yolo\n", "unknown lab 'yolo'; there are iou"),
    ],
    ids=["none", "two", "unknown"],
)
def test_a_file_that_cannot_be_known_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        lab_of(text, ast.parse(text), "a.py")


def test_records_of_labs_are_checked():
    part = LABS["iou"].parts[0]
    with pytest.raises(ValueError, match="hint must be a text"):
        Part("name", "iou", part.cases, part.expected, hint="")
    with pytest.raises(ValueError, match="function must be a text"):
        Mistake("", part.expected, "hint")
    fields = {key: getattr(LABS["iou"], key) for key in Lab.__dataclass_fields__}
    with pytest.raises(ValueError, match="page must be a page and its section"):
        Lab(**{**fields, "page": "somewhere"})
    with pytest.raises(ValueError, match="function of 'two boxes that meet' must be one of nms"):
        Lab(**{**fields, "stubs": LABS["nms"].stubs})
