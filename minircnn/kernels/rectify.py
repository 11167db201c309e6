"""max(x, 0) in place, many numbers at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, is_host

RUN = 2**14
"""So many zeros are kept to compare with."""


@cache
def _zeros(dtype: np.dtype[Any], count: int) -> HostArray:
    zeros = np.zeros(count, dtype)
    zeros.flags.writeable = False
    return zeros


def rectify_in_place(x: Array) -> None:
    """Replace negative numbers of `x` by 0.

    NumPy compares two arrays eight or sixteen numbers at a time, but an array with a single number one by
    one. So the zeros are an array, which stays in cache.
    """
    if not is_host(x):
        array_namespace(x).maximum(x, 0, out=x)
        return
    zeros = _zeros(x.dtype, RUN)
    if not x.flags.c_contiguous:  # some channels of a map: a run is a pixel's
        runs = zeros[: x.shape[-1]] if x.shape[-1] <= RUN else x.dtype.type(0)
        np.maximum(x, runs, out=x)
        return
    flat = x.reshape(-1)
    whole = len(flat) - len(flat) % RUN
    lines, rest = flat[:whole].reshape(-1, RUN), flat[whole:]
    np.maximum(lines, zeros, out=lines)
    np.maximum(rest, zeros[: len(rest)], out=rest)
