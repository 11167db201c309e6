"""What the device would have been asked to do: launches, transfers and waits, by calling line."""

import functools
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
LIBRARIES = (
    f"{HERE}/",
    f"{HERE.parent / 'cupyx'}/",
    f"{ROOT / 'minircnn' / 'arrays.py'}",
    f"{ROOT / 'minircnn' / 'kernels' / 'gpu_kernel.py'}",
    "/array_api_compat/",
    "/numpy/",
)
"""Work is booked on the line that called these, not on one of theirs."""


class Ledger:
    """Counts of events, all together, by calling line and by operation.

    ``"launch"`` is a kernel or a fill, ``"sync"`` a wait of the host for the device, ``"h2d"`` and
    ``"d2h"`` are transfers up and down (down waits once); ``"launch_bytes"``, ``"h2d_bytes"``,
    ``"d2h_bytes"`` and ``"flops"`` are what they move and compute. ``"host relayout"`` is an upload
    that had to be brought into C order on the host first.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        self.total = Counter()  # event -> count
        self.by_site = Counter()  # (event, "file:line") -> count
        self.by_op = Counter()  # operation -> launches

    def launch(self, op, times=1, nbytes=0, flops=0):
        self.by_op[op] += times
        self.total["flops"] += flops
        self._note("launch", times, nbytes)

    def wait(self):
        self._note("sync")

    def upload(self, nbytes):
        self._note("h2d", 1, nbytes)

    def download(self, nbytes):
        self._note("d2h", 1, nbytes)
        self._note("sync")

    def relayout(self, nbytes):
        self._note("host relayout", 1, nbytes)

    def _note(self, event, times=1, nbytes=0):
        self.total[event] += times
        if nbytes:
            self.total[f"{event}_bytes"] += nbytes
        self.by_site[event, _calling_line()] += times


def _calling_line():
    """The line of code outside the array libraries that asked for the work, as ``file:line``."""
    frame = sys._getframe(2)
    while frame is not None:
        name = _name_of(frame.f_code.co_filename)
        if name:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"


@functools.cache
def _name_of(file):
    """The file's name for the ledger, empty for the array libraries themselves."""
    if any(part in file for part in LIBRARIES):
        return ""
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


ledger = Ledger()
