"""CuPy's functions of arrays beside the ufuncs, reductions and creation: views, joins, choices, types."""

import numpy as np

from cupy._api import NotModelled, bind
from cupy._array import c_order, deliver, method, ndarray, operand, unwrap, wrap
from cupy._ledger import ledger

__all__ = [
    "array_equal", "broadcast_arrays", "can_cast", "clip", "concatenate", "diff", "ndim", "reshape",
    "result_type", "shape", "size", "sort", "stack", "triu", "unique", "where",
]  # fmt: skip

VIEWS = ["broadcast_to", "expand_dims", "flip", "moveaxis", "squeeze", "swapaxes", "transpose"]
METHODS = ["argsort", "nonzero", "ravel", "repeat", "take"]
"""Functions that only call the method of their name."""


def _view(name):
    def function(*args, **kwargs):
        bound = bind(f"cupy.{name}", args, kwargs)
        array, *others = bound.args
        return wrap(getattr(np, name)(unwrap(array), *others, **bound.kwargs))

    return function


def _by_method(name):
    def function(a, *args, **kwargs):
        unwrap(a)
        return getattr(a, name)(*args, **kwargs)

    return function


FUNCTIONS = {name: _view(name) for name in VIEWS} | {name: _by_method(name) for name in METHODS}
"""CuPy's functions of those names."""


def broadcast_arrays(*args):
    return tuple(wrap(values) for values in np.broadcast_arrays(*(unwrap(a) for a in args)))


def reshape(a, newshape, order="C", *, copy=None):
    unwrap(a)
    return a.reshape(newshape, order=order, copy=copy)


def concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    arrays = [unwrap(a) for a in tup]
    if not arrays:
        raise ValueError("Cannot concatenate from empty tuple")
    joined = np.concatenate(arrays, axis, dtype=dtype, casting=casting)
    small = joined.nbytes < (2 << 20) * len(arrays)
    one_kernel = len(arrays) > 8 and small  # else a copy each
    copies = 1 if one_kernel else sum(a.size > 0 for a in arrays)
    ledger.launch("concatenate", copies, nbytes=2 * joined.nbytes)
    return deliver(joined, out)


def stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    higher = [wrap(np.expand_dims(unwrap(a), axis)) for a in tup]
    return concatenate(higher, axis, out, dtype=dtype, casting=casting)


def sort(a, axis=-1, kind=None):
    unwrap(a)
    ordered = a.flatten() if axis is None else a.copy()
    ordered.sort(-1 if axis is None else axis, kind)
    return ordered


def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True):
    """Sorted on the device, compared with the neighbour, gathered by a mask: so it waits."""
    if axis is not None:
        raise NotModelled("cupy.unique(axis=)")
    found = np.unique(unwrap(ar), return_index, return_inverse, return_counts, equal_nan=equal_nan)
    ledger.launch("unique", 14)
    ledger.download(4)
    return tuple(wrap(c_order(v)) for v in found) if isinstance(found, tuple) else wrap(found)


def diff(a, n=1, axis=-1, prepend=None, append=None):
    joined = [x for x in (prepend, a, append) if x is not None]
    if n != 1 or any(x.ndim == 0 for x in joined):
        raise NotModelled("cupy.diff of higher order, or with numbers at the ends")
    array = concatenate(joined, axis) if len(joined) > 1 else a
    values = np.diff(unwrap(array), axis=axis)
    ledger.launch("diff", nbytes=3 * values.nbytes)
    return deliver(values)


def triu(m, k=0):
    values = np.triu(unwrap(m), k)
    ledger.launch("triu", 2, nbytes=2 * values.nbytes)  # the triangle as a mask, and a choice
    return deliver(values)


def where(condition, x=None, y=None):
    if x is None and y is None:
        return FUNCTIONS["nonzero"](condition)
    chosen = np.where(unwrap(condition), operand(x), operand(y))
    ledger.launch("where", nbytes=3 * chosen.nbytes)
    return deliver(chosen)


def clip(a, a_min, a_max, out=None):
    lowest, highest = _limits(unwrap(a).dtype)
    low = operand(lowest if a_min is None else a_min)
    high = operand(highest if a_max is None else a_max)
    ledger.launch("clip", nbytes=2 * a.nbytes)
    return deliver(np.clip(unwrap(a), low, high).astype(a.dtype, copy=False), out)


def _limits(dtype):
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return limits.min, limits.max


def array_equal(a1, a2, equal_nan=False):
    """Unlike NumPy's, the answer stays on the device."""
    if equal_nan or a1.shape != a2.shape:
        raise NotModelled("cupy.array_equal(equal_nan=), or of two shapes")
    return (a1 == a2).all()


def result_type(*arrays_and_dtypes):
    return np.result_type(*(x.dtype if isinstance(x, ndarray) else x for x in arrays_and_dtypes))


def can_cast(from_, to, casting="safe"):
    return np.can_cast(from_.dtype if isinstance(from_, ndarray) else from_, to, casting)


def ndim(a):
    return unwrap(a).ndim


def shape(a):
    return unwrap(a).shape


def size(a, axis=None):
    return unwrap(a).size if axis is None else unwrap(a).shape[axis]


@method
def __array_function__(self, func, types, args, kwargs):
    """NumPy's functions on a device array: CuPy's of that name."""
    import cupy

    mine = getattr(cupy, func.__name__, None) if func.__module__ == "numpy" else None
    if mine is None or mine is func or not all(t in (ndarray, np.ndarray) for t in types):
        return NotImplemented
    return mine(*args, **kwargs)
