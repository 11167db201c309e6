"""The tree of merges of a hierarchical grouping, its regions in a strip below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.proposals.hierarchy import leaves_of
from minircnn.structures import BoolArray, ImageArray, IntArray
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    LEGEND_SIZE,
    LINE_HEIGHT,
    PANEL_TITLE_SIZE,
    POINT,
    TITLE_SIZE,
    add_heading,
    as_photo,
    literal,
    new_figure,
    rgb,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _TREE = 11.0, 3.6  # inches
_TALLEST_PHOTO = 1.6  # inches


def draw_merge_tree(
    image: Array,
    labels: Array,
    children: Array | Sequence[tuple[int, int]],
    *,
    leaves: int = 12,
    names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draw the last merges of a grouping as a tree; each region at its foot is marked on a photo of its own.

    The higher a bracket, the later the merge. Regions are ordered so that no two lines cross.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    labels : (H, W) int array
        Initial region of every pixel, 0..n-1.
    children : (n - 1, 2) int array or sequence of pairs
        The two regions of every merge, in order; merge i makes region n + i, as in
        :class:`~minircnn.proposals.hierarchy.Hierarchy`.
    leaves : int
        Regions at the foot: the merges that led to them are not drawn.
    names : sequence of str, optional
        Of all 2n - 1 regions, those that merges make last. Default: their numbers.
    title : str
        Default: how many merges are shown.

    Raises
    ------
    ValueError
        If sizes or numbers disagree, or there is no leaf.
    """
    photo, regions = as_photo(image), to_host(labels)
    pairs = np.asarray(children, dtype=int).reshape(-1, 2)
    count = len(pairs) + 1
    if regions.shape != photo.shape[:2] or int(regions.max()) + 1 != count:
        raise ValueError(
            f"{len(pairs)} merges need {count} regions on {photo.shape[:2]} pixels, "
            f"got labels {regions.shape} up to {regions.max()}"
        )
    if leaves < 1:
        raise ValueError(f"leaves must be at least 1, got {leaves}")
    words = list(map(str, range(2 * count - 1))) if names is None else list(names)
    if len(words) != 2 * count - 1:
        raise ValueError(f"{2 * count - 1} regions need as many names, got {len(words)}")
    left_out = max(count - leaves, 0)
    foot = _foot(pairs, count + left_out)
    heading = title or f"The last {len(pairs) - left_out} of {len(pairs)} merges"
    figure, tree, panels = _layout(photo.shape[:2], len(foot), heading)
    _draw_brackets(tree, pairs, foot, left_out, words)
    for i, (ax, region) in enumerate(zip(panels, foot, strict=True)):
        colour = BOX_COLOURS[i % len(BOX_COLOURS)]
        show_image(ax, marked(photo, np.isin(regions, leaves_of(pairs, region, count)), colour))
        ax.set_title(literal(words[region]), size=LEGEND_SIZE, color=INK, pad=2)
        for spine in ax.spines.values():
            spine.set(color=colour, linewidth=2.0)
    return figure


def marked(photo: ImageArray, mask: BoolArray, colour: str) -> ImageArray:
    """Return `photo` faded, and its pixels in `mask` (H, W) in `colour`."""
    paint = np.array(rgb(colour))
    mixed = np.where(mask[:, :, None], 0.25 * photo + 0.75 * paint, 0.35 * photo + 0.65 * 235)
    result: ImageArray = mixed.astype(np.uint8)
    return result


def _foot(pairs: IntArray, first_drawn: int) -> list[int]:
    """Return the regions below `first_drawn` that the drawn merges start from, in the order of the tree."""
    count = len(pairs) + 1
    foot, stack = [], [2 * count - 2]
    while stack:
        region = stack.pop()
        if region < first_drawn:
            foot.append(region)
        else:
            stack.extend(pairs[region - count, ::-1].tolist())
    return foot


def _layout(shape: tuple[int, int], count: int, title: str) -> tuple[Figure, Axes, list[Axes]]:
    """Return a figure with an axes for the tree and a small panel for each of `count` regions below it."""
    slot = _WIDTH / count
    width = min(0.9 * slot, _TALLEST_PHOTO * shape[1] / shape[0])
    height = width * shape[0] / shape[1]
    band = PANEL_TITLE_SIZE * LINE_HEIGHT * POINT
    top = TITLE_SIZE * LINE_HEIGHT * POINT + 0.1
    total = top + _TREE + band + height + 0.08
    figure = new_figure(_WIDTH, total)
    add_heading(figure, title, 1 - 0.05 / total)
    tree = figure.add_axes((0, (band + height + 0.08) / total, 1, _TREE / total))
    tree.set_axis_off()
    panels = []
    for i in range(count):
        left = (i + 0.5) * slot - width / 2
        ax = figure.add_axes((left / _WIDTH, 0.06 / total, width / _WIDTH, height / total))
        ax.set(xlim=(0, shape[1]), ylim=(shape[0], 0), xticks=[], yticks=[])
        panels.append(ax)
    return figure, tree, panels


def _draw_brackets(ax: Axes, pairs: IntArray, foot: list[int], left_out: int, names: Sequence[str]) -> None:
    """Draw a bracket for each merge but the first `left_out`, over the regions of `foot`."""
    count = len(pairs) + 1
    place = {region: (float(i), 0.0) for i, region in enumerate(foot)}
    for merge in range(left_out, len(pairs)):
        (xa, ya), (xb, yb) = (place[child] for child in pairs[merge].tolist())
        y = merge - left_out + 1.0
        ax.plot(
            [xa, xa, xb, xb], [ya, y, y, yb], color=INK, linewidth=1.8, solid_joinstyle="miter", gid="merge"
        )
        place[count + merge] = ((xa + xb) / 2, y)
        ax.text(
            (xa + xb) / 2,
            y,
            literal(names[count + merge]),
            size=LEGEND_SIZE,
            color=INK,
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
        )
    ax.set(xlim=(-0.5, len(foot) - 0.5), ylim=(0, len(pairs) - left_out + 0.6))
