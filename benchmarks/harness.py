"""Time two ways of doing the same work against each other, in one process, in turns.

Absolute times drift with the machine's other work, its clock and its temperature; both sides of a contest
meet the same drift, so the ratio of neighbouring runs is what is kept.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

MIN_SAMPLE = 0.05
"""Seconds a sample lasts at least: shorter work is repeated within the sample."""
WARM_UP = 0.03
"""Seconds for which each sample of short work runs untimed first: the other side's idle helper threads spin a
while before they give up the cores, and its data lie in the caches."""
MIN_ROUNDS = 5


@dataclass(frozen=True)
class Contest:
    """The same work, done by us and by a peer.

    Parameters
    ----------
    ours, theirs : callable
        Take nothing and return the result.
    check : callable
        Takes both results, raises AssertionError where they disagree and says how closely they agree.
    flops : float, optional
        Operations of the textbook method (a multiplication and an addition are two).
    moved : float, optional
        Bytes of the inputs and of the results: each must be read or written once at least.
    rounds : int
        Samples of each side, at least; fewer for work of a minute.
    """

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    check: Callable[[Any, Any], str]
    flops: float | None = None
    moved: float | None = None
    rounds: int = MIN_ROUNDS


@dataclass(frozen=True)
class Work:
    """One row of the report.

    Parameters
    ----------
    group : str
        Rows of one group are summed up by the geometric mean of their ratios.
    name : str
    peer : str
        Whom it is compared with.
    prepare : callable
        Makes the data and returns the contest; called only if the row is asked for.
    """

    group: str
    name: str
    peer: str
    prepare: Callable[[], Contest]


@dataclass(frozen=True)
class Timing:
    """What one contest took.

    Parameters
    ----------
    ours, theirs : float
        Median seconds.
    ratio : float
        Median over the rounds of ours / theirs; below 1 is faster than the peer.
    low, high : float
        Quartiles of that ratio.
    rounds : int
    agreement : str
        What the check said.
    flops, moved : float or None
        As in the contest.
    calls : int or None
        Calls of functions, Python's and compiled ones, that one run of ours makes; of work of minutes they
        are not counted.
    """

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    rounds: int
    agreement: str
    flops: float | None
    moved: float | None = None
    calls: int | None = None


def is_asked_for(name: str, only: Sequence[str] | None) -> bool:
    """Tell whether `name` contains one of the words of `only`, or none was given."""
    return not only or any(word.lower() in name.lower() for word in only)


def run_contest(contest: Contest, seconds: float) -> Timing:
    """Check that the results agree, then time both sides in turns for about `seconds`."""
    sides = (contest.ours, contest.theirs)
    results, took = [], []
    for side in sides:
        start = time.perf_counter()
        results.append(side())
        took.append(time.perf_counter() - start)
    agreement = contest.check(*results)
    del results
    calls = count_calls(contest.ours) if contest.rounds >= MIN_ROUNDS else None
    if contest.rounds < MIN_ROUNDS and max(took) < 1:
        repeats = [1, 1]
    elif contest.rounds < MIN_ROUNDS:  # of work of minutes the shorter side can afford a few runs a sample
        repeats = [max(1, min(MIN_ROUNDS, round(max(took) / own))) for own in took]
    else:
        repeats = [max(1, round(MIN_SAMPLE / _seconds(side, 1))) for side in sides]
    ours: list[float] = []
    theirs: list[float] = []
    end = time.perf_counter() + seconds
    while len(ours) < contest.rounds or time.perf_counter() < end:
        turns = list(zip(sides, repeats, (ours, theirs), strict=True))
        for side, count, samples in turns if len(ours) % 2 == 0 else reversed(turns):
            samples.append(_sample(side, count))
    ratios = np.array(ours) / np.array(theirs)
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return Timing(
        statistics.median(ours),
        statistics.median(theirs),
        float(middle),
        float(low),
        float(high),
        len(ours),
        agreement,
        contest.flops,
        contest.moved,
        calls,
    )


def count_calls(run: Callable[[], Any]) -> int:
    """Return how many functions `run` calls; operators on arrays are not among them."""
    number = 0

    def look(frame: Any, event: str, argument: Any) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    with threadpool_limits(1):  # so all pieces run in this thread
        before = sys.getprofile()
        sys.setprofile(look)
        try:
            run()
        finally:
            sys.setprofile(before)
    return number


def total_bytes(*arrays: Any) -> float:
    """Return the bytes of `arrays` together."""
    return float(sum(array.nbytes for array in arrays))


def _sample(side: Callable[[], Any], repeats: int) -> float:
    """Return the seconds of one run, averaged over `repeats`."""
    if repeats > 1:
        end = time.perf_counter() + WARM_UP
        while time.perf_counter() < end:
            side()
    return _seconds(side, repeats)


def _seconds(side: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        side()
    return (time.perf_counter() - start) / repeats


def close_to(tolerance: float) -> Callable[[Any, Any], str]:
    """Return a check for arrays, or sequences of them: largest difference in units of the largest value."""

    def check(ours: Any, theirs: Any) -> str:
        pairs = zip(ours, theirs, strict=True) if isinstance(ours, list | tuple) else [(ours, theirs)]
        worst = 0.0
        for a, b in pairs:
            a, b = np.asarray(a), np.asarray(b)
            assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
            scale = max(float(np.abs(b).max(initial=0)), 1e-30)
            # unlike max(), lets NaN through, which the comparison below then refuses
            worst = float(np.maximum(worst, np.abs(a - b).max(initial=0) / scale))
        assert worst <= tolerance, f"results differ by {worst:.2g} of their largest value"
        return f"within {worst:.0e}"

    return check


def identical(ours: Any, theirs: Any) -> str:
    """Check that arrays are equal."""
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    return "identical"
