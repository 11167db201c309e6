"""The picture of an experiment: its first figure row by row, ours beside the paper's, or along a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.viz.curves import plain_axes
from minircnn.viz.style import INK, LEGEND_SIZE, legend_entry, line_colour, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAPER = "#888888"
_LEGEND: dict[str, Any] = {"frameon": False, "fontsize": LEGEND_SIZE, "labelcolor": INK}
_WIDE = 10.0
"""From such a ratio of the largest to the smallest on, places are set apart by their logarithms."""


def draw_experiment(table: Mapping[str, Any], title: str = "", x_title: str = "") -> Figure:
    """Draw the first column of a table: bars, or points over `x_title` where the rows are a sweep.

    Parameters
    ----------
    table : mapping
        A result, or the times, of :func:`minircnn.experiments.run_experiment`.
    title : str
    x_title : str
        Of the axis that the rows' `x` lie on; empty: bars.
    """
    column = table["columns"][0]
    rows = [row for row in table["rows"] if column["name"] in row["values"]]
    if x_title:
        return _sweep(rows, column, title, x_title)
    return _bars(rows, column, title)


def _bars(rows: Sequence[Any], column: Mapping[str, Any], title: str) -> Figure:
    """Draw a bar a row with the value of each seed as a point, and the paper's figure as a mark."""
    name = column["name"]
    figure = new_figure(8.6, 1.3 + 0.42 * max(1, len(rows)))
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, column["title"], "", title)
    places = np.arange(len(rows))
    ax.barh(places, [row["values"][name]["mean"] for row in rows], 0.62, color=line_colour(5), label="here")
    for place, row in zip(places, rows, strict=True):
        each = row["values"][name]["each"]
        ax.plot(each, [place] * len(each), "o", color=INK, markersize=3.5)
    pairs = zip(places, rows, strict=True)
    theirs = [(p, row["published"][name]) for p, row in pairs if name in row["published"]]
    if theirs:
        ax.plot(
            [x for _, x in theirs],
            [p for p, _ in theirs],
            "D",
            color=_PAPER,
            markersize=7,
            label="paper, on its own photos",
        )
        figure.legend(loc="outside lower center", ncols=2, **_LEGEND)
    ax.set_yticks(places, [literal(row["title"]) for row in rows])
    ax.invert_yaxis()
    return figure


def _sweep(rows: Sequence[Any], column: Mapping[str, Any], title: str, x_title: str) -> Figure:
    """Draw means with their spread along x, each seed as a point, and the paper's figures."""
    name = column["name"]
    rows = sorted((row for row in rows if row["x"] is not None), key=lambda row: row["x"])
    figure = new_figure(7.6, 4.4)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, x_title, column["title"], title)
    x = [row["x"] for row in rows]
    means = [row["values"][name]["mean"] for row in rows]
    spreads = [row["values"][name]["spread"] or 0.0 for row in rows]
    ax.errorbar(x, means, spreads, fmt="o-", color=line_colour(0), capsize=4, linewidth=2, label="here")
    for place, row in zip(x, rows, strict=True):
        each = row["values"][name]["each"]
        ax.plot([place] * len(each), each, ".", color=INK, markersize=4)
    theirs = [(row["x"], row["published"][name]) for row in rows if name in row["published"]]
    if theirs:
        ax.plot(*zip(*theirs, strict=True), "D--", color=_PAPER, label="paper, on its own photos")
        figure.legend(loc="outside lower center", ncols=2, **_LEGEND)
    _spread_out(ax, x)
    return figure


def draw_experiment_curves(result: Mapping[str, Any], titles: tuple[str, str], title: str = "") -> Figure:
    """Draw the curves of every row and seed: one colour a row, one line style a curve's name.

    Raises
    ------
    ValueError
        If no row has a curve.
    """
    curves = {name: each for name, each in result["curves"].items() if any(each)}
    if not curves:
        raise ValueError(f"{result['experiment']} has no curves")
    rows = {row["name"]: row["title"] for row in result["rows"]}
    names = sorted({name for each in curves.values() for record in each for name in record})
    columns, lines = min(2, len(names)), -(-len(names) // 2)
    beside = 0.6 + 0.09 * max(len(rows[row]) for row in curves)  # inches of the legend
    figure = new_figure(4.6 * columns + beside, max(3.8 * lines, 0.8 + 0.21 * len(curves)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes, names, strict=False):
        plain_axes(ax, titles[0], titles[1], name if len(names) > 1 else title)
        for number, (row, each) in enumerate(curves.items()):
            _plot_seeds(ax, [record[name] for record in each if name in record], number, rows[row])
        _spread_out(ax, [x for line in ax.lines for x in np.asarray(line.get_xdata())])
    shown = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    figure.legend(shown.values(), shown.keys(), loc="outside right center", **_LEGEND)
    return figure


def _spread_out(ax: Axes, x: Sequence[float]) -> None:
    """Set places apart by their logarithms where most of them would lie in a corner."""
    if x and min(x) > 0 and max(x) / min(x) >= _WIDE:
        ax.set_xscale("log")


def _plot_seeds(ax: Axes, each: Sequence[Any], number: int, label: str) -> None:
    for seed, points in enumerate(each):
        ax.plot(
            *zip(*points, strict=True),
            color=line_colour(number),
            linestyle=("-", "--", ":", "-.")[number // 7 % 4],
            linewidth=1.6,
            marker="o" if len(points) == 1 else None,
            alpha=1.0 if len(each) == 1 else 0.6,
            label=legend_entry(label) if seed == 0 else None,
        )
