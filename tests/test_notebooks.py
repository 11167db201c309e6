"""Every walkthrough is also a notebook and a script that need nothing but the installed package."""

import ast
import builtins
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from test_pages import SLOW

from docs import notebooks
from docs.blocks import blocks_of
from docs.cells import Cell, _imported, cells_of

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = {
    "minircnn",
    "numpy",
    "matplotlib",
    "PIL",
    "safetensors",
    "scipy",
    "skimage",
    "sklearn",
    "threadpoolctl",
}
WALKTHROUGHS = sorted((ROOT / "docs/walkthroughs").glob("*.md"))


def block(code, options='session="p"'):
    return f'```python exec="on" {options}\n{code}\n```\n'


def code_of(text):
    return [cell.text for cell in cells_of(text, "page.md") if cell.kind == "code"]


def prose_of(text, url=""):
    cells = cells_of(text, "page.md", url)
    assert [cell.kind for cell in cells] == ["markdown"]
    return cells[0].text


def test_prose_and_executed_blocks_take_turns():
    text = (
        "# Page\n\nOne.\n\n"
        + block("x = 1", 'source="above"')
        + "\nTwo.\n\n"
        + block("print(x)")
        + "\nThree."
    )
    assert cells_of(text, "page.md") == [
        Cell("markdown", "# Page\n\nOne."),
        Cell("code", "x = 1"),
        Cell("markdown", "Two."),
        Cell("code", "print(x)"),
        Cell("markdown", "Three."),
    ]


def test_a_block_that_is_only_shown_stays_in_the_prose():
    text = "Type\n\n```sh\nminircnn demo  # [not a](link)\n```\n\nand\n\n```python\nraise SystemExit\n```"
    assert prose_of(text) == text


def test_a_figure_is_the_last_line_of_its_cell_with_its_caption_below():
    code = (
        "from docs.figures import picture\nfrom minircnn.viz import f\n\nfigure = f(\n    1,\n)  # one\n"
        'print(picture(figure, "A *b* $c"))\nx = 2'
    )
    assert cells_of(block(code), "page.md") == [
        Cell(
            "code", "from minircnn.viz import f\n\nfigure = f(\n    1,\n)  # one\nfigure", shows_figure=True
        ),
        Cell("markdown", "*A \\*b\\* \\$c*"),
        Cell("code", "x = 2"),
    ]


def test_a_figure_may_be_an_expression_of_several_lines():
    code = (
        "from docs.figures import picture\nprint(\n    picture(\n        draw(\n            1,\n        ),\n"
        '        f"{n} boxes",\n    )\n)'
    )
    assert code_of(block(code)) == ['print(f"{n} boxes")\ndraw(\n    1,\n)']


def test_a_quotation_becomes_prose():
    code = 'from docs.quotes import quote\nprint(quote("minircnn/textbook/suppression.py", "nms"))'
    text = prose_of("Look:\n\n" + block(code) + "\nDone.")
    assert text.startswith("Look:\n\n`minircnn/textbook/suppression.py`:\n\n```python\ndef nms(")
    assert text.endswith("\n```\n\nDone.")


def test_a_quotation_of_what_is_not_written_there_is_refused():
    code = "from docs.quotes import quote\nprint(quote(path, 'nms'))"
    with pytest.raises(ValueError, match=r"page\.md, line 3: a notebook has no quote"):
        cells_of(block(code), "page.md")


def test_a_widget_becomes_a_sentence_and_what_prepares_it_goes():
    code = (
        "from docs.widgets import widget\nfrom docs.widget_data import photo_data\n"
        'data = photo_data(photo)\nmore = [data]\nx = 1\nprint(widget("iou", data, more=more))'
    )
    first, last = cells_of(block(code), "page.md", "https://example.org/a.html")
    assert first == Cell("code", "x = 1")
    assert "[the page](https://example.org/a.html) has something to play with" in last.text


def test_a_module_of_the_site_may_be_named():
    code = "from docs import widget_data\nfrom docs.widgets import widget\n"
    code += 'data = widget_data.photo(photo)\nprint(widget("iou", data))\nx = 1'
    assert code_of(block(code)) == ["x = 1"]


def test_a_block_may_be_left_out_by_its_option():
    text = prose_of("One.\n\n" + block("import docs.figures", 'session="p" notebook="no"') + "\nTwo.")
    assert text == "One.\n\n*Here the page has something to see, which a notebook has not.*\n\nTwo."


def test_a_name_of_the_site_may_become_the_pages_own():
    code = "from docs.widget_data import photo\nshown = photo(x)\nphoto = read(y)\nshow(photo)"
    assert code_of(block(code)) == ["photo = read(y)\nshow(photo)"]


@pytest.mark.parametrize(
    "own",
    ["for i in range(3):\n    photo = read(i)\n    show(photo)", "def f(photo):\n    return photo + 1"],
)
def test_a_loop_or_function_may_have_names_of_its_own(own):
    code = "from docs.widget_data import photo\n" + own
    assert code_of(block(code)) == [own]


def test_the_names_of_a_function_do_not_outlive_it():
    code = "from docs.figures import picture\ndef f(picture):\n    picture = 1\nprint(picture(g, 'x'))"
    assert code_of(block(code)) == ["def f(picture):\n    picture = 1\ng"]


