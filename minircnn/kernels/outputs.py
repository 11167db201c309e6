"""Memory for results so large that the operating system would give it anew, page by page, at every call.

An allocation beyond 32 MiB is handed back to the system as soon as nobody holds it, and the next one of that
size is zeroed again while it is filled, which takes two to three times as long as the filling. A photo's
first feature maps are of that size. So some of their memory is kept when the last array that lies in it is
gone, and lent again.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, is_host

LARGE = 2**25
"""Bytes above which the C library returns memory to the system at once (32 MiB)."""
KEPT = 2**29
"""Bytes that are kept while nobody uses them, at most."""
SPARE = 1.25
"""Memory is lent for results that need all of it but this factor."""

_free: list[HostArray] = []  # the oldest first
_guard = threading.RLock()  # an array may end, and give its memory back, while its thread is in here


def empty_output(shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
    """Return an uninitialised array for a result, in the library of `like`."""
    if not is_host(like):
        return array_namespace(like).empty(shape, dtype=dtype)
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    if needed <= LARGE:
        return np.empty(shape, dtype=dtype)
    memory = _taken(needed)
    if memory is None:
        memory = np.empty(needed, dtype=np.uint8)
    return np.asarray(_Lent(memory))[:needed].view(dtype).reshape(shape)


class _Lent:
    """What the arrays in a piece of memory hold; when it ends, the memory is free."""

    def __init__(self, memory: HostArray) -> None:
        self.__array_interface__ = memory.__array_interface__
        weakref.finalize(self, _give_back, memory).atexit = False


def _taken(needed: int) -> HostArray | None:
    """Take the smallest free memory that does for so many bytes, and is not much larger."""
    with _guard:
        fitting = [i for i, memory in enumerate(_free) if needed <= memory.nbytes <= SPARE * needed]
        return _free.pop(min(fitting, key=lambda i: _free[i].nbytes)) if fitting else None


def _give_back(memory: HostArray) -> None:
    dropped = []  # goes back to the system outside of the guard
    with _guard:
        _free.append(memory)
        while sum(each.nbytes for each in _free) > KEPT:
            dropped.append(_free.pop(0))


def _forget_all() -> None:
    global _free, _guard
    _free, _guard = [], threading.RLock()


if hasattr(os, "register_at_fork"):
    # another thread may have been in the guard, and never leaves it in the child
    os.register_at_fork(after_in_child=_forget_all)
