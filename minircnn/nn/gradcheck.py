"""Check hand-written gradients against finite differences.

Works on any layer, one's own included, and on functions that return ``(value, gradient)``. The arrays must
be float64: in float32 the differences drown in rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, is_host, like, to_host
from minircnn.nn.checks import require_positive, require_whole
from minircnn.nn.module import Module


@dataclass(frozen=True)
class GradcheckRow:
    """The check of one input or parameter.

    Attributes
    ----------
    name : str
    checked : int
        Number of elements compared.
    max_error : float
        Largest |analytic − numeric| / max(1, |analytic|, |numeric|).
    worst : tuple of int
        Where the largest error is.
    analytic, numeric : float
        The two slopes there.
    """

    name: str
    checked: int
    max_error: float
    worst: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True)
class GradcheckReport:
    """What :func:`gradcheck` found; prints as a table."""

    rows: tuple[GradcheckRow, ...]
    tolerance: float

    @property
    def max_error(self) -> float:
        """The largest error of all."""
        return max((row.max_error for row in self.rows), default=0.0)

    @property
    def ok(self) -> bool:
        """Whether every error is within the tolerance."""
        return all(row.max_error <= self.tolerance for row in self.rows)

    def __str__(self) -> str:
        width = max([len(row.name) for row in self.rows] + [4])
        lines = [f"{'':2} {'name':{width}} {'checked':>8} {'max error':>10}   worst at"]
        for row in self.rows:
            mark = "ok" if row.max_error <= self.tolerance else "✗ "
            where = f"{row.worst}: analytic {row.analytic:.6g}, numeric {row.numeric:.6g}"
            lines.append(f"{mark} {row.name:{width}} {row.checked:8d} {row.max_error:10.1e}   {where}")
        return "\n".join(lines)


def gradcheck(
    layer_or_loss: Module | Callable[..., tuple[float, Any]],
    *inputs: Array,
    rng: np.random.Generator,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    max_elements: int = 200,
) -> GradcheckReport:
    """Compare analytic gradients with central differences.

    Parameters
    ----------
    layer_or_loss : Module or callable
        A layer is checked in training mode through the loss Σ direction · layer(x, ...) with a random
        direction: dLoss/dx of its first input and the gradients of all its trainable parameters. Layers
        with an ``rng`` (Dropout) are given the same random state at every evaluation. A callable returns
        ``(value, gradient with respect to its first argument)``; a tuple of gradients is compared with as
        many arguments.
    *inputs : float64 arrays and whatever else ``forward`` takes
        Only the differentiated ones need be float64. Parameters must be too: ``layer.astype(np.float64)``.
        On the CPU or, with the layer's parameters, on a GPU.
    rng : numpy.random.Generator
        Draws the direction and which elements are checked.
    step : float
        Half the distance of the two evaluations. Keep inputs away from kinks by more than that.
    tolerance : float
        On |analytic − numeric| / max(1, |analytic|, |numeric|).
    max_elements : int
        At most so many elements of each array are checked, chosen at random.

    Raises
    ------
    TypeError
        If a differentiated array or parameter is not float64.
    ValueError
        If `step`, `tolerance` or `max_elements` is not positive.

    Examples
    --------
    >>> from minircnn.nn import Linear, gradcheck
    >>> rng = np.random.default_rng(0)
    >>> layer = Linear(3, 2, rng=rng)
    >>> layer.astype(np.float64)
    >>> gradcheck(layer, rng.standard_normal((4, 3)), rng=rng).ok
    True
    """
    require_positive(step=step, tolerance=tolerance)
    require_whole(1, max_elements=max_elements)
    arguments = [_writable(x) for x in inputs]
    if isinstance(layer_or_loss, Module):
        evaluate, analytic, targets = _prepare_layer(layer_or_loss, arguments, rng)
    else:
        evaluate, analytic, targets = _prepare_loss(layer_or_loss, arguments)
    rows = [
        _compare(name, values, analytic[name], evaluate, rng, step, max_elements)
        for name, values in targets.items()
    ]
    return GradcheckReport(tuple(rows), tolerance)


_Prepared = tuple[Callable[[], float], dict[str, HostArray], dict[str, Array]]
"""The function, its analytic gradients, and the arrays to vary, wherever they live."""


def _writable(x: Array) -> Array:
    """Return a copy of an array, as it is varied in place; anything else as it is."""
    if not array_api_compat.is_array_api_obj(x):
        return x
    return np.array(x) if is_host(x) else array_namespace(x).asarray(x, copy=True)


def _prepare_layer(layer: Any, arguments: list[Any], rng: np.random.Generator) -> _Prepared:
    """Return the scalar function, the analytic gradients and the arrays to vary."""
    layer.train()
    layer.zero_grad()
    generators = [child.rng for child in layer.modules() if getattr(child, "rng", None) is not None]
    states = [generator.bit_generator.state for generator in generators]

    def forward() -> Array:
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state
        return layer.forward(*arguments)

    y = forward()
    direction = like(rng.standard_normal(y.shape), y)
    dx = layer.backward(direction)
    parameters = {name: p for name, p in layer.named_parameters() if p.trainable}
    analytic = {name: _reached(name, p.grad) for name, p in parameters.items()}
    targets = {name: p.data for name, p in parameters.items()}
    if dx is not None:
        analytic["x"], targets["x"] = to_host(dx), arguments[0]
    layer.zero_grad()
    return lambda: float((forward() * direction).sum()), analytic, targets


def _reached(name: str, gradient: Array | None) -> HostArray:
    if gradient is None:
        raise ValueError(f"backward left no gradient in the trainable parameter {name}")
    return to_host(gradient)


def _prepare_loss(loss: Callable[..., tuple[float, Any]], arguments: list[Any]) -> _Prepared:
    """Return the scalar function, the analytic gradients and the arrays to vary."""
    gradients = loss(*arguments)[1]
    if not isinstance(gradients, tuple):
        gradients = (gradients,)
    analytic = {f"argument {i}": to_host(g) for i, g in enumerate(gradients)}
    targets = {f"argument {i}": arguments[i] for i in range(len(gradients))}
    return lambda: float(loss(*arguments)[0]), analytic, targets


def _compare(
    name: str,
    values: Array,
    analytic: HostArray,
    evaluate: Callable[[], float],
    rng: np.random.Generator,
    step: float,
    max_elements: int,
) -> GradcheckRow:
    """Vary elements of `values` in place, one at a time, and compare the slopes."""
    if values.dtype != np.float64:
        raise TypeError(
            f"{name} is {values.dtype}; finite differences need float64 (layer.astype(np.float64))"
        )
    if values.shape != analytic.shape:
        raise ValueError(f"{name} has shape {values.shape}, its gradient {analytic.shape}")
    chosen = rng.permutation(values.size)[:max_elements]
    worst = GradcheckRow(name, len(chosen), 0.0, (), 0.0, 0.0)
    for number in chosen:
        place = tuple(int(i) for i in np.unravel_index(number, values.shape))
        kept = float(values[place])
        values[place] = kept + step
        above = evaluate()
        values[place] = kept - step
        below = evaluate()
        values[place] = kept
        slope, numeric = float(analytic[place]), (above - below) / (2 * step)
        error = abs(slope - numeric) / max(1.0, abs(slope), abs(numeric))
        # `not <=` so that NaN counts as the worst
        if not error <= worst.max_error or not worst.worst:
            worst = GradcheckRow(name, len(chosen), error, place, slope, numeric)
    return worst
