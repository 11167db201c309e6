"""RoI pooling on one channel: the cells of every bin, their maxima, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray, IntArray
from minircnn.viz.features import HEAT
from minircnn.viz.labels import draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    PANEL_TITLE_SIZE,
    add_heading,
    ink_on,
    new_figure,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_WRITTEN = 16  # values are written into the cells of maps up to this size


def draw_roi_pool(channel: Array, rows: Array, columns: Array, pooled: Array, title: str = "") -> Figure:
    """Draw RoI pooling on one channel: the cells of each bin, and their maxima.

    Parameters
    ----------
    channel : (H, W) float array
        One channel of the feature map.
    rows : (P, 2) int array
        First row and one past the last row of every bin, in cells of the map.
    columns : (Q, 2) int array
        The same for columns. Neighbouring bins may share cells.
    pooled : (P, Q) float array
        The maxima; 0 for an empty bin.
    title : str

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    grid, result = np.asarray(to_host(channel), float), np.asarray(to_host(pooled), float)
    spans = [np.asarray(to_host(span), dtype=int).reshape(-1, 2) for span in (rows, columns)]
    if grid.ndim != 2 or result.shape != (len(spans[0]), len(spans[1])):
        raise ValueError(
            f"expected a channel (H, W) and pooled values ({len(spans[0])}, {len(spans[1])}), "
            f"got {grid.shape} and {result.shape}"
        )
    figure, left, right = _channel_and_grid(grid, result, title or "RoI pooling: the maximum of each bin")
    _draw_bins(left, grid, *spans)
    for (p, q), colour in _bin_colours(result.shape):
        draw_rectangle(right, _inset((q, p, q + 1, p + 1)), colour, linewidth=3.0, gid="value")
    return figure


