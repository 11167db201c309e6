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
        The largest of three: the spread of the differences and that of each row by itself.
    verdict : {"more", "less", "no difference", "one run"}
        No difference that is smaller than the spread is called one; nor is any of a single run.
    """

    mean: float
    spread: float | None
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
    differences = first / second if ratio else first - second
    mean, spread = mean_and_spread(differences.tolist())
    neutral = 1.0 if ratio else 0.0
    if spread is not None and not exact:
        own = [mean_and_spread(values.tolist()) for values in (first, second)]
        # of a ratio's two sides the relative spreads count, in units of the ratio
        parts = [(s or 0.0) * (mean / m if ratio and m else 1.0) for m, s in own]
        spread = max(spread, *parts)
    if exact:
        called = mean != neutral
    elif spread is None:
        return Comparison(mean, None, "one run")
    else:
        called = abs(mean - neutral) > spread
    if not called:
        return Comparison(mean, spread, "no difference")
    return Comparison(mean, spread, "more" if mean > neutral else "less")
