"""A stand-in for CuPy on machines without a GPU. See README.md beside this package."""

import builtins as _b, sys, types, warnings
import numpy as _np
from ._core import (
    API,
    UFUNCS,
    NotModelled,
    launch,
    matmul,
    ndarray,
    ufunc,
    signature_of,
    wrap,
    c_order,
    _deliver,
    _reduce_like,
    _operand,
)
from ._ledger import ledger

__version__ = API["cupy"] + "+double"
_NAMES = API["modules"]["cupy"]
_VIEWS = {
    "reshape",
    "transpose",
    "swapaxes",
    "moveaxis",
    "rollaxis",
    "expand_dims",
    "squeeze",
    "broadcast_to",
    "broadcast_arrays",
    "ravel",
    "diagonal",
    "flip",
    "fliplr",
    "flipud",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "split",
    "array_split",
    "vsplit",
    "hsplit",
    "real",
    "imag",
    "permute_dims",
    "matrix_transpose",
    "unstack",
    "rot90",
}
_HOST_RESULT = {
    "result_type",
    "can_cast",
    "promote_types",
    "issubdtype",
    "isdtype",
    "shape",
    "ndim",
    "size",
    "min_scalar_type",
    "broadcast_shapes",
    "iscomplexobj",
    "isrealobj",
    "isscalar",
    "common_type",
    "iterable",
    "mintypecode",
    "typename",
}
_ACCEPTS_HOST = {
    "triu",
    "tril",
    "diff",
    "ascontiguousarray",
    "asfortranarray",
    "asanyarray",
    "copy",
    "ediff1d",
    "vander",
    "kron",
}
_SYNCS = {
    "flatnonzero",
    "argwhere",
    "unique",
    "unique_values",
    "unique_counts",
    "unique_inverse",
    "unique_all",
    "extract",
    "trim_zeros",
    "setdiff1d",
    "intersect1d",
    "union1d",
    "asarray_chkfinite",
    "bincount",
    "count_nonzero_",
}
_LAUNCHES = {
    "where": 1,
    "concatenate": None,
    "stack": None,
    "unique": 14,
    "searchsorted": 1,
    "diff": 2,
    "triu": 3,
    "tril": 3,
    "argsort": 8,
    "sort": 7,
}


def _strip(x, name):
    if isinstance(x, ndarray):
        return x._h
    if isinstance(x, _np.ndarray):
        if name in _ACCEPTS_HOST:
            ledger.note("h2d", nbytes=x.nbytes)
            return x
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, (list, tuple)):
        return type(x)(_strip(v, name) for v in x) if type(x) in (list, tuple) else x
    return x


def _dress(r, view):
    if isinstance(r, _np.ndarray):
        return wrap(r if view else c_order(r))
    if isinstance(r, _np.generic):
        return wrap(_np.asarray(r))
    if isinstance(r, tuple) and hasattr(r, "_fields"):
        return type(r)(*[_dress(v, view) for v in r])
    if isinstance(r, (list, tuple)):
        return type(r)(_dress(v, view) for v in r)
    return r


def _generic(name, spec):
    sig = signature_of(spec["params"]) if spec.get("params") else None
    target = getattr(_np, name, None)

    def function(*args, **kwargs):
        if sig is not None:
            try:
                sig.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{name}() as CuPy has it: {error}") from None
        if target is None:
            raise NotModelled(f"cupy.{name}")
        out = kwargs.pop("out", None)
        a = [_strip(x, name) for x in args]
        k = {n: _strip(v, name) for n, v in kwargs.items() if v is not None}
        with _np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            r = target(*a, **k)
        if name in _HOST_RESULT:
            return r
        view = name in _VIEWS
        if not view:
            launch(name, _LAUNCHES.get(name) or 1, nbytes=_nbytes(a) + _nbytes([r]))
        if name in _SYNCS:
            ledger.note("sync")
            ledger.note("d2h", nbytes=8)
        if out is not None:
            return _deliver(_np.asarray(r), out)
        return _dress(r, view)

    function.__name__ = name
    return function


