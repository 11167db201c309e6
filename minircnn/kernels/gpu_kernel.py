"""Kernels of our own for a GPU, where CuPy's would pass over memory several times, or wait."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from minircnn.arrays import Array, on_gpu


class GPUKernel:
    """A few lines of CUDA C++ that a GPU runs for every number i below a size, each in a thread of its own.

    They must not depend on the order of the threads. CuPy compiles them at the first call, once for each type
    of arrays, and keeps what comes of it on the disk.

    Parameters
    ----------
    name : str
        By which profilers show it.
    inputs, outputs : str
        Types and names, as ``cupy.ElementwiseKernel`` has them: ``T`` is the arrays' type; a ``raw`` array is
        indexed in the body, and must be contiguous; of any other the i-th value goes by its name.
    body : str
    """

    def __init__(self, name: str, inputs: str, outputs: str, body: str) -> None:
        self._definition = (inputs, outputs, body, f"minircnn_{name}")
        self._library: ModuleType | None = None
        self._kernel: Any = None

    def __call__(self, *arguments: Array | float, size: int | None = None) -> None:
        """Run it on inputs and outputs; `size` must be told where all arrays are raw."""
        library = sys.modules["cupy"]  # whose arrays these are
        if library is not self._library:
            self._kernel = library.ElementwiseKernel(*self._definition)
            self._library = library  # last: another thread may be here
        self._kernel(*arguments, **({} if size is None else {"size": size}))


def has_kernels(x: Array) -> bool:
    """Tell whether `x` is an array that our kernels take: CuPy's, of single or double precision."""
    return on_gpu(x) and x.dtype.kind == "f" and x.dtype.itemsize >= 4
