"""A device array without a device: NumPy inside, CuPy 14's rules outside.

What is modelled is listed in ../README.md. Names, keywords and type loops come from api.json, which
record_cupy_api.py takes from a real CuPy by introspection.
"""

from __future__ import annotations
import functools, inspect, json, math, operator, os, warnings
from pathlib import Path
import numpy as np
from ._ledger import ledger

API = json.loads((Path(__file__).parent / "api.json").read_text())
METHODS = API["methods"]
_KINDS = {
    k.name: k
    for k in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    )
}

_COUNT_ONLY = bool(
    int(os.environ.get("FAKECUPY_NOGEMM", "0"))
)  # products are not computed: for counting launches of large networks


class NotModelled(NotImplementedError):
    """CuPy has this; the double does not. A gap of the double, not of the code under test."""


def signature_of(params):
    if params is None:
        return None
    return inspect.Signature(
        [inspect.Parameter(n, _KINDS[k], **({"default": None} if has else {})) for n, k, has in params]
    )


@functools.cache
def _method_signature(name):
    return signature_of(METHODS[name])


# ---------------------------------------------------------------- arrays


class Flags:
    def __init__(self, h):
        self.c_contiguous, self.f_contiguous, self.owndata = (
            bool(h.flags.c_contiguous),
            bool(h.flags.f_contiguous),
            h.base is None,
        )

    @property
    def fnc(self):
        return self.f_contiguous and not self.c_contiguous

    @property
    def forc(self):
        return self.f_contiguous or self.c_contiguous

    def __getitem__(self, name):
        try:
            return {
                "C_CONTIGUOUS": self.c_contiguous,
                "F_CONTIGUOUS": self.f_contiguous,
                "OWNDATA": self.owndata,
            }[name]
        except KeyError:
            raise KeyError(f"{name} is not defined for cupy.ndarray.flags")


class MemoryPointer:
    def __init__(self, h):
        self._h = h
        self.ptr = h.__array_interface__["data"][0]
        self.device_id = 0


def launch(op, n=1, nbytes=0, arrays=()):
    ledger.note("launch", n, op=op, nbytes=nbytes)
    if arrays:
        ledger.kernels.add(
            (op,)
            + tuple(
                (a.dtype.char, *_reduced(arrays, a)) if isinstance(a, np.ndarray) else type(a).__name__
                for a in arrays
            )
        )


def _reduced(arrays, a):
    """Rank and contiguity that CuPy's kernel is compiled for: axes that are contiguous in all arrays are joined."""
    hs = [h for h in arrays if isinstance(h, np.ndarray)]
    if all(h.flags.c_contiguous for h in hs) and len({h.shape for h in hs}) == 1:
        return 1, True
    return a.ndim, a.flags.c_contiguous


def wrap(h):
    if not isinstance(h, np.ndarray):
        h = np.asarray(h)
    if h.dtype.kind not in "?biufc":
        raise ValueError(f"Unsupported dtype {h.dtype}")
    obj = object.__new__(ndarray)
    obj._h = h
    return obj


_SCALARS = (int, float, bool, complex, np.generic)


def _operand(arg):
    """What _preprocess_args accepts: device arrays and scalars, never a host array (of any rank)."""
    if isinstance(arg, ndarray):
        return arg._h
    if isinstance(arg, _SCALARS) and not isinstance(arg, np.ndarray):
        return arg
    raise TypeError(f"Unsupported type {type(arg)}")


def c_order(h):
    return h if h.flags.c_contiguous else np.ascontiguousarray(h).reshape(h.shape)


