"""Channels-last memory under the logical (N, C, H, W) shape.

Layers exchange maps of logical shape (N, C, H, W) in any memory layout. Convolution and pooling want a
pixel's channels side by side in memory, and hand on what they produce that way: a transposed view of an
(N, H, W, C) array. Elementwise operations keep the layout (by :func:`elementwise`), so nothing is copied
from layer to layer.
"""

from __future__ import annotations

from collections.abc import Callable

from minircnn.arrays import Array, array_namespace, inverse_order, memory_order, on_gpu


def to_channels_last(x: Array) -> Array:
    """Return `x` (N, C, H, W) as a contiguous (N, H, W, C) array, without a copy if it lies so already."""
    return array_namespace(x).ascontiguousarray(x.transpose(0, 2, 3, 1))


def from_channels_last(x: Array) -> Array:
    """View `x` (N, H, W, C) under the logical shape (N, C, H, W)."""
    return x.transpose(0, 3, 1, 2)


def elementwise(function: Callable[..., Array], first: Array, *others: Array) -> Array:
    """Return ``function(first, *others)``, elementwise on arrays of one shape, in memory as `first` lies.

    NumPy lays results out so by itself. CuPy makes every new array C-ordered and reads what is not across its
    rows; so it is handed views in the order of memory.
    """
    if not on_gpu(first):
        return function(first, *others)
    order = memory_order(first)
    result = function(*(array.transpose(order) for array in (first, *others)))
    return result.transpose(inverse_order(order))


def flat_views(*arrays: Array) -> tuple[Array, ...] | None:
    """View arrays of one shape as vectors whose i-th elements belong together; None where that takes a copy.

    Elementwise work can then be cut anywhere, whatever order of axes the arrays share.
    """
    order = memory_order(arrays[0])
    views = [array.transpose(order) for array in arrays]
    if not all(view.flags.c_contiguous for view in views):
        return None
    return tuple(view.reshape(-1) for view in views)
