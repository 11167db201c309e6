"""R-CNN's box regression at work: one linear map per class, from features to offsets (appendix C)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.checks import require_array
from minircnn.kernels.products import matmul
from minircnn.profiling import stage


@dataclass
class BoxRegressors:
    """The linear box regressors, one per class, as arrays.

    Parameters
    ----------
    weight : (K, 4, D) float array
        With D = 0 features are not looked at.
    bias : (K, 4) float array
        Zero rows leave boxes as they are (a class with too few examples to learn from).

    Examples
    --------
    >>> from minircnn.heads import BoxRegressors
    >>> regressors = BoxRegressors(np.ones((2, 4, 1)), np.zeros((2, 4)))
    >>> regressors.offsets(np.array([[0.5]]))
    array([[[0.5, 0.5, 0.5, 0.5],
            [0.5, 0.5, 0.5, 0.5]]])
    """

    weight: Array
    bias: Array

    def __post_init__(self) -> None:
        require_array("the box regressors' weight", self.weight, (None, 4, None))
        require_array("the box regressors' bias", self.bias, (self.weight.shape[0], 4))

    @stage("box regression")
    def offsets(self, features: Array) -> Array:
        """Return the box offsets (R, K, 4) that every class predicts from `features` (R, D)."""
        classes, coordinates, dim = self.weight.shape
        if dim not in (0, features.shape[1]):
            raise ValueError(f"box regressors of {dim} features got {features.shape[1]}")
        offsets = matmul(features[:, :dim], self.weight.reshape(classes * coordinates, dim).T)  # (R, 4K)
        return offsets.reshape(-1, classes, coordinates) + self.bias

    def to(self, xp: Any) -> None:
        """Move the weights to the array library `xp` (NumPy or CuPy)."""
        self.weight, self.bias = (xp.asarray(to_host(a)) for a in (self.weight, self.bias))

    @staticmethod
    def none(classes: int) -> BoxRegressors:
        """Return regressors that leave all boxes as they are: the papers' rows without "BB"."""
        return BoxRegressors(np.zeros((classes, 4, 0), np.float32), np.zeros((classes, 4), np.float32))
