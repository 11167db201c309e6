"""Elementwise functions and operators: CuPy's choice of types, new arrays in C order, no array of the host.

A ufunc of CuPy takes the first of its loops that all operands can be cast to. Numbers of Python are weak:
they take the type of the arrays beside them, unless they are of a higher kind.
"""

import numpy as np

from cupy._api import API, NotModelled
from cupy._array import SCALARS, method, ndarray, operand, quiet, wrap
from cupy._ledger import ledger


class ufunc:
    def __init__(self, name, loops):
        self.name = name  # inside CuPy, the same under all its public names
        self.__name__ = name.removeprefix("cupy_")
        self.types = loops.split()
        self._loops = [loop.split("->") for loop in self.types]
        self.nin, self.nout = (len(types) for types in self._loops[0])
        self.nargs = self.nin + self.nout
        self._numpys = getattr(np, self.__name__, None)
        self._found = {}

    def __repr__(self):
        return f"<ufunc '{self.name}'>"

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", **others):
        if others:
            raise TypeError(f"Wrong arguments {others}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}.")
        if out is not None and len(args) > self.nin:
            raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
        outs = args[self.nin :] if out is None else out if isinstance(out, tuple) else (out,)
        outs = (*outs, *[None] * (self.nout - len(outs)))
        operands = [operand(a) for a in args[: self.nin]]
        if not all(o is None or isinstance(o, ndarray) for o in outs):
            raise TypeError("Output arguments type must be cupy.ndarray")
        in_types, out_types = self._loop(operands, dtype)
        shape = np.broadcast_shapes(*map(np.shape, operands), *(o.shape for o in outs if o is not None))
        computed = self._compute(operands, in_types)
        results = [
            _result(values, np.dtype(t), shape, o, casting)
            for values, t, o in zip(computed, out_types, outs, strict=True)
        ]
        self._book(operands, results, outs)
        return results[0] if self.nout == 1 else tuple(results)

    def _loop(self, operands, dtype):
        """The types, in and out, of the loop that runs."""
        if dtype is not None:
            for in_types, out_types in self._loops:
                if all(np.dtype(t) == np.dtype(dtype) for t in out_types):
                    return in_types, out_types
            raise TypeError(f"Wrong type ({dtype}) of arguments for {self.name}")
        kinds = tuple(_kind(x) for x in operands)
        if kinds not in self._found:
            self._found[kinds] = self._search(kinds)
        return self._found[kinds]

    def _search(self, kinds):
        kinds = _without_higher_scalars(kinds)
        for in_types, out_types in self._loops:
            if all(_fits(kind, np.dtype(t)) for kind, t in zip(kinds, in_types, strict=True)):
                return in_types, out_types
        raise TypeError(f"Wrong type ({', '.join(str(t) for t, _ in kinds)}) of arguments for {self.name}")

    def _compute(self, operands, types):
        if self._numpys is None:
            raise NotModelled(f"cupy.{self.__name__}")
        with quiet():
            cast = [
                np.asarray(x).astype(t, copy=False)
                if isinstance(x, np.ndarray | np.generic)
                else np.dtype(t).type(x)
                for x, t in zip(operands, types, strict=True)
            ]
            results = self._numpys(*cast)
        return results if isinstance(results, tuple) else (results,)

    def _book(self, operands, results, outs):
        """One kernel; an operand that overlaps with an output other than itself is copied before."""
        arrays = [x for x in operands if isinstance(x, np.ndarray)]
        for target in (o._values for o in outs if o is not None):
            for x in arrays:
                if x is not target and np.may_share_memory(x, target):
                    ledger.launch("ufunc: overlapping input copied", nbytes=2 * x.nbytes)
        if results[0].size:
            ledger.launch(self.__name__, nbytes=sum(x.nbytes for x in [*arrays, *results]))

    def at(self, a, indices, b=None):
        scatter = {"add": "scatter_add", "maximum": "scatter_max", "minimum": "scatter_min"}
        if self.__name__ not in scatter:
            raise NotModelled(f"cupy.{self.__name__}.at")
        getattr(a, scatter[self.__name__])(indices, b)

    def reduce(self, *args, **kwargs):
        raise NotModelled(f"cupy.{self.__name__}.reduce")

    accumulate = reduceat = outer = reduce


