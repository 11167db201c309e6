"""What the device would have been asked to do: launches, transfers and host waits, by calling line."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from pathlib import Path

DOUBLE = str(Path(__file__).resolve().parents[1])
ROOT = Path(__file__).resolve().parents[3]
BELOW = (DOUBLE, str(ROOT / "minircnn" / "arrays.py"), "/array_api_compat/", "/numpy/")
"""Work is booked on the line that called these, not on their own."""


@functools.cache
def _site_name(file):
    """The file's name for the ledger, empty for the array libraries themselves."""
    if any(part in file for part in BELOW):
        return ""
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


class Ledger:
    def __init__(self):
        self.kernels = set()  # distinct kernels: each is compiled once (not reset)
        self.reset()

    def reset(self):
        self.total = Counter()  # "launch", "sync", "h2d", "d2h", "launch_bytes", ... -> count
        self.by_site = Counter()  # (event, "file:line") -> count
        self.by_op = Counter()  # name of the operation -> launches

    def note(self, event, n=1, op=None, nbytes=0):
        self.total[event] += n
        if nbytes:
            self.total[event + "_bytes"] += nbytes
        if op:
            self.by_op[op] += n
        self.by_site[event, self.site()] += n

    @staticmethod
    def site():
        """The line of code outside the array libraries that asked for the work, as ``file:line``."""
        frame = sys._getframe(2)
        while frame is not None:
            name = _site_name(frame.f_code.co_filename)
            if name:
                return f"{name}:{frame.f_lineno}"
            frame = frame.f_back
        return "?"

    def snapshot(self):
        return Counter(self.total)


ledger = Ledger()
