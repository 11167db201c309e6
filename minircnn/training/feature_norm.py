"""The scale of features, and that they are numbers."""

from __future__ import annotations

import math

from minircnn.arrays import HostArray
from minircnn.heads import feature_scale
from minircnn.training.checkpoint import NotFiniteError


def finite_feature_scale(features: HostArray, target_norm: float) -> float:
    """Return :func:`minircnn.heads.feature_scale` of `features`.

    Raises
    ------
    NotFiniteError
        If they hold NaN or infinite numbers.
    """
    scale = feature_scale(features, target_norm)
    if not 0 < scale < math.inf:
        raise NotFiniteError(
            "the features of the regions hold numbers that are not finite: train again, in another folder, "
            "with a lower learning rate (where --cache-dtype is float16: or with float32)"
        )
    return scale
