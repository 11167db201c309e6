"""The process in which a student's code runs: one line of JSON for each step, and the results at the end.

Started by :mod:`minircnn.exercises.running`. What the code prints cannot reach those lines, and the process
ends with the one that started it.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from minircnn.exercises import LABS
from minircnn.exercises.grading import grade
from minircnn.exercises.results import Failure
from minircnn.exercises.student_code import listening, load, what_happened

MOST_MEMORY = 4 << 30
"""Bytes that a student's code may hold, where the system can limit it."""


def main(file: str, lab_name: str) -> None:
    """Grade `file` as lab `lab_name`, telling each step on what was standard output."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what is printed past Python's own streams

    def tell(**step: Any) -> None:
        channel.write(json.dumps(step) + "\n")
        channel.flush()

    threading.Thread(target=_end_with_parent, args=(os.dup(0),), daemon=True).start()
    sys.stdin = io.StringIO()  # input() finds its end at once
    _limit_memory()
    path = Path(file)
    tell(step="load")
    with listening() as printed:
        try:
            functions = load(path)
        except (Exception, SystemExit) as error:
            trouble = Failure("exception", what_happened(error, path), printed=printed.getvalue())
            tell(step="trouble", failure=dataclasses.asdict(trouble))
            return
    for result in grade(LABS[lab_name], functions, path, lambda case: tell(step="call", case=case)):
        tell(step="part", result=dataclasses.asdict(result))


def _end_with_parent(handle: int) -> None:
    """End when the other end of standard input is closed, as it is when the process that holds it ends."""
    while os.read(handle, 1):
        pass
    os._exit(1)


def _limit_memory() -> None:
    """Let a list that grows without end stop with MemoryError, before the machine does."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
