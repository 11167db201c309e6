"""What the network sees: warped crops, feature maps and the cells of RoI pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray
from minircnn.viz.labels import draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    PANEL_TITLE_SIZE,
    TITLE_SIZE,
    as_boxes,
    as_photo,
    ink_on,
    literal,
    new_figure,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAT = "magma"  # dark to bright without a false edge, also in grey
_MAX_WRITTEN = 16  # values are written into the cells of maps up to this size


def draw_warps(
    crops: Array, titles: Sequence[str] | None = None, title: str = "", *, columns: int = 8
) -> Figure:
    """Draw crops of one size in a grid, as the network gets them.

    Parameters
    ----------
    crops : (R, S, S, 3) uint8 or float array
        RGB in 0..255.
    titles : sequence of str, optional
        Heading of each crop.
    title : str
    columns : int
        Crops side by side.

    Raises
    ------
    ValueError
        If `crops` has another shape or no crop, or the number of titles differs.
    """
    tiles = to_host(crops)
    if tiles.ndim != 4 or tiles.shape[3] != 3 or len(tiles) == 0:
        raise ValueError(f"expected at least one crop in shape (R, S, S, 3), got {tiles.shape}")
    headings = [""] * len(tiles) if titles is None else list(titles)
    if len(headings) != len(tiles):
        raise ValueError(f"{len(tiles)} crops need as many titles, got {len(headings)}")
    height, width = tiles.shape[1:3]
    figure, axes = photo_panels((height, width), headings, columns=columns, width=13.0, title=title)
    for ax, tile in zip(axes, tiles, strict=True):
        show_image(ax, np.clip(np.rint(tile), 0, 255).astype(np.uint8))
    return figure


def draw_feature_map(
    features: Array,
    rois: Array | None = None,
    title: str = "",
    *,
    spatial_scale: float = 1.0,
    image: Array | None = None,
    channels: int = 6,
) -> Figure:
    """Draw a feature map: the mean over channels and the strongest channels, with regions on top.

    Parameters
    ----------
    features : (C, H, W) float array
    rois : (R, 4) float array, optional
        Regions in pixels of the image; they are projected onto the map by `spatial_scale`.
    title : str
        Default: the map's shape.
    spatial_scale : float
        Map cells per image pixel, e.g. 1/16.
    image : (H', W', 3) uint8 array, optional
        Shown as the first panel.
    channels : int
        Single channels shown, those with the highest maximum.

    Raises
    ------
    ValueError
        If `features` is not (C, H, W).
    """
    maps = np.asarray(to_host(features), dtype=np.float64)
    if maps.ndim != 3 or 0 in maps.shape:
        raise ValueError(f"expected a feature map of shape (C, H, W), got {maps.shape}")
    frames = as_boxes([] if rois is None else rois)
    order = np.argsort(-maps.max(axis=(1, 2)), kind="stable")[:channels]
    headings = ["mean of all channels"] + [f"channel {c}" for c in order]
    panels = [maps.mean(axis=0), *maps[order]]
    if image is not None:
        headings.insert(0, "photo")
    count, height, width = maps.shape
    figure, axes = photo_panels(
        (height, width),
        headings,
        columns=4,
        width=13.0,
        title=title or f"Feature map: {count} channels of {height} × {width} cells",
    )
    if image is not None:
        photo = as_photo(image)
        show_image(axes[0], photo)
        axes[0].set(xlim=(0, width / spatial_scale), ylim=(height / spatial_scale, 0))
        _draw_rois(axes[0], frames)
    for ax, panel in zip(axes[image is not None :], panels, strict=True):
        show_image(ax, panel, cmap=_HEAT, interpolation="nearest")
        ax.set(xlim=(0, width), ylim=(height, 0))
        _draw_rois(ax, frames * spatial_scale)
    return figure


def _draw_rois(ax: Axes, rois: FloatArray) -> None:
    """Draw each region in its own colour, the same on every panel."""
    for i, roi in enumerate(rois):
        draw_rectangle(ax, roi, BOX_COLOURS[(i + 1) % len(BOX_COLOURS)], linewidth=2.0, gid="roi")


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
    figure = new_figure(13.0, 6.2)
    heading = title or "RoI pooling: the maximum of each bin"
    figure.text(
        0.5, 0.985, literal(heading), size=TITLE_SIZE, weight="bold", color=INK, ha="center", va="top"
    )
    left = figure.add_axes((0.01, 0.02, 0.56, 0.85))
    right = figure.add_axes((0.62, 0.02, 0.37, 0.85))
    low, high = float(min(grid.min(), 0.0)), float(grid.max())
    for ax, values, heading in (
        (left, grid, f"one channel, {grid.shape[0]} × {grid.shape[1]} cells"),
        (right, result, f"pooled, {result.shape[0]} × {result.shape[1]} values"),
    ):
        show_image(ax, values, cmap=_HEAT, interpolation="nearest", vmin=low, vmax=high)
        ax.set_axis_off()
        ax.set_title(heading, size=PANEL_TITLE_SIZE, color=INK)
        _write_values(ax, values, low, high)
    _draw_bins(left, right, grid, *spans)
    return figure


def _draw_bins(left: Axes, right: Axes, grid: FloatArray, rows: FloatArray, columns: FloatArray) -> None:
    """Outline each bin and ring its first maximum; the pooled value gets the same colour."""
    for p, (top, bottom) in enumerate(rows):
        for q, (first, last) in enumerate(columns):
            colour = BOX_COLOURS[(p * (len(columns) + 1) + q) % len(BOX_COLOURS)]
            bin_frame = np.array([first, top, last, bottom], dtype=float)
            inset = 0.06 * np.array([1, 1, -1, -1])  # keeps the frames of neighbours apart
            draw_rectangle(right, np.array([q, p, q + 1, p + 1]) + inset, colour, linewidth=3.0, gid="value")
            if bottom <= top or last <= first:
                continue
            draw_rectangle(left, bin_frame + inset, colour, linewidth=2.2, gid="bin")
            y, x = np.unravel_index(int(grid[top:bottom, first:last].argmax()), (bottom - top, last - first))
            left.plot(
                [first + x + 0.5], [top + y + 0.5], marker="o", markersize=15, markerfacecolor="none",
                markeredgecolor=colour, markeredgewidth=2, gid="maximum",
            )  # fmt: skip


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
    """Return `value` in about three digits."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
