"""New arrays. `array` and `asarray` are the only doors for arrays of the host."""

import numpy as np

from cupy._api import NotModelled
from cupy._array import ndarray, unwrap, wrap
from cupy._ledger import ledger

__all__ = [
    "arange", "array", "asarray", "ascontiguousarray", "asnumpy", "copy", "empty", "empty_like", "full",
    "full_like", "ones", "ones_like", "zeros", "zeros_like",
]  # fmt: skip


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if subok or ndmin:
        raise NotModelled("cupy.array(subok=, ndmin=)")
    order = order or "K"
    if isinstance(obj, ndarray):
        return obj.astype(obj.dtype if dtype is None else dtype, order=order, copy=bool(copy))
    if isinstance(obj, list | tuple) and _holds_device(obj):
        ledger.launch("array of device arrays")
        return wrap(np.array(_lists_of_values(obj), dtype=dtype))
    return wrap(_upload(obj, dtype, order))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, bool(copy), order)


def _upload(obj, dtype, order):
    """Columns first stays columns first; any other order is brought into C order on the host."""
    by_columns = isinstance(obj, np.ndarray) and obj.flags.fnc
    if order in "KA":
        order = "F" if by_columns else "C"
    values = np.array(obj, dtype=dtype, order=order)
    if isinstance(obj, np.ndarray) and not obj.flags.forc:
        ledger.relayout(values.nbytes)
    ledger.upload(values.nbytes)
    return values


def _holds_device(items):
    return any(isinstance(x, ndarray) or (isinstance(x, list | tuple) and _holds_device(x)) for x in items)


def _lists_of_values(x):
    return [_lists_of_values(v) for v in x] if isinstance(x, list | tuple) else unwrap(x)


def ascontiguousarray(a, dtype=None):
    values = unwrap(a)
    if values.flags.c_contiguous and dtype in (None, values.dtype):
        return a
    ledger.launch("ascontiguousarray: copy", nbytes=2 * values.nbytes)
    return wrap(np.ascontiguousarray(values, dtype))


def copy(a, order="K"):
    unwrap(a)
    return a.copy(order)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(stream, order, out) if isinstance(a, ndarray) else np.asarray(a, order=order)


def empty(shape, dtype=float, order="C"):
    return ndarray(shape, dtype, order=order)


def zeros(shape, dtype=float, order="C"):
    ledger.launch("zeros")
    return wrap(np.zeros(shape, dtype, order))


def ones(shape, dtype=float, order="C"):
    return full(shape, 1, float if dtype is None else dtype, order)


def full(shape, fill_value, dtype=None, order="C"):
    value = np.asarray(_value(fill_value))
    result = empty(shape, value.dtype if dtype is None else dtype, order)
    result._values[...] = value
    ledger.launch("fill")
    return result


def _value(x):
    if isinstance(x, np.ndarray) and x.ndim:
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    return x._values if isinstance(x, ndarray) else x


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    """In the layout of the prototype, unlike the result of an operation."""
    if subok is not None or shape is not None:
        raise NotModelled("cupy.empty_like(subok=, shape=)")
    like = np.empty_like(unwrap(prototype), dtype, order)
    result = empty(like.shape, like.dtype)
    like[...] = result._values
    return wrap(like)


def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    return full_like(a, 0, dtype, order, subok, shape)


def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    return full_like(a, 1, dtype, order, subok, shape)


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    result = empty_like(a, dtype, order, subok, shape)
    result._values[...] = _value(fill_value)
    ledger.launch("fill")
    return result


def arange(start, stop=None, step=1, dtype=None):
    ledger.launch("arange")
    return wrap(np.arange(start, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype=dtype))
