"""When an answer is the expected one, and the words for what differs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minircnn.exercises.comparing import difference
from minircnn.exercises.showing import as_call, as_code, kind_of
from minircnn.textbook import Found

A = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (1, 1.0),
        (np.float32(0.5), 0.5),
        (np.array(0.5), 0.5),
        (0.1 + 0.2, 0.3),
        (A.astype(int), A),
        (A.astype(np.float32), A),
        ([0, 2], [0, 2]),
        ((0, 2), [0, 2]),
        (np.array([0, 2]), [0, 2]),
        ([], []),
        (np.zeros(0), []),
        ([0.5, 1], (0.5, 1.0)),
        ([[1.0], []], [[1.0], []]),
    ],
)
def test_equal(answer, expected):
    assert difference(answer, expected) is None


@pytest.mark.parametrize(
    ("answer", "expected", "kind", "words"),
    [
        (None, 1.0, "type", "None (is a return missing?)"),
        (None, A, "type", "must be an array (2, 2), got None (is a return missing?)"),
        (None, [1], "type", "must be a list of numbers, got None"),
        ("1", 1.0, "type", "must be a number, got a str"),
        (True, 1.0, "type", "got a bool"),
        (1j, 1.0, "type", "got a complex"),
        (A, 1.0, "type", "must be a number, got an array (2, 2) of float64"),
        (A.tolist(), A, "type", "got a list of 2"),
        (A > 0, A, "type", "must hold numbers, got bool"),
        ([0.0, 2.0], [0, 2], "type", "whole numbers"),
        ([[0], [1, 2]], [0, 2], "type", "a list of numbers"),
        (np.array(3), [0, 2], "type", "a list of numbers"),
        (A[:1], A, "shape", "shape (1, 2), expected (2, 2)"),
        ([0], [0, 2], "shape", "the answer has length 1, expected 2"),
        ([[1.0]], [[1.0], []], "shape", "length 1, expected 2"),
        ([[1.0], [2.0]], [[1.0], []], "shape", "entry 1 has length 1, expected 0"),
        (np.nan, 1.0, "not finite", "holds nan"),
        (A * np.inf, A, "not finite", "holds inf"),
        (2.0, 1.0, "value", "is 2, expected 1"),
        ([0, 1], [1, 0], "value", "[0] is 0, expected 1; 2 of 2 numbers differ"),
        (A.T, A, "value", "rows and columns are exchanged"),
        (-A, A, "value", "every sign is wrong"),
        (2 * A, A, "value", "every number is 2 times the expected"),
        (A + np.diag([0, 1]), A, "value", "[1, 1] is 5, expected 4"),
    ],
)  # fmt: skip
def test_different(answer, expected, kind, words):
    found = difference(answer, expected)
    assert found is not None
    assert found.kind == kind
    assert words in found.words


def test_of_several_values_each_has_its_name():
    names = ("loss", "gradient")
    assert difference((1.0, A), (1.0, A), names) is None
    assert "gradient[0, 0] is 2" in difference((1.0, 2 * A), (1.0, A), names).words
    assert difference((9.0, A), (1.0, A), names, only=1) is None
    assert difference((9.0, A), (1.0, A), names, only=0).words == "loss is 9, expected 1"
    assert difference(1.0, (1.0, A), names).words == "loss, gradient are to be returned, got a float"


numbers = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 3))


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, min_side=0, max_side=4), elements=numbers))
def test_arrays_equal_themselves_and_are_shown_as_what_they_are(array):
    assert difference(array.copy(), array) is None
    again = eval(as_call("f", (array,), ["x"]), {"np": np, "f": lambda x: x})
    np.testing.assert_array_equal(again, array)
    assert again.shape == array.shape


@given(hnp.arrays(np.float64, (2, 3), elements=numbers), st.integers(0, 5))
def test_one_number_that_differs_is_found(array, place):
    other = array.copy()
    other.flat[place] += 1
    found = difference(other, array)
    assert found is not None
    assert f"[{place // 3}, {place % 3}]" in found.words


def test_values_are_short():
    assert as_code(0.1 + 0.2) == "0.3"
    assert as_code(np.float64(2.0)) == "2.0"
    assert as_code(1e-12) == "1e-12"
    assert as_code((1.0,)) == "(1.0,)"
    assert as_code([np.int64(1), 2]) == "[1, 2]"
    assert as_code(np.zeros((9, 9))) == "<an array (9, 9) of float64>"
    assert as_code(np.zeros((0, 4))) == "np.zeros((0, 4))"
    assert as_code(np.zeros(0, dtype=int)) == "np.zeros((0,), dtype=int64)"
    assert len(as_code("x" * 5000)) <= 400
    assert as_code([0] * 65) == "<a list of 65>"
    assert as_code({}) == "{}"
    assert kind_of({}) == "a dict"


def test_long_calls_name_their_arguments():
    call = as_call("f", (np.arange(30.0).reshape(5, 6), 0.5), ["x", "limit"])
    assert call.startswith("f(\n    np.array([[ 0.,  1.,  2.,  3.,  4.,  5.],  # x\n              [ 6.,")
    assert call.endswith("29.]]),\n    0.5,  # limit\n)")
    assert as_call("f", ([1], 2, 3), "abc") == "f(\n    [1],  # a\n    2,  # b\n    3,  # c\n)"
    assert as_call("f", ([1], 2), "ab") == "f([1], 2)"


def test_of_many_records_each_has_a_line():
    found = [Found(0.9, photo, [0, 0, 2, 2]) for photo in range(3)]
    call = as_call("f", (found[:1], found), ["few", "many"])
    assert [line.strip()[:9] for line in call.splitlines()] == [
        "f(",
        "[Found(sc",
        "[Found(sc",
        "Found(sco",
        "Found(sco",
        ")",
    ]
    assert eval(call, {"f": lambda few, many: many, "Found": Found}) == found
