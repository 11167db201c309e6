"""Curves and bars: training losses, precision against recall, figures per class and counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray
from minircnn.viz.style import (
    GRID,
    INK,
    LEGEND_SIZE,
    PANEL_TITLE_SIZE,
    TITLE_SIZE,
    legend_entry,
    line_colour,
    literal,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_IN_ONE_PLOT = 7  # curves that stay distinguishable; more get one small plot each


def plain_axes(ax: Axes, xlabel: str, ylabel: str, title: str = "") -> None:
    """Give `ax` a light grid, no frame and readable text."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GRID)
    ax.grid(True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(colors=INK, labelsize=LEGEND_SIZE, length=0)
    ax.set_xlabel(literal(xlabel), size=PANEL_TITLE_SIZE, color=INK)
    ax.set_ylabel(literal(ylabel), size=PANEL_TITLE_SIZE, color=INK)
    if title:
        ax.set_title(literal(title), size=TITLE_SIZE, weight="bold", color=INK, loc="left")


def smooth(values: FloatArray, window: int) -> FloatArray:
    """Return the centred running mean of `values` (n,) over `window`; the ends average what is there."""
    if len(values) == 0 or window <= 1:
        return values
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    index = np.arange(len(values))
    low = np.maximum(index - window // 2, 0)
    high = np.minimum(index + (window + 1) // 2, len(values))
    mean: FloatArray = (total[high] - total[low]) / (high - low)
    return mean


def draw_loss_curves(
    curves: Mapping[str, tuple[Array, Array]],
    title: str = "",
    *,
    window: int | None = None,
    ylabel: str = "loss",
) -> Figure:
    """Draw training losses: each raw value faint, the running mean on top.

    Parameters
    ----------
    curves : mapping of str to (iterations, values)
        Two (n,) arrays per named loss.
    title : str
    window : int, optional
        Values in the running mean. Default: a fortieth of the longest curve, at least 1.
    ylabel : str

    Raises
    ------
    ValueError
        If the two arrays of a curve differ in length.
    """
    figure = new_figure(7.2, 4.2)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "iteration", ylabel, title or "Training loss")
    plot_losses(ax, curves, window)
    return figure


def plot_losses(ax: Axes, curves: Mapping[str, tuple[Array, Array]], window: int | None = None) -> None:
    """Draw the curves of :func:`draw_loss_curves` into `ax`."""
    longest = max((len(to_host(values)) for _, values in curves.values()), default=0)
    span = max(longest // 40, 1) if window is None else window
    for i, (name, (iterations, values)) in enumerate(curves.items()):
        x, y = np.asarray(to_host(iterations)), np.asarray(to_host(values), dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1:
            raise ValueError(f"curve {name}: {x.shape} iterations, {y.shape} values")
        colour = line_colour(i)
        if span > 1:
            ax.plot(x, y, color=colour, alpha=0.22, linewidth=1.0, gid="raw")
        marker = "o" if len(x) == 1 else ""
        ax.plot(x, smooth(y, span), color=colour, linewidth=2.4, label=legend_entry(name), marker=marker)
    ax.set_ylim(bottom=0)
    if curves:
        ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK)


def draw_precision_recall(curves: Mapping[str, tuple[Array, Array, float | None]], title: str = "") -> Figure:
    """Draw precision against recall, one curve per class, best average precision first.

    Up to seven classes share one plot; more get a small plot each.

    Parameters
    ----------
    curves : mapping of str to (recall, precision, average precision)
        Two (n,) arrays in [0, 1] and the average precision, None for a class without ground truth.
    title : str
        Default: the mean average precision of the classes that have one.
    """
    known = [ap for _, _, ap in curves.values() if ap is not None]
    mean = f"mAP {np.mean(known):.3f}" if known else "no class has ground truth"
    heading = title or f"Precision and recall, {mean}"
    ranked = sorted(curves.items(), key=lambda item: -1.0 if item[1][2] is None else item[1][2], reverse=True)
    if len(ranked) > _MAX_IN_ONE_PLOT:
        return _small_plots(ranked, heading)
    figure = new_figure(7.2, 4.8)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "recall", "precision", heading)
    ax.set(xlim=(0, 1.02), ylim=(0, 1.04))
    for i, (name, (recall, precision, ap)) in enumerate(ranked):
        label = f"{name}: no ground truth" if ap is None else f"{name}: AP {ap:.3f}"
        colour = line_colour(i)
        ax.plot(to_host(recall), to_host(precision), color=colour, linewidth=2.4, label=legend_entry(label))
    if ranked:
        ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="lower left")
    return figure


def _small_plots(ranked: list[tuple[str, tuple[Array, Array, float | None]]], heading: str) -> Figure:
    """Draw each curve in a plot of its own, all with the same axes, its area filled."""
    columns = min(5, len(ranked))
    rows = -(-len(ranked) // columns)
    figure = new_figure(13.0, 0.9 + 2.1 * rows)
    figure.set_layout_engine("constrained")
    figure.suptitle(literal(heading), size=TITLE_SIZE, weight="bold", color=INK)
    for i, (name, (recall, precision, ap)) in enumerate(ranked):
        ax = figure.add_subplot(rows, columns, i + 1)
        last_row, first_column = i + columns >= len(ranked), i % columns == 0
        plain_axes(ax, "recall" if last_row else "", "precision" if first_column else "")
        title = literal(f"{name}  {'–' if ap is None else f'{ap:.2f}'}")
        ax.set_title(title, size=PANEL_TITLE_SIZE, color=INK)
        ax.set(xlim=(0, 1.02), ylim=(0, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        x, y = to_host(recall), to_host(precision)
        ax.fill_between(x, y, color=line_colour(0), alpha=0.15, linewidth=0)
        ax.plot(x, y, color=line_colour(0), linewidth=1.8)
    return figure


def draw_bars(
    series: Mapping[str, Mapping[str, float | None]], title: str = "", *, xlabel: str = "", digits: int = 2
) -> Figure:
    """Draw horizontal bars with their values, e.g. the average precision per class of two detectors.

    Parameters
    ----------
    series : mapping of str to mapping of str to float or None
        ``{detector: {class: value}}``; None (or a missing class) is written as absent.
    title, xlabel : str
    digits : int
        Decimals written behind each bar.
    """
    rows = list(dict.fromkeys(name for values in series.values() for name in values))
    thickness = 0.8 / max(len(series), 1)
    figure = new_figure(7.2, 1.4 + 0.3 * max(len(rows), 1) * max(len(series), 1) ** 0.75)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, xlabel, "", title)
    ax.grid(False, axis="y")
    centres = np.arange(len(rows), dtype=float)
    for i, (name, values) in enumerate(series.items()):
        y = centres + (i - (len(series) - 1) / 2) * thickness
        known = [values.get(row) for row in rows]
        lengths = [0.0 if v is None else float(v) for v in known]
        colour = line_colour(i)
        bars = ax.barh(y, lengths, height=thickness * 0.9, color=colour, label=legend_entry(name))
        texts = ["absent" if v is None else f"{v:.{digits}f}" for v in known]
        ax.bar_label(bars, labels=texts, padding=3, color=INK, fontsize=LEGEND_SIZE)
    ax.set_yticks(centres, [literal(row) for row in rows])
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    ax.margins(x=0.1)
    if len(series) > 1:
        figure.legend(
            frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="outside lower center", ncols=4
        )
    return figure


def draw_sliding_window(
    counts: Mapping[str, float], title: str = "", *, xlabel: str = "windows per photo"
) -> Figure:
    """Draw numbers of windows on a logarithmic scale: every rectangle, a sliding window, proposals.

    Parameters
    ----------
    counts : mapping of str to number
        Positive counts by name, drawn in the given order.
    title, xlabel : str

    Raises
    ------
    ValueError
        If a count is not positive: it has no place on a logarithmic scale.
    """
    for name, count in counts.items():
        if not count > 0:
            raise ValueError(f"count of {name} must be positive, got {count}")
    figure = new_figure(7.2, 1.4 + 0.5 * max(len(counts), 1))
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, xlabel, "", title or "How many windows must be judged?")
    ax.grid(False, axis="y")
    ax.set_xscale("log")
    centres = np.arange(len(counts), dtype=float)
    values = [float(v) for v in counts.values()]
    bars = ax.barh(centres, values, height=0.62, color=[line_colour(i) for i in range(len(values))])
    ax.bar_label(bars, labels=[f"{v:,.0f}" for v in values], padding=4, color=INK, fontsize=LEGEND_SIZE)
    ax.set_yticks(centres, [literal(name) for name in counts])
    ax.set_ylim(max(len(counts), 1) - 0.5, -0.5)
    if values:
        ax.set_xlim(max(min(values) / 10, 0.1), max(values) * 100)
        ax.minorticks_off()
    return figure
