"""Where the time goes: named stages that nest, recorded only while somebody asks.

The code that does the work says what it is doing, ``@stage("RoI pooling")`` before a method, and knows
nothing of who listens. Inside ``with profiled() as profile:`` every stage adds one call and its seconds to a
tree; outside, a stage is a look at one context variable and nothing else.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from minircnn.arrays import Array, synchronize

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Stage:
    """A named piece of work, with the stages that ran inside it.

    Parameters
    ----------
    name : str
    calls : int
        How often it ended, be it by an exception.
    seconds : float
        Wall-clock time of all calls together.
    children : dict of str to Stage
        In the order in which they first began.
    """

    name: str
    calls: int = 0
    seconds: float = 0.0
    children: dict[str, Stage] = field(default_factory=dict)

    @property
    def other(self) -> float:
        """Seconds spent in none of the children."""
        return self.seconds - sum(child.seconds for child in self.children.values())

    def find(self, *path: str) -> Stage:
        """Return the stage that lies below this one under the names `path`.

        Raises
        ------
        KeyError
            If it never began.
        """
        found = self
        for name in path:
            found = found.children[name]
        return found

    def to_record(self) -> dict[str, Any]:
        """Return the tree as plain dictionaries and lists, ready for JSON."""
        return {
            "stage": self.name,
            "calls": self.calls,
            "seconds": self.seconds,
            "stages": [child.to_record() for child in self.children.values()],
        }


class _Recorder:
    """The stages of one thread that are open at the moment, innermost last."""

    def __init__(self, root: Stage, device_of: Array | None) -> None:
        self.open = [root]
        self.device_of = device_of
        self.thread = threading.get_ident()

    def now(self) -> float:
        """Return the time, once a GPU has done what was asked of it."""
        if self.device_of is not None:
            synchronize(self.device_of)
        return time.perf_counter()


_recorder: ContextVar[_Recorder | None] = ContextVar("minircnn_profile", default=None)


class stage:
    """A named piece of work: ``@stage("RoI pooling")`` before a method names its calls.

    ``stage(name)(function)(x)`` names one call, ``with stage("photo"):`` some lines. A stage inside another
    becomes its child. Only the thread that opened the profile is recorded: the seconds of its helpers would
    overlap with those it spends waiting for them.
    """

    __slots__ = ("name", "recorder", "start")

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return `function`, its calls recorded under the name."""

        @wraps(function)
        def named(*args: P.args, **kwargs: P.kwargs) -> T:
            if _recorder.get() is None:
                return function(*args, **kwargs)
            with stage(self.name):
                return function(*args, **kwargs)

        return named

    def __enter__(self) -> None:
        recorder = _recorder.get()
        if recorder is not None and recorder.thread != threading.get_ident():
            recorder = None
        self.recorder = recorder
        if recorder is None:
            return
        children = recorder.open[-1].children
        if self.name not in children:
            children[self.name] = Stage(self.name)
        recorder.open.append(children[self.name])
        self.start = recorder.now()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.recorder is None:
            return
        seconds = self.recorder.now() - self.start
        ended = self.recorder.open.pop()
        ended.calls += 1
        ended.seconds += seconds


@contextmanager
def profiled(device_of: Array | None = None) -> Iterator[Stage]:
    """Record the stages that run inside the ``with`` statement.

    Parameters
    ----------
    device_of : array, optional
        Any array of the device that does the work. Where that is a GPU, its queue is emptied at both ends of
        every stage, so that each is charged for its own work; on the CPU nothing is waited for.

    Yields
    ------
    Stage
        The whole, ``"total"``, with the stages below it; complete once the ``with`` statement has ended.
    """
    total = Stage("total")
    recorder = _Recorder(total, device_of)
    token = _recorder.set(recorder)
    start = recorder.now()
    try:
        yield total
    finally:
        total.seconds = recorder.now() - start
        total.calls = 1
        _recorder.reset(token)


def peak_memory() -> int | None:
    """Return the most bytes this process has held in memory so far; None where the system does not say.

    It is the resident set: the interpreter and its libraries count, what a GPU holds does not.
    """
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
