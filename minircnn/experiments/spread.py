"""Means, spreads, and when a difference may be called one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["more", "less", "no difference", "one run"]


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean over seeds and the sample standard deviation; None of a single run."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


@dataclass(frozen=True)
class Comparison:
    """Two rows under the same seeds.

    Parameters
    ----------
    mean : float
        Of the differences (or ratios), seed by seed.
    spread : float or None
        Standard deviation of the differences over seeds.
    needed : float or None
        What a difference must exceed to be called one: the largest of `spread` and the spreads of the two
        rows, each by itself. Rows that share a network move together, so that the first can be small by luck.
    steady : bool
        Whether the difference has the same sign under every one of several seeds.
    verdict : {"more", "less", "no difference", "one run"}
        No difference within `needed` is called one; nor is any of a single run.
    """

    mean: float
    spread: float | None
    needed: float | None
    steady: bool
    verdict: Verdict


def compare(
    of: Sequence[float], than: Sequence[float], *, ratio: bool = False, exact: bool = False
) -> Comparison:
    """Compare the values of two rows, seed by seed.

    Parameters
    ----------
    ratio : bool
        Divide instead of subtract: then 1 is no difference, and spreads are relative.
    exact : bool
        The values are counts: every difference is one.
    """
    first, second = np.asarray(of, dtype=np.float64), np.asarray(than, dtype=np.float64)
    if ratio and (second == 0).any():
        raise ValueError("a ratio to a row with a zero cannot be told")
    neutral = 1.0 if ratio else 0.0
    differences = first / second if ratio else first - second
    mean, spread = mean_and_spread(differences.tolist())
    side = np.sign(differences - neutral)
    steady = len(side) > 1 and side[0] != 0 and bool((side == side[0]).all())
    needed = 0.0 if exact else spread
    if needed is not None and not exact:
        own = [mean_and_spread(values.tolist()) for values in (first, second)]
        # of a ratio's two sides the relative spreads count, in units of the ratio
        needed = max(needed, *((s or 0.0) * (mean / m if ratio and m else 1.0) for m, s in own))
    return Comparison(mean, spread, needed, steady, _verdict(mean - neutral, needed))


def _verdict(difference: float, needed: float | None) -> Verdict:
    if needed is None:
        return "one run"
    if abs(difference) <= needed:
        return "no difference"
    return "more" if difference > 0 else "less"
