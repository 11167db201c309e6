"""The examples in the package's docstrings do what they show, as a reader types them: NumPy is ``np``."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "minircnn").rglob("*.py"))
REFERENCE = sorted((ROOT / "docs/reference").glob("*.md"))
SECTION = re.compile(r"^Examples\n--------\n>>> ", re.MULTILINE)


def owners(tree):
    """Yield what has a docstring, with its name; found in the source, for decorators hide functions."""
    yield "", tree
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            for name, inner in owners(node):
                yield f"{node.name}.{name}".rstrip("."), inner


def examples_of(source, path):
    """Return the docstrings that hold an example, ready to be run: each knows NumPy and nothing else."""
    found, parser = [], doctest.DocTestParser()
    for name, node in owners(ast.parse(source)):
        text = ast.get_docstring(node)
        if text and ">>> " in text:
            line = node.body[0].lineno - 1
            found.append(parser.get_doctest(text, {"np": np}, f"{path}:{name}", str(path), line))
    return found


EXAMPLES = [
    example
    for path in MODULES
    for example in examples_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT))
]


def public_names():
    """Return every name of the packages that the reference shows, once."""
    packages = re.findall(
        r"^::: (minircnn(?:\.\w+)+)$",
        "\n".join(page.read_text(encoding="utf-8") for page in REFERENCE),
        re.MULTILINE,
    )
    found = {}
    for package in packages:
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError:  # a function that is shown by itself
            continue
        for name in getattr(module, "__all__", ()):
            found[id(getattr(module, name))] = (f"{package}.{name}", getattr(module, name))
    return dict(found.values())


def failures(example):
    """Run an example and return what doctest has to say against it."""
    said = []
    with np.printoptions(precision=4, suppress=True):
        doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_shows_what_comes_out(example):
    assert failures(example) == ""


def test_sixty_names_of_the_reference_have_one():
    names = [name for name, thing in public_names().items() if ">>> " in (thing.__doc__ or "")]
    assert len(names) >= 60, sorted(names)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_stands_where_the_reference_shows_it_and_is_short(example):
    assert SECTION.search(example.docstring)
    assert sum(len(part.source.splitlines()) for part in example.examples) <= 7


def test_a_wrong_result_and_a_name_that_was_not_imported_are_found():
    source = '"""One.\n\nExamples\n--------\n>>> 1 + 1\n{}\n"""\n'
    (right,), (wrong,) = (examples_of(source.format(result), "one.py") for result in (2, 3))
    assert failures(right) == ""
    assert "Expected:\n    3\nGot:\n    2\n" in failures(wrong)
    (unknown,) = examples_of(source.replace("1 + 1", "box_iou").format(2), "one.py")
    assert "NameError" in failures(unknown)
