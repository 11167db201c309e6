"""``python -m benchmarks``: every piece of work against its peer, side by side."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from benchmarks.harness import Timing, Work, is_asked_for, run_contest
from benchmarks.machine import describe_machine, set_threads
from minircnn.cli.output import note, table

CHAPTERS = (
    "convolution",
    "layers",
    "networks",
    "boxes",
    "proposals",
    "classical",
    "keypoints",
    "heads",
    "training",
    "detection",
    "whole",
    "hog",
)
"""Modules with a function ``works()``, in the order of the report."""

app = App(name="python -m benchmarks", help=__doc__)


@app.default
def main(
    *,
    only: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    threads: int = 2,
    seconds: float = 3.0,
    names: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Time each piece of work against its peer, in turns, in this process.

    Before it is timed, both results are compared. Printed are the median times, their median ratio (below 1:
    faster than the peer), its quartiles, and our rate in operations of the textbook method, as a share of the
    machine's matrix-product peak. Peers that are not installed leave their rows out:
    ``pip install --group bench``.

    Parameters
    ----------
    only
        Rows whose group or name contains one of these words.
    json_file
        Also write everything to this file.
    threads
        For both sides.
    seconds
        For each row, at least.
    names
        List the rows and stop.
    """
    works = [work for work in _all_works() if is_asked_for(_title(work), only)]
    if not works:
        raise SystemExit(f"no row's name contains {' or '.join(only or [])}; see --names")
    if names:
        print("\n".join(_title(work) for work in works))
        return
    set_threads(threads)
    machine = describe_machine(threads)
    peak = machine["peak_gflops"]
    note(f"{machine['processor']}, {threads} threads, {', '.join(machine['blas'])}, {peak:.0f} GFLOP/s")
    rows: list[tuple[Work, Timing]] = []
    for work in works:
        timing = run_contest(work.prepare(), seconds)
        note(f"{_title(work)}: {timing.ratio:.2f} ({timing.agreement})")
        rows.append((work, timing))
    print(_report(rows, peak))
    if json_file is not None:
        results = [
            {"group": work.group, "name": work.name, "peer": work.peer, **asdict(timing)}
            for work, timing in rows
        ]
        json_file.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")


def _all_works() -> list[Work]:
    works: list[Work] = []
    for chapter in CHAPTERS:
        try:
            module = importlib.import_module(f"benchmarks.{chapter}")
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith(("benchmarks", "minircnn")):
                raise
            note(f"{chapter} is left out: {error.name} is not installed (pip install --group bench)")
            continue
        works.extend(module.works())
    return works


def _title(work: Work) -> str:
    return f"{work.group}: {work.name}"


def _report(rows: Sequence[tuple[Work, Timing]], peak: float) -> str:
    lines: list[list[Any]] = []
    for work, timing in rows:
        rate = None if timing.flops is None else timing.flops / timing.ours / 1e9
        lines.append(
            [
                work.group,
                work.name,
                work.peer,
                timing.ours * 1e3,
                timing.theirs * 1e3,
                f"{timing.ratio:.3g}",
                f"{timing.low:.3g} to {timing.high:.3g}",
                "" if rate is None else f"{100 * rate / peak:.0f} %",
            ]
        )
    header = ["work", "case", "peer", "ours ms", "theirs ms", "ratio", "quartiles", "of peak"]
    means = [
        [group, count, f"{mean:.2f}"]
        for group, count, mean in geometric_means([(w.group, t.ratio) for w, t in rows])
    ]
    return f"{table(header, lines)}\n\n{table(['work', 'cases', 'geometric mean of ratios'], means)}"


def geometric_means(ratios: Sequence[tuple[str, float]]) -> list[tuple[str, int, float]]:
    """Return (group, number of rows, geometric mean of their ratios) for every group, in order."""
    groups: dict[str, list[float]] = {}
    for group, ratio in ratios:
        groups.setdefault(group, []).append(math.log(ratio))
    return [(group, len(logs), math.exp(sum(logs) / len(logs))) for group, logs in groups.items()]


if __name__ == "__main__":
    app()
