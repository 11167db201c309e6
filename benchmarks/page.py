"""What ``docs/speed.md`` says of the measurements: Markdown made of the JSON files alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.__main__ import geometric_means

FOLDER = Path(__file__).parent
DIFFERENCE = re.compile(r"within \S+")
"""How :func:`benchmarks.harness.close_to` puts it."""

Entry = Mapping[str, Any]


def load(name: str) -> Any:
    """Return what ``benchmarks/NAME.json`` holds."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def machine_table(machine: Entry) -> str:
    """Return a table of the machine and the versions."""
    versions = [f"{name} {version}" for name, version in machine["versions"].items() if version]
    rows = [
        ["processor", machine["processor"]],
        ["cores, threads for either side", f"{machine['cores']}, {machine['threads']}"],
        ["memory", f"{machine['memory_gib']:.0f} GiB"],
        ["system", f"{machine['system']}, Python {machine['python']}"],
        ["BLAS and its kernel", "; ".join(machine["blas"])],
        ["versions", ", ".join(versions)],
        ["float32 matrix products, measured", f"{machine['peak_gflops']:.0f} GFLOP/s"],
        ["copying memory, one thread", f"{machine['copy_gb_per_s']:.0f} GB/s"],
        ["a call into NumPy", f"{machine['call_us']:.2f} µs"],
        ["sharing two empty pieces between threads", f"{machine['handover_us']:.0f} µs"],
    ]
    return _markdown(rows[0], rows[1:], "ll")


def means_table(results: Sequence[Entry]) -> str:
    """Return a table of the groups: peer, number of cases, geometric mean of the ratios."""
    rows = [
        [
            _title(group),
            ", ".join(dict.fromkeys(r["peer"] for r in results if r["group"] == group)),
            str(count),
            f"**{mean:.2f}**",
        ]
        for group, count, mean in means(results)
    ]
    return _markdown(["work", "peer", "cases", "ours / theirs"], rows, "llrr")


def group_tables(results: Sequence[Entry], machine: Entry) -> str:
    """Return a heading and a table for every group, with what bounds its cases as far as it was counted."""
    return "\n\n".join(_group(group, mean, results, machine) for group, _, mean in means(results))


def _group(group: str, mean: float, results: Sequence[Entry], machine: Entry) -> str:
    own = [r for r in results if r["group"] == group]
    known = {name: [share(r, machine) for r in own] for name, share in SHARES.items()}
    shown = {name: shares for name, shares in known.items() if any(share is not None for share in shares)}
    header = ["case", "ours", "theirs", "ratio", "quartiles", *shown]
    rows = []
    for number, r in enumerate(own):
        row = [r["name"], duration(r["ours"]), duration(r["theirs"]), f"**{ratio(r['ratio'])}**"]
        row.append(f"{ratio(r['low'])} to {ratio(r['high'])}")
        row += [_percent(shares[number]) for shares in shown.values()]
        rows.append(row)
    peers = ", ".join(dict.fromkeys(r["peer"] for r in own))
    text = f"Against {peers}; geometric mean **{mean:.2f}**; {_agreement(own)}."
    return f"### {_title(group)}\n\n{text}\n\n{_markdown(header, rows, 'lrrrr' + 'r' * len(shown))}"


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1g} %"


def _agreement(results: Sequence[Entry]) -> str:
    """Return what the checks said, the differences of arrays as their largest."""
    said = dict.fromkeys(r["agreement"] for r in results)
    differences = [float(text.removeprefix("within ")) for text in said if DIFFERENCE.fullmatch(text)]
    others = [text for text in said if text != "identical" and not DIFFERENCE.fullmatch(text)]
    worst = max(differences, default=0.0)
    if worst > 0:
        others.insert(0, f"results agree within {worst:.0e} of their largest value")
    return "; ".join(others) or "results are identical"


def share_of_peak(result: Entry, machine: Entry) -> float | None:
    """Return our rate, in operations of the textbook method, as a share of the matrix-product peak."""
    if not result.get("flops"):
        return None
    return float(result["flops"] / (machine["peak_gflops"] * 1e9) / result["ours"])


def share_of_copying(result: Entry, machine: Entry) -> float | None:
    """Return how much of our time copying takes as many bytes as must be read and written."""
    if not result.get("moved"):
        return None
    return float(result["moved"] / 2 / (machine["copy_gb_per_s"] * 1e9) / result["ours"])


def share_of_calls(result: Entry, machine: Entry) -> float | None:
    """Return how much of our time as many calls take that have nothing to do."""
    if not result.get("calls"):
        return None
    return float(result["calls"] * machine["call_us"] * 1e-6 / result["ours"])