def _nbytes(items):
    return _b.sum(
        x.nbytes if isinstance(x, _np.ndarray) else _nbytes(x) if isinstance(x, (list, tuple)) else 0
        for x in items
    )


for _n, _d in _NAMES.items():
    if _d["kind"] == "ufunc":
        globals()[_n] = UFUNCS[_n]
    elif _d["kind"] == "class" and _d.get("numpy"):
        globals()[_n] = getattr(_np, _n)
    elif _d["kind"] == "function":
        globals()[_n] = getattr(_np, _n) if _d.get("numpy") else _generic(_n, _d)
    elif _d["kind"] == "value" and hasattr(_np, _n):
        globals()[_n] = getattr(_np, _n)
inf, nan, pi, e, newaxis, euler_gamma = _np.inf, _np.nan, _np.pi, _np.e, None, _np.euler_gamma
for _n in (
    "bool_",
    "bool",
    "dtype",
    "float32",
    "float64",
    "int64",
    "int32",
    "uint8",
    "int8",
    "intp",
    "integer",
    "floating",
    "inexact",
    "finfo",
    "iinfo",
    "long",
    "ulong",
    "complex64",
    "complex128",
):
    globals()[_n] = getattr(_np, _n)


class _Absent:
    def __init__(self, *a, **k):
        raise NotModelled("kernels written in CUDA")


RawKernel = RawModule = ReductionKernel = ElementwiseKernel = _Absent


# ---------------------------------------------------------------- creation: the only doors for host arrays
def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if isinstance(obj, ndarray):
        r = obj.astype(
            obj.dtype if dtype is None else dtype,
            order="K" if order is None else order,
            copy=_b.bool(copy) if copy is not None else False,
        )
        return r if r.ndim >= ndmin else wrap(_np.array(r._h, ndmin=ndmin, copy=False))
    if isinstance(obj, (list, tuple)) and _holds_device(obj):
        launch("array of device arrays", 1)
        return wrap(_np.array(_strip(obj, "copy"), dtype=dtype, ndmin=ndmin))
    fortran = isinstance(obj, _np.ndarray) and obj.flags.fnc and order in ("K", "A", None)
    h = _np.array(
        obj, dtype=dtype, order="F" if fortran else ("C" if order in ("K", "A", None) else order), ndmin=ndmin
    )
    if isinstance(obj, _np.ndarray) and not (obj.flags.c_contiguous or obj.flags.f_contiguous):
        ledger.note("host relayout", nbytes=h.nbytes)
    ledger.note("h2d", nbytes=h.nbytes)
    return wrap(h)


def _holds_device(x):
    return _b.any(isinstance(v, ndarray) or isinstance(v, (list, tuple)) and _holds_device(v) for v in x)


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, copy if copy is not None else False, order)


asanyarray = asarray


def ascontiguousarray(a, dtype=None):
    if not isinstance(a, ndarray):
        return array(a, dtype, order="C")
    if a.flags.c_contiguous and (dtype is None or a.dtype == dtype):
        return a
    launch("ascontiguousarray: copy", nbytes=2 * a.nbytes)
    return wrap(_np.ascontiguousarray(a._h, dtype))


def empty(shape, dtype=float, order="C"):
    return ndarray(shape, dtype, order=order)


def zeros(shape, dtype=float, order="C"):
    launch("zeros")
    return wrap(_np.zeros(shape, dtype, order))


def ones(shape, dtype=float, order="C"):
    launch("ones")
    return wrap(_np.ones(shape, dtype, order))


def full(shape, fill_value, dtype=None, order="C"):
    launch("full")
    if isinstance(fill_value, ndarray):
        return wrap(_np.full(shape, fill_value._h, dtype or fill_value.dtype, order))
    return wrap(_np.full(shape, fill_value, dtype, order))


def arange(start, stop=None, step=1, dtype=None):
    launch("arange")
    return wrap(
        _np.arange(start, dtype=dtype) if stop is None else _np.arange(start, stop, step, dtype=dtype)
    )


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    return wrap(_np.empty_like(prototype._h, dtype, order or "K", shape=shape))


