"""Progress bars that can be lost without ending the work."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm.auto import tqdm


def progress_bar(iterable: Iterable[Any] | None = None, *, show: bool = True, **options: Any) -> Any:
    """Return a bar on standard error, over `iterable` or moved by hand; `options` are those of ``tqdm``.

    Where standard error is closed, full, or its reader has gone, the bar is dropped and the work goes on.
    """
    return tqdm(
        iterable,
        file=_Forgiving(sys.stderr),
        disable=not show or sys.stderr is None,
        **options,
    )


class _Forgiving:
    """A stream that after its first failure takes everything and writes nothing."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` while the stream can."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream while it can."""
        self._try("flush")

    def _try(self, method: str, *arguments: str) -> None:
        if self._stream is None:
            return
        try:
            getattr(self._stream, method)(*arguments)
        except (OSError, ValueError):  # ValueError: closed, or a character that its encoding lacks
            self._stream = None

    def __getattr__(self, name: str) -> Any:
        """Answer what is asked of the stream: its encoding, its number, whether it is a terminal."""
        return getattr(self._stream, name)