SHARES: Mapping[str, Callable[[Entry, Entry], float | None]] = {
    "of peak": share_of_peak,
    "of copying": share_of_copying,
    "calls": share_of_calls,
}
"""What may bound a case, by the head of its column."""


def means(results: Sequence[Entry]) -> list[tuple[str, int, float]]:
    """Return (group, cases, geometric mean) of every group, in order."""
    return geometric_means([(r["group"], r["ratio"]) for r in results])


def peers_only(results: Sequence[Entry]) -> list[Entry]:
    """Return the results without those where one of our detectors runs against the other."""
    return [r for r in results if "ours" not in r["peer"]]


def bounds(results: Sequence[Entry], machine: Entry) -> str:
    """Return where we stand, group by group, and which cases the peer does faster."""
    compared = peers_only(results)
    slower = [r for r in compared if r["ratio"] > 1]
    behind = [f"{group} ({mean:.2f})" for group, _, mean in means(compared) if mean > 1]
    lines = [
        f"{len(compared) - len(slower)} of {len(compared)} cases are done faster than by the peer. "
        + (
            f"On the whole group the peer is ahead in {', '.join(behind)}."
            if behind
            else "So is every group."
        )
    ]
    if slower:
        lines.append("Where the peer is ahead:\n")
        lines += [
            f"- {r['group']}, {r['name']}: {ratio(r['ratio'])} (quartiles {ratio(r['low'])} to "
            f"{ratio(r['high'])}), {duration(r['ours'])} against {duration(r['theirs'])}"
            for r in slower
        ]
        lines.append("")
    lines += [
        _range(
            compared, machine, "of peak", "Matrix products bound what has a share of the peak in its table"
        ),
        _range(compared, machine, "of copying", "Of the time, copying the least bytes would take"),
        _range(compared, machine, "calls", "And as many calls with nothing to do"),
    ]
    return "\n".join(line for line in lines if line is not None)


def _range(results: Sequence[Entry], machine: Entry, column: str, text: str) -> str | None:
    """Return a sentence with the least and the largest share of a column."""
    shares = [(share, r) for r in results if (share := SHARES[column](r, machine)) is not None]
    if not shares:
        return None
    ends = [f(shares, key=lambda pair: pair[0]) for f in (min, max)]
    least, most = (f"{_percent(share)} ({r['group']}, {r['name']})" for share, r in ends)
    return f"{text}: from {least} to {most}."


def two_processors(newest: Entry, earlier: Entry) -> str:
    """Return a table of the groups on two processors, over the cases that were measured on both."""
    return _side_by_side(newest, earlier, _processor)


def two_numbers_of_threads(newest: Entry, other: Entry) -> str:
    """Return a table of the groups with two numbers of threads, over the cases that both measured."""
    return _side_by_side(newest, other, _threads)


def _side_by_side(one: Entry, other: Entry, head: Callable[[Entry], str]) -> str:
    """Return a table of the groups in two measurements, over the cases that are in both."""
    ratios = [{(r["group"], r["name"]): r["ratio"] for r in peers_only(m["results"])} for m in (one, other)]
    shared = [case for case in ratios[0] if case in ratios[1]]
    left, right = (geometric_means([(case[0], of[case]) for case in shared]) for of in ratios)
    rows = [
        [_title(group), str(count), f"{here:.2f}", f"{there:.2f}"]
        for (group, count, here), (_, _, there) in zip(left, right, strict=True)
    ]
    return _markdown(["work", "cases", *(head(m["machine"]) for m in (one, other))], rows, "lrrr")


def _threads(machine: Entry) -> str:
    count = machine["threads"]
    return "one thread" if count == 1 else f"{count} threads"


def _processor(machine: Entry) -> str:
    kernel = machine["blas"][-1].split()[-1]
    return f"{machine['processor']}, {kernel} kernels, {machine['peak_gflops']:.0f} GFLOP/s"


def accuracy_table(measured: Entry) -> str:
    """Return what each training took until its mean average precision was as asked, seed by seed."""
    header = ["seed", "by", "updates", "seconds", "of the processor", "mAP"]
    rows = []
    for training in measured["trainings"]:
        updates, seconds, cpu_seconds, found = training["looks"][-1]
        goal = "" if found >= measured["goal"] else ", not reached"
        rows.append(
            [
                str(training["seed"]),
                training["name"],
                f"{updates:,}{goal}",
                f"{seconds:.0f}",
                f"{cpu_seconds:.0f}",
                f"{found:.3f}",
            ]
        )
    return _markdown(header, rows, "llrrrr")