class ndarray:
    __array_priority__ = 100
    __hash__ = None

    def __new__(cls, shape, dtype=float, memptr=None, strides=None, order="C"):
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if memptr is not None:
            if strides is None:
                raise NotModelled("ndarray(memptr=) without strides")
            return wrap(np.lib.stride_tricks.as_strided(memptr._h, shape, strides).view(dtype))
        h = np.empty(shape, dtype, order=order)
        _scribble(h)
        return wrap(h)

    # --- what is known on the host, for nothing
    shape = property(lambda s: s._h.shape)

    @shape.setter
    def shape(self, new):
        h = self._h.view()
        h.shape = new
        self._h = h

    dtype = property(lambda s: s._h.dtype)
    ndim = property(lambda s: s._h.ndim)
    size = property(lambda s: s._h.size)
    itemsize = property(lambda s: s._h.itemsize)
    nbytes = property(lambda s: s._h.size * s._h.itemsize)
    strides = property(lambda s: s._h.strides)
    flags = property(lambda s: Flags(s._h))
    device = property(lambda s: cuda_device(0))
    base = property(lambda s: None if s._h.base is None else s)
    data = property(lambda s: MemoryPointer(s._h))
    T = property(lambda s: wrap(s._h.T))
    mT = property(lambda s: wrap(np.swapaxes(s._h, -1, -2)))
    real = property(lambda s: wrap(s._h.real))
    imag = property(lambda s: wrap(s._h.imag))

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self._h.shape[0]

    def __sizeof__(self):
        return object.__sizeof__(self)

    def __repr__(self):
        return "fake cupy " + repr(self.get())

    __str__ = __repr__

    def __format__(self, spec):
        return format(self.get(), spec)

    # --- to the host: explicit only
    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def get(self, stream=None, order="C", out=None, blocking=True):
        if not c_contiguous(self._h):
            launch("get: make contiguous")
        ledger.note("d2h", nbytes=self.nbytes)
        ledger.note("sync")
        if out is not None:
            if not isinstance(out, np.ndarray):
                raise TypeError("Only numpy.ndarray can be obtained fromcupy.ndarray")
            if out.dtype != self.dtype:
                raise TypeError(f"{out.dtype} array cannot be obtained from {self.dtype} array")
            if out.shape != self.shape:
                raise ValueError("Shape mismatch")
            out[...] = self._h
            return out
        return np.array(self._h, order="C" if order == "K" else order, copy=True)

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError("Shape mismatch")
        if not (self.flags.forc):
            raise RuntimeError("Cannot set to non-contiguous array")
        ledger.note("h2d", nbytes=self.nbytes)
        self._h[...] = arr

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __bool__(self):
        if self.size == 0:
            warnings.warn("The truth value of an empty array is ambiguous.", DeprecationWarning)
            return False
        if self.size == 1:
            return bool(self.get())
        raise ValueError(
            "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
        )

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return _rebuild, (self.get(),)

    def __dlpack__(self, **kw):
        raise NotModelled("dlpack")

    @property
    def __cuda_array_interface__(self):
        raise NotModelled("__cuda_array_interface__")

    # --- NumPy's protocols, as CuPy answers them
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        import cupy

        inout = inputs
        if "out" in kwargs:
            out = kwargs["out"]
            if len(out) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            inout = inputs + out
            kwargs["out"] = out[0]
        if method not in ("__call__", "outer", "at", "reduce", "accumulate", "reduceat"):
            return NotImplemented
        try:
            func = getattr(cupy, ufunc.__name__)
            if method != "__call__":
                func = getattr(func, method)
        except AttributeError:
            return NotImplemented
        for x in inout:
            if not isinstance(x, _SCALARS) and not isinstance(x, (ndarray, np.ndarray)):
                return NotImplemented
        if ufunc.__name__ in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
            inputs = tuple(x.item() if isinstance(x, np.ndarray) and x.ndim == 0 else x for x in inputs)
        return func(*inputs, **kwargs)

    def __array_function__(self, func, types, args, kwargs):
        import cupy

        try:
            module = functools.reduce(getattr, func.__module__.split(".")[1:], cupy)
            mine = getattr(module, func.__name__)
        except AttributeError:
            return NotImplemented
        if mine is func:
            return NotImplemented
        if not all(issubclass(t, (ndarray, np.ndarray)) for t in types):
            return NotImplemented
        return mine(*args, **kwargs)

    # --- indexing
    def __getitem__(self, index):
        idx, advanced, mask = _prepare_index(self._h, index)
        if not advanced:
            return wrap(self._h[idx])
        out = np.ascontiguousarray(self._h[idx])
        if mask:
            ledger.note("sync")
            ledger.note("d2h", nbytes=4)
            launch("getitem mask: scan", _scan_launches(mask))
        if out.size:
            launch("getitem array", nbytes=2 * out.nbytes)
        return wrap(out)

    def __setitem__(self, index, value):
        idx, advanced, mask = _prepare_index(self._h, index)
        if not advanced:
            target = self._h[idx] if self._h.ndim else self._h
            if not isinstance(target, np.ndarray):
                target = self._h[_keep_view(idx)]
            if not isinstance(value, ndarray):
                value = np.asarray(value, dtype=self.dtype)
                if value.shape != ():
                    raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
                target[...] = value
                if target.size:
                    launch("setitem fill", nbytes=target.nbytes)
                return
            v = _squeeze_leading(value._h)
            if (
                v.shape == target.shape
                and v.strides == target.strides
                and v.__array_interface__["data"][0] == target.__array_interface__["data"][0]
            ):
                return
            with np.errstate(all="ignore"):
                target[...] = np.broadcast_to(v, target.shape).copy()
            if target.size:
                launch("setitem copy", nbytes=2 * target.nbytes, arrays=[v, target])
            return
        if isinstance(value, ndarray):
            v = _squeeze_leading(value._h)
        else:
            v = np.asarray(value, dtype=self.dtype)
            ledger.note("h2d", nbytes=v.nbytes)
        if mask:
            ledger.note("sync")
            ledger.note("d2h", nbytes=4)
            launch("setitem mask: scan", _scan_launches(mask))
            with np.errstate(all="ignore"):
                self._h[idx] = np.array(v)
        else:  # which of several values for one place is stored is undefined: here it is not NumPy's last
            selected = self._h[idx]
            v = np.array(np.broadcast_to(v, selected.shape))
            places = np.arange(self._h.size).reshape(self._h.shape)[idx].reshape(-1)[::-1]
            flat = self._h.reshape(-1) if self._h.flags.c_contiguous else None
            with np.errstate(all="ignore"):
                if flat is not None:
                    flat[places] = v.reshape(-1)[::-1]
                else:
                    self._h[np.unravel_index(places, self._h.shape)] = v.reshape(-1)[::-1]
        launch("setitem array", nbytes=2 * v.nbytes)

    def _scatter(self, index, value, op):
        if isinstance(index, np.ndarray) or isinstance(index, list):
            ledger.note("h2d")
        i = index._h if isinstance(index, ndarray) else np.asarray(index)
        if self.ndim != 1 and not isinstance(index, ndarray):
            raise NotModelled("scatter on several axes")
        v = value._h if isinstance(value, ndarray) else np.asarray(value, self.dtype)
        if op == "add" and self.dtype.char not in "ilefdILqQ":
            raise TypeError(
                "cupy.add.at only supports int32, int64, float16, float32, float64, uint32, uint64 as data type"
            )
        v = np.broadcast_to(v, i.shape + self.shape[1:]).astype(self.dtype)
        order = (
            np.random.default_rng(len(i)).permutation(i.shape[0]) if i.ndim == 1 else slice(None)
        )  # no fixed order
        {"add": np.add, "max": np.maximum, "min": np.minimum}[op].at(
            self._h, (i % self.shape[0])[order], v[order]
        )
        launch("scatter " + op, nbytes=3 * v.nbytes)

    def scatter_add(self, slices, value):
        self._scatter(slices, value, "add")

    def scatter_max(self, slices, value):
        self._scatter(slices, value, "max")

    def scatter_min(self, slices, value):
        self._scatter(slices, value, "min")

    # --- shape, copies
    def reshape(self, *shape, order="C", copy=None):
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = tuple(shape[0])
        out = self._h.reshape(shape, order=order)
        if self.size and not np.shares_memory(out, self._h):
            launch("reshape: copy", nbytes=2 * self.nbytes)
            out = c_order(out)
        return wrap(out)

    def transpose(self, *axes):
        if len(axes) == 1 and (axes[0] is None or not isinstance(axes[0], int)):
            axes = axes[0]
        return wrap(self._h.transpose(axes) if axes not in ((), None) else self._h.T)

    def swapaxes(self, axis1, axis2):
        return wrap(self._h.swapaxes(axis1, axis2))

    def squeeze(self, axis=None):
        return wrap(self._h.squeeze(axis))

    def ravel(self, order="C"):
        if not c_contiguous(self._h):
            launch("ravel: copy", nbytes=2 * self.nbytes)
        return wrap(self._h.ravel(order))

    def flatten(self, order="C"):
        launch("flatten", nbytes=2 * self.nbytes)
        return wrap(self._h.flatten(order))

    def view(self, dtype=None, array_class=None):
        return wrap(self._h.view(dtype) if dtype is not None else self._h.view())

    def copy(self, order="C"):
        if self.size:
            launch("copy", nbytes=2 * self.nbytes)
        return wrap(self._h.copy(order))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None:
            raise TypeError("casting is not supported yet")
        if subok is not None:
            raise TypeError("subok is not supported yet")
        dtype = np.dtype(dtype)
        if (
            not copy
            and dtype == self.dtype
            and (order in "Kk" or getattr(self.flags, f"{order.lower()}_contiguous", False))
        ):
            return self
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = self._h.astype(dtype, order=order)
        if self.size:
            launch("astype", nbytes=self.nbytes + out.nbytes, arrays=[self._h, out])
        return wrap(out)

    def fill(self, value):
        self[...] = value

    def take(self, indices, axis=None, out=None):
        if isinstance(indices, ndarray):
            i = indices._h
        elif isinstance(indices, (int, np.integer)):
            i = np.asarray(indices)
        else:
            i = np.asarray(indices, dtype=int)
            ledger.note("h2d", nbytes=i.nbytes)
        if i.dtype.kind not in "iu":
            raise TypeError("take: indices must be integers")
        n = self.size if axis is None else self.shape[axis]
        if n == 0 and i.size:
            raise IndexError("cannot do a non-empty take from an empty axes.")
        result = np.take(
            self._h, i % n if n else i, axis=axis
        )  # out of bounds wraps around, nothing is raised
        if result.size:
            launch("take", nbytes=2 * result.nbytes)
        if out is not None:
            if out.dtype != self.dtype:
                raise TypeError("Output dtype mismatch")
            if out.shape != result.shape:
                raise ValueError("Output shape mismatch")
            out._h[...] = result
            return out
        return wrap(np.array(result, order="C"))

    def repeat(self, repeats, axis=None):
        if isinstance(repeats, np.ndarray):
            raise TypeError("'repeats' does not accept numpy.ndarray; convert with cupy.array() first")
        if isinstance(repeats, ndarray):
            ledger.note("sync")
            launch("repeat", 3)
            r = repeats._h
        else:
            r = repeats
        launch("repeat")
        return wrap(np.repeat(self._h, r, axis))

    def nonzero(self):
        if self.ndim == 0:
            raise ValueError(
                "Calling nonzero on 0d arrays is not allowed. Use cp.atleast_1d(scalar).nonzero() instead."
            )
        found = np.nonzero(self._h)
        if self.size:
            ledger.note("sync")
            ledger.note("d2h", nbytes=4)
            launch("nonzero", _scan_launches(self.size) + 1)
        return tuple(wrap(i) for i in found)

    def argsort(self, axis=-1, kind=None):
        _check_kind(kind)
        launch("argsort", 8 if self.size > 1 else 1, nbytes=16 * self.nbytes)
        return wrap(np.argsort(self._h if self.ndim else self._h.reshape(1), axis=axis, kind="stable"))

    def sort(self, axis=-1, kind=None):
        _check_kind(kind)
        if not c_contiguous(self._h):
            raise NotImplementedError("Sorting non-contiguous array is not supported.")
        launch("sort", 6)
        self._h.sort(axis=axis, kind="stable")

    def searchsorted(self, v, side="left", sorter=None):
        import cupy

        return cupy.searchsorted(self, v, side, sorter)

    def dot(self, b, out=None):
        return matmul(self, b, out=out)

    def round(self, decimals=0, out=None):
        return _reduce_like("round", self, decimals=decimals, out=out)

    def clip(self, min=None, max=None, out=None):
        lo = np.finfo(self.dtype).min if self.dtype.kind == "f" else np.iinfo(self.dtype).min
        hi = np.finfo(self.dtype).max if self.dtype.kind == "f" else np.iinfo(self.dtype).max
        bounds = [_operand(lo if min is None else min), _operand(hi if max is None else max)]
        r = np.clip(self._h, *bounds)
        launch("clip", nbytes=2 * self.nbytes)
        return _deliver(np.array(r, dtype=self.dtype, order="C"), out)


