"""The lecture's own pictures: tasks, sizes of boxes, coloured regions, plain curves and average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.viz.curves import plain_axes
from minircnn.viz.labels import add_labels, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    LEGEND_SIZE,
    legend_entry,
    line_colour,
    new_figure,
    photo_panels,
    rgb,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = np.array([rgb(colour) for colour in BOX_COLOURS], dtype=float)


def draw_curves(
    x: Sequence[float] | Array, curves: Mapping[str, Array], xlabel: str, ylabel: str, title: str = ""
) -> Figure:
    """Plot named curves, (n,) values each, over the same `x` (n,)."""
    figure = new_figure(7.2, 4.0)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, xlabel, ylabel, title)
    for i, (name, y) in enumerate(curves.items()):
        ax.plot(to_host(x), to_host(y), color=line_colour(i), linewidth=2.2, label=legend_entry(name))
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK)
    return figure


def draw_average_precision(recall: Array, precision: Array, title: str = "") -> Figure:
    """Draw precision over recall, (n,) each, the area that average precision measures, and VOC's 11 points.

    The area reaches at each recall to the best precision there or at any higher recall.
    """
    r, p = (np.asarray(to_host(values), dtype=float) for values in (recall, precision))
    best = np.maximum.accumulate(p[::-1])[::-1]
    eleven = np.arange(11) / 10
    heights = [p[r >= level].max(initial=0.0) for level in eleven]
    figure = new_figure(7.2, 4.4)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "recall", "precision", title)
    ax.set(xlim=(-0.02, 1.02), ylim=(0, 1.04))
    area = float((np.diff(r, prepend=0.0) * best).sum())
    edges = np.concatenate([[0.0], r])
    ax.stairs(best, edges, fill=True, color=line_colour(5), alpha=0.45, label=f"area: {area:.3f}")
    ax.plot(r, p, color=line_colour(0), linewidth=2.2, marker="o", label="after each detection")
    label = f"11 points: mean {np.mean(heights):.3f}"
    ax.plot(eleven, heights, linestyle="", marker="x", markersize=8, color=line_colour(1), label=label)
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="lower left")
    return figure


def draw_box_sizes(groups: Mapping[str, FloatArray], title: str = "") -> Figure:
    """Plot width against height of every group's (R, 4) boxes, both logarithmic."""
    figure = new_figure(7.2, 4.6)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "width, pixels", "height, pixels", title)
    ax.set(xscale="log", yscale="log")
    for i, (name, boxes) in enumerate(groups.items()):
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        size, alpha = (9, 0.45) if len(boxes) > 100 else (60, 1.0)
        ax.scatter(
            width,
            height,
            s=size,
            alpha=alpha,
            color=line_colour(i),
            label=legend_entry(name),
            edgecolors="none",
        )
    ticks = [10, 20, 50, 100, 200]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.set_yticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="upper left")
    return figure


def draw_tasks(image: ImageArray, boxes: FloatArray, names: Sequence[str], instance: IntArray) -> Figure:
    """Draw what each task asks for; `instance` (H, W) is 0 or, where `boxes[i]` has its object, i + 1."""
    classes = sorted(set(names))
    of_class = np.array([0] + [1 + classes.index(name) for name in names])
    largest = int(np.argmax((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)))
    headings = [
        f"classification: “{names[largest]}”",
        "… with localisation: one box",
        "detection: every object, a box and a class",
        "semantic segmentation: a class per pixel",
        "instance segmentation: an object per pixel",
        "panoptic: both, and the background too",
    ]
    figure, axes = photo_panels(image.shape[:2], headings, columns=3, width=11.0)
    paints = [None, None, None, of_class[instance], instance, np.where(instance > 0, instance, 5)]
    for ax, paint in zip(axes, paints, strict=True):
        show_image(ax, image if paint is None else paint_regions(image, paint))
    shown = [(1, [largest]), (2, list(range(len(names))))]
    for panel, chosen in shown:
        colours = [BOX_COLOURS[of_class[1 + i] - 1] for i in chosen]
        for i, colour in zip(chosen, colours, strict=True):
            draw_rectangle(axes[panel], boxes[i], colour, linewidth=2.6)
        add_labels(axes[panel], boxes[chosen], [names[i] for i in chosen], colours)
    return figure


def paint_regions(image: ImageArray, labels: IntArray) -> ImageArray:
    """Return the photo, darkened, with the pixels of every label of (H, W) above 0 in a colour of its own."""
    colours = _COLOURS[(labels - 1) % len(_COLOURS)]
    mixed = np.where(labels[:, :, None] > 0, 0.15 * image + 0.85 * colours, 0.45 * image)
    result: ImageArray = np.clip(mixed, 0, 255).astype(np.uint8)
    return result
