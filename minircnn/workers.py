"""Tasks shared among processes, which end when the one that started them does."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from joblib import Parallel, effective_n_jobs

LOOK_EVERY = 1.0
"""Seconds between two looks of a process at whether the one that started it still runs."""


def run_tasks(tasks: Iterable[Any], n_jobs: int) -> Iterator[Any]:
    """Yield the results of `tasks` (made by :func:`joblib.delayed`), in their order, as they come.

    A task is taken from `tasks` when its turn is near.

    Parameters
    ----------
    n_jobs : int
        Processes, at most one a task. One: this process itself, a task at a time. Under
        ``joblib.parallel_config`` the tasks go where that says.
    """
    tasks = iter(tasks)
    first = list(islice(tasks, effective_n_jobs(n_jobs)))
    most = max(1, len(first))
    results: Iterator[Any] = Parallel(
        n_jobs=most, return_as="generator", initializer=_begin, initargs=(os.getpid(), os.getcwd())
    )(chain(first, tasks))
    return results


def _begin(parent: int, folder: str) -> None:
    """Work in `folder`, and end soon after process `parent`, however that ended.

    Names of files may be relative, and processes are kept for the next call, which may be made elsewhere.

    Killed, it cannot tell its workers, and they would wait for more work, holding its output open. (Linux
    could signal it by itself, but when the *thread* that started a worker ends.)
    """
    os.chdir(folder)
    if sys.platform != "win32":  # where a process keeps its parent's number for ever
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    is_child = os.getppid() == parent  # not of a fork server, nor where `parent` ended before this began
    while os.getppid() == parent if is_child else _exists(parent):
        time.sleep(LOOK_EVERY)
    os._exit(1)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 is not sent
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
