"""Reductions and sorting: one kernel each that NumPy computes, in the order of CuPy's results."""

import numpy as np

from cupy._api import NotModelled, bind
from cupy._array import c_order, deliver, method, ndarray, quiet, unwrap, wrap
from cupy._ledger import ledger

__all__ = ["searchsorted"]

REDUCTIONS = ["sum", "prod", "mean", "max", "min", "argmax", "argmin", "any", "all", "cumsum"]


def _reduction(name):
    def reduction(*args, **kwargs):
        given = bind(f"cupy.{name}", args, kwargs).arguments
        values, out = unwrap(given.pop("a")), given.pop("out", None)
        given = {key: value for key, value in given.items() if value is not None}
        if any(isinstance(value, ndarray | np.ndarray) for value in given.values()):
            raise TypeError(f"cupy.{name}: an array where a number is expected")
        if name == "mean" and not values.size:
            raise NotModelled("cupy.mean of nothing")
        with quiet():
            result = getattr(np, name)(values, **given)
        ledger.launch(name, nbytes=values.nbytes)
        return deliver(result, out)

    reduction.__name__ = name
    return reduction


def _method_of(reduction):
    def reduce(self, *args, **kwargs):
        given = bind(f"cupy.ndarray.{reduction.__name__}", (self, *args), kwargs).arguments
        return reduction(given.pop("self"), **given)

    reduce.__name__ = reduction.__name__
    return reduce


FUNCTIONS = {name: _reduction(name) for name in REDUCTIONS}
"""CuPy's functions of those names."""
for one in FUNCTIONS.values():
    method(_method_of(one))


@method
def argsort(self, axis=-1, kind=None):
    _check_kind(kind)
    ledger.launch("argsort", 8 if self.size > 1 else 1, nbytes=16 * self.nbytes)
    return wrap(np.argsort(self._values, axis=axis, kind="stable"))


@method
def sort(self, axis=-1, kind=None):
    _check_kind(kind)
    if not self.flags.c_contiguous:
        raise NotImplementedError("Sorting non-contiguous array is not supported.")
    ledger.launch("sort", 6)
    self._values.sort(axis=axis, kind="stable")


def _check_kind(kind):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")


def searchsorted(a, v, side="left", sorter=None):
    if not (isinstance(a, ndarray) and isinstance(v, ndarray)):
        raise NotImplementedError("Only ndarray are supported for a and v")
    ledger.launch("searchsorted")
    found = np.searchsorted(a._values, v._values, side, None if sorter is None else unwrap(sorter))
    return wrap(c_order(np.asarray(found)))
