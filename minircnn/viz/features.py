"""What the network sees: warped crops, feature maps and what their cells have seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray
from minircnn.viz.labels import draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    as_boxes,
    as_photo,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAT = "magma"  # dark to bright without a false edge, also in grey


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
        show_image(ax, panel, cmap=HEAT, interpolation="nearest")
        ax.set(xlim=(0, width), ylim=(height, 0))
        _draw_rois(ax, frames * spatial_scale)
    return figure


def _draw_rois(ax: Axes, rois: FloatArray) -> None:
    """Draw each region in its own colour, the same on every panel."""
    for i, roi in enumerate(rois):
        draw_rectangle(ax, roi, BOX_COLOURS[(i + 1) % len(BOX_COLOURS)], linewidth=2.0, gid="roi")


def draw_receptive_field(
    image: Array, sensitivity: Array, cell: Array, field: Array, title: str = ""
) -> Figure:
    """Draw what a cell of a feature map stands for, what it can see, and what it looks at most.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    sensitivity : (H, W) float array
        How much the cell's value changes with each pixel, e.g. the size of its gradient.
    cell : (4,) float array
        The pixels between this cell and its neighbours: one stride wide and high.
    field : (4,) float array
        The receptive field, in pixels of `image`.
    title : str
        Default: the sizes of both.

    Raises
    ------
    ValueError
        If `sensitivity` has not the photo's height and width.
    """
    photo, weight = as_photo(image), np.asarray(to_host(sensitivity), dtype=np.float64)
    frames = as_boxes([cell, field])
    if weight.shape != photo.shape[:2]:
        raise ValueError(f"expected sensitivity of {photo.shape[:2]} pixels, got {weight.shape}")
    sides = [f"{x2 - x1:.0f} × {y2 - y1:.0f}" for x1, y1, x2, y2 in frames]
    figure, axes = photo_panels(
        photo.shape[:2],
        ["what one cell stands for, and what it can see", "how much each pixel matters to it"],
        columns=2,
        width=11.0,
        title=title or f"A cell of {sides[0]} pixels has seen {sides[1]}",
    )
    show_image(axes[0], photo)
    show_image(axes[1], weight, cmap=HEAT, interpolation="nearest")
    for ax in axes:
        draw_rectangle(ax, frames[0], BOX_COLOURS[2], linewidth=2.2, gid="cell")
        draw_rectangle(ax, frames[1], BOX_COLOURS[1], linewidth=2.2, linestyle="--", gid="field")
    return figure
