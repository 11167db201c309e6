"""Progress bars that can be lost without ending the work, and what long work will take, said beforehand."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

from tqdm.auto import tqdm

logger = logging.getLogger("minircnn")

_FEW, _SETTLED, _LONG = 4, 10.0, 60.0
"""After so many results and seconds it is said how long the rest takes, if so many seconds or more."""


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


def duration(seconds: float) -> str:
    """Return a time in words, as exact as an estimate is: ``45 s``, ``7 minutes``, ``2.5 hours``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"


def watched(
    results: Iterable[Any],
    *,
    title: str,
    unit: str,
    total: int,
    initial: int = 0,
    show: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Any]:
    """Yield `results` behind a bar, and say once in the log how long they will take in all, if it is long.

    Said as soon as a few have come and ten seconds are over: the first ones tell what the others take.

    Parameters
    ----------
    total : int
        Of the results and those `initial` ones that were there before.
    """
    start, said = clock(), not show
    with progress_bar(show=show, total=total, initial=initial, desc=title, unit=unit) as bar:
        for number, result in enumerate(results, start=1):
            passed = clock() - start
            if not said and number >= _FEW and passed >= _SETTLED:
                said = True
                work = total - initial
                seconds = passed / number * work
                if seconds - passed >= _LONG:
                    bar.clear()
                    logger.info("%s: %s %ss, about %s", title, f"{work:,}", unit, duration(seconds))
                    bar.refresh()
            yield result
            bar.update()


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
