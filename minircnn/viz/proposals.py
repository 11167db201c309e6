"""Proposals on a photo: what they hit, and the hierarchy of regions they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.boxes import box_iou
from minircnn.structures import BoolArray, FloatArray, ImageArray, IntArray
from minircnn.viz.labels import add_labels, draw_faint_boxes, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    CORRECT,
    FALSE,
    TRUTH,
    add_legend,
    as_boxes,
    as_photo,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_proposals(
    image: Array,
    boxes: Array,
    ground_truth: Array | None = None,
    title: str = "",
    *,
    iou_threshold: float = 0.5,
    max_drawn: int = 200,
) -> Figure:
    """Draw proposals, and which objects they hit.

    Without ground truth the first `max_drawn` proposals are shown. With it there is a second panel: for each
    object the proposal that overlaps it most, as a hit (solid) or a miss (dotted), with its IoU.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    boxes : (R, 4) float array
        Proposals, best rank first, in pixels of `image`.
    ground_truth : (G, 4) float array, optional
        Boxes of the objects.
    title : str
        Default: what was counted.
    iou_threshold : float
        Overlap from which on an object counts as hit.
    max_drawn : int
        Proposals shown in the first panel.
    """
    photo, proposals = as_photo(image), as_boxes(boxes)
    first = proposals[:max_drawn]
    headings = [
        f"the first {len(first):,} of {len(proposals):,} proposals"
        if len(first) < len(proposals)
        else "all proposals"
    ]
    truth = None if ground_truth is None else as_boxes(ground_truth)
    if truth is not None:
        headings.append("best proposal for each object")
        overlap = box_iou(proposals, truth)  # (R, G)
        best = overlap.max(axis=0) if len(proposals) else np.zeros(len(truth))
        hits = f"{int((best >= iou_threshold).sum())} of {len(truth)} objects hit at IoU ≥ {iou_threshold:g}"
        title = title or f"{len(proposals):,} proposals: {hits}"
    figure, axes = photo_panels(
        photo.shape[:2],
        headings,
        columns=2,
        width=13.0 if truth is not None else 9.0,
        title=title or f"{len(proposals):,} proposals",
        legend_rows=0 if truth is None else 1,
    )
    show_image(axes[0], photo // 2)  # dimmed, so that thin lines show
    draw_faint_boxes(axes[0], first, BOX_COLOURS[2])
    if truth is not None:
        show_image(axes[1], photo)
        index = overlap.argmax(axis=0) if len(proposals) else np.zeros(len(truth), dtype=int)
        _draw_hits(axes[1], proposals, truth, best, index, iou_threshold)
        add_legend(figure, [("hit", CORRECT, "-"), ("miss", FALSE, ":"), ("object", TRUTH, "--")])
    return figure


def _draw_hits(
    ax: Axes, proposals: FloatArray, truth: FloatArray, best: FloatArray, index: IntArray, threshold: float
) -> None:
    """Draw each object dashed and the proposal that overlaps it most, labelled with the IoU."""
    frames, texts, colours = [], [], []
    for g, box in enumerate(truth):
        draw_rectangle(ax, box, TRUTH, linewidth=1.4, linestyle="--", gid="truth")
        hit = bool(best[g] >= threshold)
        colour = CORRECT if hit else FALSE
        if best[g] > 0:
            frame = proposals[index[g]]
            draw_rectangle(ax, frame, colour, linestyle="-" if hit else ":", gid="proposal")
        frames.append(box)
        texts.append(f"IoU {best[g]:.2f}")
        colours.append(colour)
    add_labels(ax, as_boxes(np.array(frames)), texts, colours)


def draw_proposal_hierarchy(
    image: Array,
    levels: Sequence[Array] | Array,
    titles: Sequence[str] | None = None,
    title: str = "",
    *,
    columns: int = 3,
    borders: bool = True,
) -> Figure:
    """Draw how regions grow together: the photo, then each level with its regions in their mean colour.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    levels : sequence of (H, W) int arrays, or (L, H, W) int array
        Region number of every pixel, finest level first.
    titles : sequence of str, optional
        Heading of each level. Default: its number of regions.
    title : str
    columns : int
        Panels side by side.
    borders : bool
        Outline the regions.

    Raises
    ------
    ValueError
        If a level's size differs from the photo's, or the number of titles from that of levels.
    """
    photo = as_photo(image)
    maps = [to_host(level) for level in levels]
    for number, level in enumerate(maps):
        if level.shape != photo.shape[:2]:
            raise ValueError(f"level {number} has shape {level.shape}, the photo {photo.shape[:2]}")
    headings = [f"{len(np.unique(level)):,} regions" for level in maps] if titles is None else list(titles)
    if len(headings) != len(maps):
        raise ValueError(f"{len(maps)} levels need as many titles, got {len(headings)}")
    figure, axes = photo_panels(
        photo.shape[:2],
        ["photo", *headings],
        columns=columns,
        width=13.0,
        title=title or "From small regions to large ones: each region gives one box",
    )
    show_image(axes[0], photo)
    for ax, level in zip(axes[1:], maps, strict=True):
        painted = mean_colours(photo, level)
        if borders:
            painted[region_borders(level)] = 255
        show_image(ax, painted, interpolation="antialiased")
    return figure


def mean_colours(image: ImageArray, labels: IntArray) -> ImageArray:
    """Return `image` with every region of `labels` (H, W) filled with its mean colour."""
    _, flat = np.unique(labels, return_inverse=True)
    flat = flat.reshape(-1)
    sizes = np.bincount(flat)
    channels = [np.bincount(flat, weights=image[..., c].reshape(-1).astype(float)) / sizes for c in range(3)]
    painted: ImageArray = np.rint(np.stack(channels, axis=1)[flat]).astype(np.uint8).reshape(image.shape)
    return painted


def region_borders(labels: IntArray) -> BoolArray:
    """Return a (H, W) mask, true where a pixel's right or lower neighbour lies in another region."""
    border = np.zeros(labels.shape, dtype=bool)
    border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    border[:-1] |= labels[:-1] != labels[1:]
    return border
