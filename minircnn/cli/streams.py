"""Standard output and error that take every character, and whose loss ends no work.

A terminal may be closed, a pipe's reader gone, a disk full, an encoding small. What cannot be said is
forgotten, the work goes on, and the exit code tells at the end that the result was not printed.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

_SPELLED = {
    "λ": "lambda",
    "×": "x",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "–": "-",
    "−": "-",
    "…": "...",
    "·": "*",
}


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Spell out characters that an encoding lacks; others as Python writes them, so that none is lost."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = (_SPELLED.get(c) or c.encode("ascii", "backslashreplace").decode("ascii") for c in lacking)
    return "".join(plain), error.end


codecs.register_error("minircnn.spell", _spell)


class GuardedStream:
    """A stream that fails nobody: what cannot be written is forgotten, and `lost` says why."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.lost: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        """Write `text`, spelled in the characters that the stream's encoding has."""
        if self._stream is None:
            self.lost = self.lost or OSError("it is closed")
        if self.lost is None:
            assert self._stream is not None
            encoding = self._stream.encoding or "utf-8"
            try:
                self._stream.write(text.encode(encoding, "minircnn.spell").decode(encoding))
            except (OSError, ValueError) as error:  # ValueError: it was closed by this process
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what is still held back."""
        if self._stream is not None and self.lost is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def _lose(self, error: OSError | ValueError) -> None:
        self.lost = error
        # else Python tries once more when it ends, and complains
        with suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
            if self._stream in (sys.__stdout__, sys.__stderr__):
                os.dup2(nowhere.fileno(), cast(TextIO, self._stream).fileno())

    def isatty(self) -> bool:
        """Tell whether people read along."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the number of the file behind the stream."""
        if self._stream is None:
            raise OSError("the stream is closed")
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """Encoding of the stream behind."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def guarded_streams() -> Iterator[GuardedStream]:
    """Guard standard output and error inside the ``with`` statement; yield the output."""
    if sys.stdout is None or sys.stderr is None:
        _occupy_standard_files()
    before = sys.stdout, sys.stderr
    out, err = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def _occupy_standard_files() -> None:
    """Open what was closed when the process began: else the next file written gets the number of a stream.

    A library's warning would then be written into a photo's drawing. Processes that are started get them too:
    joblib's end where there is no standard error.
    """
    handle = os.open(os.devnull, os.O_RDWR)
    while handle <= 2:
        os.set_inheritable(handle, True)
        handle = os.dup(handle)
    os.close(handle)
