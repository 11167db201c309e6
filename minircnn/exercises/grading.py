"""Functions graded part by part: every case compared with what the textbook returns."""

from __future__ import annotations

import copy
import inspect
import shlex
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.exercises.base import Arguments, Functions, Lab, Part
from minircnn.exercises.comparing import Difference, difference
from minircnn.exercises.results import Failure, PartResult
from minircnn.exercises.showing import as_call, as_code
from minircnn.exercises.student_code import listening, what_happened

Begin = Callable[[int], object]

_HINTS = {
    "changed": "work on a copy: x = x.copy() for an array, list(x) for a list",
    "type": "compare with the section Returns of the docstring",
}


def grade(
    lab: Lab, functions: Functions, path: Path = Path("FILE"), begin: Begin = lambda case: None
) -> Iterator[PartResult]:
    """Yield how each part of `lab` goes with `functions`, which were read from `path`.

    Parameters
    ----------
    begin : callable
        ``begin(case)`` is called before each call of a function, with the number of the case in its part.
    """
    for part in lab.parts:
        cases = cases_of(part)
        failure = _cannot_be_called(lab, part, functions, cases[0])
        for number, arguments in enumerate(cases):
            if failure is None:
                begin(number)
                failure = _failure(lab, part, functions, arguments, path, begin)
        yield PartResult(part.name, part.function, len(cases), failure)


def cases_of(part: Part) -> list[Arguments]:
    """Return the cases of `part`, the same ones at every call."""
    return list(part.cases(np.random.default_rng(0)))


def call_of(lab: Lab, part: Part, arguments: Arguments) -> str:
    """Return the call of a case as Python code."""
    stub = next(stub for stub in lab.stubs if stub.__name__ == part.function)
    return as_call(part.function, arguments, list(inspect.signature(stub).parameters)[: len(arguments)])


def _cannot_be_called(lab: Lab, part: Part, functions: Functions, arguments: Arguments) -> Failure | None:
    """Return what is wrong before any call: no such function, or other parameters."""
    name = part.function
    function = functions.get(name)
    if not callable(function):
        return Failure("missing", f"there is no function {name} in the file")
    if part.run is not None:
        return None
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        return Failure(
            "signature",
            f"{name}{inspect.signature(function)} cannot take what it is given: {error}",
            call_of(lab, part, arguments),
            hint="keep the parameters of the stub, in their order",
        )
    except ValueError:  # made in C: nothing is known of its parameters
        pass
    return None


def _failure(
    lab: Lab, part: Part, functions: Functions, arguments: Arguments, path: Path, begin: Begin
) -> Failure | None:
    """Return how a case fails, None if it passes."""
    given = copy.deepcopy(arguments)
    with listening() as printed:
        try:
            answer = _answer(part, functions, given)
        except NotImplementedError:
            return Failure(
                "not written", f"{part.function} is not written yet: it raises NotImplementedError"
            )
        except (Exception, SystemExit) as error:
            return Failure(
                "exception", what_happened(error, path), call_of(lab, part, arguments),
                hint=_hint_for_error(part, error, path), printed=printed.getvalue(),
            )  # fmt: skip
    expected = part.expected(*copy.deepcopy(arguments))
    found = difference(answer, expected, part.returns, part.only)
    if found is None and _same(given, arguments):
        return None
    if found is None:
        found = Difference(
            "changed", "the answer is right, but what was passed in has been changed on the way"
        )
    seen, wanted = answer, expected
    if part.only is not None and isinstance(answer, tuple | list) and len(answer) == len(expected):
        seen, wanted = answer[part.only], expected[part.only]
    return Failure(
        found.kind, found.words, call_of(lab, part, arguments),
        as_code(seen), as_code(wanted), _hint(lab, part, functions, found, begin), printed.getvalue(),
    )  # fmt: skip


def _answer(part: Part, functions: Functions, given: Arguments) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return part.answer(functions, given)


def _hint(lab: Lab, part: Part, functions: Functions, found: Difference, begin: Begin) -> str:
    """Return the hint of the known mistake that explains every answer of this part, else the part's own."""
    if found.kind in _HINTS:
        return _HINTS[found.kind]
    candidates = [m for m in lab.mistakes if m.function == part.function and part.run is None]
    for number, arguments in enumerate(cases_of(part) if candidates else ()):
        begin(number)
        try:
            with listening():
                answer = _answer(part, functions, copy.deepcopy(arguments))
        except (Exception, SystemExit):
            return part.hint
        candidates = [
            mistake
            for mistake in candidates
            if difference(answer, mistake.answer(*copy.deepcopy(arguments)), part.returns, part.only) is None
        ]
    return candidates[0].hint if candidates else part.hint


def _hint_for_error(part: Part, error: BaseException, path: Path) -> str:
    """Return what to do about an error: a slip of the pen is to be looked for, others come from the case."""
    if isinstance(error, NameError | AttributeError | TypeError | ImportError):
        return f"try the call above by itself: python -i {shlex.quote(str(path))}, then paste it"
    return part.hint


def _same(given: Any, before: Any) -> bool:
    """Tell whether arguments are still what they were; of other objects than numbers nothing is said."""
    if isinstance(before, np.ndarray):
        return bool(np.array_equal(given, before, equal_nan=True))
    if type(given) is not type(before):
        return False
    if isinstance(before, list | tuple):
        return len(given) == len(before) and all(map(_same, given, before))
    return bool(given == before) if isinstance(before, int | float | str) else True
