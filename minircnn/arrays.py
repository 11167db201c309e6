"""Which array library an input belongs to, and the few operations the array API standard lacks.

Everything in minircnn follows its input: NumPy in, NumPy out; CuPy in, CuPy out. There is no
global backend switch. Code that stays inside the `array API standard
<https://data-apis.org/array-api/>`_ only needs :func:`array_namespace`; convolution and pooling
also use the operations below, which NumPy and CuPy share under different names.
"""

from __future__ import annotations

import importlib
import reprlib
from types import ModuleType
from typing import Any, Literal, TypeAlias

import array_api_compat
import numpy as np
import numpy.typing as npt

Array: TypeAlias = Any
"""An array of any library that follows the array API standard (NumPy, CuPy, array-api-strict)."""

HostArray: TypeAlias = npt.NDArray[Any]
"""A NumPy array, in host memory."""

Device: TypeAlias = Literal["cpu", "cuda"]


def array_namespace(*arrays: Array) -> Any:
    """Return the array library all `arrays` belong to, as an array-API-compatible namespace.

    Raises
    ------
    TypeError
        If an argument is no array, or the arrays come from different libraries.
    """
    try:
        return array_api_compat.array_namespace(*arrays)
    except TypeError as error:
        kinds = sorted({f"{type(a).__module__}.{type(a).__name__}" for a in arrays})
        raise TypeError(
            f"expected arrays of one library (NumPy or CuPy), got {', '.join(kinds)}; "
            "convert them with numpy.asarray or cupy.asarray first"
        ) from error


def device_namespace(device: Device) -> ModuleType:
    """Return the module whose arrays live on `device`: NumPy for ``"cpu"``, CuPy for ``"cuda"``.

    Raises
    ------
    RuntimeError
        If ``"cuda"`` is asked for and CuPy is not installed or finds no GPU.
    """
    if device == "cpu":
        return np
    try:
        cupy = importlib.import_module("cupy")
        count = cupy.cuda.runtime.getDeviceCount()
    except ImportError as error:
        raise RuntimeError(
            "device 'cuda' needs CuPy: pip install 'minircnn[cuda]' (or use device 'cpu')"
        ) from error
    except Exception as error:  # CuPy raises its own CUDARuntimeError when no driver is present
        raise RuntimeError(f"device 'cuda': CuPy finds no usable GPU ({error}); use device 'cpu'") from error
    if count == 0:
        raise RuntimeError("device 'cuda': CuPy finds no GPU; use device 'cpu'")
    return cupy


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
    if array_api_compat.is_cupy_array(x):
        host: HostArray = x.get()
        return host
    return np.asarray(x)


def like(values: Array, reference: Array, dtype: Any = None) -> Array:
    """Return host `values` as an array of `reference`'s library, on its device.

    `dtype` defaults to the dtype of `values`.
    """
    if isinstance(reference, np.ndarray):
        return np.asarray(values, dtype=dtype)
    xp = array_namespace(reference)
    return xp.asarray(values, dtype=dtype, device=array_api_compat.device(reference))


def scatter_add(target: Array, index: Array, values: Array) -> None:
    """Add `values` into ``target[index]`` in place; repeated indices add up.

    `target` is one-dimensional and contiguous, `index` and `values` have equal length. Addition is in
    the order of `values` on the CPU, in no fixed order on the GPU.
    """
    if isinstance(target, np.ndarray):
        np.add.at(target, index, values)
    else:
        importlib.import_module("cupyx").scatter_add(target, index, values)


def sliding_windows(x: Array, window: tuple[int, int], axis: tuple[int, int], stride: int = 1) -> Array:
    """View every `window` of `x` over the two axes `axis`, `stride` apart.

    Returns a view: the two axes shrink to the number of window positions and two axes of the
    window's size are appended.
    """
    if isinstance(x, np.ndarray):
        from numpy.lib.stride_tricks import sliding_window_view
    else:
        sliding_window_view = importlib.import_module("cupy.lib.stride_tricks").sliding_window_view
    view = sliding_window_view(x, window, axis=axis)
    steps: list[slice] = [slice(None)] * view.ndim
    for a in axis:
        steps[a] = slice(None, None, stride)
    return view[tuple(steps)]


def synchronize(x: Array) -> None:
    """Wait until the device of `x` has finished its queued work (nothing to wait for on the CPU)."""
    if array_api_compat.is_cupy_array(x):
        importlib.import_module("cupy").cuda.get_current_stream().synchronize()
