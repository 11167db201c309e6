"""A student's file checked in a process of its own, which is ended if it takes too long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from minircnn.checks import checked, real
from minircnn.exercises.base import LABS, Lab
from minircnn.exercises.grading import call_of, cases_of
from minircnn.exercises.results import Failure, PartResult, Report
from minircnn.exercises.showing import as_code
from minircnn.exercises.stubs import is_untouched, lab_of
from minircnn.exercises.student_code import StudentSyntaxError, parse
from minircnn.files import read_text

SECONDS = 10.0
"""How long one call may take; the textbook's own loops need a few thousandths of a second."""

_START_SECONDS = 120.0  # of the process itself, on a machine that is busy with other things
_ROOT = str(Path(__file__).resolve().parents[2])
_CODE = (
    "import json, sys; path = json.loads(sys.argv[1]); "
    f"sys.path[:] = [{_ROOT!r}, *path]; import minircnn; sys.path[:] = path; "  # this one, no other
    "from minircnn.exercises.child import main; main(*sys.argv[2:])"
)


def check(file: Path | str, seconds: float = SECONDS) -> Report:
    """Grade a student's file.

    The code runs with the rights of this process, in one of its own: an endless loop, a crash or an exit end
    that one alone.

    Parameters
    ----------
    seconds : float
        How long one call may take.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or nothing tells which lab it is.
    """
    path = Path(file)
    seconds = checked("seconds", seconds, real(0, above=True))
    text = read_text(path)
    try:
        tree = parse(path)
    except StudentSyntaxError as error:
        return Report.of_trouble(str(path), str(error))
    name = lab_of(text, tree, str(path))
    lab = LABS[name]
    if is_untouched(lab, tree):
        names = " and ".join(lab.functions)
        words = f"this is the untouched stub: write {names} where it raises NotImplementedError"
        return Report(str(path), name, lab.title, trouble=Failure("not written", words, hint=lab.hint))
    parts, trouble = _run(lab, name, path, seconds)
    return Report(str(path), name, lab.title, parts, trouble)


def _run(lab: Lab, name: str, path: Path, seconds: float) -> tuple[tuple[PartResult, ...], Failure | None]:
    """Return the results of all parts, or why there are none."""
    results: list[PartResult] = []
    case: int | None = None  # None: the file itself is being read
    with _started(path, name) as child:
        steps = _steps(child)
        try:
            step = steps.get(timeout=_START_SECONDS)
            if step is None:
                raise RuntimeError(f"{sys.executable} cannot run minircnn.exercises.child")
            while step is not None:
                if step["step"] == "trouble":
                    return (), Failure(**step["failure"])
                if step["step"] == "part":
                    results.append(PartResult.from_json(step["result"]))
                    if len(results) == len(lab.parts):
                        return tuple(results), None
                if step["step"] != "load":
                    case = step.get("case", 0)
                step = steps.get(timeout=seconds)
            ended = "Python itself ended, with nothing to read from it (out of memory, or os._exit)"
            failure = Failure("ended", ended)
        except Empty:
            failure = Failure("time", f"it has not ended after {seconds:g} seconds")
        finally:
            child.kill()
    if case is None:
        return (), replace(failure, message=f"reading the file: {failure.message}")
    return (*results, *_unfinished(lab, len(results), case, failure)), None


def _unfinished(lab: Lab, done: int, case: int, failure: Failure) -> Iterator[PartResult]:
    """Yield the part that was broken off at `case`, and those after it, which were not tried."""
    for part in lab.parts[done:]:
        cases = cases_of(part)
        if part is lab.parts[done]:
            call, answer = call_of(lab, part, cases[case]), as_code(part.expected(*cases[case]))
            hint = "which line of your loop brings its end nearer?" if failure.kind == "time" else part.hint
            failure = replace(failure, call=call, expected=answer, hint=hint)
        else:
            failure = Failure("not tried", f"not tried, since “{lab.parts[done].name}” was broken off")
        yield PartResult(part.name, part.function, len(cases), failure)


def _started(path: Path, name: str) -> subprocess.Popen[bytes]:
    """Return the process; it finds modules where this one does, and ends when its standard input closes."""
    words = [sys.executable, "-c", _CODE, json.dumps(sys.path), str(path), name]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=quiet)


def _steps(child: subprocess.Popen[bytes]) -> Queue[dict[str, Any] | None]:
    """Return the lines of the process as they come, and None at its end."""
    steps: Queue[dict[str, Any] | None] = Queue()

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            steps.put(json.loads(line))
        steps.put(None)

    threading.Thread(target=read, daemon=True).start()
    return steps
