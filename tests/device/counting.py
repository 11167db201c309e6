"""Count what a piece of code asks of the GPU: kernel launches, waits of the host, transfers.

CuPy's stand-in keeps a ledger of them (``tests/device_double``). CuPy itself counts nothing, but it can
forbid waiting: with ``--xp cupy``, ``counted(waits=0)`` raises where the code would wait, and the counts
are None.
"""

import contextlib
import importlib
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Work:
    """What was asked of the GPU inside a ``with counted()`` block; known when the block ends."""

    launches: int | None = None
    """Kernels started."""
    waits: int | None = None
    """Times the host stood still until the GPU had finished: a number read, a mask counted, a download."""
    uploads: int | None = None
    downloads: int | None = None
    sites: Counter = field(default_factory=Counter)
    """``("launch" or "sync", "file:line")`` → how often."""

    def lines(self, n: int = 10) -> str:
        """The `n` lines of code that waited or launched most, waits first, as a table for a message."""
        places = {place for event, place in self.sites if event in ("launch", "sync")}
        count = {place: (self.sites["sync", place], self.sites["launch", place]) for place in places}
        rows = sorted(places, key=lambda place: (count[place], place), reverse=True)[:n]
        return "\n".join(f"{count[p][0]:6d} waits {count[p][1]:6d} launches  {p}" for p in rows)

    def check(self, launches: int | None = None, waits: int | None = None) -> None:
        """Assert that the work stays within a budget; on CuPy, where nothing is counted, assert nothing."""
        for what, budget in (("launches", launches), ("waits", waits)):
            used = getattr(self, what)
            if None not in (budget, used):
                assert used <= budget, f"{used} {what}, the budget is {budget}:\n{self.lines()}"


@contextlib.contextmanager
def _no_waits():
    """CuPy says that it may miss waits, and that a later version will not look for them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "cupyx.allow_synchronize will be removed", UserWarning)
        forbidden = importlib.import_module("cupyx").allow_synchronize(False)
        forbidden.__enter__()
    try:
        yield
    finally:
        forbidden.__exit__(None, None, None)


@contextlib.contextmanager
def counted(waits: int | None = None) -> Iterator[Work]:
    """Count the work inside the block; `waits=0` makes CuPy itself raise at the first wait.

    ::

        with counted(waits=0) as work:
            network.forward(x)
        work.check(launches=8, waits=0)
    """
    work = Work()
    if not hasattr(importlib.import_module("cupy"), "_ledger"):
        with _no_waits() if waits == 0 else contextlib.nullcontext():
            yield work
        return
    ledger = importlib.import_module("cupy._ledger").ledger
    total, sites = ledger.total.copy(), ledger.by_site.copy()
    yield work
    total, work.sites = ledger.total - total, ledger.by_site - sites
    work.launches, work.waits = total["launch"], total["sync"]
    work.uploads, work.downloads = total["h2d"], total["d2h"]
