"""A long search says how far it is, to whoever watches; nobody does unless asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Watcher: TypeAlias = Callable[[int, int], None]
"""Told how many steps of how many are done."""

_watcher: ContextVar[Watcher | None] = ContextVar("minircnn_search_watcher", default=None)


@contextmanager
def watched_search(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` know of the steps of searches inside the ``with`` statement, in this process."""
    before = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(before)


class Steps:
    """Counts the steps of one search.

    Parameters
    ----------
    total : int
    """

    def __init__(self, total: int) -> None:
        self.done, self.total = 0, total

    def step(self) -> None:
        """Say that one more is done."""
        self.done += 1
        watcher = _watcher.get()
        if watcher is not None:
            watcher(self.done, self.total)
