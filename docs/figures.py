"""What the executed pages need to show a figure, and the few plots that only they draw.

The pages import it by the name ``figures``: MkDocs loads this file as a hook.
"""

import base64
import io
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.viz.curves import plain_axes
from minircnn.viz.labels import add_labels, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    LEGEND_SIZE,
    line_colour,
    new_figure,
    photo_panels,
    show_image,
)

_PIXELS = 1200  # width of a page's pictures
_COLOURS = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in BOX_COLOURS], dtype=float)


def on_config(config: Any) -> Any:
    """Let the pages write ``from figures import picture``, and import the benchmarks beside the package."""
    sys.modules["figures"] = sys.modules[__name__]
    sys.path.append(str(Path(config.config_file_path).parent))
    return config


def picture(figure: Figure, text: str) -> str:
    """Return `figure` as an HTML image inside the page, `text` below it: PNG if it shows pixels, else SVG."""
    has_pixels = any(ax.images for ax in figure.axes)
    kind, mime = ("png", "image/png") if has_pixels else ("svg", "image/svg+xml")
    metadata: dict[str, Any] = {"Software": None} if has_pixels else {"Date": None}
    width = float(figure.get_size_inches()[0])
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "minircnn"}):
        figure.savefig(buffer, format=kind, dpi=min(110, _PIXELS / width), metadata=metadata)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    image = f'<img src="data:{mime};base64,{data}" alt="{escape(text)}" loading="lazy">'
    return f"<figure>{image}<figcaption>{escape(text)}</figcaption></figure>\n"


def plot(
    x: Sequence[float] | FloatArray, curves: Mapping[str, Any], xlabel: str, ylabel: str, title: str = ""
) -> Figure:
    """Plot named curves over the same x."""
    figure = new_figure(7.2, 4.0)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, xlabel, ylabel, title)
    for i, (name, y) in enumerate(curves.items()):
        ax.plot(x, y, color=line_colour(i), linewidth=2.2, label=name)
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK)
    return figure


def scatter_sizes(groups: Mapping[str, FloatArray], title: str = "") -> Figure:
    """Plot width against height of every group's (R, 4) boxes, both logarithmic."""
    figure = new_figure(7.2, 4.6)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    plain_axes(ax, "width, pixels", "height, pixels", title)
    ax.set(xscale="log", yscale="log")
    for i, (name, boxes) in enumerate(groups.items()):
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        size, alpha = (9, 0.45) if len(boxes) > 100 else (60, 1.0)
        ax.scatter(width, height, s=size, alpha=alpha, color=line_colour(i), label=name, edgecolors="none")
    ticks = [10, 20, 50, 100, 200]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.set_yticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=LEGEND_SIZE, labelcolor=INK, loc="upper left")
    return figure


def four_tasks(image: ImageArray, boxes: FloatArray, names: Sequence[str], instance: IntArray) -> Figure:
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
        show_image(ax, image if paint is None else painted(image, paint))
    shown = [(1, [largest]), (2, list(range(len(names))))]
    for panel, chosen in shown:
        colours = [BOX_COLOURS[of_class[1 + i] - 1] for i in chosen]
        for i, colour in zip(chosen, colours, strict=True):
            draw_rectangle(axes[panel], boxes[i], colour, linewidth=2.6)
        add_labels(axes[panel], boxes[chosen], [names[i] for i in chosen], colours)
    return figure


def painted(image: ImageArray, labels: IntArray) -> ImageArray:
    """Return the photo, darkened, with the pixels of every label of (H, W) above 0 in a colour of its own."""
    colours = _COLOURS[(labels - 1) % len(_COLOURS)]
    mixed = np.where(labels[:, :, None] > 0, 0.15 * image + 0.85 * colours, 0.45 * image)
    result: ImageArray = np.clip(mixed, 0, 255).astype(np.uint8)
    return result
