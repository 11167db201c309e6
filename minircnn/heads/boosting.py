"""Discrete AdaBoost of decision stumps: a feature, a threshold and a side for each round.

Viola and Jones, CVPR 2001, table 1. Each feature's values are sorted once; a round then adds up weights in
that order, which gives the error of every threshold (section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.kernels.split import split
from minircnn.structures import BoolArray

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_VALUES = 1 << 16  # summed at once: they stay in the processor's cache
_LEAST_ERROR = 1e-10
"""A stump without a mistake would have an infinite vote."""


@dataclass(frozen=True)
class Stump:
    """A weak classifier: one feature compared with a threshold.

    Parameters
    ----------
    feature : int
    threshold : float
    above : bool
        Whether values from the threshold on are positive; otherwise those below it.
    error : float
        Weight of the examples that it got wrong, of 1.
    """

    feature: int
    threshold: float
    above: bool
    error: float

    @property
    def beta(self) -> float:
        """By which the weights of examples it got right are multiplied, ε / (1 − ε)."""
        error = max(self.error, _LEAST_ERROR)
        return error / (1.0 - error)

    @property
    def alpha(self) -> float:
        """Its vote, log(1 / β)."""
        return -float(np.log(self.beta))

    def positive(self, values: npt.NDArray[Any]) -> BoolArray:
        """Return which `values` of its feature it takes for positive."""
        above: BoolArray = values >= np.float32(self.threshold)
        return above if self.above else ~above


class AdaBoost:
    """Boosting, round by round.

    Parameters
    ----------
    values : (F, N) float32 array
        Of every feature for every example.
    positive : (N,) bool array

    Attributes
    ----------
    weights : (N,) float64 array
        Of the examples; their sum is 1.
    stumps : list of Stump
        Of the rounds so far.

    Raises
    ------
    ValueError
        If there is no positive or no negative example, or a value is not finite.

    Examples
    --------
    >>> from minircnn.heads import AdaBoost
    >>> boost = AdaBoost(np.array([[1, 2, 3, 4.0]], np.float32), np.array([False, True, True, False]))
    >>> boost.round()  # of four examples with a weight of a quarter each it gets one wrong
    Stump(feature=0, threshold=1.5, above=True, error=0.25)
    >>> boost.weights.round(3)
    array([0.167, 0.167, 0.167, 0.5  ])
    """

    def __init__(self, values: Float32, positive: BoolArray) -> None:
        count = int(positive.sum())
        if not 0 < count < len(positive):
            raise ValueError(
                f"boosting needs positive and negative examples, got {count} and {len(positive) - count}"
            )
        if not np.isfinite(values).all():
            raise ValueError("boosting: a feature's value is not finite")
        self._values, self._positive = np.asarray(values, np.float32), positive
        self._order = np.argsort(self._values, axis=1).astype(np.int32)
        self.weights: Float64 = np.where(positive, 0.5 / count, 0.5 / (len(positive) - count))
        self.stumps: list[Stump] = []

    def round(self) -> Stump:
        """Add the stump with the least error, and give more weight to what it gets wrong.

        Raises
        ------
        ValueError
            If no feature differs between the examples.
        """
        stump = self._best_stump()
        right = stump.positive(self._values[stump.feature]) == self._positive
        self.weights[right] *= stump.beta
        self.weights /= self.weights.sum()
        self.stumps.append(stump)
        return stump

    def _best_stump(self) -> Stump:
        """Return the best stump of all features; of equal ones that of the first."""
        signed = np.where(self._positive, self.weights, -self.weights)  # (N,)
        bounds = self._least_errors(signed)  # (F,)
        best: Stump | None = None
        for feature in np.argsort(bounds, kind="stable"):
            if best is not None and bounds[feature] > best.error:
                break
            stump = self._stump(int(feature), signed)
            if stump is not None and (best is None or stump.error < best.error):
                best = stump
        if best is None:
            raise ValueError("boosting: no feature differs between the examples; draw others")
        return best

    def _totals(self, signed: Float64) -> tuple[float, float]:
        """Return the weight of all positives, and of all negatives."""
        return float(signed[self._positive].sum()), float(-signed[~self._positive].sum())

    def _least_errors(self, signed: Float64) -> Float64:
        """Return what each feature's error cannot be below (F,): as if equal values could be parted.

        The more positive weight lies below a threshold, the better it is to call that side positive.
        """
        positives, negatives = self._totals(signed)
        least = np.empty(len(self._order))
        for some in split(len(least), size=max(1, _VALUES // len(signed))):
            below = np.cumsum(signed[self._order[some]], axis=1)  # (f, N)
            least[some] = np.minimum(negatives + below.min(axis=1), positives - below.max(axis=1))
        return least

    def _stump(self, feature: int, signed: Float64) -> Stump | None:
        """Return the best stump of a feature, midway between two values; None if all are equal."""
        values = self._values[feature][self._order[feature]]
        between = np.flatnonzero(values[:-1] < values[1:])  # a threshold fits behind these
        if len(between) == 0:
            return None
        positives, negatives = self._totals(signed)
        below = np.cumsum(signed[self._order[feature]])[between]
        errors = np.stack([negatives + below, positives - below])  # positive above, positive below
        side, place = divmod(int(errors.argmin()), len(between))
        low, high = values[between[place]], values[between[place] + 1]
        middle = np.float32(0.5 * (float(low) + float(high)))
        threshold = high if middle <= low else middle  # neighbours have no number between them
        error = float(np.clip(errors[side, place], 0.0, 1.0))
        return Stump(feature, float(threshold), side == 0, error)
