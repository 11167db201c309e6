"""``python -m benchmarks.growth``: time and memory of our pieces of work as one size doubles."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import App, Parameter
from threadpoolctl import threadpool_limits

from benchmarks.growth_runs import Run
from benchmarks.growth_series import Series, series
from benchmarks.harness import is_asked_for
from benchmarks.machine import describe_machine
from minircnn.cli.output import note, table

RUNS = 3
"""Timed runs of each size; the fastest is kept, as other work of the machine only ever adds."""

app = App(name="python -m benchmarks.growth", help=__doc__)


@dataclass(frozen=True)
class Growth:
    """What one series measured.

    Parameters
    ----------
    name, unit, time_order, memory_order : str
        As in the series.
    sizes, seconds, megabytes : list of numbers
    kept_megabytes : list of float
        What the first run of each size left behind for the next ones, and no smaller size had left already.
    time_costs, memory_costs : list of float
        What the two orders say of each size, in units of their own.
    time_exponent, memory_exponent : float
        Slope of log seconds or log megabytes over log size, on the larger half of the sizes.
    expected_time_exponent, expected_memory_exponent : float
        The same slope of the costs.
    """

    name: str
    unit: str
    time_order: str
    memory_order: str
    sizes: list[int]
    seconds: list[float]
    megabytes: list[float]
    kept_megabytes: list[float]
    time_costs: list[float]
    memory_costs: list[float]
    time_exponent: float
    memory_exponent: float
    expected_time_exponent: float
    expected_memory_exponent: float


@app.default
def main(
    *,
    only: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    out: Path | None = None,
    threads: int = 2,
) -> None:
    """Measure how time and memory grow, and compare with the algorithm's own order.

    Printed are the seconds (best of three runs) and megabytes (peak of one run beyond what was held before,
    the result included), and as what power of the size they grow, fitted to the larger half of the sizes,
    each followed by the power of the order itself. A first run may leave something behind for the next ones,
    such as scratch memory or transformed filters; that is counted apart.

    Parameters
    ----------
    only
        Series whose name contains one of these words.
    json_file
        Also write everything to this file.
    out
        Also draw everything, as PNG or SVG.
    threads
        As in ``python -m benchmarks``.
    """
    chosen = [s for s in series() if is_asked_for(s.name, only)]
    if not chosen:
        names = "\n  ".join(s.name for s in series())
        raise SystemExit(f"no series' name contains {' or '.join(only or [])}:\n  {names}")
    threadpool_limits(threads)
    machine = describe_machine(threads)
    note(f"{machine['processor']}, {threads} threads, {', '.join(machine['blas'])}")
    growths = []
    for one in chosen:
        note(one.name)
        growths.append(measure(one))
    print(report(growths))
    if json_file is not None:
        payload = {"machine": machine, "series": [asdict(growth) for growth in growths]}
        json_file.write_text(json.dumps(payload, indent=2) + "\n")
    if out is not None:
        from benchmarks.plots import draw_growth
        from minircnn.viz.style import save_figure

        save_figure(draw_growth([asdict(growth) for growth in growths]), out)


def measure(series: Series) -> Growth:
    """Run every size of `series` twice for its memory, then `RUNS` times for its time."""
    seconds, megabytes, kept, costs = [], [], [], []
    for size in series.sizes:
        run = series.prepare(size)
        result, _, left = _memory(run)
        costs.append((series.time.cost(size, result), series.memory.cost(size, result)))
        del result
        kept.append(left / 1e6)
        megabytes.append(_memory(run)[1] / 1e6)
        seconds.append(min(_seconds(run) for _ in range(RUNS)))
    time_costs, memory_costs = (list(column) for column in zip(*costs, strict=True))
    return Growth(
        series.name,
        series.unit,
        series.time.text,
        series.memory.text,
        list(series.sizes),
        seconds,
        megabytes,
        kept,
        time_costs,
        memory_costs,
        *(exponent(series.sizes, y) for y in (seconds, megabytes, time_costs, memory_costs)),
    )


def _memory(run: Run) -> tuple[Any, int, int]:
    """Return the result of one run, the most bytes it held at a time, and those left besides the result.

    NumPy reports its arrays to tracemalloc.
    """
    tracemalloc.start()
    try:
        result = run()
        held, peak = tracemalloc.get_traced_memory()
        return result, peak, held - _bytes(result)
    finally:
        tracemalloc.stop()


def _bytes(result: Any) -> int:
    """Return the bytes of a result that is an array; others are small."""
    return int(getattr(result, "nbytes", 0))


def _seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the power of the size as which `values` grow: the slope in logarithms over the larger half."""
    half = len(sizes) // 2  # of an odd number the middle one counts as large
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])


def report(growths: Sequence[Growth]) -> str:
    """Return the table: the first and last of sizes, seconds and megabytes; powers measured and expected."""
    rows = [
        [
            g.name,
            f"{g.sizes[0]:,} to {g.sizes[-1]:,} {g.unit}",
            f"{g.seconds[0]:.3g} to {g.seconds[-1]:.3g}",
            f"{g.megabytes[0]:.3g} to {g.megabytes[-1]:.3g}",
            f"{max(g.kept_megabytes):.3g}",
            f"{g.time_exponent:.2f} ({g.expected_time_exponent:.2f})",
            f"{round(g.memory_exponent, 2) + 0:.2f} ({g.expected_memory_exponent:.2f})",
            g.time_order,
            g.memory_order,
        ]
        for g in growths
    ]
    header = [
        "work",
        "sizes",
        "seconds",
        "MB",
        "kept MB",
        "power of time (own)",
        "of memory (own)",
        "order",
        "of memory",
    ]
    return table(header, rows)


if __name__ == "__main__":
    app()
