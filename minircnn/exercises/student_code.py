"""A student's file: read, run, and its errors told with the line where they happened."""

from __future__ import annotations

import ast
import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from minircnn.files import decode, read_bytes

MOST_PRINTED = 600
"""Characters of a student's own output that are shown."""


class StudentSyntaxError(ValueError):
    """The file is no Python; the message names the line."""


class Printed(io.StringIO):
    """What a student's code prints, as far as it is shown; the rest is dropped, however much it is."""

    def write(self, words: str, /) -> int:
        """Keep `words` as long as there is room."""
        room = MOST_PRINTED - self.tell()
        if room > 0:
            super().write(words[:room] + (" ..." if len(words) > room else ""))
        return len(words)


@contextmanager
def listening() -> Iterator[Printed]:
    """Collect what is printed inside the block."""
    printed = Printed()
    with redirect_stdout(printed), redirect_stderr(printed):
        yield printed


def parse(path: Path) -> ast.Module:
    """Return the syntax tree of the file.

    Raises
    ------
    StudentSyntaxError
        With line and text, if it is no Python.
    OSError, ValueError
        If it is missing or no text.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of "\s" in a text, say
            return ast.parse(decode(read_bytes(path), str(path)), filename=str(path))
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise StudentSyntaxError(
            f"line {error.lineno} is no Python: {error.msg}" + (f": {line}" if line else "")
        ) from error


def load(path: Path) -> dict[str, Any]:
    """Run the file and return its names. Its own folder is searched for modules last, so none is hidden."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules.setdefault(path.stem, module)  # dataclasses look their module up
    sys.path.append(os.path.dirname(os.path.abspath(path)))
    exec(compile(parse(path), str(path), "exec"), vars(module))
    return vars(module)


def what_happened(error: BaseException, path: Path) -> str:
    """Return the error and the student's last line on the way to it: "ZeroDivisionError: ..., in line 7"."""
    name = type(error).__name__
    words = f"{name}: {error}" if str(error) else name
    if isinstance(error, SystemExit):
        words = f"your code ends the program (SystemExit: {error})"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    if not frames:
        return words
    return f"{words}\nin line {frames[-1].lineno}: {(frames[-1].line or '').strip()}"
