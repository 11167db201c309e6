"""Anchors and objectness: what the region proposal network looks at, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray
from minircnn.viz.curves import plain_axes
from minircnn.viz.features import HEAT
from minircnn.viz.labels import draw_faint_boxes, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    CORRECT,
    FAINT,
    FALSE,
    GRID,
    INK,
    LEGEND_SIZE,
    TRUTH,
    LineStyle,
    add_legend,
    as_boxes,
    as_photo,
    legend_entry,
    line_colour,
    new_figure,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = ((1, "object", CORRECT), (0, "background", FALSE), (-1, "ignored", FAINT))
_OPACITY = 0.7  # of the heat over the photo
_TICKS = [digit * 10**power for power in range(4) for digit in (1, 2, 5)]


def draw_anchors(
    image: Array,
    anchors: Array,
    ground_truth: Array | None = None,
    title: str = "",
    *,
    labels: Array | None = None,
    centres: Array | None = None,
) -> Figure:
    """Draw anchors over a photo, those that stick out of it too.

    Without labels, which suits the anchors of one cell, each ratio has a colour. With them the colour tells
    whether an anchor is an object, background, or ignored, as :func:`minircnn.boxes.label_anchors` says.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    anchors : (N, 4) float array
        In pixels of `image`.
    ground_truth : (G, 4) float array, optional
        Boxes of the objects.
    title : str
        Default: how many anchors, or how many of each kind.
    labels : (N,) int array, optional
        1 object, 0 background, -1 ignored.
    centres : (M, 2) float array, optional
        Where the cells' centres lie, x and y; drawn as fine points.

    Raises
    ------
    ValueError
        If the numbers of anchors and labels differ.
    """
    photo, frames = as_photo(image), as_boxes(anchors)
    kinds = None if labels is None else np.asarray(to_host(labels), dtype=int).reshape(-1)
    if kinds is not None and len(kinds) != len(frames):
        raise ValueError(f"{len(frames)} anchors need as many labels, got {len(kinds)}")
    groups = _by_ratio(frames) if kinds is None else _by_kind(frames, kinds)
    shown = ", ".join(f"{len(boxes):,} {name}" for name, _, boxes in groups)
    figure, ax = _roomy_panel(photo, frames, title or f"Anchors: {shown}" if kinds is not None else title)
    if centres is not None:
        x, y = np.asarray(to_host(centres), dtype=np.float64).reshape(-1, 2).T
        ax.scatter(x, y, s=1.5, color=TRUTH, alpha=0.6, linewidths=0, gid="centre")
    for name, colour, boxes in groups[::-1]:  # objects on top
        if name in ("background", "ignored"):
            draw_faint_boxes(ax, boxes, colour, linewidth=0.9)
        else:
            for box in boxes:
                draw_rectangle(ax, box, colour, linewidth=1.8, gid=name)
    legend: list[tuple[str, str, LineStyle]] = [(name, colour, "-") for name, colour, _ in groups]
    for box in as_boxes([] if ground_truth is None else ground_truth):
        draw_rectangle(ax, box, TRUTH, linewidth=2.2, linestyle="--", gid="truth")
    add_legend(figure, legend if ground_truth is None else [*legend, ("ground truth", TRUTH, "--")])
    return figure


def _by_ratio(frames: FloatArray) -> list[tuple[str, str, FloatArray]]:
    """Return name, colour and anchors of each ratio, the widest first."""
    width, height = (frames[:, 2:] - frames[:, :2]).T
    ratios = np.round(height / width, 2)
    names = sorted(set(ratios.tolist()))
    colours = [BOX_COLOURS[i % len(BOX_COLOURS)] for i in range(len(names))]
    return [
        (f"height : width = {ratio:g}", colour, frames[ratios == ratio])
        for ratio, colour in zip(names, colours, strict=True)
    ]


def _by_kind(frames: FloatArray, kinds: Array) -> list[tuple[str, str, FloatArray]]:
    """Return name, colour and anchors of each kind, objects first."""
    return [(name, colour, frames[kinds == kind]) for kind, name, colour in _KINDS]


def _roomy_panel(photo: Array, frames: FloatArray, title: str) -> tuple[Figure, Axes]:
    """Return a panel with the photo and room around it for all of `frames`."""
    height, width = photo.shape[:2]
    everything = np.vstack([frames, [[0, 0, width, height]]])
    left, top = np.floor(everything[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil(everything[:, 2:].max(axis=0)).astype(int)
    figure, (ax,) = photo_panels(
        (int(bottom - top), int(right - left)),
        [""],
        title=title or f"{len(frames):,} anchors",
        legend_rows=1,
    )
    show_image(ax, photo // 2)  # dimmed, so that thin lines show
    ax.set(xlim=(left, right), ylim=(bottom, top))
    draw_rectangle(ax, np.array([0, 0, width, height]), GRID, linewidth=0.8, outlined=False, gid="photo")
    return figure, ax


def draw_objectness(
    image: Array,
    objectness: Array,
    titles: Sequence[str] | None = None,
    title: str = "",
    *,
    num_scales: int | None = None,
    cell: float | None = None,
    columns: int = 3,
) -> Figure:
    """Draw how likely each cell of the map holds an object, one heat map per scale over the photo.

    Of the ratios of a scale the likeliest counts. Black is 0, bright is 1, in all panels.

    Parameters
    ----------
    image : (H', W', 3) uint8 array
    objectness : (H, W, A) float array
        Probabilities, the anchors of a cell ratio by ratio and within a ratio scale by scale, as
        :func:`minircnn.boxes.base_anchors` has them. With S in the place of A: one of each scale.
    titles : sequence of str, optional
        Heading of each scale.
    title : str
    num_scales : int, optional
        S. Default: A, so that every anchor is a scale of its own.
    cell : float, optional
        Pixels of `image` from cell to cell: stride over scale. Default: the map covers the photo exactly.
    columns : int
        Panels side by side.

    Raises
    ------
    ValueError
        If A is no multiple of S, or the number of titles differs.
    """
    photo, maps = as_photo(image), np.asarray(to_host(objectness), dtype=np.float64)
    if maps.ndim != 3 or 0 in maps.shape:
        raise ValueError(f"expected objectness of shape (H, W, A), got {maps.shape}")
    rows, cells, count = maps.shape
    scales = count if num_scales is None else num_scales
    if scales < 1 or count % scales:
        raise ValueError(f"{count} anchors of a cell cannot have {scales} scales")
    heat = maps.reshape(rows, cells, -1, scales).max(axis=2)  # (H, W, S)
    headings = [f"scale {i + 1}" for i in range(scales)] if titles is None else list(titles)
    if len(headings) != scales:
        raise ValueError(f"{scales} scales need as many titles, got {len(headings)}")
    height, width = photo.shape[:2]
    figure, axes = photo_panels(
        (height, width),
        ["photo", *headings],
        columns=columns,
        width=13.0,
        title=title or "Objectness of every cell: black is 0, bright is 1",
    )
    show_image(axes[0], photo)
    extent = (0, width, height, 0) if cell is None else (0, cells * cell, rows * cell, 0)
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for ax, panel in zip(axes[1:], np.moveaxis(heat, 2, 0), strict=True):
        show_image(ax, grey)
        ax.imshow(panel, cmap=HEAT, vmin=0, vmax=1, alpha=_OPACITY, extent=extent, interpolation="nearest")
        ax.set(xlim=(0, width), ylim=(height, 0))
    return figure


def draw_anchor_sizes(sides: Array, anchors: Mapping[str, Array], title: str = "") -> Figure:
    """Plot width against height of objects as points and of anchors as crosses, both logarithmic.

    Parameters
    ----------
    sides : (G, 2) float array
        Width and height of the objects, in pixels of the network's input.
    anchors : mapping of str to (A, 2) float array
        The same of each set of anchors, by its name.
    title : str

    Raises
    ------
    ValueError
        If a side is not positive.
    """
    objects = np.asarray(to_host(sides), dtype=np.float64).reshape(-1, 2)
    shapes = {
        name: np.asarray(to_host(own), dtype=np.float64).reshape(-1, 2) for name, own in anchors.items()
    }
    points = np.vstack([objects, *shapes.values()])
    if not (points > 0).all():
        raise ValueError("sides must be positive: others have no place on a logarithmic scale")
    figure = new_figure(7.2, 5.6)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "width, pixels of the input", "height, pixels of the input", title)
    ax.set(xscale="log", yscale="log")
    x, y = objects.T
    label = f"{len(objects):,} objects"
    ax.scatter(x, y, s=12, alpha=0.35, color=INK, edgecolors="none", label=label, gid="objects")
    for i, (name, own) in enumerate(shapes.items()):
        x, y = own.T
        ax.scatter(
            x,
            y,
            marker="x+"[i % 2],
            s=90,
            linewidths=2.4,
            color=line_colour(i),
            label=legend_entry(name),
            gid=name,
        )
    ax.set_xticks(_TICKS, [str(tick) for tick in _TICKS])
    ax.set_yticks(_TICKS, [str(tick) for tick in _TICKS])
    ax.minorticks_off()
    ax.set(xlim=_around(points[:, 0]), ylim=_around(points[:, 1]))
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="upper left")
    return figure


def _around(values: FloatArray) -> tuple[float, float]:
    """Return limits of a logarithmic axis with some room beside its `values` (n,)."""
    return (float(values.min()) / 1.25, float(values.max()) * 1.25) if len(values) else (1.0, 1000.0)