def pace(measured: Entry) -> str:
    """Return how our time for an update stands to theirs, over all seeds."""
    spent: dict[str, list[float]] = {}
    for training in measured["trainings"]:
        updates, seconds, cpu_seconds, _ = training["looks"][-1]
        sums = spent.setdefault(training["name"], [0.0, 0.0, 0.0])
        spent[training["name"]] = [a + b for a, b in zip(sums, (updates, seconds, cpu_seconds), strict=True)]
    (ours, *mine), (theirs, *other) = spent.values()
    wall, cpu = (a / ours / (b / theirs) for a, b in zip(mine, other, strict=True))
    names = list(spent)
    return (
        f"An update takes {names[0]} **{wall:.2f}** times as long as {names[1]}, "
        f"and {cpu:.2f} times the seconds of the processor."
    )


def launches_table(pieces: Sequence[Entry]) -> str:
    """Return how many kernels each piece of work launches on a GPU, and how often the host waits for it."""
    rows = [[p["piece"], f"{p['launches']:,}", str(p["waits"])] for p in pieces]
    return _markdown(["work", "kernels launched", "waits"], rows, "lrr")


def gpu_table(results: Sequence[Entry]) -> str:
    """Return what each piece of work takes on a GPU, beside PyTorch there and ourselves on the processor."""
    header = ["work", "ours", "PyTorch", "ratio", "PyTorch, TF32", "ours on the processor"]
    rows = [
        [
            result["name"],
            *(duration(result[side]) for side in ("ours", "theirs")),
            f"**{ratio(result['ratio'])}**",
            *(duration(result[side]) for side in ("tf32", "cpu")),
        ]
        for result in results
    ]
    return _markdown(header, rows, "lrrrrr")


def gpu_machine(machine: Entry) -> str:
    """Return in a sentence what the GPU is, and what it does at most."""
    products, copies = machine["gpu_peak_gflops"] / 1e3, machine["gpu_copy_gb_per_s"] / 1e3
    return (
        f"{machine['gpu']}, CuPy {machine['cupy']}, PyTorch {machine['versions']['torch']}; "
        f"beside it {machine['cores']} cores ({machine['processor']}). "
        f"Products of float32 ran at {products:.0f} TFLOP/s, copies at {copies:.1f} TB/s. "
        f"To start a kernel took the host {machine['launch_us']:.0f} µs, to wait {machine['wait_us']:.0f} µs."
    )


def growth_table(growths: Sequence[Entry]) -> str:
    """Return the table of all series: both ends of size, time and memory; powers, with the order's own."""
    header = [
        "work",
        "sizes",
        "time",
        "MB",
        "kept MB",
        "power of time",
        "of memory",
        "order of time",
        "of memory",
    ]
    rows = [
        [
            g["name"],
            f"{g['sizes'][0]:,} to {g['sizes'][-1]:,} {g['unit']}",
            f"{duration(g['seconds'][0])} to {duration(g['seconds'][-1])}",
            f"{g['megabytes'][0]:.3g} to {g['megabytes'][-1]:.3g}",
            f"{max(g['kept_megabytes']):.0f}",
            _powers(g["time_exponent"], g["expected_time_exponent"]),
            _powers(g["memory_exponent"], g["expected_memory_exponent"]),
            g["time_order"],
            g["memory_order"],
        ]
        for g in growths
    ]
    return _markdown(header, rows, "llrrrrrll")


def steeper(growths: Sequence[Entry], margin: float = 0.1) -> str:
    """Return which series grow faster than their own order, by more than `margin` in the power."""
    found = [
        f"{key} of {g['name']} ({_powers(g[f'{key}_exponent'], g[f'expected_{key}_exponent'])})"
        for key in ("time", "memory")
        for g in growths
        if g[f"{key}_exponent"] > g[f"expected_{key}_exponent"] + margin
    ]
    if not found:
        return f"No power is above its own order's by more than {margin:g}."
    return f"Above their own order's by more than {margin:g} are the powers of: {', '.join(found)}."


def _powers(measured: float, own: float) -> str:
    return f"**{round(measured, 2) + 0:.2f}** ({round(own, 2) + 0:.2f})"  # + 0: no minus before a zero


def duration(seconds: float) -> str:
    """Return a duration of three digits with its unit."""
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"
    return f"{1e3 * seconds:.3g} ms" if seconds < 0.1 else f"{1e3 * seconds:.0f} ms"


def ratio(value: float) -> str:
    """Return a ratio of two decimals, more where it is small."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _title(group: str) -> str:
    return group[:1].upper() + group[1:]


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a Markdown table; `align` has l or r for each column."""
    marks = ["---:" if a == "r" else "---" for a in align]
    lines = [header, marks, *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
