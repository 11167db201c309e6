import numpy as np

import cupy
from cupy._array import unwrap, wrap


def as_strided(x, shape=None, strides=None):
    return wrap(np.lib.stride_tricks.as_strided(unwrap(x), shape, strides))


def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    """As CuPy does it: the window's shape goes up to the device and is looked at, number by number."""
    if writeable:
        raise NotImplementedError("Writeable views are not supported.")
    for side in cupy.array(window_shape):
        if side < 0:
            raise ValueError("`window_shape` cannot contain negative values")
    return wrap(np.lib.stride_tricks.sliding_window_view(unwrap(x), window_shape, axis))
