"""Elementwise nonlinearities."""

from __future__ import annotations

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, inverse_order, is_host, memory_order, on_gpu
from minircnn.kernels.gpu_kernel import GPUKernel, has_kernels
from minircnn.kernels.layout import elementwise, flat_views
from minircnn.kernels.outputs import empty_output
from minircnn.kernels.split import split
from minircnn.kernels.threads import parallel_for
from minircnn.nn.layer import Layer

PIECE_VALUES = 2**17
"""Slopes let through at a time on the host: what is true of them stays in cache."""


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
        # an array of one number would be a launch of its own
        zero = x.dtype.type(0) if on_gpu(x) else xp.zeros((), dtype=x.dtype)
        return self.accept(elementwise(lambda x: xp.maximum(x, zero), x))

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
        if is_host(dy) and (flat := flat_views(y, dy)) is not None:
            return _let_through_by_pieces(flat[0], flat[1], dy)

        def let_through(y: Array, dy: Array) -> Array:
            if has_kernels(dy) and y.dtype == dy.dtype:
                dx = xp.empty(dy.shape, dtype=dy.dtype)
                _LET_THROUGH(y, dy, dx)
                return dx
            dx = xp.astype(y > 0, dy.dtype)
            dx *= dy
            return dx

        return elementwise(let_through, y, dy)


_LET_THROUGH = GPUKernel("relu_backward", "T y, T dy", "T dx", "dx = T(y > 0) * dy;")


def _let_through_by_pieces(y: HostArray, dy: HostArray, like: HostArray) -> HostArray:
    """Return the vector `dy` where `y` is positive, else 0, in the shape and memory order of `like`."""
    order = memory_order(like)
    dx: HostArray = empty_output(tuple(like.shape[axis] for axis in order), dy.dtype, dy)
    flat = dx.reshape(-1)

    def run(piece: slice) -> None:
        np.multiply(dy[piece], y[piece] > 0, out=flat[piece])

    parallel_for(run, split(len(dy), size=PIECE_VALUES), like=dy)
    return dx.transpose(inverse_order(order))
