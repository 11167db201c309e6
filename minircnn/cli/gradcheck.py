"""``minircnn gradcheck``."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from cyclopts.validators import Number

from minircnn.arrays import HostArray, device_namespace, like, to_host
from minircnn.cli.errors import CommandFailed
from minircnn.cli.gradient_cases import Case, cases_on
from minircnn.cli.options import DeviceName, Json, Seed
from minircnn.cli.output import note, print_json, table
from minircnn.nn import Module
from minircnn.nn import gradcheck as compare
from minircnn.progress import progress_bar

_STEP = 1e-7  # small, so that next to no activation crosses a kink of ReLU or max pooling on the way
_TOLERANCE = 1e-5
_ROUNDING = {"float64": 1e-10, "float32": 1e-4}
"""How far results of two devices may lie apart, of their largest value: sums are made in another order."""


def gradcheck(
    *,
    elements: Annotated[
        int, Parameter(validator=Number(gte=1), help="At most so many elements of every array are varied.")
    ] = 40,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Check every hand-written gradient against finite differences, in float64.

    Each element is moved a little up and down, and the change of the loss is compared with what `backward`
    says. Covers every layer, every loss, and a whole small Fast R-CNN and Faster R-CNN from the photo to the
    loss. With `--device cuda` all of it runs on the GPU, and outputs and gradients are compared with the
    CPU's as well, in float64 and in float32, in which detectors compute: the proof that this GPU, with this
    CuPy, computes what the CPU does. Ends with exit code 1 if anything differs.

    For example:

        minircnn gradcheck

        minircnn gradcheck --device cuda

    Next: `from minircnn import gradcheck` checks a layer of your own the same way.
    """
    xp = device_namespace(device)
    parts = [] if xp is np else _parts_on_both(xp, seed)
    cases = list(cases_on(xp, np.random.default_rng(seed)))
    reports = {}
    for name, (checked, inputs) in progress_bar(cases, desc="gradients", unit="part", delay=1):
        rng = np.random.default_rng(seed)
        reports[name] = compare(
            checked, *inputs, rng=rng, step=_STEP, tolerance=_TOLERANCE, max_elements=elements
        )
    rows = [
        (name, row.name, row.checked, row.max_error, row.max_error <= report.tolerance)
        for name, report in reports.items()
        for row in report.rows
    ]
    passed = all(report.ok for report in reports.values()) and all(ok for *_, ok in parts)
    if json:
        print_json(_result(passed, rows, parts))
    else:
        cells = [(p, a, n, f"{error:.1e}", _mark(ok)) for p, a, n, error, ok in rows]
        print(table(["part", "gradient of", "checked", "largest error", ""], cells))
        if parts:
            lines = [(part, kind, f"{distance:.1e}", _mark(ok)) for part, kind, distance, ok in parts]
            print("\n" + table(["part", "in", "largest difference from the CPU", ""], lines))
    note(f"{len(reports)} parts, {len(rows)} arrays: " + ("all agree" if passed else "some differ"))
    if not passed:
        raise CommandFailed("a gradient differs, or a result from the CPU's")


def _mark(ok: bool) -> str:
    return "ok" if ok else "WRONG"


def _result(passed: bool, rows: list[Any], parts: list[Any]) -> dict[str, Any]:
    keys = ("part", "array", "checked", "max_error", "ok")
    result: dict[str, Any] = {"ok": passed, "rows": [dict(zip(keys, row, strict=True)) for row in rows]}
    if parts:
        own_keys = ("part", "dtype", "difference", "ok")
        result["from_cpu"] = [dict(zip(own_keys, part, strict=True)) for part in parts]
    return result


def _parts_on_both(xp: Any, seed: int) -> list[tuple[str, str, float, bool]]:
    """Return for every part and dtype how far the library `xp` lies from NumPy, and if that is rounding."""
    rows = []
    for kind, most in _ROUNDING.items():
        own, on_cpu = (list(cases_on(lib, np.random.default_rng(seed), kind)) for lib in (xp, np))
        for (name, case), (_, other) in zip(own, on_cpu, strict=True):
            distance = _distance(case, other)
            rows.append((name, kind, distance, distance <= most))
    return rows


def _distance(case: Case, on_cpu: Case) -> float:
    """Return the largest difference of all a part gives on two devices, as a share of its largest value."""
    worst = 0.0
    for own, other in zip(_outcome(*case), _outcome(*on_cpu), strict=True):
        if own.shape != other.shape:
            return float("inf")
        scale = float(np.abs(other).max(initial=0.0)) or 1.0
        # maximum lets NaN through, as max() would not
        worst = float(np.maximum(worst, np.abs(own - other).max(initial=0.0) / scale))
    return worst


def _outcome(checked: Any, inputs: tuple[Any, ...]) -> list[HostArray]:
    """Return output and gradients of a layer, or value and gradients of a loss."""
    if not isinstance(checked, Module):
        value, gradients = checked(*inputs)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        return [np.asarray(value), *map(to_host, gradients)]
    layer: Any = checked
    layer.train()
    layer.zero_grad()
    y = layer.forward(*inputs)
    # any direction, not the same everywhere
    direction = np.cos(np.arange(to_host(y).size)).reshape(y.shape)
    dx = layer.backward(like(direction, y, dtype=y.dtype))
    gradients = [p.grad for _, p in layer.named_parameters() if p.grad is not None]
    return [to_host(y), *([] if dx is None else [to_host(dx)]), *map(to_host, gradients)]