def test_folds_become_headings_and_their_blocks_run():
    text = (
        'Ask.\n\n??? question "Exercise 1: why?"\n    Think.\n\n'
        '??? success "Solution 1"\n    Because.\n\n'
        + "".join(f"    {line}\n" for line in block("if x:\n    y = 1").splitlines())
        + "\n    So.\n\n!!! warning\n    Hot.\n\nEnd."
    )
    before, code, after = cells_of(text, "page.md")
    assert before.text == "Ask.\n\n#### Exercise 1: why?\n\nThink.\n\n#### Solution 1\n\nBecause."
    assert code == Cell("code", "if x:\n    y = 1")
    assert after.text == "So.\n\n#### Warning\n\nHot.\n\nEnd."


@pytest.mark.parametrize(
    ("text", "plain", "linked"),
    [
        ("[a](../b.md#c)", "a", "[a](https://x.org/b.html#c)"),
        ("[`a[0]`](c.md)", "`a[0]`", "[`a[0]`](https://x.org/w/c.html)"),
        ("[a](#c)", "a", "[a](https://x.org/w/p.html#c)"),
        ("[a](https://y.org/b.md)", "[a](https://y.org/b.md)", "[a](https://y.org/b.md)"),
        ("![a](b.png)", "*a*", "![a](https://x.org/w/b.png)"),
        ("`x[0](1)` and a[1] (b)", "`x[0](1)` and a[1] (b)", "`x[0](1)` and a[1] (b)"),
        ('<a id="claim-2"></a>\nText', "Text", "Text"),
        ("## Title {#here}", "## Title", "## Title"),
        ("---\nsearch:\n  boost: 2\n---\nText", "Text", "Text"),
        ("$x_{i}$", "$x_{i}$", "$x_{i}$"),
    ],
)
def test_prose_loses_what_only_the_site_knows(text, plain, linked):
    assert prose_of(text) == plain
    assert prose_of(text, "https://x.org/w/p.html") == linked


@pytest.mark.parametrize(
    "code",
    [
        "for f in figures:\n    print(picture(f, 'x'))",
        "print(picture(f, 'x'), 1)",
        "x, y = picture(f, 'x'), 2",
        "print(picture(f, text='x'))",
        "print(picture(f))",
        "import docs.figures",
        "def f():\n    from docs import quotes",
        "from benchmarks import page",
    ],
)
def test_what_a_notebook_cannot_follow_is_named_by_page_and_line(code):
    text = "# Page\n\n" + block("from docs.figures import picture\n" + code)
    with pytest.raises(ValueError, match=r"^page\.md, line 5: a notebook has no (picture|docs|benchmarks)"):
        cells_of(text, "page.md")


@pytest.mark.parametrize("page", WALKTHROUGHS, ids=lambda page: page.stem)
def test_every_walkthrough_is_a_notebook_of_the_package_alone(page):
    text = page.read_text(encoding="utf-8")
    made = notebooks.notebook(text, page.name)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    imported = {name.partition(".")[0] for part in code for name in _imported(ast.parse(part))}
    assert imported - sys.stdlib_module_names <= INSTALLED
    pictures = [cell for cell in made.cells if notebooks.FIGURE in cell.metadata.get("tags", [])]
    blocks = [block for block in blocks_of(text) if block.is_executed and "notebook" not in block.options]
    assert len(pictures) == sum(block.code.count("picture(") for block in blocks)
    assert made.cells[0].source.startswith("# ")
    assert made == notebooks.notebook(text, page.name)


def test_a_page_that_reads_the_benchmarks_is_left_out_with_a_reason():
    speed = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    assert notebooks.reason_against(speed) == "it reads the repository's benchmarks"
    assert notebooks.reason_against(WALKTHROUGHS[0].read_text(encoding="utf-8")) == ""


def test_the_script_is_the_notebook(tmp_path, capsys):
    notebooks.main(tmp_path / "out")
    for page in WALKTHROUGHS:
        made = nbformat.read(tmp_path / f"out/{page.stem}.ipynb", as_version=4)
        script = (tmp_path / f"out/{page.stem}.py").read_text(encoding="utf-8")
        assert script.startswith("# %% [markdown]\n# # ")
        assert script.count("# %%\n") == sum(cell.cell_type == "code" for cell in made.cells)
        assert all(cell.source in script for cell in made.cells if cell.cell_type == "code")
    assert len(capsys.readouterr().out.splitlines()) == len(WALKTHROUGHS)


def unbound(code):
    """Return the names that `code` uses and binds nowhere, in whatever order."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | set(dir(builtins))
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler)
    }
    bound |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    return {node.id for node in names} - bound


@pytest.mark.parametrize("page", WALKTHROUGHS, ids=lambda page: page.stem)
def test_a_notebook_lacks_no_name_that_only_the_page_had(page):
    assert unbound("\n".join(code_of(page.read_text(encoding="utf-8")))) == set()


def test_a_lacking_name_would_be_found():
    code = "import a.b as c, d.e\nfor f in c: print(f, d, g)\ndef h(i): return i + j\nk = [l for l in h]"
    assert unbound(code) == {"g", "j"}


@pytest.mark.slow  # .ci/run executes the notebooks of all pages in an environment of their own
@pytest.mark.parametrize(
    "page", [page for page in WALKTHROUGHS if page.name not in SLOW], ids=lambda page: page.stem
)
def test_every_script_runs_where_only_the_package_is(page, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/minircnn").symlink_to(ROOT / "minircnn", target_is_directory=True)
    script = tmp_path / "empty" / f"{page.stem}.ipynb"
    notebooks.write(page.read_text(encoding="utf-8"), page.name, script)
    done = subprocess.run(
        [sys.executable, "-W", "error", script.with_suffix(".py").name],
        cwd=script.parent,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib")},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
