"""Memory for results so large that the operating system would give it anew, page by page, at every call.

An allocation beyond 32 MiB is handed back to the system as soon as nobody holds it, and the next one of that
size is zeroed again while it is filled, which takes two to three times as long as the filling. A photo's
first feature maps are of that size. So their memory is remembered here, and lent again once the last array
that lies in it is gone.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, is_host

LARGE = 2**25
"""Bytes above which the C library returns memory to the system at once (32 MiB)."""
REMEMBERED = 2**29
"""Bytes that are remembered while nobody uses them, at most."""

_remembered: list[HostArray] = []
_guard = threading.Lock()


def empty_output(shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
    """Return an uninitialised array for a result, in the library of `like`."""
    if not is_host(like):
        return array_namespace(like).empty(shape, dtype=dtype)
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    if needed <= LARGE:
        return np.empty(shape, dtype=dtype)
    with _guard:
        memory = _unused(needed)
        if memory is None:
            memory = np.empty(needed, dtype=np.uint8)
            _remembered.append(memory)
            _forget_beyond(REMEMBERED)
    return memory[:needed].view(dtype).reshape(shape)


def _unused(needed: int) -> HostArray | None:
    """Return the smallest memory of at least `needed` bytes, and at most twice as many, that nobody holds."""
    fitting = [i for i, memory in enumerate(_remembered) if needed <= memory.nbytes <= 2 * needed]
    free = [i for i in fitting if _is_unused(i)]
    return _remembered[min(free, key=lambda i: _remembered[i].nbytes)] if free else None


def _is_unused(index: int) -> bool:
    # the list's own reference, and that of the call; every array that lies in the memory holds one more
    return sys.getrefcount(_remembered[index]) <= 2


def _forget_beyond(limit: int) -> None:
    """Drop unused memory, the oldest first, until what is left of it is within `limit` bytes."""
    unused = [i for i in range(len(_remembered)) if _is_unused(i)]
    total = sum(_remembered[i].nbytes for i in unused)
    dropped = set()
    for index in unused:
        if total <= limit:
            break
        total -= _remembered[index].nbytes
        dropped.add(index)
    _remembered[:] = [memory for i, memory in enumerate(_remembered) if i not in dropped]
