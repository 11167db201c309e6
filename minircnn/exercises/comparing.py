"""Is an answer the expected one? If not: what is different, in words."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minircnn.exercises.showing import kind_of

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How far a number may be from the expected one: the order of a sum is free."""


class Difference(NamedTuple):
    """What is wrong with an answer: the kind of fault, and the fault in words."""

    kind: str  # "type", "shape", "not finite" or "value"
    words: str


def difference(
    answer: Any, expected: Any, names: Sequence[str] = (), only: int | None = None
) -> Difference | None:
    """Return the first difference of an answer from the expected one, None if there is none.

    Parameters
    ----------
    names : sequence of str
        Names of the values, where a function returns several.
    only : int, optional
        The one of them that counts.
    """
    if not names:
        return _difference(answer, expected, "the answer")
    if not isinstance(answer, tuple | list) or len(answer) != len(names):
        return Difference("type", f"{', '.join(names)} are to be returned, got {_kind(answer)}")
    for i, name in enumerate(names):
        found = None if only not in (None, i) else _difference(answer[i], expected[i], name)
        if found is not None:
            return found
    return None


def _difference(answer: Any, expected: Any, name: str) -> Difference | None:
    if isinstance(expected, np.ndarray):
        if not isinstance(answer, np.ndarray):
            return Difference("type", f"{name} must be an array {expected.shape}, got {_kind(answer)}")
        return _of_numbers(answer, expected, name)
    if isinstance(expected, list | tuple):
        return _of_sequences(answer, expected, name)
    if isinstance(expected, bool | str):
        same = type(answer) is type(expected) and answer == expected
        return None if same else Difference("value", f"{name} is {answer!r}, expected {expected!r}")
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer[()]
    if isinstance(answer, bool | np.bool_) or not isinstance(answer, numbers.Real):
        return Difference("type", f"{name} must be a number, got {_kind(answer)}")
    return _of_numbers(np.asarray(answer), np.asarray(expected), name)


def _of_sequences(answer: Any, expected: Sequence[Any], name: str) -> Difference | None:
    if not isinstance(answer, list | tuple | np.ndarray) or getattr(answer, "ndim", 1) == 0:
        return Difference("type", f"{name} must be a list of numbers, got {_kind(answer)}")
    if any(isinstance(part, list | tuple | np.ndarray) for part in expected):
        if len(answer) != len(expected):
            return Difference("shape", f"{name} has length {len(answer)}, expected {len(expected)}")
        parts = (
            _difference(a, e, f"{name}, entry {i}")
            for i, (a, e) in enumerate(zip(answer, expected, strict=True))
        )
        return next((part for part in parts if part is not None), None)
    try:
        found = np.asarray(answer)
    except ValueError:  # lists of different lengths in a list
        return Difference("type", f"{name} must be a list of numbers, got {_kind(answer)}")
    wanted = np.asarray(expected, dtype=None if expected else found.dtype)
    if found.size == 0:
        found = found.astype(wanted.dtype)  # of an empty list nothing tells what it would hold
    return _of_numbers(found, wanted, name)


def _of_numbers(answer: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], name: str) -> Difference | None:
    if answer.dtype.kind not in "iuf":
        return Difference("type", f"{name} must hold numbers, got {answer.dtype}")
    if expected.dtype.kind in "iu" and answer.dtype.kind == "f":
        return Difference("type", f"{name} must hold whole numbers (int), got {answer.dtype}")
    if answer.shape != expected.shape:
        if answer.ndim == expected.ndim == 1:
            return Difference("shape", f"{name} has length {len(answer)}, expected {len(expected)}")
        return Difference("shape", f"{name} has shape {answer.shape}, expected {expected.shape}")
    if not np.isfinite(answer).all():
        bad = answer[~np.isfinite(answer)][0]
        return Difference("not finite", f"{name} holds {bad}, where every number must be finite")
    wrong = ~np.isclose(answer, expected, rtol=RELATIVE, atol=ABSOLUTE)
    return Difference("value", _where(answer, expected, wrong, name)) if wrong.any() else None


def _where(
    answer: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], wrong: np.ndarray[Any, Any], name: str
) -> str:
    if answer.ndim == 0:
        return f"{name} is {answer:.6g}, expected {expected:.6g}" + _pattern(answer, expected)
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    words = f"{name}[{', '.join(map(str, place))}] is {answer[place]:.6g}, expected {expected[place]:.6g}"
    count = int(wrong.sum())
    if count > 1:
        words += f"; {count} of {answer.size} numbers differ"
    return words + _pattern(answer, expected)


def _pattern(answer: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> str:
    """Say what is regular about a wrong answer: a factor, a sign, rows and columns exchanged."""
    if answer.size > 1 and np.allclose(answer, answer.flat[0]):
        return ""  # all the same: any factor would be chance
    square = answer.ndim >= 2 and answer.shape[-1] == answer.shape[-2]
    if square and np.allclose(np.swapaxes(answer, -1, -2), expected):
        return "; rows and columns are exchanged"
    nonzero = np.abs(expected) > ABSOLUTE
    if nonzero.sum() < 2 or not np.allclose(answer[~nonzero], 0):
        return ""
    factors = answer[nonzero] / expected[nonzero]
    if not np.allclose(factors, factors.flat[0]) or abs(factors.flat[0]) < ABSOLUTE:
        return ""
    factor = float(factors.flat[0])
    return (
        "; every sign is wrong"
        if np.isclose(factor, -1)
        else f"; every number is {factor:.4g} times the expected"
    )


def _kind(answer: Any) -> str:
    return "None (is a return missing?)" if answer is None else kind_of(answer)
