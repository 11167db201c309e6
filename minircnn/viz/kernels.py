"""One picture for each idea that makes a kernel fast: tiles, tables of maxima, corners in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.viz.curves import plain_axes
from minircnn.viz.labels import draw_rectangle
from minircnn.viz.style import (
    FAINT,
    INK,
    LEGEND_SIZE,
    LINE_COLOURS,
    PANEL_TITLE_SIZE,
    legend_entry,
    line_colour,
    literal,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_tiles(rows: int, columns: int, *, tile: int = 4, overlap: int = 2) -> Figure:
    """Draw how an output of `rows` × `columns` tiles is made: from input tiles that share `overlap` pixels.

    Parameters
    ----------
    rows, columns : int
        Tiles down and across.
    tile : int
        Side of a tile of the output, pixels.
    overlap : int
        Pixels that two neighbouring tiles of the input share: the side of the filter less 1.
    """
    height, width = rows * tile + overlap, columns * tile + overlap
    figure = new_figure(0.36 * width + 1.2, 0.36 * height + 0.9)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    ax.set(xlim=(-0.3, width + 0.3), ylim=(height + 0.3, -0.3), aspect="equal")
    ax.set_axis_off()
    for i in range(width + 1):
        ax.plot([i, i], [0, height], color=FAINT, linewidth=0.8, zorder=0)
    for i in range(height + 1):
        ax.plot([0, width], [i, i], color=FAINT, linewidth=0.8, zorder=0)
    for number, (row, column) in enumerate(np.ndindex(rows, columns)):
        colour, corner = line_colour(number), np.array([column * tile, row * tile] * 2, dtype=float)
        inset = 0.08 * (1 + number % 2 + 2 * (row % 2))  # frames that overlap stay apart
        begin = corner + np.array([inset, inset, tile + overlap - inset, tile + overlap - inset])
        draw_rectangle(ax, begin, colour, linewidth=2.0, linestyle="--", outlined=False, gid="input")
        middle = corner + overlap / 2 + np.array([0.15, 0.15, tile - 0.15, tile - 0.15])
        draw_rectangle(ax, middle, colour, linewidth=2.6, outlined=False, gid="output")
    side = tile + overlap
    text = f"input tiles of {side} × {side} (dashed) overlap, output tiles of {tile} × {tile} do not"
    ax.set_title(text, size=PANEL_TITLE_SIZE, color=INK)
    return figure


def draw_maxima_table(levels: Sequence[Array], first: int, last: int) -> Figure:
    """Draw a table of maxima, and which two of its windows cover the cells `first` … `last` − 1.

    Parameters
    ----------
    levels : sequence of arrays
        `levels[k][i]` is the maximum of the 2ᵏ cells from i on; `levels[0]` (n,) are the cells.
    first, last : int
        An interval of cells, half-open.

    Raises
    ------
    ValueError
        If the interval is empty or not within the cells, or the table has no windows large enough.
    """
    table = [to_host(values) for values in levels]
    cells = len(table[0])
    if not 0 <= first < last <= cells:
        raise ValueError(f"expected an interval of the {cells} cells, got {first} to {last}")
    level = (last - first).bit_length() - 1
    if level >= len(table):
        raise ValueError(
            f"{last - first} cells need windows of {2**level}, the table ends at {2 ** (len(table) - 1)}"
        )
    figure = new_figure(0.62 * cells + 2.0, 0.55 * len(table) + 1.0)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    ax.set(xlim=(-3.0, cells), ylim=(len(table) + 0.2, -0.7))
    ax.set_axis_off()
    chosen = {first: line_colour(0), last - 2**level: line_colour(1)}  # one window if they coincide
    for row, values in enumerate(table):
        ax.text(-0.3, row + 0.5, f"windows of {2**row}", size=LEGEND_SIZE, color=INK, ha="right", va="center")
        for i, value in enumerate(values.tolist()):
            ax.text(i + 0.5, row + 0.5, f"{value:g}", size=LEGEND_SIZE, color=INK, ha="center", va="center")
            draw_rectangle(ax, np.array([i, row, i + 1, row + 1]), FAINT, linewidth=0.8, outlined=False)
    for depth, (begin, colour) in enumerate(chosen.items()):
        draw_rectangle(
            ax,
            np.array([begin, level, begin + 1, level + 1]),
            colour,
            linewidth=3.0,
            outlined=False,
            gid="asked",
        )
        y = -0.2 - 0.22 * depth
        ax.plot([begin + 0.05, begin + 2**level - 0.05], [y, y], color=colour, linewidth=4.0, gid="window")
    return figure


def draw_corner_grid(corners: Array, box: Array, candidates: Array, title: str = "") -> Figure:
    """Plot the upper left corners of boxes, and which of them are compared with one box.

    Parameters
    ----------
    corners : (R, 2) float array
    box : (4,) float array
    candidates : (M,) int array
        Which of the R boxes are compared with `box`.
    title : str
    """
    points, near = to_host(corners), to_host(candidates)
    figure = new_figure(7.2, 4.6)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "x of the upper left corner", "y", literal(title))
    ax.scatter(points[:, 0], points[:, 1], s=9, color=FAINT, label=legend_entry(f"{len(points):,} boxes"))
    ax.scatter(
        points[near, 0],
        points[near, 1],
        s=26,
        color=LINE_COLOURS[1],
        label=legend_entry(f"compared: {len(near)}"),
    )
    draw_rectangle(ax, np.asarray(to_host(box), dtype=float), LINE_COLOURS[0], outlined=False, gid="box")
    ax.set(aspect="equal")
    ax.invert_yaxis()
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
