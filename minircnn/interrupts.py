"""Signals that ask a process to end: Ctrl-C, and what schedulers, containers and closed terminals send."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Those that systems have beside SIGINT; each has some of them."""

Handler = Callable[[int, FrameType | None], None]


class Interrupted(KeyboardInterrupt):
    """A signal other than Ctrl-C's asked the process to end; `signum` is its number."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise Interrupted, a KeyboardInterrupt, inside the block.

    A signal that is ignored (SIGHUP under ``nohup``) stays ignored.
    Outside the main thread, which alone receives signals, nothing changes.
    """

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise Interrupted(signum)

    restore = _handle(_ENDING, interrupt)
    try:
        yield
    finally:
        restore()


@dataclass
class Interruption:
    """Whether a signal has come; true once it has."""

    signum: int = 0
    """Its number."""

    def __bool__(self) -> bool:
        return bool(self.signum)


@contextmanager
def interrupt_flag() -> Iterator[Interruption]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into a flag; the second one does what it did before.

    So work can end at its next good moment, and still be broken off by who cannot wait for it.
    """
    flag = Interruption()

    def note(signum: int, frame: FrameType | None) -> None:
        restore()
        flag.signum = signum

    restore = _handle(("SIGINT", *_ENDING), note)
    try:
        yield flag
    finally:
        restore()


def _handle(names: tuple[str, ...], handler: Handler) -> Callable[[], None]:
    """Let `handler` take the signals `names` and return what gives them back to their former handlers."""
    former: dict[int, signal.Handlers | Handler | int | None] = {}
    if threading.current_thread() is threading.main_thread():
        for signum in (getattr(signal, name) for name in names if hasattr(signal, name)):
            before = signal.getsignal(signum)
            if before not in (
                signal.SIG_IGN,
                None,
            ):  # None: set by other than Python, which cannot restore it
                former[signum] = before
                signal.signal(signum, handler)

    def restore() -> None:
        for signum, before in former.items():
            signal.signal(signum, before)
        former.clear()

    return restore