def _rebuild(h):
    ledger.note("h2d", nbytes=h.nbytes)
    return wrap(np.array(h))


def _check_kind(kind):
    if kind is not None and kind != "stable":
        raise ValueError("kind can only be None or 'stable'")


def c_contiguous(h):
    return h.flags.c_contiguous


def _scan_launches(n):
    return 1 if n <= 512 else 3


def _squeeze_leading(h):
    i = 0
    while i < h.ndim and h.shape[i] == 1:
        i += 1
    return h.reshape(h.shape[i:]) if i else h


def _keep_view(idx):
    return (idx if isinstance(idx, tuple) else (idx,)) + (Ellipsis,)


def _scribble(h):
    """Uninitialised memory holds anything: NaN, or a large number."""
    if h.dtype.kind in "fc":
        h[...] = np.nan
    elif h.dtype.kind in "iu":
        h[...] = np.iinfo(h.dtype).max // 3
    elif h.dtype.kind == "b":
        h[...] = True


def _prepare_index(h, index):
    """Return an index for NumPy, whether it is an advanced one, and the size of a mask in it (0: none)."""
    items = list(index) if isinstance(index, tuple) else [index]
    advanced, mask = False, 0
    axis, n_axes = 0, sum(_axes_taken(s) for s in items)
    if n_axes > h.ndim:
        raise IndexError(
            f"too many indices for array: array is {h.ndim}-dimensional, but {n_axes} were indexed"
        )
    for k, s in enumerate(items):
        if s is None:
            continue
        if s is Ellipsis:
            axis += h.ndim - n_axes
            continue
        if isinstance(s, slice):
            for part in (s.start, s.stop, s.step):
                if part is not None and not hasattr(part, "__index__"):
                    raise TypeError("slice indices must be integers or None or have an __index__ method")
            axis += 1
            continue
        if isinstance(s, (int, np.integer)) and not isinstance(s, (bool, np.bool_)):
            axis += 1
            continue
        if isinstance(s, ndarray):
            a = s._h
        elif isinstance(s, np.ndarray):
            a = s
            ledger.note("h2d", nbytes=a.nbytes, op=None)
            ledger.note("implicit_h2d_index")
        elif isinstance(s, (list, tuple, bool, np.bool_)):
            if isinstance(s, list) and any(isinstance(e, ndarray) for e in s):
                raise NotModelled("list of device arrays as an index")
            a = np.asarray(s)
            a = a.astype(np.int32) if a.size == 0 else a
            ledger.note("h2d", nbytes=a.nbytes)
            ledger.note("implicit_h2d_index")
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices"
            )
        advanced = True
        if a.dtype.kind == "b":
            mask = max(1, a.size)
            axis += a.ndim
            items[k] = a
            continue
        if a.dtype.kind not in "iu":
            raise IndexError(
                f"arrays used as indices must be of integer or boolean type. (actual: {a.dtype.type})"
            )
        items[k] = a % h.shape[axis] if h.shape[axis] else a  # wraps around instead of raising
        axis += 1
    return tuple(items), advanced, mask


