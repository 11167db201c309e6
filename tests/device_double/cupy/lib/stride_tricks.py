import numpy as np
from .._core import ndarray, wrap


def as_strided(x, shape=None, strides=None):
    return wrap(
        np.lib.stride_tricks.as_strided(
            x._h, x.shape if shape is None else tuple(shape), x.strides if strides is None else tuple(strides)
        )
    )


def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    """As CuPy 14.2 does it: the window's shape goes to the device and is looked at from the host, one number at a time."""
    import cupy

    window_shape = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    if writeable:
        raise NotImplementedError("Writeable views are not supported.")
    if not isinstance(x, ndarray):
        x = cupy.array(x)
    for dim in cupy.array(window_shape):
        if dim < 0:
            raise ValueError("`window_shape` cannot contain negative values")
    if axis is None:
        axis = tuple(range(x.ndim))
    axis = tuple(a % x.ndim for a in (axis if np.iterable(axis) else (axis,)))
    if len(window_shape) != len(axis):
        raise ValueError("Must provide matching length window_shape and axis")
    shape = list(x.shape)
    for ax, dim in zip(axis, window_shape):
        if shape[ax] < dim:
            raise ValueError("window shape cannot be larger than input array shape")
        shape[ax] -= dim - 1
    return as_strided(x, tuple(shape) + window_shape, x.strides + tuple(x.strides[ax] for ax in axis))
