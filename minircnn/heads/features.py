"""What the estimators ask of the features that they are fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np

from minircnn.arrays import HostArray, as_plain
from minircnn.checks import Rule, checked

LARGEST = 1e15
"""Of a feature: single precision holds its square, and sums of such."""


def require_finite(features: HostArray, what: str) -> None:
    """Raise ValueError, naming the first row of `features` (n, D) with NaN or a number too large.

    What holds no real numbers raises ValueError too, what is no array TypeError.
    """
    if as_plain(features, what).dtype.kind not in "biuf":
        raise ValueError(f"{what} must be real numbers, got dtype {features.dtype}")
    # NaN is the least and the greatest wherever it is, and fails both comparisons
    if features.size and not (float(features.min()) >= -LARGEST and float(features.max()) <= LARGEST):
        bad = ~(np.abs(features) <= np.float64(LARGEST))
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        kind = "NaN" if np.isnan(features[row]).any() else "inf or a number too large to be squared"
        raise ValueError(
            f"{what} holds {kind} in row {row}, column {int(np.flatnonzero(bad[row])[0])}: "
            "look at what the features were computed from"
        )


def check_parameters(estimator: Any, **rules: Rule) -> None:
    """Raise ValueError naming the first parameter of a scikit-learn estimator that does not obey its rule.

    Nothing is set: scikit-learn wants parameters as they were given.
    """
    for name, rule in rules.items():
        checked(name, getattr(estimator, name), rule)
