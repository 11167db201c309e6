"""The documentation names only what exists."""

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

import minircnn
from docs import quotes
from minircnn import textbook, viz
from minircnn.exercises import LABS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PACKAGES = sorted(path.parent.name for path in (ROOT / "minircnn").glob("*/__init__.py"))
# `minircnn.nn.RoIPool`, the shorter `nn.RoIPool`, and the directives of the reference
NAME = re.compile(
    rf"`(?:minircnn\.)?((?:{'|'.join(PACKAGES)})(?:\.\w+)*)[`(]|^::: minircnn\.(\S+)$", re.MULTILINE
)


def resolve(name):
    """Import the longest module prefix of `name` and follow the rest as attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_dotted_name_exists(page):
    missing = []
    for groups in NAME.findall(page.read_text(encoding="utf-8")):
        name = "minircnn." + (groups[0] or groups[1])
        try:
            resolve(name)
        except (ModuleNotFoundError, AttributeError):
            missing.append(name)
    assert not missing


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_relative_link_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_path_of_the_code_exists(page):
    """`minircnn/heads/a.py`, and in the same line `b.py` of the folder named last."""
    missing = []
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        folder = ROOT
        for path in re.findall(r"`([\w/.]+(?:/|\.py))`", line):
            found = ROOT / path if "/" in path else folder / path
            folder = found.parent
            missing += [] if found.exists() else [path]
    assert missing == []


def first_sentence(page):
    """Return what follows the page's heading, up to a full stop, without its markup and line breaks."""
    paragraph = (ROOT / page).read_text(encoding="utf-8").split("\n\n")[1]
    plain = re.sub(r"[*_`]+|\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    return re.match(r".*?\.(?= |$)", " ".join(plain.split()))[0]


def test_the_readme_begins_with_the_packages_description():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert first_sentence("README.md") == project["description"]


def test_every_file_says_in_the_same_words_what_this_is():
    what, colon, parts = first_sentence("README.md").partition(": ")
    assert colon
    assert parts
    assert f"site_description: {what}\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert f'title: "minircnn: {what}"\n' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert first_sentence("docs/index.md").startswith(f"{what}, ")
    assert minircnn.__doc__.startswith(f"{what}, ")


def test_no_setting_of_the_site_is_given_twice():
    keys = re.findall(r"^(\w+):", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys)) > 10


CALL = re.compile(r'(quote|whole_file)\(("[^)]*")\)')


def test_the_gallery_shows_every_picture_that_can_be_drawn():
    drawn = {name for name in viz.__all__ if name.startswith("draw_")}
    assert drawn == set(
        re.findall(r"viz\.(draw_\w+)\(", (ROOT / "docs/gallery.md").read_text(encoding="utf-8"))
    )


@pytest.mark.parametrize("name", LABS)
def test_the_page_of_a_lab_keeps_the_answer_folded(name):
    page = (ROOT / "docs" / LABS[name].page.partition("#")[0]).read_text(encoding="utf-8")
    answers = {Path(inspect.getfile(getattr(textbook, function))).name for function in LABS[name].functions}
    open_quotes = re.findall(r'^print\(quote\("minircnn/textbook/(\w+\.py)"', page, re.MULTILINE)
    assert not answers & set(open_quotes)


def test_a_formula_that_may_scroll_can_be_reached_by_keys():
    markdown = pytest.importorskip("markdown")
    pytest.importorskip("latex2mathml")
    in_a_line, block = markdown.markdown("$x$\n\n$$x$$", extensions=["docs.formulas"]).split("</p>\n")
    assert 'display="block"' in block
    assert 'tabindex="0"' in block
    assert "tabindex" not in in_a_line


def test_everything_quoted_exists():
    calls = [call for page in PAGES for call in CALL.findall(page.read_text(encoding="utf-8"))]
    assert len(calls) > 20
    for name, arguments in calls:
        getattr(quotes, name)(*re.findall(r'"([^"]*)"', arguments))


def test_a_quote_is_the_function_and_nothing_else():
    block = quotes.quote("tests/kernels/test_split.py", "pieces", "joined")
    expected = (
        '```python title="tests/kernels/test_split.py"\n'
        "def pieces(slices):\n    return [s.stop - s.start for s in slices]\n\n\n"
        "def joined(slices):\n    return [i for s in slices for i in range(s.start, s.stop)]\n```\n"
    )
    assert block == expected


def test_a_method_is_quoted_by_its_class():
    block = quotes.quote("minircnn/nn/layer.py", "Layer.__call__")
    expected = (
        '```python title="minircnn/nn/layer.py"\n'
        "def __call__(self, x: Array) -> Array:\n"
        '    """Return ``forward(x)``."""\n'
        "    return self.forward(x)\n```\n"
    )
    assert block == expected


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("minircnn/registry.py", "conv3d"),
        ("minircnn/kernels/products.py", "_PIECE"),
        ("minircnn/kernels/products.py", "run"),
    ],
    ids=["missing", "no function", "nested"],
)
def test_what_is_no_function_of_the_file_is_not_quoted(path, name):
    with pytest.raises(ValueError, match=f"{Path(path).name} has no function {name}"):
        quotes.quote(path, name)
