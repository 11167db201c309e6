"""Matrix products shared among the cores by our own threads."""

from __future__ import annotations

import math

import numpy as np

from minircnn.arrays import Array, array_namespace, is_host
from minircnn.kernels.split import split
from minircnn.kernels.threads import MAX_THREADS, parallel_for

_PIECE = 1 << 22
"""Multiplications that are worth a piece of their own."""
_LEAST = 64
"""Rows or columns of a piece, at least: BLAS repacks all of the other matrix for each piece."""


def matmul(a: Array, b: Array) -> Array:
    """Return ``a @ b`` of matrices (M, K) and (K, N), the longer side of the result shared among the cores.

    BLAS could share it too, but its threads go on spinning for milliseconds after each product and would
    take the cores from the pieces of the next layer.
    """
    array_namespace(a, b)  # refuses a mixture of libraries
    if not is_host(a):
        return a @ b
    rows, columns = a.shape[0], b.shape[1]
    out = np.empty((rows, columns), dtype=np.result_type(a, b))
    longer = max(rows, columns)
    worth = math.prod((rows, columns, a.shape[1])) // _PIECE
    pieces = max(1, min(MAX_THREADS, longer // _LEAST, worth))

    def run(part: slice) -> None:
        if rows >= columns:
            np.matmul(a[part], b, out=out[part])
        else:
            out[:, part] = a @ b[:, part]

    parallel_for(run, split(longer, parts=pieces), like=a)
    return out
