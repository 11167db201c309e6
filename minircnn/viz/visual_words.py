"""Visual words: what they look like, where they are, and what they say for or against a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray
from minircnn.viz.curves import plain_axes
from minircnn.viz.labels import draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    LEGEND_SIZE,
    PANEL_TITLE_SIZE,
    as_boxes,
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

_CELLS, _BINS = 4, 8
_AGAINST_AND_FOR = "PuOr_r"  # purple and orange: told apart with every form of colour blindness
_FAINT = 0.35  # of the photo's contrast under a heat map


def draw_words(centers: Array, title: str = "", *, count: int = 48, columns: int = 12) -> Figure:
    """Draw the first words of a vocabulary: in each of 4 × 4 cells the directions in which it gets brighter.

    Parameters
    ----------
    centers : (K, 128) or (K, 384) float array
        Of three colours the last is drawn, which is the intensity.
    title : str
        Default: how many there are.
    count : int
        Words drawn at most.
    columns : int

    Raises
    ------
    ValueError
        If they are no descriptors.
    """
    words = np.asarray(to_host(centers), np.float64)
    length = _CELLS * _CELLS * _BINS
    if words.ndim != 2 or len(words) == 0 or words.shape[1] % length:
        raise ValueError(f"words must be (K, {length}) or (K, {3 * length}) descriptors, got {words.shape}")
    shown = words[:count, -length:]
    figure, axes = photo_panels(
        (_CELLS, _CELLS),
        [""] * len(shown),
        columns=columns,
        width=12.0,
        title=title
        or (f"{len(shown)} of " if len(shown) < len(words) else "") + f"{len(words):,} visual words",
    )
    for ax, word in zip(axes, shown, strict=True):
        _draw_word(ax, word)
    return figure


def _draw_word(ax: Axes, word: FloatArray) -> None:
    """Draw the eight directions of each cell as a star, the longest of them half a cell."""
    from matplotlib.collections import LineCollection

    cells = np.maximum(word, 0).reshape(_CELLS, _CELLS, _BINS)
    row, column, direction = np.indices(cells.shape).reshape(3, -1)
    centre = np.stack([column + 0.5, row + 0.5], axis=1)
    turn = direction * (2 * np.pi / _BINS)
    reach = 0.5 * cells.ravel() / max(cells.max(), 1e-9)
    tip = centre + reach[:, None] * np.stack([np.cos(turn), -np.sin(turn)], axis=1)  # upwards
    ax.add_collection(LineCollection(list(np.stack([centre, tip], axis=1)), colors=INK, linewidths=1.1))
    draw_rectangle(ax, np.array([0, 0, _CELLS, _CELLS]), "#999999", linewidth=0.8, outlined=False)


def draw_word_places(
    image: Array, xy: Array, words: Array, box: Array, title: str = "", *, most: int = 7
) -> Figure:
    """Draw where the most frequent words of a box are.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    xy : (n, 2) float array
        Points in pixels of the photo.
    words : (n,) int array
        The word of each.
    box : (4,) float array
    title : str
    most : int
        Words that get a colour of their own.
    """
    photo, frame = as_photo(image), as_boxes([box])[0]
    points, own = np.asarray(to_host(xy), np.float64), np.asarray(to_host(words))
    inside = ((points >= frame[:2]) & (points < frame[2:])).all(axis=1)
    values, counts = np.unique(own[inside], return_counts=True)
    common = values[np.argsort(-counts, kind="stable")[: min(most, len(BOX_COLOURS))]]
    x1, y1, x2, y2 = _around(frame, photo.shape[:2])
    figure, (ax,) = photo_panels(
        (y2 - y1, x2 - x1),
        [""],
        title=title or f"{int(inside.sum()):,} words in the box, {len(values)} different ones",
    )
    show_image(ax, photo, alpha=1 - _FAINT)
    for colour, word in zip(BOX_COLOURS, common, strict=False):
        x, y = points[inside & (own == word)].T
        ax.scatter(x, y, s=14, c=colour, edgecolors="black", linewidths=0.3)
    draw_rectangle(ax, frame, "#FFFFFF")
    ax.set(xlim=(x1, x2), ylim=(y2, y1))
    return figure


def _around(box: FloatArray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part of a photo (height, width) to show of a box: it and as much again, x1, y1, x2, y2."""
    height, width = size
    reach = max(0.5 * float(max(box[2] - box[0], box[3] - box[1])), 16.0)
    x1, y1 = (max(0, int(np.floor(edge - reach))) for edge in box[:2])
    x2, y2 = min(width, int(np.ceil(box[2] + reach))), min(height, int(np.ceil(box[3] + reach)))
    return x1, y1, x2, y2