def _axes_taken(s):
    if s is None or s is Ellipsis:
        return 0
    if isinstance(s, (ndarray, np.ndarray)) and s.dtype.kind == "b":
        return s.ndim
    return 1


# ---------------------------------------------------------------- ufuncs


class ufunc:
    def __init__(self, name, spec):
        self.__name__ = name
        self.name = spec["internal_name"]
        self.nin, self.nout = spec["nin"], spec["nout"]
        self.nargs = self.nin + self.nout
        self.types = spec["types"]
        self._casting = spec["casting"]
        self._loops = [tuple(t.split("->")) for t in self.types]
        self._np = getattr(np, name, None)
        self._cache = {}

    def __repr__(self):
        return f"<ufunc '{self.name}'>"

    def _resolve(self, args, dtype):
        if dtype is not None:
            for i, o in self._loops:
                if all(np.dtype(c) == np.dtype(dtype) for c in o):
                    return i, o
            raise TypeError(f"Wrong type ({dtype}) of arguments for {self.name}")
        types, weak = [], []
        for a in args:
            if isinstance(a, np.ndarray) or isinstance(a, np.generic):
                types.append(a.dtype)
                weak.append(False)
            elif type(a) is bool:
                types.append(np.dtype(bool))
                weak.append(False)
            elif type(a) is int:
                types.append(np.dtype(np.uint64 if a >= 1 << 63 else np.int64))
                weak.append(int)
            elif type(a) is float:
                types.append(np.dtype(float))
                weak.append(float)
            else:
                types.append(np.dtype(complex))
                weak.append(complex)
        key = (tuple(types), tuple(weak))
        if key not in self._cache:
            self._cache[key] = self._guess(types, weak)
        return self._cache[key]

    def _guess(self, types, weak):
        score = lambda t: 0 if issubclass(t, np.bool_) else 1 if issubclass(t, (np.integer, int)) else 2
        arrays = [score(t.type) for t, w in zip(types, weak) if not w]
        scalars = [score(w) for w in weak if w]
        if not (arrays and scalars and max(arrays) >= max(scalars)):
            weak = [False] * len(weak)
        for i, o in self._loops:
            for t, w, c in zip(types, weak, i):
                if not np.can_cast(t, np.dtype(c)):
                    if not w or np.result_type(w(0), np.dtype(c)) != np.dtype(c):
                        break
            else:
                return i, o
        raise TypeError(f"Wrong type ({tuple(types)}) of arguments for {self.name}")

    def __call__(self, *args, **kwargs):
        out, where = kwargs.pop("out", None), kwargs.pop("_where", None)
        dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", self._casting)
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}.")
        outs = args[self.nin :]
        if out is not None:
            if outs:
                raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
            outs = out if isinstance(out, tuple) else (out,)
        if where is not None:
            raise NotModelled("_where")
        operands = [_operand(a) for a in args[: self.nin]]
        for o in outs:
            if o is not None and not isinstance(o, ndarray):
                raise TypeError("Output arguments type must be cupy.ndarray")
        i, o = self._resolve(operands, dtype)
        shape = np.broadcast_shapes(
            *[np.shape(a) for a in operands], *[x.shape for x in outs if x is not None]
        )
        if self._np is None:
            raise NotModelled(f"ufunc {self.__name__}")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cast = [
                np.asarray(a).astype(c, copy=False)
                if isinstance(a, (np.ndarray, np.generic))
                else np.dtype(c).type(a)
                for a, c in zip(operands, i)
            ]
            results = self._np(*cast)
        results = results if isinstance(results, tuple) else (results,)
        final = []
        for k, r in enumerate(results):
            t = np.dtype(o[k])
            r = np.broadcast_to(np.asarray(r), shape).astype(
                t, order="C", copy=True
            )  # new arrays are C-ordered, whatever the inputs'
            if k < len(outs) and outs[k] is not None:
                target = outs[k]
                if target.shape != shape:
                    raise ValueError("Out shape is mismatched")
                if not np.can_cast(t, target.dtype, casting):
                    raise TypeError(
                        f"output operand: cannot cast from {t!r} to {target.dtype!r} with casting rule {casting!r}"
                    )
                for a in args[: self.nin]:
                    if isinstance(a, ndarray) and a is not target and np.may_share_memory(a._h, target._h):
                        launch("ufunc: overlapping input copied", nbytes=2 * a.nbytes)
                with np.errstate(all="ignore"):
                    target._h[...] = r
                final.append(target)
            else:
                final.append(wrap(r))
        n = int(np.prod(shape))
        if n:
            launch(
                self.__name__,
                nbytes=sum(getattr(a, "nbytes", 0) for a in operands) + sum(f.nbytes for f in final),
                arrays=[*operands, *(f._h for f in final)],
            )
        return final[0] if self.nout == 1 else tuple(final)

    def at(self, a, indices, b=None):
        op = {"cupy_add": "add", "cupy_maximum": "max", "cupy_minimum": "min"}.get(self.name)
        if op is None:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        a._scatter(indices, b, op)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.name == "cupy_add":
            return array.sum(axis, dtype, out, keepdims)
        if self.name == "cupy_multiply":
            return array.prod(axis, dtype, out, keepdims)
        raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")

    def accumulate(self, array, axis=0, dtype=None, out=None):
        if self.name == "cupy_add":
            return array.cumsum(axis, dtype, out)
        raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")

    def outer(self, a, b, **kw):
        return self(a.reshape(a.shape + (1,) * b.ndim), b, **kw)


