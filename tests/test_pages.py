"""The blocks of code that the documentation executes run from top to bottom, whatever builds the pages."""

import ast
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from docs.blocks import blocks_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
EXECUTED = [page for page in PAGES if "exec=" in page.read_text(encoding="utf-8")]
SLOW = {
    "loss-curves.md",
    "gallery.md",
    "average-precision.md",
    "before-deep-nets.md",
    "backpropagation.md",
    "one-pass.md",
    "results.md",
    "roi-pooling.md",
    "selective-search.md",
    "start.md",
    "faster-rcnn.md",
    "the-ladder.md",
    "fine-tuning.md",
    "svms.md",
    "box-regression.md",
    "transfer.md",
    "two-heads.md",
    "under-the-hood.md",
    "what-goes-wrong.md",
}  # train, or run plain loops


def run(page, monkeypatch):
    """Run the executed blocks of a page: those of one session share their names, others do not."""
    sessions = {}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.is_executed:
            assert block.language == "python"
            key = block.options.get("session", block.line)
            if key not in sessions:
                sessions[key] = ModuleType(f"{page.stem} {key}")
                monkeypatch.setitem(sys.modules, sessions[key].__name__, sessions[key])
            code = "\n" * (block.line - 1) + block.code  # a traceback shows the line of the page
            exec(compile(code, str(page), "exec"), vars(sessions[key]))


@pytest.mark.skipif("MINIRCNN_SITE" in os.environ, reason="the site was built by running these blocks")
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page.name in SLOW else []) for page in EXECUTED],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_executed_block_runs(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    run(page, monkeypatch)


def test_no_executed_block_is_overlooked():
    assert len(EXECUTED) >= 8
    assert {page.name for page in EXECUTED} >= SLOW
    for page in EXECUTED:
        text = page.read_text(encoding="utf-8")
        executed = [block for block in blocks_of(text) if block.is_executed]
        assert len(executed) == len(re.findall(r'exec="', text)) > 0, page


def test_no_two_pages_share_a_session():
    named = [
        {
            block.options["session"]
            for block in blocks_of(page.read_text(encoding="utf-8"))
            if block.is_executed
        }
        for page in EXECUTED
    ]
    assert sum(len(sessions) for sessions in named) == len(set().union(*named))


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_python_can_be_read(page):
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.language == "python":
            ast.parse(block.code, filename=f"{page}, block of line {block.line}")


def test_a_block_that_fails_is_named_by_its_page_and_line(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(
        '# Page\n\n```python exec="on" session="p"\nx = 1\n```\n\n'
        '```python\nraise RuntimeError("shown only")\n```\n\n'
        '```python exec="on" source="above" session="p"\nassert x == 1\nassert x == 2\n```\n'
    )
    with pytest.raises(AssertionError) as caught:
        run(page, monkeypatch)
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(page), 13)
