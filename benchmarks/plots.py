"""Draw the measurements: how time and memory grow, and all ratios to the peers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minircnn.viz.curves import plain_axes
from minircnn.viz.style import GRID, INK, LEGEND_SIZE, PANEL_TITLE_SIZE, line_colour, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
ORDER = "#888888"
FASTER, SLOWER = line_colour(0), line_colour(1)


def draw_growth(growths: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw one small plot per series, log–log: seconds above megabytes, a thin line for their own order.

    Parameters
    ----------
    growths : sequence of mappings
        The entries of ``"series"`` that ``python -m benchmarks.growth --json`` writes.
    """
    rows = max(-(-len(growths) // COLUMNS), 1)
    figure = new_figure(3.2 * COLUMNS, 3.1 * rows)
    figure.set_layout_engine("constrained", h_pad=0.03, w_pad=0.06)
    cells = figure.add_gridspec(rows, COLUMNS, hspace=0.12)
    for i, growth in enumerate(growths):
        cell = cells[divmod(i, COLUMNS)].subgridspec(2, 1)
        lower = figure.add_subplot(cell[1])
        upper = figure.add_subplot(cell[0], sharex=lower)
        _curve(upper, growth, "seconds", "time_costs", FASTER)
        _curve(lower, growth, "megabytes", "memory_costs", SLOWER)
        upper.tick_params(labelbottom=False)
        upper.set_title(_wrapped(growth["name"]), size=PANEL_TITLE_SIZE, weight="bold", color=INK)
        lower.set_xlabel(growth["unit"] + "\n", size=LEGEND_SIZE, color=INK)  # an empty line apart
    return figure


def _curve(ax: Axes, growth: Mapping[str, Any], quantity: str, costs: str, colour: str) -> None:
    sizes, values, cost = growth["sizes"], growth[quantity], growth[costs]
    plain_axes(ax, "", "")
    ax.set(xscale="log", yscale="log")
    order = [values[-1] * c / cost[-1] for c in cost]  # through the last point
    ax.plot(sizes, order, color=ORDER, linewidth=1.0)
    ax.plot(sizes, values, color=colour, linewidth=2.0, marker="o", markersize=4.5)
    low, high = min(*values, *order), max(*values, *order)
    decades = max(math.log10(high / low) + 0.4, 2.0)  # so that two powers of ten are labelled
    margin = 10 ** ((decades - math.log10(high / low)) / 2)
    low, high = low / margin, high * margin
    ax.set_ylim(low, high)
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    names = [_seconds(p) if quantity == "seconds" else _megabytes(p) for p in powers]
    ax.set_yticks([10.0**p for p in powers], names)
    shown = [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
    ax.set_xticks(shown, [str(n) if n < 1000 else f"{n / 1000:.3g}k" for n in shown])
    ax.minorticks_off()


def _wrapped(name: str) -> str:
    """Return a title of at most the panel's width: what follows the comma goes to a second line."""
    return name if len(name) < 28 else name.replace(", ", ",\n", 1)


def _seconds(power: int) -> str:
    return f"{10.0 ** (power + 3):g} ms" if power < 0 else f"{10.0**power:g} s"


def _megabytes(power: int) -> str:
    return f"{10.0**power:g} MB" if power < 3 else f"{10.0 ** (power - 3):g} GB"


def draw_ratios(results: Sequence[Mapping[str, Any]], means: Mapping[str, float]) -> Figure:
    """Draw every ratio as a dot on a logarithmic axis, a line per group, with its quartiles.

    Parameters
    ----------
    results : sequence of mappings
        The entries of ``"results"`` that ``python -m benchmarks --json`` writes.
    means : mapping of str to float
        The geometric mean of each group, drawn as a bar across its line.
    """
    groups = list(means)
    figure = new_figure(7.6, 1.1 + 0.36 * max(len(groups), 1))
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "our time / the peer's time", "")
    ax.set_xscale("log")
    ax.axvline(1, color=INK, linewidth=1.2)
    for y, group in enumerate(groups):
        rows = sorted((r for r in results if r["group"] == group), key=lambda r: r["ratio"])
        for i, row in enumerate(rows):
            place = y + (i - (len(rows) - 1) / 2) * min(0.11, 0.6 / len(rows))
            colour = FASTER if row["ratio"] < 1 else SLOWER
            ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.2, alpha=0.5)
            ax.plot(row["ratio"], place, "o", color=colour, markersize=5.5, markeredgewidth=0)
        ax.plot([means[group]] * 2, [y - 0.38, y + 0.38], color=INK, linewidth=2.0)
    ax.set_yticks(range(len(groups)), groups)
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ends = [value for row in results for value in (row["low"], row["high"])]
    low, high = min([0.5, *ends]) / 1.15, max([2.0, *ends]) * 1.15
    ticks = [f * 10.0**p for p in range(-4, 5) for f in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xlim(low, high)
    ax.spines["left"].set_color(GRID)
    return figure