UFUNCS = {n: ufunc(n, d) for n, d in API["modules"]["cupy"].items() if d["kind"] == "ufunc"}


def _deliver(result, out):
    if out is None:
        return wrap(result)
    if not isinstance(out, ndarray):
        raise TypeError("Output arguments type must be cupy.ndarray")
    if out.shape != result.shape:
        raise ValueError("Out shape is mismatched")
    with np.errstate(all="ignore"):
        out._h[...] = result
    return out


def matmul(
    a,
    b,
    /,
    out=None,
    axes=None,
    axis=None,
    keepdims=False,
    casting="same_kind",
    dtype=None,
    signature=None,
    order="K",
):
    for x in (a, b):
        if not isinstance(x, ndarray):
            raise TypeError(f"Argument has incorrect type (expected cupy.ndarray, got {type(x).__name__})")
    if out is not None and not isinstance(out, ndarray):
        raise TypeError("`out` must be a tuple or `cupy.ndarray`")
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("Scalar operands are not allowed, use '*' instead")
    if any(v is not None for v in (axes, axis, dtype, signature)) or keepdims:
        raise NotModelled("matmul with gufunc keywords")
    if _COUNT_ONLY and a.size + b.size > 1000:  # small products are as cheap as leaving them out
        shape = (
            np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-1])
            if min(a.ndim, b.ndim) > 1
            else np.matmul(a._h, b._h).shape
        )
        r = np.zeros(shape, np.result_type(a.dtype, b.dtype))
    else:
        with np.errstate(all="ignore"):
            r = np.matmul(a._h, b._h)
    batched = max(a.ndim, b.ndim) > 2
    for x in (a, b):
        copied = not c_contiguous(x._h) if batched else (x.ndim == 2 and not x.flags.forc)
        if copied:
            launch("matmul: operand copied", nbytes=2 * x.nbytes)
    if r.dtype.kind not in "fc":
        launch("matmul: integer kernel (slow)")
    flops = 2 * np.asarray(r).size * a.shape[-1]
    ledger.total["flops"] += flops
    launch("matmul", nbytes=a.nbytes + b.nbytes + np.asarray(r).nbytes)
    if out is not None:
        if out.shape != r.shape:
            raise ValueError(f"Output operand 0 has invalid shape {out.shape} expected {r.shape}")
        if not np.can_cast(r.dtype, out.dtype, "same_kind"):
            raise TypeError("out dtype: invalid cast")
        if not c_contiguous(out._h) or out.dtype != r.dtype:
            launch("matmul: result copied to out", nbytes=2 * out.nbytes)
        out._h[...] = r
        return out
    return wrap(np.array(r, order="C"))


