"""The learning curve of a run: its losses, and what the detector found in validation photos meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from minircnn.viz.curves import plain_axes, plot_losses
from minircnn.viz.style import (
    INK,
    LEGEND_SIZE,
    PANEL_TITLE_SIZE,
    TITLE_SIZE,
    line_colour,
    literal,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Log = Sequence[Mapping[str, float]]

_NO_LOSS = {"iteration", "seconds", "learning_rate"}
_RATE = "#666666"


MAP = ("mAP", "validation mAP")
"""What validations tell of a detector: its name in their records, and its title."""


def draw_training(
    log: Log, validations: Log = (), title: str = "", *, measure: tuple[str, str] = MAP
) -> Figure:
    """Draw the losses of a training over its updates and, below, the mAP of its validations.

    Dashed lines mark the updates from which on the learning rate is another.

    Parameters
    ----------
    log : sequence of records
        Of every update, as :func:`minircnn.training.read_log` returns them.
    validations : sequence of records
        Of every validation: ``iteration`` and ``mAP``.
    title : str
    measure : (str, str)
        Another measure in the place of mAP: its name in the records, and its title.
    """
    figure = new_figure(7.6, 6.4 if validations else 4.2)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(2 if validations else 1, 1, sharex=True, squeeze=False)[:, 0]
    plain_axes(panels[0], "" if validations else "iteration", "loss", title or "Training")
    _plot_log(panels[0], log)
    if validations:
        _plot_validations(panels[1], validations, measure)
    for ax in panels:
        # where the room is: above the points of validations, below the losses
        _mark_rates(ax, log, (0.94 if validations else 0.02) if ax is panels[-1] else None)
    return figure


def draw_stages(logs: Mapping[str, Log], validations: Log = (), title: str = "") -> Figure:
    """Draw the losses of a training that has several stages, a panel each, and the mAP of its validations.

    Parameters
    ----------
    logs : mapping of str to sequence of records
        Of every update of each stage, by its name, as :func:`minircnn.training.read_log` returns them.
    validations : sequence of records
        Of every validation, which belong to the last stage: ``iteration`` and ``mAP``.
    title : str
    """
    count = len(logs) + bool(validations)
    rows = max(1, -(-count // 2))
    figure = new_figure(13.0, 0.6 + 3.6 * rows)
    figure.set_layout_engine("constrained")
    figure.suptitle(literal(title or "Training"), size=TITLE_SIZE, weight="bold", color=INK)
    for i, (name, log) in enumerate(logs.items()):
        ax = figure.add_subplot(rows, 2, i + 1)
        plain_axes(ax, "iteration", "loss")
        ax.set_title(literal(name), size=PANEL_TITLE_SIZE, color=INK)
        _plot_log(ax, log)
        _mark_rates(ax, log, 0.02)
    if validations:
        ax = figure.add_subplot(rows, 2, count)
        _plot_validations(ax, validations)
        _mark_rates(ax, [*logs.values()][-1] if logs else (), 0.94)
    return figure


def _plot_log(ax: Axes, log: Log) -> None:
    """Draw every loss of a log."""
    names = [name for name in (log[0] if log else {}) if name not in _NO_LOSS]
    records = {name: [line for line in log if name in line] for name in names}
    plot_losses(
        ax,
        {name: (_column(lines, "iteration"), _column(lines, name)) for name, lines in records.items()},
    )


def _mark_rates(ax: Axes, log: Log, height: float | None) -> None:
    """Mark the updates from which on the learning rate is another, and note it at a height of `ax`."""
    for iteration, rate in _new_rates(log):
        ax.axvline(iteration, color=_RATE, linewidth=1.2, linestyle="--", gid="rate")
        if height is not None:
            _note_rate(ax, iteration, rate, height)
    ax.locator_params(axis="x", integer=True)


def _plot_validations(ax: Axes, validations: Log, measure: tuple[str, str] = MAP) -> None:
    name, title = measure
    plain_axes(ax, "iteration", title)
    x, y = _column(validations, "iteration"), _column(validations, name)
    ax.plot(x, y, color=line_colour(0), linewidth=2.4, marker="o", markersize=5, clip_on=False, gid=name)
    best = max(range(len(y)), key=lambda i: y[i])
    ax.plot(x[best], y[best], color=line_colour(1), marker="o", markersize=9, gid="best")
    ax.annotate(
        literal(f"best {y[best]:.3f} at {x[best]:,.0f}"),
        (x[best], y[best]),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        size=LEGEND_SIZE,
        color=INK,
    )
    ax.set_ylim(0, max(1.25 * max(y), 0.01))


def _note_rate(ax: Axes, iteration: float, rate: float, height: float) -> None:
    ax.annotate(
        literal(f" rate {rate:.2g}"),
        (iteration, height),
        xycoords=("data", "axes fraction"),
        size=LEGEND_SIZE,
        color=_RATE,
    )


def _new_rates(log: Log) -> list[tuple[float, float]]:
    """Return the updates whose learning rate is another than that of the update before, and the rate."""
    known = [line for line in log if "learning_rate" in line]  # older versions did not note it
    changed = (new for old, new in pairwise(known) if new["learning_rate"] != old["learning_rate"])
    return [(line["iteration"], line["learning_rate"]) for line in changed]


def _column(log: Log, name: str) -> list[float]:
    return [line[name] for line in log]
