"""Run independent pieces of one layer's work on the processor's cores.

NumPy releases the interpreter lock in copies, elementwise functions and matrix products, so plain Python
threads scale. A matrix product on a small piece gains nothing from threads of its own, and copying between
products would leave those idle; so BLAS is held to one thread while Python threads share the pieces.

What a piece computes never depends on how many threads there are or which of them takes it: results are
the same bits on one core and on many.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

import joblib
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from minircnn.arrays import Array, is_host

Task = TypeVar("Task")

MAX_THREADS = 16
"""Beyond this many threads the interpreter lock between the pieces costs more than a core brings."""


def _nothing(force: bool) -> None:
    """Do nothing."""


class _Job:
    """The tasks of one call: whoever is there takes the next one."""

    def __init__(self, function: Callable[[Any], None], tasks: list[Any]) -> None:
        self.function, self.remaining = function, iter(tasks)
        self.guard = threading.Lock()
        self.is_open = True  # a helper that wakes up later has nothing left to do
        self.helping = 0
        self.last_left = threading.Lock()
        self.last_left.acquire()  # released by the last helper, if it leaves after the caller
        self.error: BaseException | None = None

    def work(self) -> None:
        """Do tasks until none is left."""
        while True:
            with self.guard:
                task = next(self.remaining, self.remaining)
            if task is self.remaining:
                return
            self.function(task)

    def help(self) -> None:
        """Do tasks in a helper thread; what is raised is kept for the caller."""
        with self.guard:
            if not self.is_open:
                return
            self.helping += 1
        try:
            self.work()
        except BaseException as error:
            self.error = self.error or error
        finally:
            with self.guard:
                self.helping -= 1
                if not self.is_open and self.helping == 0:
                    self.last_left.release()

    def close(self) -> None:
        """Wait for the helpers that are at work; the others still asleep are not needed any more."""
        with self.guard:
            self.is_open = False
            is_waiting = self.helping > 0
        if is_waiting:
            self.last_left.acquire()


class _Workers:
    """The helper threads and the BLAS switch, made at first use."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # whoever holds it has the helpers
        self.guard = threading.Lock()
        self.blas = ThreadpoolController().select(user_api="blas")
        self.cores: int = joblib.cpu_count()  # those this process may use: affinity and container limits
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.helpers = 0
        self.active = 0  # holds of BLAS, of all threads together
        self.allowed: list[int] = []  # threads of each BLAS library while none is active

    def threads(self) -> int:
        """Return how many threads may run: as many as BLAS was allowed, and never more than the cores."""
        allowed = self.allowed if self.active else self._blas_threads()
        return max(1, min(self.cores, MAX_THREADS, max(allowed, default=MAX_THREADS)))

    def _blas_threads(self) -> list[int]:
        # only this is asked of the libraries: all that threadpoolctl knows takes longer than a small product
        return [library.num_threads or 1 for library in self.blas.lib_controllers]

    def _set_blas_threads(self, counts: list[int]) -> None:
        for library, count, allowed in zip(self.blas.lib_controllers, counts, self.allowed, strict=True):
            if allowed > 1:
                # threadpoolctl 3.6 listens to one Python thread only; the guard sees to that here
                getattr(library, "clear_controlling_thread", _nothing)(force=True)
                library.set_num_threads(count)

    def hold_blas(self) -> None:
        """Hold BLAS to one thread until the last of all threads that hold it has let go.

        How a product is rounded depends on the number of threads that BLAS shares it among.
        """
        with self.guard:
            if self.active == 0:
                self.allowed = self._blas_threads()
                self._set_blas_threads([1] * len(self.allowed))
            self.active += 1

    def let_blas_go(self) -> None:
        """End one hold."""
        with self.guard:
            self.active -= 1
            if self.active == 0:
                self._set_blas_threads(self.allowed)

    def share(self, function: Callable[[Task], None], tasks: list[Task]) -> None:
        """Do the tasks in this thread and in helpers."""
        job, wanted = _Job(function, tasks), min(self.threads(), len(tasks)) - 1
        while self.helpers < wanted:
            name = f"minircnn_{self.helpers}"
            threading.Thread(target=_help_forever, args=(self.jobs,), name=name, daemon=True).start()
            self.helpers += 1
        for _ in range(wanted):
            self.jobs.put(job)
        try:
            job.work()
        finally:
            job.close()
        if job.error is not None:
            raise job.error


def _help_forever(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().help()  # without a name: the last job's arrays must not be kept while this waits


_workers: _Workers | None = None
_first_use = threading.Lock()


def _the_workers() -> _Workers:
    global _workers
    with _first_use:
        _workers = _workers or _Workers()
        return _workers


def _forget_workers() -> None:
    global _workers, _first_use
    _workers, _first_use = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    # a forked child inherits the queue but none of the threads: waiting on them would never end
    os.register_at_fork(after_in_child=_forget_workers)


@contextmanager
def one_blas_thread(like: Array) -> Iterator[None]:
    """Hold BLAS to one thread for all that is done inside, where `like` is a NumPy array.

    Every :func:`parallel_for` does so for itself. Around many of them, one hold saves switching BLAS back
    and forth, which takes as long as a small piece of work.
    """
    if not is_host(like):
        yield
        return
    workers = _the_workers()
    workers.hold_blas()
    try:
        yield
    finally:
        workers.let_blas_go()


def parallel_for(function: Callable[[Task], None], tasks: Iterable[Task], like: Array) -> None:
    """Call ``function(task)`` for every task, on several threads where `like` is a NumPy array.

    Parameters
    ----------
    function : callable
        Must write only to places no other task writes to. The first exception is raised again here.
    tasks : iterable
    like : array
        Any array the tasks work on; those of a GPU run one after the other in the calling thread.
    """
    todo = list(tasks)
    if not is_host(like):
        for task in todo:
            function(task)
        return
    workers = _the_workers()
    workers.hold_blas()
    try:
        # nobody gets the helpers inside a parallel_for, of this thread or another: the cores are taken
        if len(todo) > 1 and workers.lock.acquire(blocking=False):
            try:
                workers.share(function, todo)
            finally:
                workers.lock.release()
        else:
            for task in todo:
                function(task)
    finally:
        workers.let_blas_go()
