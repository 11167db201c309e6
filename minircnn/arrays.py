"""Which array library an input belongs to, and the few operations the array API standard lacks.

Everything in minircnn follows its input: NumPy in, NumPy out; CuPy in, CuPy out. There is no
global backend switch. Code that stays inside the `array API standard
<https://data-apis.org/array-api/>`_ only needs :func:`array_namespace`; convolution and pooling
also use the operations below, which NumPy and CuPy share under different names.
"""

from __future__ import annotations

import importlib
import reprlib
import sys
from types import ModuleType
from typing import Any, Literal, TypeAlias

import array_api_compat
import numpy as np
import numpy.typing as npt

from minircnn.devices import usable_cupy

Array: TypeAlias = Any
"""An array of any library that follows the array API standard (NumPy, CuPy, array-api-strict)."""

HostArray: TypeAlias = npt.NDArray[Any]
"""A NumPy array, in host memory."""

Device: TypeAlias = Literal["cpu", "cuda"]

_NAMESPACES: dict[type, Any] = {np.ndarray: array_api_compat.array_namespace(np.empty(0))}
"""Of NumPy and, once it was asked for, of CuPy: to ask takes as long as a small piece of work."""


def array_namespace(*arrays: Array) -> Any:
    """Return the array library all `arrays` belong to, as an array-API-compatible namespace.

    Raises
    ------
    TypeError
        If an argument is no array, or the arrays come from different libraries.
    """
    kinds = {type(a) for a in arrays}
    if len(kinds) == 1 and (known := _NAMESPACES.get(type(arrays[0]))) is not None:
        return known
    try:
        namespace = array_api_compat.array_namespace(*arrays)
    except TypeError as error:
        names = sorted(f"{kind.__module__}.{kind.__name__}" for kind in kinds)
        raise TypeError(
            f"expected arrays of one library (NumPy or CuPy), got {', '.join(names)}; "
            "convert them with numpy.asarray or cupy.asarray first"
        ) from error
    if on_gpu(arrays[0]):
        _NAMESPACES[type(arrays[0])] = namespace
    return namespace


_tried_cupy: ModuleType | None = None
"""CuPy, once it has computed something."""


def device_namespace(device: Device) -> ModuleType:
    """Return the module whose arrays live on `device`: NumPy for ``"cpu"``, CuPy for ``"cuda"``.

    CuPy is tried with a kernel and a product, once, before it is returned.

    Raises
    ------
    RuntimeError
        If ``"cuda"`` is asked for and cannot be used: says what is missing, and what to do.
    """
    if device == "cpu":
        return np
    global _tried_cupy
    if _tried_cupy is None or _tried_cupy is not sys.modules.get("cupy"):
        _tried_cupy = usable_cupy()
    return _tried_cupy


def as_plain(x: Array, what: str) -> Array:
    """Return `x`, an array of any library; one of NumPy's as a plain array in this machine's order of bytes.

    Subclasses compute by rules of their own: a matrix multiplies otherwise, and NumPy crashes on it.

    Raises
    ------
    TypeError
        Naming `what`, if it is no array.
    ValueError
        If some of it is masked: what a mask hides would be computed with, or be missing.
    """
    if type(x) is np.ndarray:
        return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))
    if type(x) in _NAMESPACES:
        return x
    if np.ma.is_masked(x):
        raise ValueError(f"{what} must have no masked numbers: take the rows without")
    if isinstance(x, np.ndarray | np.generic):
        return as_plain(np.asarray(x), what)
    if not array_api_compat.is_array_api_obj(x):
        raise TypeError(f"{what} must be an array, got {reprlib.repr(x)}: take numpy.asarray")
    return x


def from_lists(x: Any, what: str, empty: tuple[int, ...] = (0,)) -> Array:
    """Return lists and tuples of numbers as a NumPy array, anything else as it is.

    `empty` is the shape of what an empty one becomes.

    Raises
    ------
    TypeError
        Naming `what`, if their rows are of different lengths or hold other things than numbers.
    """
    if not isinstance(x, list | tuple):
        return x
    try:
        values = np.asarray(x) if x else np.empty(empty)
    except (TypeError, ValueError):
        values = np.empty(0, dtype=object)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be an array or rows of as many numbers each, got {reprlib.repr(x)}")
    return values


