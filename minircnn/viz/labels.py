"""Frames of boxes and the text beside them, placed so that labels cover each other only where unavoidable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minircnn.structures import FloatArray
from minircnn.viz.style import halo, ink_on, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle
    from matplotlib.text import Text

_PAD = 0.18  # around the text, in font sizes


def label_size(count: int) -> float:
    """Return a font size in points that leaves `count` labels room on one photo."""
    return float(np.clip(11.0 - 0.13 * max(count - 5, 0), 6.5, 11.0))


def draw_rectangle(
    ax: Axes,
    box: FloatArray,
    colour: str,
    *,
    linewidth: float = 2.0,
    linestyle: str = "-",
    outlined: bool = True,
    **options: Any,
) -> Rectangle:
    """Draw `box` (4,) as a frame; `outlined` adds the halo that keeps it visible on any ground."""
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = (float(v) for v in box)
    patch = Rectangle(
        (x1, y1),
        x2 - x1,
        y2 - y1,
        fill=False,
        edgecolor=colour,
        linewidth=linewidth,
        linestyle=linestyle,
        path_effects=halo(colour, linewidth) if outlined else None,
        **options,
    )
    ax.add_patch(patch)
    return patch


def draw_faint_boxes(ax: Axes, boxes: FloatArray, colour: str, *, linewidth: float = 0.7) -> None:
    """Draw many `boxes` (R, 4) as one thin, see-through collection."""
    from matplotlib.collections import LineCollection

    x1, y1, x2, y2 = boxes.T
    corners = np.stack([x1, y1, x2, y1, x2, y2, x1, y2, x1, y1], axis=1).reshape(-1, 5, 2)
    alpha = float(np.clip(40 / max(len(boxes), 1), 0.18, 0.75))
    ax.add_collection(LineCollection(list(corners), colors=colour, linewidths=linewidth, alpha=alpha))


def add_labels(
    ax: Axes,
    boxes: FloatArray,
    texts: Sequence[str],
    colours: Sequence[str],
    *,
    size: float | None = None,
) -> list[Text]:
    """Write one label at each box, the first ones getting the best places.

    Tried in turn: above, inside, below and beside the box. The first place inside the photo that touches
    no earlier label is taken; if there is none, the one that covers least.

    Parameters
    ----------
    ax : Axes
        A panel of :func:`~minircnn.viz.style.photo_panels`.
    boxes : (R, 4) float array
        In the panel's coordinates.
    texts, colours : sequences of str
        Of each label; colours as ``#RRGGBB``.
    size : float, optional
        Font size in points. Default: by the number of labels.
    """
    size = label_size(len(texts)) if size is None else size
    (right, bottom) = max(ax.get_xlim()), max(ax.get_ylim())
    taken = np.zeros((0, 4))
    placed = []
    for box, words, colour in zip(boxes, texts, colours, strict=True):
        label = ax.text(
            0,
            0,
            literal(words),
            size=size,
            color=ink_on(colour),
            ha="left",
            va="center_baseline",
            clip_on=True,
            zorder=5,
        )
        label.set_bbox({"facecolor": colour, "edgecolor": "none", "pad": _PAD * size, "alpha": 0.92})
        width, height = _extent(ax, label, size)
        frame = _best_place(box, width, height, right, bottom, taken)
        pad = width_of_pad(ax, size)
        label.set_position((frame[0] + pad, (frame[1] + frame[3]) / 2))
        taken = np.vstack([taken, frame])
        placed.append(label)
    return placed


def width_of_pad(ax: Axes, size: float) -> float:
    """Return the margin around a label's text in the panel's coordinates (pixels of the photo)."""
    return _PAD * size / 72 * ax.figure.dpi * _pixels_per_dot(ax)


def _pixels_per_dot(ax: Axes) -> float:
    """Return how many photo pixels one dot of the figure covers."""
    return float(abs(ax.get_xlim()[1] - ax.get_xlim()[0]) / ax.get_window_extent().width)


def _extent(ax: Axes, label: Text, size: float) -> tuple[float, float]:
    """Return width and height of a label with its margin, in the panel's coordinates."""
    extent = label.get_window_extent()
    scale, pad = _pixels_per_dot(ax), width_of_pad(ax, size)
    # the height of the line, not of these letters: labels of equal size look alike
    line = 1.12 * size / 72 * ax.figure.dpi * scale
    return float(extent.width) * scale + 2 * pad, line + 2 * pad


def _best_place(
    box: FloatArray, width: float, height: float, right: float, bottom: float, taken: FloatArray
) -> FloatArray:
    """Return the frame (4,) of a label of the given size for `box`, away from the frames `taken` (T, 4)."""
    x1, y1, x2, y2 = box
    corners = np.array(
        [
            (x1, y1 - height),
            (x1, y1),
            (x1, y2),
            (x2 - width, y1 - height),
            (x1, y2 - height),
            (x2 - width, y1),
            (x2 - width, y2),
            (x2 - width, y2 - height),
            (x2, y1),
            (x1 - width, y1),
            (x2, y2 - height),
            (x1 - width, y2 - height),
            ((x1 + x2 - width) / 2, (y1 + y2 - height) / 2),
        ]
    )  # (P, 2)
    corners[:, 0] = np.clip(corners[:, 0], 0, max(right - width, 0))
    corners[:, 1] = np.clip(corners[:, 1], 0, max(bottom - height, 0))
    frames = np.hstack([corners, corners + np.array([width, height])])  # (P, 4)
    low = np.maximum(frames[:, None, :2], taken[None, :, :2])
    high = np.minimum(frames[:, None, 2:], taken[None, :, 2:])
    covered = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1)  # (P,)
    best: FloatArray = frames[int(np.argmin(np.round(covered, 6)))]
    return best
