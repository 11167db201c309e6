"""Whether the GPU of this machine can be used, and otherwise what it lacks, in one line with the mend."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

_WHEELS = "pip install 'minircnn[cuda13]' or 'minircnn[cuda12]', as nvidia-smi says"
_EITHER = "or use device 'cpu'"


def usable_cupy() -> ModuleType:
    """Return CuPy, once a kernel and a product have run on the GPU.

    CuPy loads its compiler and its library for matrices when they are first needed: where one is missing, a
    training would end in its middle.

    Raises
    ------
    RuntimeError
        If something is missing: CuPy, a driver, a GPU, or one of CUDA's libraries.
    """
    found = importlib.util.find_spec("cupy")
    if found is None or found.origin is None:  # nothing, or a folder that an uninstalled CuPy left behind
        raise RuntimeError(f"device 'cuda' needs CuPy: {_WHEELS} ({_EITHER})")
    again = "uninstall all packages whose names begin with cupy, and install one of them again"
    with _explained("CuPy is installed, but its import fails", again):
        cupy = importlib.import_module("cupy")
    driver = "nvidia-smi must run, and show the CUDA version that CuPy was installed for"
    with _explained("CuPy finds no usable driver", driver):
        count = _number_of_gpus(cupy.cuda.runtime)
    if count == 0:
        raise RuntimeError(
            "device 'cuda': there is a driver, but no GPU: nvidia-smi -L lists those of this machine, and "
            f"the environment variable CUDA_VISIBLE_DEVICES hides some ({_EITHER})"
        )
    with _explained("no kernel runs on the GPU", f"NVRTC, which compiles it, comes with {_WHEELS}"):
        numbers = cupy.arange(4, dtype=np.float32) + 1
        total = float(numbers.sum())
    with _explained("no product runs on the GPU", f"cuBLAS, which multiplies, comes with {_WHEELS}"):
        square = numbers.reshape(2, 2)
        total += float((square @ square).sum())  # of [[7, 10], [15, 22]]
    if total != 10 + 54:
        raise RuntimeError(f"device 'cuda': the GPU computes {total}, where 64 is right ({_EITHER})")
    return cupy


def _number_of_gpus(runtime: Any) -> int:
    """Return how many GPUs the driver shows; where it shows none, CuPy raises."""
    try:
        return int(runtime.getDeviceCount())
    except Exception as error:
        if "cudaErrorNoDevice" in str(error):
            return 0
        raise


@contextmanager
def _explained(what: str, mend: str) -> Iterator[None]:
    """Turn whatever CuPy raises inside into one line: what fails, the reason in CuPy's words, the mend."""
    try:
        yield
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:  # CuPy's import wraps the reason in a page of advice
            cause = cause.__cause__
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise RuntimeError(f"device 'cuda': {what} ({reason}): {mend} ({_EITHER})") from error
