"""A profile as people and scripts read it: ``--profile`` of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minircnn.arrays import Device, device_namespace
from minircnn.cli.output import table
from minircnn.profiling import Stage, peak_memory, profiled

_SMALL = 0.005
"""Stages with a smaller share of the whole go into their parent's "other": a table is for reading."""


@contextmanager
def profile_if(wanted: bool, device: Device) -> Iterator[Stage | None]:
    """Record the stages inside the ``with`` statement if that is `wanted`; yield None otherwise."""
    if not wanted:
        yield None
        return
    with profiled(device_namespace(device).empty(1)) as total:
        yield total


def profile_record(total: Stage) -> dict[str, Any]:
    """Return all stages and the peak memory, ready for JSON."""
    return {**total.to_record(), "peak_memory_bytes": peak_memory()}


def profile_table(total: Stage, unit: str) -> str:
    """Lay a profile out as a table.

    Parameters
    ----------
    total : Stage
    unit : str
        A stage: the last column says how long it and those below it take for one of its calls.
    """
    rows = list(_rows(total, 0, total.seconds or 1.0, unit, None))
    lines = [table(["stage", "calls", "seconds", "share %", f"ms per {unit}"], rows)]
    memory = peak_memory()
    if memory is not None:
        lines.append(f"most memory held by this process: {memory / 1e6:,.0f} MB")
    return "\n".join(lines)


def _rows(stage: Stage, depth: int, whole: float, unit: str, units: int | None) -> Iterator[list[Any]]:
    """Yield the row of `stage` and the rows of what lies below; `units` is the number of units it ran in."""
    units = stage.calls if stage.name == unit else units
    yield _row(stage.name, depth, stage.calls, stage.seconds, whole, units)
    large = [child for child in stage.children.values() if child.seconds >= _SMALL * whole]
    for child in large:
        yield from _rows(child, depth + 1, whole, unit, units)
    rest = stage.seconds - sum(child.seconds for child in large)
    if large and rest >= _SMALL * whole:
        yield _row("other", depth + 1, None, rest, whole, units)


def _row(
    name: str, depth: int, calls: int | None, seconds: float, whole: float, units: int | None
) -> list[Any]:
    each = None if units is None else 1e3 * seconds / units
    return ["  " * depth + name, calls, seconds, f"{100 * seconds / whole:7.1f}", each]