def copy(a, order="K"):
    return a.copy(order) if isinstance(a, ndarray) else array(a, order=order)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get(order=order) if isinstance(a, ndarray) else _np.asarray(a)


# ---------------------------------------------------------------- those whose work is worth counting exactly
def concatenate(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    for a in tup:
        if not isinstance(a, ndarray):
            raise TypeError("Only cupy arrays can be concatenated")
        if a.ndim == 0:
            raise TypeError("zero-dimensional arrays cannot be concatenated")
    if len(tup) == 0:
        raise ValueError("Cannot concatenate from empty tuple")
    if axis is None:
        tup = [a.ravel() for a in tup]
        axis = 0
    r = _np.concatenate([a._h for a in tup], axis, dtype=dtype, casting=casting)
    launch(
        "concatenate",
        1 if len(tup) > 8 and r.nbytes < (2 << 20) * len(tup) else _b.sum(a.size > 0 for a in tup),
        nbytes=2 * r.nbytes,
    )
    return _deliver(r, out) if out is not None else wrap(c_order(r))


def stack(tup, axis=0, out=None, *, dtype=None, casting="same_kind"):
    return concatenate(
        [wrap(_np.expand_dims(a._h, axis)) if isinstance(a, ndarray) else a for a in tup],
        axis,
        out,
        dtype=dtype,
        casting=casting,
    )


def nonzero(a):
    if not isinstance(a, ndarray):
        raise TypeError(f"a must be cupy.ndarray, not {type(a)}")
    return a.nonzero()


def take(a, indices, axis=None, out=None):
    return a.take(indices, axis, out)


def argsort(a, axis=-1, kind=None):
    return a.argsort(axis, kind)


def sort(a, axis=-1, kind=None):
    r = a.copy() if axis is not None else a.flatten()
    r.sort(-1 if axis is None else axis, kind)
    return r


def reshape(a, shape, order="C", copy=None):
    return a.reshape(shape, order=order)


def ravel(a, order="C"):
    return a.ravel(order)


def repeat(a, repeats, axis=None):
    return a.repeat(repeats, axis)


def clip(a, a_min, a_max, out=None):
    return a.clip(a_min, a_max, out=out)


def where(condition, x=None, y=None):
    if x is None:
        return nonzero(condition)
    c = _operand(condition)
    a, b = _operand(x), _operand(y)
    t = _np.result_type(a, b)
    r = _np.where(c, _np.asarray(a).astype(t), _np.asarray(b).astype(t))
    launch("where", nbytes=3 * r.nbytes)
    return wrap(c_order(r))


def searchsorted(a, v, side="left", sorter=None):
    if not isinstance(a, ndarray):
        raise NotImplementedError("Only int or ndarray are supported for a")
    if not isinstance(v, ndarray):
        raise NotImplementedError("Only int or ndarray are supported for v")
    launch("searchsorted")
    return wrap(_np.asarray(_np.searchsorted(a._h, v._h, side, None if sorter is None else sorter._h)))


for _n in (
    "sum",
    "prod",
    "mean",
    "max",
    "min",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "any",
    "all",
    "var",
    "std",
    "cumsum",
    "cumprod",
):

    def _make(n=_n):
        sig = signature_of(_NAMES[n]["params"])
        method = n.replace("amax", "max").replace("amin", "min")

        def function(*args, **kwargs):
            bound = sig.bind(*args, **kwargs).arguments
            a = bound.pop("a")
            if not isinstance(a, ndarray):
                raise TypeError(
                    f"Argument 'a' has incorrect type (expected cupy.ndarray, got {type(a).__name__})"
                )
            return getattr(a, method)(**bound)

        function.__name__ = n
        return function

    globals()[_n] = _make()

from . import cuda, exceptions, fft, lib, linalg, random


def get_default_memory_pool():
    return cuda.MemoryPool()


def is_available():
    return True


__all__ = sorted(n for n in _NAMES if n in globals())