for _op, _name in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "pow": "power",
}.items():

    def _make(op=_op, u=UFUNCS[_name], npf=getattr(np, _name)):
        def forward(x, y):
            if op == "pow" and type(y) in (int, float):
                fast = (
                    {2: "square", 2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}.get(y)
                    if not (type(y) is int and y != 2)
                    else None
                )
                if fast and x.dtype.kind in "fc" or fast == "square" and x.dtype.kind == "i":
                    return UFUNCS[fast](x)
            if isinstance(y, ndarray):
                return u(x, y)
            if getattr(y, "__array_ufunc__", 0) is None:
                return NotImplemented
            return npf(x, y)  # and so through __array_ufunc__: host arrays raise TypeError there

        def reflected(y, x):
            if getattr(x, "__array_ufunc__", 0) is None:
                return NotImplemented
            return npf(x, y)

        def inplace(x, y):
            return u(x, y, x)

        return forward, reflected, inplace

    _f, _r, _i = _make()
    setattr(ndarray, f"__{_op}__", _f)
    setattr(ndarray, f"__r{_op}__", _r)
    setattr(ndarray, f"__i{_op}__", _i)
ndarray.__matmul__ = lambda x, y: matmul(x, y) if isinstance(y, ndarray) else np.matmul(x, y)
ndarray.__rmatmul__ = lambda y, x: np.matmul(x, y)
ndarray.__neg__ = lambda x: UFUNCS["negative"](x)
ndarray.__abs__ = lambda x: UFUNCS["absolute"](x)
ndarray.__invert__ = lambda x: UFUNCS["invert"](x)
ndarray.__pos__ = lambda x: UFUNCS["positive"](x)
for _op, _name in {
    "lt": "less",
    "le": "less_equal",
    "eq": "equal",
    "ne": "not_equal",
    "gt": "greater",
    "ge": "greater_equal",
}.items():

    def _make(u=UFUNCS[_name], npf=getattr(np, _name), op=_op):
        def compare(x, y):
            if isinstance(y, ndarray):
                return u(x, y)
            if isinstance(y, np.ndarray) and y.ndim == 0:
                y = y.item()
            if op in ("eq", "ne") and (y is None or type(y).__eq__ is object.__eq__):
                return wrap(np.full(x.shape, op == "ne"))
            return npf(x, y)

        return compare

    setattr(ndarray, f"__{_op}__", _make())