def draw_votes(image: Array, votes: Array, box: Array, title: str = "") -> Figure:
    """Draw what each point of a box says for a class (orange) or against it (purple).

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    votes : (h, w) float array
        At the points of a grid that covers the photo.
    box : (4,) float array
    title : str

    Raises
    ------
    ValueError
        If `votes` is no map.
    """
    photo, frame = as_photo(image), as_boxes([box])[0]
    table = np.asarray(to_host(votes), np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"votes must be (h, w) numbers, got {table.shape}")
    height, width = photo.shape[:2]
    x1, y1, x2, y2 = _around(frame, (height, width))
    figure, axes = photo_panels(
        (y2 - y1, x2 - x1), ["photo", "for (orange) and against (purple)"], columns=2, width=12.0, title=title
    )
    show_image(axes[0], photo)
    grey = photo.mean(axis=2)
    show_image(axes[1], 255 - _FAINT * (255 - grey), cmap="gray", vmin=0, vmax=255)
    limit = np.abs(table).max() or 1.0
    shown = np.ma.masked_equal(table, 0)
    axes[1].imshow(
        shown,
        extent=(0, width, height, 0),
        cmap=_AGAINST_AND_FOR,
        vmin=-limit,
        vmax=limit,
        alpha=0.75,
        interpolation="nearest",
    )
    for ax in axes:
        draw_rectangle(ax, frame, "#FFFFFF", gid="box")
        ax.set(xlim=(x1, x2), ylim=(y2, y1))
    return figure


def draw_word_training(trace: Sequence[Mapping[str, Any]], title: str = "") -> Figure:
    """Draw how a training by visual words went: the vocabulary's k-means, and the negatives of each round.

    Parameters
    ----------
    trace : sequence of records
        The lines of ``bag-of-words.trace.jsonl``: first the vocabulary's, then one a round.
    title : str

    Raises
    ------
    ValueError
        If there is no vocabulary among them.
    """
    vocabulary = next((line for line in trace if line.get("stage") == "vocabulary"), None)
    if vocabulary is None:
        raise ValueError("the trace has no line of the vocabulary")
    rounds = [line for line in trace if str(line.get("stage")).startswith("round")]
    figure = new_figure(9.6, 4.2)
    figure.set_layout_engine("constrained")
    left, right = figure.subplots(1, 2)
    inertia = np.asarray(vocabulary["inertia"], np.float64)
    plain_axes(
        left, "step", "squared distance to the word (of the first)", f"k-means: {vocabulary['words']:,} words"
    )
    left.plot(np.arange(len(inertia)), inertia / inertia[0], color=line_colour(0), linewidth=2)
    left.set_ylim(bottom=0)
    left.xaxis.get_major_locator().set_params(integer=True)
    plain_axes(right, "round", "negatives of all classes", "Hard negatives")
    own = [sum(line["negatives"]) for line in rounds]
    hard = [sum(line["hard"]) for line in rounds]
    places = np.arange(len(rounds))
    right.bar(places, own, 0.6, color=line_colour(5), label="trained on")
    right.bar(places, hard, 0.3, color=line_colour(1), label="of them mistakes so far")
    right.set_xticks(places)
    if rounds:
        figure.legend(
            frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="outside lower center", ncols=2
        )
    if title:
        figure.suptitle(literal(title), size=PANEL_TITLE_SIZE + 2, weight="bold", color=INK)
    return figure
