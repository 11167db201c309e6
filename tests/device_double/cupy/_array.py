"""A device array without a device: NumPy inside, CuPy's rules outside.

Here is what an array knows of itself, its way to the host, its shapes and copies. Indexing, arithmetic,
reductions and sorting are methods as well; the files of those names add them (`method`).
"""

import warnings

import numpy as np

from cupy._api import NotModelled, names
from cupy._ledger import ledger
from cupy.cuda.device import Device

SCALARS = (bool, int, float, complex, np.generic)


def wrap(values):
    """Return NumPy's `values`, or one number of them, as a device array."""
    values = np.asarray(values)
    if values.dtype.kind not in "?biufc":
        raise ValueError(f"Unsupported dtype {values.dtype}")
    array = object.__new__(ndarray)
    array._values = values
    return array


def unwrap(array):
    """Return the values of a device array; an array of the host is refused, as CuPy refuses it."""
    if not isinstance(array, ndarray):
        raise TypeError(f"Argument has incorrect type (expected cupy.ndarray, got {type(array).__name__})")
    return array._values


def operand(x):
    """Return what takes part in an operation: the values of a device array, or a number."""
    if isinstance(x, ndarray):
        return x._values
    if isinstance(x, SCALARS):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def c_order(values):
    """Return `values` as they lie in a new array of CuPy: in C order, whatever the operands' order."""
    return values if values.flags.c_contiguous else np.ascontiguousarray(values)


def deliver(values, out=None):
    """Return computed `values` as a new array, or in `out`."""
    if out is None:
        return wrap(c_order(np.asarray(values)))
    target = unwrap(out)
    if target.shape != values.shape:
        raise ValueError("Out shape is mismatched")
    with quiet():
        target[...] = values
    return out


def quiet():
    """A device has no floating-point warnings."""
    return np.errstate(all="ignore")


def method(function):
    """Add `function` to the array's methods."""
    setattr(ndarray, function.__name__, function)
    return function


class Flags:
    def __init__(self, flags):
        self.c_contiguous, self.f_contiguous, self.owndata = (
            flags.c_contiguous,
            flags.f_contiguous,
            flags.owndata,
        )

    fnc = property(lambda self: self.f_contiguous and not self.c_contiguous)
    forc = property(lambda self: self.f_contiguous or self.c_contiguous)

    def __getitem__(self, name):
        return {
            "C_CONTIGUOUS": self.c_contiguous,
            "F_CONTIGUOUS": self.f_contiguous,
            "OWNDATA": self.owndata,
        }[name]


class ndarray:
    __array_priority__ = 100
    __hash__ = None

    def __new__(cls, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotModelled("cupy.ndarray of given memory")
        values = np.empty(shape, dtype, order=order)
        _scribble(values)
        return wrap(values)

    # What is known on the host, for nothing
    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    itemsize = property(lambda self: self._values.itemsize)
    nbytes = property(lambda self: self._values.nbytes)
    strides = property(lambda self: self._values.strides)
    flags = property(lambda self: Flags(self._values.flags))
    device = property(lambda self: Device(0))
    T = property(lambda self: wrap(self._values.T))
    mT = property(lambda self: wrap(self._values.mT))

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name):
        if name in names("cupy.ndarray"):
            raise NotModelled(f"cupy.ndarray.{name}")
        raise AttributeError(f"'ndarray' object has no attribute {name!r}")

    # To the host: only where it is asked for, and with a wait
    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def get(self, stream=None, order="C", out=None, blocking=True):
        if stream is not None or out is not None:
            raise NotModelled("cupy.ndarray.get(stream=, out=)")
        if not self._values.flags.c_contiguous:
            ledger.launch("get: into C order", nbytes=2 * self.nbytes)
        ledger.download(self.nbytes)
        return np.array(self._values, order=order)

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def __bool__(self):
        if self.size == 0:
            warnings.warn("The truth value of an empty array is ambiguous.", DeprecationWarning, stacklevel=2)
            return False
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __repr__(self):
        return f"double of CuPy's {self.get()!r}"

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return _rebuild, (self.get(),)

    # Copies
    def copy(self, order="C"):
        if self.size:
            ledger.launch("copy", nbytes=2 * self.nbytes)
        return wrap(self._values.copy(order))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        dtype = np.dtype(dtype)
        if not copy and dtype == self.dtype and _has_order(self.flags, order):
            return self
        with quiet():
            values = self._values.astype(dtype, order=order)
        if self.size:
            ledger.launch("astype", nbytes=self.nbytes + values.nbytes)
        return wrap(values)

    def fill(self, value):
        self[...] = value

    # Shapes: views where NumPy makes views, else a copy in C order
    def reshape(self, *shape, order="C", copy=None):
        if copy is not None:
            raise NotModelled("cupy.ndarray.reshape(copy=)")
        values = self._values.reshape(*shape, order=order)
        if self.size and not np.shares_memory(values, self._values):
            ledger.launch("reshape: copy", nbytes=2 * self.nbytes)
            values = c_order(values)
        return wrap(values)

    def ravel(self, order="C"):
        values = self._values.ravel(order)
        if self.size and not np.shares_memory(values, self._values):
            ledger.launch("ravel: copy", nbytes=2 * self.nbytes)
        return wrap(values)

    def flatten(self, order="C"):
        ledger.launch("flatten", nbytes=2 * self.nbytes)
        return wrap(self._values.flatten(order))

    def transpose(self, *axes):
        return wrap(self._values.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return wrap(self._values.swapaxes(axis1, axis2))

    def squeeze(self, axis=None):
        return wrap(self._values.squeeze(axis))

    def view(self, dtype=None, type=None):
        if type is not None:
            raise NotModelled("cupy.ndarray.view(type=)")
        return wrap(self._values.view() if dtype is None else self._values.view(dtype))


def _has_order(flags, order):
    return {"K": True, "A": flags.forc, "C": flags.c_contiguous, "F": flags.f_contiguous}[order]


def _scribble(values):
    """Uninitialised memory holds anything: NaN, or a large number."""
    if values.dtype.kind == "b":
        values[...] = True
    elif values.dtype.kind in "iu":
        values[...] = np.iinfo(values.dtype).max // 3
    else:
        values[...] = np.nan


def _rebuild(values):
    ledger.upload(values.nbytes)
    return wrap(values)