def draw_roi_align(channel: Array, rows: Array, columns: Array, pooled: Array, title: str = "") -> Figure:
    """Draw RoI align on one channel: the points of each bin, and the means of what is read there.

    Parameters
    ----------
    channel : (H, W) float array
        One channel of the feature map.
    rows : (P, S) float array
        Rows of the points of every bin, in cells of the map, of which the first has its middle at 0.
    columns : (Q, S) float array
        The same for columns.
    pooled : (P, Q) float array
        The means.
    title : str

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    grid, result, down, across = (
        np.asarray(to_host(a), dtype=float) for a in (channel, pooled, rows, columns)
    )
    if grid.ndim != 2 or down.ndim != 2 or across.ndim != 2 or result.shape != (len(down), len(across)):
        raise ValueError(
            "expected a channel (H, W), rows (P, S), columns (Q, S) and pooled values (P, Q), "
            f"got {grid.shape}, {down.shape}, {across.shape} and {result.shape}"
        )
    heading = title or "RoI align: the mean of points in each bin, interpolated between cells"
    figure, left, right = _channel_and_grid(grid, result, heading)
    for (p, q), colour in _bin_colours(result.shape):
        y, x = (at.ravel() + 0.5 for at in np.meshgrid(down[p], across[q], indexing="ij"))
        left.plot(
            x, y, linestyle="none", marker="o", markersize=9, color=colour, markeredgecolor="white",
            markeredgewidth=1.2, gid="points",
        )  # fmt: skip
        draw_rectangle(right, _inset((q, p, q + 1, p + 1)), colour, linewidth=3.0, gid="value")
    return figure


def _channel_and_grid(grid: FloatArray, result: FloatArray, heading: str) -> tuple[Figure, Axes, Axes]:
    """Show a channel (H, W) and what a region of it became, side by side."""
    figure = new_figure(13.0, 6.2)
    add_heading(figure, heading, 0.985)
    left = figure.add_axes((0.01, 0.02, 0.56, 0.85))
    right = figure.add_axes((0.62, 0.02, 0.37, 0.85))
    low, high = float(min(grid.min(), 0.0)), float(grid.max())
    for ax, values, panel in (
        (left, grid, f"one channel, {grid.shape[0]} × {grid.shape[1]} cells"),
        (right, result, f"pooled, {result.shape[0]} × {result.shape[1]} values"),
    ):
        ax.set_axis_off()
        ax.set_title(panel, size=PANEL_TITLE_SIZE, color=INK)
        _show_values(ax, values, low, high)
    return figure, left, right


def draw_roi_gradient(
    channel: Array, bins: Sequence[tuple[Array, Array]], gradient: Array, title: str = ""
) -> Figure:
    """Draw RoI pooling there and back: the maxima of some regions, and what each cell gets from all of them.

    Parameters
    ----------
    channel : (H, W) float array
        One channel of the feature map.
    bins : sequence of (rows, columns)
        Of every region, as for :func:`draw_roi_pool`.
    gradient : (H, W) float array
        dLoss/dchannel.
    title : str

    Raises
    ------
    ValueError
        If `gradient` has another shape than `channel`.
    """
    grid, slopes = (np.asarray(to_host(a), dtype=float) for a in (channel, gradient))
    if grid.ndim != 2 or grid.shape != slopes.shape:
        raise ValueError(f"expected a channel and a gradient (H, W), got {grid.shape} and {slopes.shape}")
    headings = [f"forward: region {number}" for number in range(1, len(bins) + 1)]
    figure, axes = photo_panels(
        grid.shape,
        [*headings, "backward: the gradient of each cell"],
        columns=len(bins) + 1,
        width=13.0,
        title=title or "RoI pooling: each maximum takes the gradient of its bin",
    )
    for ax, values in zip(axes, [grid] * len(bins) + [slopes], strict=True):
        _show_values(ax, values, float(min(values.min(), 0.0)), float(values.max()))
    for ax, spans in zip(axes, bins, strict=False):
        _draw_bins(ax, grid, *(np.asarray(to_host(span), dtype=int).reshape(-1, 2) for span in spans))
    return figure


def _draw_bins(ax: Axes, grid: FloatArray, rows: IntArray, columns: IntArray) -> None:
    """Outline each bin, in a colour of its own, and ring its first maximum."""
    ring = float(np.clip(130 / max(grid.shape), 15, 34))  # around the number, where there is one
    for (p, q), colour in _bin_colours((len(rows), len(columns))):
        (top, bottom), (first, last) = rows[p], columns[q]
        if bottom <= top or last <= first:
            continue
        depth = 0.05 * (1 + 2 * (p % 2) + q % 2)  # frames of neighbours that share cells do not cross
        draw_rectangle(ax, _inset((first, top, last, bottom), depth), colour, linewidth=2.2, gid="bin")
        y, x = np.unravel_index(int(grid[top:bottom, first:last].argmax()), (bottom - top, last - first))
        ax.plot(
            [first + x + 0.5], [top + y + 0.5], marker="o", markersize=ring, markerfacecolor="none",
            markeredgecolor=colour, markeredgewidth=2, gid="maximum",
        )  # fmt: skip


def _bin_colours(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the place of each bin of a grid (P, Q), and a colour that its neighbours do not have."""
    for p, q in np.ndindex(shape):
        yield (p, q), BOX_COLOURS[(2 * p + q) % len(BOX_COLOURS)]


def _inset(box: tuple[int, ...], depth: float = 0.06) -> FloatArray:
    """Return the box, a little smaller."""
    return np.array(box, dtype=float) + depth * np.array([1, 1, -1, -1])


def _show_values(ax: Axes, values: FloatArray, low: float, high: float) -> None:
    """Show a map (H, W) as colours between `low` and `high`, and as numbers if there are few."""
    show_image(ax, values, cmap=HEAT, interpolation="nearest", vmin=low, vmax=high)
    _write_values(ax, values, low, high)


def _write_values(ax: Axes, values: FloatArray, low: float, high: float) -> None:
    """Write each value into its cell, if there are few cells."""
    if max(values.shape) > _MAX_WRITTEN:
        return
    size = float(np.clip(110 / max(values.shape), 6, 14))
    for (y, x), value in np.ndenumerate(values):
        dark = value < low + 0.6 * (high - low)
        ax.text(
            x + 0.5, y + 0.5, _short(float(value)), size=size, color=ink_on("#000000" if dark else "#FFFFFF"),
            ha="center", va="center",
        )  # fmt: skip


def _short(value: float) -> str:
    """Return `value` in about three digits, a whole number as such."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
