"""What layers, losses and the optimiser check at their door, each rule in one wording."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, as_plain


def require_whole(least: int, **values: Any) -> None:
    """Raise ValueError unless all `values` are whole numbers, at least `least`."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be a whole number, at least {least}, got {value!r}")


def require_finite(least: float, **values: Any) -> None:
    """Raise ValueError unless all `values` are finite numbers, at least `least`."""
    for name, value in values.items():
        if not _is_finite(value) or value < least:
            bound = "" if least == -math.inf else f", at least {least:g}"
            raise ValueError(f"{name} must be a finite number{bound}, got {value!r}")


def require_positive(**values: Any) -> None:
    """Raise ValueError unless all `values` are finite numbers above 0."""
    for name, value in values.items():
        if not _is_finite(value) or not value > 0:
            raise ValueError(f"{name} must be a finite number above 0, got {value!r}")


def require_generator(rng: Any) -> None:
    """Raise TypeError unless `rng` draws random numbers; a seed does not."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be numpy.random.default_rng(seed), got {rng!r}")


_REAL = frozenset("biuf")
"""Truth values, whole numbers and floating-point numbers."""


def require_real(x: Array, what: str) -> None:
    """Raise TypeError or ValueError, naming `what`, unless `x` is an array of real numbers."""
    x = as_plain(x, what)
    kind = getattr(x.dtype, "kind", None)  # NumPy's and CuPy's types have it
    if kind not in _REAL and not (
        kind is None and array_namespace(x).isdtype(x.dtype, ("real floating", "integral", "bool"))
    ):
        raise ValueError(f"{what} must be real numbers, got dtype {x.dtype}")


def require_maps(x: Array, channels: int | None = None) -> None:
    """Raise ValueError unless `x` is (N, C, H, W) with at least one pixel, C being `channels` if given."""
    wanted = "C" if channels is None else channels
    require_real(x, "x")
    if x.ndim != 4 or 0 in x.shape[1:] or channels not in (None, x.shape[1]):
        raise ValueError(f"expected x of shape (N, {wanted}, H, W), got {tuple(x.shape)}")


def require_slopes(dy: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `dy` has the `shape` of what ``forward`` returned."""
    if tuple(dy.shape) != tuple(shape):
        raise ValueError(f"expected dy of shape {tuple(shape)}, as forward returned, got {tuple(dy.shape)}")


def require_weights(values: HostArray, dtype: Any, what: str) -> None:
    """Raise ValueError, naming `what`, unless all `values` are floats and finite as numbers of `dtype`."""
    is_floating = np.issubdtype(values.dtype, np.floating)
    limit = np.finfo(dtype).max
    # two numbers tell, without an array as large as the weights; NaN is below nothing
    if not is_floating or (values.size and not (-limit <= values.min() and values.max() <= limit)):
        raise ValueError(f"{what} ({values.dtype}) is not all finite {np.dtype(dtype)} numbers")


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
