"""Scratch memory that a thread uses again and again."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from minircnn.arrays import Array, array_namespace, is_host

_local = threading.local()


def workspace(name: str, shape: tuple[int, ...], dtype: Any, like: Array) -> Array:
    """Return an uninitialised array of this thread that is reused at the next call with the same `name`.

    A piece's scratch memory so stays in the core's cache. On a GPU the array is a new one (its library
    keeps a memory pool of its own).
    """
    if not is_host(like):
        return array_namespace(like).empty(shape, dtype=dtype)
    latest = getattr(_local, name, None)
    if latest is not None and latest.shape == shape and latest.dtype == dtype:
        return latest
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    memory = None if latest is None else latest.base
    if memory is None or memory.nbytes < needed:
        memory = np.empty(needed, dtype=np.uint8)
    array = memory[:needed].view(dtype).reshape(shape)
    setattr(_local, name, array)
    return array
