"""The rules of the textbook: short functions, NumPy only, all of it exported; and its own gradients."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.boxes import clip_boxes
from minircnn.nn import gradcheck

FILES = sorted(Path(textbook.__file__).parent.glob("*.py"))
STANDARD = {"__future__", "collections.abc", "dataclasses", "math", "typing"}


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_needs_numpy_only(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            assert name in STANDARD | {"numpy", "minircnn.structures"} or name.startswith("minircnn.textbook")


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_function_fits_on_a_screen_and_every_public_one_is_exported(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= 45
            assert len(ast.get_docstring(node).splitlines()) * 2 <= lines if lines > 6 else True
            assert node.name.startswith("_") or node.name in textbook.__all__


def test_every_name_leads_to_the_textbook():
    for name in textbook.__all__:
        assert inspect.getmodule(getattr(textbook, name)).__name__.startswith("minircnn.textbook.")


@settings(max_examples=60)
@given(st.lists(st.floats(-50, 150), min_size=4, max_size=4), st.integers(1, 99), st.integers(1, 99))
def test_clipping_equals_that_of_the_boxes(box, height, width):
    expected = clip_boxes(np.array([box]), height, width)[0]
    np.testing.assert_array_equal(textbook.clip_box(box, height, width), expected)


def test_gradients_of_the_loops(rng):
    """The loops are held against finite differences, not against the kernels alone."""
    x, weight, bias = rng.standard_normal((2, 4, 6, 5)), rng.standard_normal((2, 2, 3, 3)), np.zeros(2)
    dy = rng.standard_normal((2, 2, 3, 3))

    def convolve(x, weight, bias):
        y = textbook.conv2d(x, weight, bias, 2, 1, 2)
        return float((y * dy).sum()), textbook.conv2d_backward(dy, x, weight, 2, 1, 2)

    assert gradcheck(convolve, x, weight, bias, rng=rng, max_elements=40).ok
    rows, slopes = rng.standard_normal((3, 4)), rng.standard_normal((3, 2))

    def connect(x, weight, bias):
        y = textbook.linear(x, weight, bias)
        return float((y * slopes).sum()), textbook.linear_backward(slopes, x, weight)

    assert gradcheck(connect, rows, rng.standard_normal((2, 4)), np.ones(2), rng=rng).ok
    targets, labels = rng.standard_normal((3, 4)), np.array([0, 2, 1])

    def lose(cls_score, bbox_pred):
        loss, *gradients = textbook.multi_task_loss(cls_score, bbox_pred, labels, targets, 0.5)
        return loss, tuple(gradients)

    assert gradcheck(lose, rng.standard_normal((3, 3)), rng.standard_normal((3, 12)), rng=rng).ok
