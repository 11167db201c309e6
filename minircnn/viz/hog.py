"""Histograms of oriented gradients and an SVM's weights as strokes; score maps; rounds of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array
from minircnn.features import HOG_STYLES, HogSettings, HogWindows, cell_histograms, hog_blocks
from minircnn.features.gradients import band_gradients, channels
from minircnn.imaging import resize_exact
from minircnn.structures import FloatArray
from minircnn.viz.curves import plain_axes
from minircnn.viz.features import HEAT
from minircnn.viz.style import (
    INK,
    LEGEND_SIZE,
    TITLE_SIZE,
    as_photo,
    line_colour,
    literal,
    new_figure,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAPER = "#111111"
_STROKE = (1.0, 1.0, 1.0)
_FOR, _AGAINST = (1.0, 0.75, 0.3), (0.45, 0.8, 1.0)
_FAINTEST = 0.06  # of the strongest; weaker strokes are left out
_LONGEST = 640  # side of a photo in pixels: finer strokes cannot be told apart
_OPACITY = 0.75  # of the heat over the photo


def draw_gradients(image: Array, settings: HogSettings = HOG_STYLES["paper"], title: str = "") -> Figure:
    """Draw how strong the gradient of each pixel of a photo (H, W, 3) is: brightness, beside the photo."""
    photo = as_photo(image)
    planes = channels(photo, settings)
    dx, dy = band_gradients(planes, slice(0, photo.shape[0]), settings)
    strength = np.hypot(dx, dy)
    figure, axes = photo_panels(
        photo.shape[:2], ["the photo", "strength of the gradient"], columns=2, title=title
    )
    show_image(axes[0], photo)
    show_image(axes[1], strength, cmap="gray", vmin=0, vmax=max(float(np.percentile(strength, 99.5)), 1e-6))
    return figure


def draw_hog(image: Array, settings: HogSettings = HOG_STYLES["paper"], title: str = "") -> Figure:
    """Draw the histograms of a photo beside it: in every cell a stroke for each orientation.

    A stroke lies along the edge that it stands for, across the gradient, and is the brighter the more votes
    that orientation has. A photo with more than 640 pixels on a side is shrunk first.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    settings : HogSettings, optional
        Default: the paper's.
    title : str

    Raises
    ------
    ValueError
        If `image` is no photo.
    """
    photo = as_photo(image)
    share = min(1.0, _LONGEST / max(photo.shape[:2]))
    if share < 1:
        photo = resize_exact(photo, *(max(1, round(side * share)) for side in photo.shape[:2]))
    figure, axes = photo_panels(photo.shape[:2], ["the photo", "its histograms"], columns=2, title=title)
    show_image(axes[0], photo)
    _paper(axes[1], photo.shape[:2])
    _strokes(axes[1], cell_histograms(hog_blocks(photo, settings), settings), settings, _STROKE)
    return figure


def draw_hog_weights(weights: Array, windows: HogWindows, title: str = "") -> Figure:
    """Draw what speaks for an object and what against it, by the weights (D,) of an SVM on a window.

    Raises
    ------
    ValueError
        If there is not a weight for each number of a descriptor.
    """
    values = np.asarray(weights, np.float64).reshape(-1)
    if len(values) != windows.dim:
        raise ValueError(f"a window has {windows.dim:,} numbers, got {len(values):,} weights")
    blocks = windows.placed(values[None].astype(np.float32))[0]
    width, height = windows.window
    figure, axes = photo_panels((height, width), ["for", "against"], columns=2, width=6.0, title=title)
    parts = [cell_histograms(np.maximum(0, sign * blocks), windows.hog) for sign in (1, -1)]
    most = max(float(part.max()) for part in parts)
    for ax, part, colour in zip(axes, parts, (_FOR, _AGAINST), strict=True):
        _paper(ax, (height, width))
        _strokes(ax, part, windows.hog, colour, most)
        inner = windows.objects(np.array([[0.0, 0, width, height]]))[0]
        ax.plot(inner[[0, 2, 2, 0, 0]], inner[[1, 1, 3, 3, 1]], color="#888888", linewidth=0.8, linestyle=":")
    return figure


def _paper(ax: Axes, shape: tuple[int, int]) -> None:
    """Lay a dark ground of `shape` (H, W) under what is drawn."""
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((0, 0), shape[1], shape[0], facecolor=_PAPER, edgecolor="none"))


def _strokes(
    ax: Axes,
    cells: FloatArray,
    settings: HogSettings,
    colour: tuple[float, float, float],
    most: float | None = None,
) -> None:
    """Draw the strokes of cells (H, W, bins); one as strong as `most` (default: the strongest) is opaque."""
    from matplotlib.collections import LineCollection

    strongest = max(float(cells.max(initial=0.0)) if most is None else most, 1e-12)
    part = cells / strongest
    rows, columns, bins = np.nonzero(part > _FAINTEST)
    strength = part[rows, columns, bins]
    along = (bins + 0.5) * settings.turn / settings.bins + np.pi / 2
    half = 0.5 * settings.cell * 0.95
    x, y = (columns + 0.5) * settings.cell, (rows + 0.5) * settings.cell
    step = half * np.stack([np.cos(along), np.sin(along)], axis=1)  # (n, 2)
    middle = np.stack([x, y], axis=1)
    colours = np.concatenate([np.broadcast_to(colour, (len(x), 3)), strength[:, None]], axis=1)
    order = np.argsort(strength, kind="stable")  # the strongest on top
    ends = np.stack([middle - step, middle + step], axis=1)[order]
    ax.add_collection(LineCollection(list(ends), colors=list(colours[order]), linewidths=1.1, gid="stroke"))


def draw_score_maps(
    image: Array, maps: Sequence[tuple[str, FloatArray, FloatArray]], title: str = ""
) -> Figure:
    """Draw the scores of the windows of some levels of a pyramid, as heat over the photo.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    maps : sequence of (str, (rows, columns) array, (4,) array)
        What each is, the scores of its windows, and in which box of the photo the windows' centres lie.
    title : str
    """
    photo = as_photo(image)
    figure, axes = photo_panels(
        photo.shape[:2], [name for name, _, _ in maps], columns=2 if len(maps) > 1 else 1, title=title
    )
    low = min((float(scores.min()) for _, scores, _ in maps), default=0.0)
    high = max((float(scores.max()) for _, scores, _ in maps), default=1.0)
    for ax, (_, scores, (x1, y1, x2, y2)) in zip(axes, maps, strict=True):
        show_image(ax, photo // 2)
        ax.imshow(
            scores, extent=(x1, x2, y2, y1), cmap=HEAT, vmin=low, vmax=max(high, low + 1e-6), alpha=_OPACITY
        )
        ax.set(xlim=(0, photo.shape[1]), ylim=(photo.shape[0], 0))
    return figure


def draw_rounds(records: Sequence[Mapping[str, float]], title: str = "") -> Figure:
    """Draw the rounds of a training on windows: its negatives, and how well the SVMs part them from objects.

    Parameters
    ----------
    records : sequence of mappings
        Of each round ``negatives``, ``hard`` (those new in it), ``objects``, ``recall`` and ``false_alarms``,
        as the trace of a training has them.
    title : str
    """
    figure = new_figure(9.0, 3.8)
    figure.set_layout_engine("constrained")
    if title:
        figure.suptitle(literal(title), size=TITLE_SIZE, weight="bold", color=INK)
    left, right = figure.subplots(1, 2)
    rounds = np.arange(len(records))
    hard = np.array([record["hard"] for record in records], float)
    before = np.array([record["negatives"] for record in records], float) - hard
    plain_axes(left, "round", "windows without an object")
    left.bar(rounds, before, color=line_colour(0), width=0.6, label="from before")
    left.bar(rounds, hard, bottom=before, color=line_colour(1), width=0.6, label="hard, new")
    left.set_ylim(0, 1.35 * max(1.0, float((before + hard).max(initial=0.0))))  # room for the legend
    plain_axes(right, "round", "of the training windows, %")
    for number, (name, key) in enumerate((("objects found", "recall"), ("false alarms", "false_alarms"))):
        values = [100 * record[key] for record in records]
        right.plot(rounds, values, color=line_colour(number), marker="o", linewidth=2, label=name)
    right.set_ylim(-4, 104)
    for ax in (left, right):
        ax.set_xticks(rounds)
        ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK)
    return figure
