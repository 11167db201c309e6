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
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import joblib
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from minircnn.arrays import Array, is_host

Task = TypeVar("Task")

MAX_THREADS = 16
"""Beyond this many threads the interpreter lock between the pieces costs more than a core brings."""


def _nothing(force: bool) -> None:
    """Do nothing."""


class _Workers:
    """The helper threads and the BLAS switch, made at first use."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # whoever holds it has the helpers
        self.guard = threading.Lock()
        self.blas = ThreadpoolController().select(user_api="blas")
        self.cores: int = joblib.cpu_count()  # those this process may use: affinity and container limits
        self.pool: ThreadPoolExecutor | None = None
        self.active = 0  # calls of parallel_for, of all threads together
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

    @contextmanager
    def one_blas_thread(self) -> Iterator[None]:
        """Hold BLAS to one thread until the last of all threads that are in here has left.

        How a product is rounded depends on the number of threads that BLAS shares it among.
        """
        with self.guard:
            if self.active == 0:
                self.allowed = self._blas_threads()
                self._set_blas_threads([1] * len(self.allowed))
            self.active += 1
        try:
            yield
        finally:
            with self.guard:
                self.active -= 1
                if self.active == 0:
                    self._set_blas_threads(self.allowed)

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Run `work` on a helper thread."""
        if self.pool is None:
            self.pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="minircnn")
        return self.pool.submit(work)


_workers: _Workers | None = None
_first_use = threading.Lock()


def _forget_workers() -> None:
    global _workers, _first_use
    _workers, _first_use = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    # a forked child inherits the pool object but none of its threads: waiting on them would never end
    os.register_at_fork(after_in_child=_forget_workers)


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
    global _workers
    todo = list(tasks)
    if not is_host(like):
        for task in todo:
            function(task)
        return
    with _first_use:
        workers = _workers = _workers or _Workers()
    with workers.one_blas_thread():
        if not workers.lock.acquire(blocking=False):
            # already inside a parallel_for, of this thread or another: the cores are taken
            for task in todo:
                function(task)
            return
        try:
            _share(workers, function, todo)
        finally:
            workers.lock.release()


def _share(workers: _Workers, function: Callable[[Task], None], todo: list[Task]) -> None:
    remaining = iter(todo)
    take = threading.Lock()

    def work() -> None:
        while True:
            with take:
                task = next(remaining, remaining)
            if task is remaining:
                return
            function(task)  # type: ignore[arg-type]

    helpers = [workers.submit(work) for _ in range(min(workers.threads(), len(todo)) - 1)]
    try:
        work()
    finally:
        # nothing is left to do for a helper that did not wake up in time; the others still write
        started = [helper for helper in helpers if not helper.cancel()]
        for helper in started:
            helper.exception()  # wait for all
    for helper in started:
        helper.result()
