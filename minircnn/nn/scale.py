"""A fixed factor."""

from __future__ import annotations

from minircnn.arrays import Array
from minircnn.kernels.layout import elementwise
from minircnn.nn.checks import require_positive
from minircnn.nn.layer import Layer


class Scale(Layer):
    """y = factor · x, elementwise on any shape; nothing is learnt.

    Random weights learn from values of about 1. Pre-trained convolutions give values of any size, and what is
    put behind them afterwards starts better from values brought to that.

    Parameters
    ----------
    factor : float
        Above 0; others raise ValueError.

    Examples
    --------
    >>> from minircnn.nn import Scale
    >>> Scale(0.5)(np.array([4.0]))
    array([2.])
    """

    def __init__(self, factor: float) -> None:
        require_positive(factor=factor)
        self.factor = float(factor)

    def forward(self, x: Array) -> Array:
        """Return factor · x."""
        return elementwise(lambda x: x * self.factor, x)

    def backward(self, dy: Array) -> Array:
        """Return factor · dy."""
        return elementwise(lambda dy: dy * self.factor, dy) if self.needs_input_grad else None
