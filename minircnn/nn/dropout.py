"""Dropout."""

from __future__ import annotations

import operator

import numpy as np

from minircnn.arrays import Array, array_namespace, like
from minircnn.kernels.layout import elementwise
from minircnn.nn.layer import Layer


class Dropout(Layer):
    """Zero every unit with probability `rate` in training and scale the others by 1 / (1 − rate).

    The identity in evaluation mode: the scaling keeps the expected value, so nothing is left to do there.
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014), section 10
    (as in Caffe, the scaling is applied in training).

    Parameters
    ----------
    rate : float
        Probability of dropping a unit, in [0, 1).

    Attributes
    ----------
    rng : numpy.random.Generator or None
        Draws which units are dropped, on the host. The training loop sets it.

    Raises
    ------
    ValueError
        If `rate` is outside [0, 1), or ``forward`` runs in training mode without a generator.

    Examples
    --------
    >>> from minircnn.nn import Dropout
    >>> layer = Dropout(0.5)
    >>> layer.rng = np.random.default_rng(0)
    >>> sorted(set(layer(np.ones(100)).tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate: float) -> None:
        if not isinstance(rate, int | float | np.number) or not 0 <= rate < 1:
            raise ValueError(f"dropout rate must lie in [0, 1), got {rate}")
        self.rate = rate
        self.rng: np.random.Generator | None = None
        self._factor: Array | None = None

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode: units are dropped also where nothing below is trained."""
        self.needs_input_grad = input_grad
        self.train()

    def forward(self, x: Array) -> Array:
        """Return `x` with units dropped (training), or `x` itself (evaluation)."""
        self._factor = None
        if not self.training or self.rate == 0:
            return x
        if self.rng is None:
            raise ValueError(
                "Dropout in training mode needs a random generator: set "
                "layer.rng = np.random.default_rng(seed), or call net.eval() for inference"
            )
        xp = array_namespace(x)
        kept = like(self.rng.random(tuple(x.shape), dtype=np.float32) >= self.rate, x)
        factor = xp.astype(kept, x.dtype)
        factor *= 1 / (1 - self.rate)
        self._factor = factor if self.needs_input_grad else None
        return elementwise(operator.mul, x, factor)

    def backward(self, dy: Array) -> Array:
        """Return `dy` through the kept units."""
        if not self.needs_input_grad:
            return None
        if self._factor is None:
            return dy
        array_namespace(dy, self._factor)  # refuses a mixture of libraries
        return elementwise(operator.mul, dy, self._factor)
