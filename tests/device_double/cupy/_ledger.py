"""What the device would have been asked to do: launches, transfers and host waits, by calling line."""

from __future__ import annotations
import os, sys
from collections import Counter


class Ledger:
    def __init__(self):
        self.sites = bool(int(os.environ.get("FAKECUPY_SITES", "1")))
        self.reset()

    def reset(self):
        self.total = Counter()  # launches, h2d, d2h, sync, h2d_bytes, d2h_bytes, bytes_moved
        self.by_site = Counter()  # (event, file:line) -> count
        self.by_op = Counter()  # op name -> launches
        self.kernels = getattr(self, "kernels", set())  # distinct kernels: each is compiled once (not reset)

    def note(self, event, n=1, op=None, nbytes=0):
        self.total[event] += n
        if nbytes:
            self.total[event + "_bytes"] += nbytes
        if op:
            self.by_op[op] += n
        if self.sites:
            self.by_site[event, self.site()] += n

    @staticmethod
    def site():
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if (
                "/site/cupy" not in name
                and "array_api_compat" not in name
                and "/minircnn/arrays.py" not in name
                and "/numpy/" not in name
            ):
                short = (
                    name.split("/minircnn/minircnn/")[-1]
                    if "/minircnn/minircnn/" in name
                    else os.path.basename(name)
                )
                return f"{short}:{frame.f_lineno}"
            frame = frame.f_back
        return "?"

    def snapshot(self):
        return Counter(self.total)


ledger = Ledger()
