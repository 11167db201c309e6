"""Which machine the timings come from, its matrix-product peak, and how many threads everybody gets."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from minircnn.kernels.threads import parallel_for

_PACKAGES = (
    "minircnn",
    "numpy",
    "scipy",
    "torch",
    "torchvision",
    "opencv-contrib-python-headless",
    "scikit-image",
    "scikit-learn",
)


def set_threads(count: int) -> None:
    """Give BLAS, OpenMP, PyTorch and OpenCV `count` threads each; minircnn takes as many as BLAS has."""
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(count)
    if importlib.util.find_spec("cv2"):
        import cv2

        cv2.setNumThreads(count)
    threadpool_limits(count)


def describe_machine(threads: int) -> dict[str, Any]:
    """Return processor, cores, memory, operating system, BLAS kernel and versions."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads": threads,
        "blas": sorted({f"{b['internal_api']} {b['version']} {b.get('architecture', '')}" for b in blas}),
        "versions": {name: _version(name) for name in _PACKAGES},
        "peak_gflops": matrix_peak() / 1e9,
        "copy_gb_per_s": copy_rate() / 1e9,
        "call_us": 1e6 * call_overhead(),
        "handover_us": 1e6 * handover(),
    }


def matrix_peak(size: int = 2048, rounds: int = 8) -> float:
    """Return the best rate of float32 matrix products of `size`, operations per second."""
    rng = np.random.default_rng(0)
    a, b = (rng.random((size, size), dtype=np.float32) for _ in range(2))
    out = a @ b
    return 2 * size**3 / _best(lambda: np.matmul(a, b, out=out), rounds)


def copy_rate(size: int = 2**27, rounds: int = 8) -> float:
    """Return the best rate of copying memory far larger than the caches by one thread, bytes per second.

    Each byte is read and written and counted once.
    """
    source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    return size / _best(lambda: np.copyto(target, source), rounds)


def call_overhead(calls: int = 1000) -> float:
    """Return the seconds of one call into NumPy that has next to nothing to do."""
    x = np.ones(4, np.float32)

    def run() -> None:
        for _ in range(calls):
            np.negative(x, out=x)

    return _best(run, 8) / calls


def handover(calls: int = 200) -> float:
    """Return the seconds that sharing two empty tasks between threads takes, the median of many calls."""
    x = np.ones(1, np.float32)
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        parallel_for(lambda task: None, range(2), like=x)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def _best(run: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
