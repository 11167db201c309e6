"""Pictures of a cascade: its features on a window, the windows that are left, how its training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.features import HaarFeatures, LBPFeatures
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.viz.labels import draw_faint_boxes, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    GRID,
    INK,
    PANEL_TITLE_SIZE,
    line_colour,
    literal,
    new_figure,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WHITE, _BLACK = "#FFFFFF", "#000000"
_ALPHA = 0.6
_PANEL = 2.3  # inches
_MOST_BOXES = 2000
_FEW = 500  # are drawn with a stronger line


def draw_haar_features(
    window: ImageArray,
    features: HaarFeatures | LBPFeatures,
    titles: Sequence[str] = (),
    columns: int = 4,
) -> Figure:
    """Draw features on a window (h, w), each on its own: white is added, black subtracted.

    Of a local binary pattern its 3 × 3 blocks are drawn.

    Parameters
    ----------
    titles : sequence of str
        One per feature, or none.
    """
    count = len(features)
    if count == 0:
        raise ValueError("there is no feature to draw")
    columns = min(columns, count)
    rows = -(-count // columns)
    height, width = window.shape
    figure = new_figure(columns * _PANEL, rows * (_PANEL * height / width + 0.35))
    for number in range(count):
        ax = figure.add_subplot(rows, columns, number + 1)
        show_image(ax, window, cmap="gray", vmin=0, vmax=255)
        ax.set_axis_off()
        if titles:
            ax.set_title(literal(titles[number]), fontsize=PANEL_TITLE_SIZE, color=INK)
        if isinstance(features, HaarFeatures):
            _paint(ax, features, number)
        else:
            _blocks(ax, features.cells[number])
    figure.tight_layout()
    return figure


def _paint(ax: Axes, features: HaarFeatures, number: int) -> None:
    """Paint the rectangles of a feature; those that cancel the whole's weight are drawn over it."""
    from matplotlib.patches import Polygon

    for (x, y, w, h), weight in zip(features.rectangles[number], features.weights[number], strict=True):
        if weight == 0:
            continue
        corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
        if features.tilted[number]:
            corners = [(x, y), (x + w, y + w), (x + w - h, y + w + h), (x - h, y + h)]
        colour = _WHITE if weight > 0 else _BLACK
        ax.add_patch(Polygon(corners, facecolor=colour, edgecolor=BOX_COLOURS[0], alpha=_ALPHA))


def _blocks(ax: Axes, cell: IntArray) -> None:
    x, y, w, h = (int(v) for v in cell)
    for row in range(3):
        for column in range(3):
            left, top = x + column * w, y + row * h
            middle = row == column == 1
            draw_rectangle(ax, np.array([left, top, left + w, top + h]), BOX_COLOURS[0 if middle else 1])


def draw_integral_image(image: ImageArray, sums: IntArray) -> Figure:
    """Draw a photo (H, W, 3) beside its integral image (H+1, W+1): sums grow to the lower right."""
    figure, (photo, integral) = photo_panels(image.shape[:2], ["The photo", "Its integral image"], columns=2)
    show_image(photo, image)
    show_image(integral, sums[1:, 1:], cmap="viridis")
    return figure


def draw_surviving_windows(
    image: ImageArray, boxes: Sequence[FloatArray], titles: Sequence[str], columns: int = 3
) -> Figure:
    """Draw on a photo (H, W, 3), panel by panel, the windows (R, 4) that are left; of many, some."""
    figure, panels = photo_panels(image.shape[:2], list(titles), columns=columns)
    for ax, own in zip(panels, boxes, strict=False):
        show_image(ax, image)
        step = max(1, -(-len(own) // _MOST_BOXES))
        draw_faint_boxes(ax, own[::step], BOX_COLOURS[0], linewidth=0.5 if len(own) > _FEW else 1.2)
    return figure


def draw_cascade_training(trace: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Draw how the stages of each class came about: objects kept, false alarms left, features.

    Parameters
    ----------
    trace : sequence of mappings
        Records of the stages, each with the name of its class.

    Raises
    ------
    ValueError
        If there is no stage.
    """
    from matplotlib.ticker import MaxNLocator

    if not trace:
        raise ValueError("there is no stage to draw")
    figure = new_figure(11.0, 3.6)
    names = list(dict.fromkeys(str(record["class"]) for record in trace))
    axes = [figure.add_subplot(1, 3, number) for number in (1, 2, 3)]
    for number, name in enumerate(names):
        own = [record for record in trace if record["class"] == name]
        stages = [record["stage"] for record in own]
        left = [max(record["false_alarms_before"], 0.5) / max(record["windows"], 1) for record in own]
        curves = ([record["detection_rate"] for record in own], left, [r["features"] for r in own])
        for ax, values in zip(axes, curves, strict=True):
            ax.plot(stages, values, color=line_colour(number), marker=".", label=literal(name))
    axes[1].set_yscale("log")
    words = ("Held-out objects that are left", "Windows that pass all before", "Features of the stage")
    for ax, word in zip(axes, words, strict=True):
        ax.set_title(word, fontsize=PANEL_TITLE_SIZE, color=INK)
        ax.set_xlabel("stage")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(color=GRID)
    axes[2].legend(fontsize=8, frameon=False, ncols=2 if len(names) > 5 else 1)
    figure.suptitle(literal(title))
    figure.tight_layout()
    return figure
