"""Elementwise nonlinearities."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace
from minircnn.kernels.layout import elementwise
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
        return self.accept(elementwise(lambda x: xp.maximum(x, xp.zeros((), dtype=x.dtype)), x))

    def accept(self, y: Array) -> Array:
        """Return `y`, which the layer before has rectified already, keeping what ``backward`` needs."""
        # y > 0 exactly where x > 0, and the next layer keeps y anyway: no memory of its own
        self._y = y if self.training and self.needs_input_grad else None
        return y

    def backward(self, dy: Array) -> Array:
        """Return `dy` where x was positive, else 0."""
        if not self.needs_input_grad:
            return None
        y = self.kept(self._y)
        xp = array_namespace(y, dy)  # refuses a mixture of libraries

        def let_through(y: Array, dy: Array) -> Array:
            dx = xp.astype(y > 0, dy.dtype)
            dx *= dy
            return dx

        return elementwise(let_through, y, dy)