# ---------------------------------------------------------------- reductions, as methods


def _reduce_like(name, a, out=None, **kw):
    if kw.get("axis", None) is not None and isinstance(kw["axis"], (ndarray, np.ndarray)):
        raise TypeError("axis")
    h = a._h
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = getattr(np, name)(
            h, **{k: v for k, v in kw.items() if v is not None and not (k == "keepdims" and not v)}
        )
    launch(name, nbytes=a.nbytes)
    return _deliver(np.array(r, order="C"), out)


for _n in (
    "sum",
    "prod",
    "mean",
    "max",
    "min",
    "argmax",
    "argmin",
    "any",
    "all",
    "var",
    "std",
    "cumsum",
    "cumprod",
    "ptp",
    "trace",
):

    def _make(n=_n):
        sig = _method_signature(n)

        def method(self, *args, **kwargs):
            bound = sig.bind(self, *args, **kwargs).arguments
            bound.pop("self")
            out = bound.pop("out", None)
            for v in bound.values():
                if isinstance(v, np.ndarray):
                    raise TypeError(f"Unsupported type {type(v)}")
            return _reduce_like(n, self, out=out, **bound)

        return method

    setattr(ndarray, _n, _make())


def cuda_device(i):
    from cupy.cuda.device import Device

    return Device(i)
