"""The layer: a module with one input and one output, forward and backward.

A layer's ``forward`` keeps what its ``backward`` needs (in training mode; in evaluation mode it keeps
nothing). ``backward`` takes the gradient of the loss with respect to the layer's output, *adds* the
gradients of its parameters to ``Parameter.grad`` and returns the gradient with respect to its input.
"""

from __future__ import annotations

from minircnn.arrays import Array
from minircnn.nn.module import Module


class Layer(Module):
    """y = forward(x), dLoss/dx = backward(dLoss/dy)."""

    def forward(self, x: Array) -> Array:
        """Return the layer's output for `x`."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Accumulate the parameters' gradients and return dLoss/dx, given `dy` = dLoss/dy."""
        raise NotImplementedError

    def __call__(self, x: Array) -> Array:
        """Return ``forward(x)``."""
        return self.forward(x)
