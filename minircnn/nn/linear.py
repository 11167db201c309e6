"""The fully connected layer, and the flattening before it."""

from __future__ import annotations

import math

import numpy as np

from minircnn.arrays import Array, array_namespace
from minircnn.kernels.products import matmul
from minircnn.nn.checks import require_real, require_whole
from minircnn.nn.init import starting_weight
from minircnn.nn.layer import Layer
from minircnn.nn.module import Parameter


class Linear(Layer):
    """y = x Wᵀ + b.   x (R, D) -> y (R, K);  weight (K, D), bias (K,).

    Parameters
    ----------
    in_features, out_features : int
        D and K.
    rng : numpy.random.Generator, optional
        Draws the weights; without it they are zeros, to be loaded.
    std : float, optional
        Standard deviation of the drawn weights; default He's.

    Raises
    ------
    ValueError
        If a number is impossible; in ``forward`` if `x` does not fit.

    Examples
    --------
    >>> from minircnn.nn import Linear
    >>> layer = Linear(2, 1)
    >>> layer.weight.data = np.array([[3.0, 4.0]])
    >>> layer(np.array([[1.0, 10.0]])), layer.backward(np.ones((1, 1)))
    (array([[43.]]), array([[3., 4.]]))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: np.random.Generator | None = None,
        std: float | None = None,
    ) -> None:
        require_whole(1, in_features=in_features, out_features=out_features)
        self.weight = Parameter(starting_weight(rng, (out_features, in_features), std))
        self.bias = Parameter(np.zeros(out_features, dtype=np.float32))
        self._x: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return y (R, K)."""
        require_real(x, "x")
        if x.ndim != 2 or x.shape[1] != self.weight.data.shape[1]:
            raise ValueError(f"expected x of shape (R, {self.weight.data.shape[1]}), got {tuple(x.shape)}")
        self._x = x if self.training and self.weight.trainable else None
        y = matmul(x, self.weight.data.T)
        y += self.bias.data
        return y

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx (R, D), or None where it is not needed."""
        xp = array_namespace(dy)
        if self.weight.trainable:
            self.weight.accumulate(matmul(dy.T, self.kept(self._x)))
        if self.bias.trainable:
            self.bias.accumulate(xp.sum(dy, axis=0))
        return matmul(dy, self.weight.data) if self.needs_input_grad else None


class Flatten(Layer):
    """(N, C, H, W) -> (N, C·H·W), channel by channel, as Caffe's and PyTorch's weights expect.

    Examples
    --------
    >>> from minircnn.nn import Flatten
    >>> Flatten()(np.zeros((2, 8, 3, 3))).shape
    (2, 72)
    """

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None

    def forward(self, x: Array) -> Array:
        """Return `x` with all axes but the first joined."""
        self._shape = tuple(x.shape)
        return array_namespace(x).reshape(x, (x.shape[0], math.prod(x.shape[1:])))

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dx in the shape of the input."""
        return array_namespace(dy).reshape(dy, self.kept(self._shape)) if self.needs_input_grad else None