def is_host(x: Array) -> bool:
    """Tell whether `x` is a NumPy array."""
    return isinstance(x, np.ndarray)


def to_host(x: Array) -> HostArray:
    """Return `x` as a NumPy array, copying from the GPU if it lives there."""
    if isinstance(x, np.ndarray):
        return x
    if on_gpu(x):
        host: HostArray = x.get()
        return host
    return np.asarray(x)


def on_gpu(x: Array) -> bool:
    """Tell whether `x` is a CuPy array."""
    return bool(array_api_compat.is_cupy_array(x))


def like(values: Array, reference: Array, dtype: Any = None) -> Array:
    """Return host `values` as an array of `reference`'s library, on its device.

    `dtype` defaults to the dtype of `values`. Axes keep their order in memory: channels last stay last.
    """
    if isinstance(reference, np.ndarray):
        return np.asarray(values, dtype=dtype)
    xp, device = array_namespace(reference), array_api_compat.device(reference)
    if not (isinstance(values, np.ndarray) and values.ndim > 1 and on_gpu(reference)):
        return xp.asarray(values, dtype=dtype, device=device)
    # moved as it lies: CuPy would bring it into C order first, one number after the other, on the host
    order = memory_order(values)
    return xp.asarray(values.transpose(order), dtype=dtype, device=device).transpose(inverse_order(order))


def memory_order(x: Array) -> list[int]:
    """Return the axes of a NumPy or CuPy array, the one with the longest steps through memory first."""
    return sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))


def inverse_order(order: list[int]) -> list[int]:
    """Return the order of axes that undoes ``transpose(order)``."""
    return sorted(range(len(order)), key=order.__getitem__)


def clip(x: Array, low: float | None, high: float | None) -> Array:
    """Return `x` with what is below `low` or above `high` brought to it; None leaves a side open.

    Bounds are numbers of the kind that `x` holds. NaN stays. The clip of `array_api_compat` assigns by masks,
    and each of them waits for a GPU.
    """
    xp = array_namespace(x)
    if low is not None:
        x = xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


def read_numbers(*values: Array) -> tuple[float, ...]:
    """Return what arrays of a single number each hold as Python's floats, waiting for a GPU only once."""
    if not values or not on_gpu(values[0]):
        return tuple(float(value) for value in values)
    xp = array_namespace(*values)
    together = xp.stack([xp.astype(value, xp.float64, copy=False) for value in values])
    return tuple(to_host(together).tolist())


def scatter_add(target: Array, index: Array, values: Array) -> None:
    """Add `values` into ``target[index]`` in place; repeated indices add up.

    `target` is one-dimensional and contiguous, `index` and `values` have equal length. Addition is in
    the order of `values` on the CPU, in no fixed order on the GPU: only sums of whole numbers are the same at
    every run there.
    """
    if isinstance(target, np.ndarray):
        np.add.at(target, index, values)
    else:
        importlib.import_module("cupy").add.at(target, index, values)


def sliding_windows(x: Array, window: tuple[int, int], axis: tuple[int, int], stride: int = 1) -> Array:
    """View every `window` of `x` over the two axes `axis`, `stride` apart.

    Returns a view, to be read only: the two axes shrink to the number of window positions and two axes of the
    window's size are appended.

    Raises
    ------
    ValueError
        If the window is larger than `x`.
    """
    shape, strides = list(x.shape), list(x.strides)
    for a, size in zip(axis, window, strict=True):
        if not 1 <= size <= x.shape[a]:
            raise ValueError(f"a window of {size} does not fit on {x.shape[a]} places")
        shape[a] = (x.shape[a] - size) // stride + 1
        strides[a] *= stride
    form = (*shape, *window), (*strides, *(x.strides[a] for a in axis))
    if isinstance(x, np.ndarray):
        return np.lib.stride_tricks.as_strided(x, *form, writeable=False)
    # CuPy's sliding_window_view looks at the window's size on the GPU and waits for it
    return importlib.import_module("cupy.lib.stride_tricks").as_strided(x, *form)


def synchronize(x: Array) -> None:
    """Wait until the device of `x` has finished its queued work (nothing to wait for on the CPU)."""
    if on_gpu(x):
        importlib.import_module("cupy").cuda.get_current_stream().synchronize()