def _kind(x):
    """Type of an operand, and the class of a weak scalar: ``(dtype, int, float, complex or None)``."""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype, None
    if isinstance(x, bool):
        return np.dtype(bool), None
    if isinstance(x, int):
        return np.dtype(np.uint64 if x >= 1 << 63 else np.int64), int
    return np.dtype(type(x)), type(x)


def _without_higher_scalars(kinds):
    """Scalars of a higher kind than all arrays (bool < whole number < the others) are not weak."""

    def height(cls):
        return 0 if issubclass(cls, np.bool_) else 1 if issubclass(cls, int | np.integer) else 2

    arrays = [height(dtype.type) for dtype, weak in kinds if weak is None]
    scalars = [height(weak) for _, weak in kinds if weak is not None]
    if arrays and scalars and max(arrays) >= max(scalars):
        return kinds
    return [(dtype, None) for dtype, _ in kinds]


def _fits(kind, loop_type):
    dtype, weak = kind
    if np.can_cast(dtype, loop_type):
        return True
    return weak is not None and np.result_type(weak(0), loop_type) == loop_type


def _result(values, dtype, shape, out, casting):
    """Return computed `values` as a new array in C order, or in `out`."""
    if out is None:
        return wrap(np.asarray(values).astype(dtype, order="C", copy=False))
    if out.shape != shape:
        raise ValueError("Out shape is mismatched")
    if not np.can_cast(dtype, out.dtype, casting):
        raise TypeError(f"output operand: cannot cast from {dtype!r} to {out.dtype!r} by {casting!r}")
    with quiet():
        out._values[...] = values.astype(dtype, copy=False)
    return out


UFUNCS = {
    name: one
    for one, names in ((ufunc(key, entry["loops"]), entry["names"]) for key, entry in API["ufuncs"].items())
    for name in names.split()
}
"""By public name; ``abs`` and ``absolute`` are one."""


BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "lshift": "left_shift", "rshift": "right_shift",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}  # fmt: skip
COMPARISONS = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"
}  # fmt: skip
UNARY = {"neg": "negative", "abs": "absolute", "invert": "invert", "pos": "positive"}
FAST_POWERS = {2: "square", 0.5: "sqrt", -1.0: "reciprocal"}
"""What CuPy computes instead of a power."""


def _binary(name):
    """``x + y``: an array of the host goes to NumPy, and through ``__array_ufunc__`` to its refusal."""

    def operator(x, y):
        if name == "power" and x.dtype.kind in "fc" and _is_fast_power(y):
            return UFUNCS[FAST_POWERS[y]](x)
        if isinstance(y, ndarray):
            return UFUNCS[name](x, y)
        return getattr(np, name)(x, y)

    def reflected(x, y):
        return getattr(np, name)(y, x)

    def in_place(x, y):
        return UFUNCS[name](x, y, x)

    return operator, reflected, in_place


def _is_fast_power(y):
    return y in FAST_POWERS and (type(y) is float or (type(y) is int and y == 2))


def _comparison(name):
    def operator(x, y):
        return UFUNCS[name](x, y) if isinstance(y, ndarray) else getattr(np, name)(x, y)

    return operator


def _unary(name):
    return lambda x: UFUNCS[name](x)


for symbol, name in BINARY.items():
    for prefix, function in zip(("", "r", "i"), _binary(name), strict=True):
        setattr(ndarray, f"__{prefix}{symbol}__", function)
for symbol, name in COMPARISONS.items():
    setattr(ndarray, f"__{symbol}__", _comparison(name))
for symbol, name in UNARY.items():
    setattr(ndarray, f"__{symbol}__", _unary(name))


@method
def __array_ufunc__(self, numpys, how, *inputs, out=None, **kwargs):
    """NumPy's ufuncs on a device array: CuPy's of that name, with the same refusals."""
    operands = inputs if out is None else (*inputs, *out)
    mine = UFUNCS.get(numpys.__name__) or _matmul_of(numpys)
    if mine is None or how not in ("__call__", "at"):
        return NotImplemented
    if not all(isinstance(x, (*SCALARS, ndarray, np.ndarray)) for x in operands):
        return NotImplemented
    if out is not None:
        (kwargs["out"],) = out
    return (mine if how == "__call__" else mine.at)(*inputs, **kwargs)


def _matmul_of(numpys):
    import cupy

    return cupy.matmul if numpys.__name__ == "matmul" else None
