"""Elementwise nonlinearities."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace
from minircnn.nn.layer import Layer


class ReLU(Layer):
    """y = max(x, 0), elementwise on any shape; the slope at 0 is 0.

    Examples
    --------
    >>> from minircnn.nn import ReLU
    >>> relu = ReLU()
    >>> relu(np.array([-1.0, 0.0, 2.0])), relu.backward(np.ones(3))
    (array([0., 0., 2.]), array([0., 0., 1.]))
    """

    def __init__(self) -> None:
        self._y: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return max(x, 0)."""
        xp = array_namespace(x)
        return self.accept(xp.maximum(x, xp.zeros((), dtype=x.dtype)))

    def accept(self, y: Array) -> Array:
        """Return `y`, which the layer before has rectified already, keeping what ``backward`` needs."""
        # y > 0 exactly where x > 0, and the next layer keeps y anyway: no memory of its own
        self._y = y if self.training and self.needs_input_grad else None
        return y

    def backward(self, dy: Array) -> Array:
        """Return `dy` where x was positive, else 0."""
        if not self.needs_input_grad:
            return None
        xp = array_namespace(dy)
        dx = xp.astype(self.kept(self._y) > 0, dy.dtype)
        dx *= dy
        return dx
