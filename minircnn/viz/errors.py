"""What is wrong: stacked bars of kinds of error, and one error on its photo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array
from minircnn.structures import FloatArray
from minircnn.viz.curves import plain_axes
from minircnn.viz.labels import add_labels, draw_rectangle
from minircnn.viz.style import (
    FALSE,
    INK,
    LEGEND_SIZE,
    MISSED,
    TRUTH,
    as_boxes,
    as_photo,
    legend_entry,
    line_colour,
    literal,
    new_figure,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 5.0  # inches of a picture, so that a page of many stays small


def draw_stacked_bars(
    series: Mapping[str, Mapping[str, float | None]], title: str = "", *, xlabel: str = ""
) -> Figure:
    """Draw one horizontal bar per row, made of a piece per series.

    Parameters
    ----------
    series : mapping of str to mapping of str to float or None
        ``{kind: {class: value}}``, values of at least 0; None (or a missing row) is no piece.
    title, xlabel : str

    Raises
    ------
    ValueError
        If a value is negative or not a number: it cannot be stacked.
    """
    rows = list(dict.fromkeys(name for values in series.values() for name in values))
    figure = new_figure(8.4, 1.6 + 0.3 * max(len(rows), 1))
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, xlabel, "", title)
    ax.grid(False, axis="y")
    places = np.arange(len(rows), dtype=float)
    left = np.zeros(len(rows))
    for i, (name, values) in enumerate(series.items()):
        lengths = np.array([values.get(row) or 0.0 for row in rows])
        if not (lengths >= 0).all():
            raise ValueError(f"{name}: a piece of a bar must be at least 0, got {lengths.min()}")
        ax.barh(places, lengths, left=left, height=0.72, color=line_colour(i), label=legend_entry(name))
        left += lengths
    ax.set_yticks(places, [literal(row) for row in rows])
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    figure.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="outside lower center", ncols=3)
    return figure


def draw_error(
    image: Array,
    detection: tuple[FloatArray, str] | None,
    truth: tuple[FloatArray, str] | None,
    *,
    missed: bool = False,
) -> Figure:
    """Draw a wrong detection and the object it has to do with, or an object that was missed.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    detection, truth : (box, words) or None
        Box (4,) in pixels of `image`, and the label beside it.
    missed : bool
        The object is the error, the detection only the nearest one.
    """
    photo = as_photo(image)
    figure, (ax,) = photo_panels(photo.shape[:2], [""], width=_WIDTH, least_width=_WIDTH)
    show_image(ax, photo)
    shown = []
    if truth is not None:
        shown.append((*truth, MISSED if missed else TRUTH, "--"))
    if detection is not None:
        shown.append((*detection, FALSE, ":"))
    for box, _, colour, style in shown:
        draw_rectangle(ax, box, colour, linewidth=2.4, linestyle=style)
    boxes, words, colours, _ = zip(*shown, strict=True) if shown else ((), (), (), ())
    add_labels(ax, as_boxes(np.array(boxes)), words, colours)
    return figure
