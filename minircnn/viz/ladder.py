"""The lecture's ladder on one photo: from a label to a class and an object for every pixel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.imaging import voc_palette
from minircnn.panoptic import BACKGROUND, PanopticMap
from minircnn.scene import VOID, Scene
from minircnn.structures import Annotations, BoolArray, FloatArray, ImageArray, IntArray
from minircnn.viz.labels import add_labels, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    INK,
    LEGEND_SIZE,
    as_photo,
    legend_entry,
    photo_panels,
    rgb,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PALETTE = voc_palette().astype(float)
_OPAQUE = 0.8  # of what is painted over a photo
_GROUND = 0.35  # of the photo's grey that is left where nothing is painted: dark colours show on pale ground
_BACKGROUND = "#DCDCDC"  # what that looks like, in a legend
_IN_A_ROW = 6
_OBJECTS = np.array([rgb(colour) for colour in BOX_COLOURS], dtype=float)
_SHADES = (0.0, 0.5, -0.4, 0.25, -0.2, 0.7, -0.55)  # towards white, towards black


def draw_ladder(image: Array, scene: Scene, title: str = "") -> Figure:
    """Draw what each task asks for of one photo: six answers, all derived from one record.

    Classes have the colours of PASCAL VOC, void its pale yellow. In the panoptic panel every object has a
    shade of its class's colour. Where the photo is left grey is background.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    scene : Scene
        What is known of it, or, by ``Scene.from_panoptic``, what was found.
    title : str

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `image` is no uint8 colour photo, or of another size than the scene.
    """
    photo = as_photo(image)
    if photo.shape[:2] != (scene.height, scene.width):
        raise ValueError(
            f"the photo is {photo.shape[0]} × {photo.shape[1]}, the scene {scene.height} × {scene.width}"
        )
    largest, objects = scene.largest(), scene.objects()
    label = scene.class_names[_label_in(scene, largest) - 1] if len(largest) else "nothing"
    headings = [
        f"classification: “{label}”",
        "localization: one box",
        "detection: every object",
        "semantic: a class per pixel",
        "instance: an object per pixel",
        "panoptic: both",
    ]
    classes, panoptic = scene.class_map(), scene.panoptic()
    shown = [int(c) for c in np.unique(classes)]
    figure, axes = photo_panels(
        photo.shape[:2], headings, columns=3, width=11.0, title=title, legend_rows=_legend_rows(shown)
    )
    for ax in axes[:3]:
        show_image(ax, photo)
    instances, labelled = scene.instance_map(), classes > 0
    painted = [
        (_PALETTE[classes], labelled, classes),
        (_object_colours(instances), instances > 0, instances),
        (_panoptic_colours(panoptic), labelled, panoptic.ids),
    ]
    for ax, (colours, where, ids) in zip(axes[3:], painted, strict=True):
        show_image(ax, _painted(photo, colours, where, ids))
    _draw_boxes(axes[1], scene, largest)
    _draw_boxes(axes[2], scene, objects)
    _add_class_legend(figure, shown, scene.class_names)
    return figure


def draw_class_maps(
    image: Array, maps: Mapping[str, IntArray], class_names: Sequence[str], title: str = ""
) -> Figure:
    """Draw class maps of one photo side by side, the known one and a predicted one say, with a legend.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    maps : dict of str to (H, W) int array
        By the heading of each: 0 background, 1..K, 255 void.
    class_names : sequence of str
        The K classes.
    title : str

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If a map is of another size than the photo, or holds a number without a class.
    """
    photo, host = as_photo(image), {name: to_host(values) for name, values in maps.items()}
    for name, values in host.items():
        if values.shape != photo.shape[:2]:
            raise ValueError(f"{name}: a map of shape {values.shape} for a photo of {photo.shape[:2]}")
        wrong = values[(values != VOID) & ((values < 0) | (values > len(class_names)))]
        if wrong.size:
            raise ValueError(f"{name}: class {wrong[0]} has no name; there are {len(class_names)}")
    shown = sorted({int(c) for values in host.values() for c in np.unique(values)})
    figure, axes = photo_panels(
        photo.shape[:2],
        list(host),
        columns=min(3, len(host)),
        width=11.0,
        title=title,
        legend_rows=_legend_rows(shown),
    )
    for ax, values in zip(axes, host.values(), strict=True):
        show_image(ax, _painted(photo, _PALETTE[values], values > 0, values))
    _add_class_legend(figure, shown, class_names)
    return figure


def _label_in(scene: Scene, objects: Annotations) -> int:
    """Return the label in the scene's numbering of the first of `objects`, whose classes are things alone."""
    return scene.class_names.index(objects.class_names[objects.labels[0] - 1]) + 1


def _draw_boxes(ax: Axes, scene: Scene, objects: Annotations) -> None:
    """Draw the objects' boxes in the colours of their classes, with their names."""
    names = [objects.class_names[label - 1] for label in objects.labels]
    colours = [_hex(_PALETTE[scene.class_names.index(name) + 1]) for name in names]
    for box, colour in zip(objects.boxes, colours, strict=True):
        draw_rectangle(ax, box, colour, linewidth=2.6)
    add_labels(ax, objects.boxes, names, colours)


def _painted(photo: ImageArray, colours: FloatArray, where: BoolArray, ids: IntArray) -> ImageArray:
    """Return the photo in pale grey, `colours` (H, W, 3) laid over it (H, W) `where`, edges between `ids`."""
    grey = photo.mean(axis=2, keepdims=True)
    over = _OPAQUE * colours + (1 - _OPAQUE) * photo
    mixed = np.where(where[:, :, None], over, _GROUND * grey + (1 - _GROUND) * 255)
    edge = np.zeros(ids.shape, dtype=bool)
    edge[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    edge[1:] |= ids[1:] != ids[:-1]
    mixed[edge] = rgb(INK)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _object_colours(instances: IntArray) -> FloatArray:
    """Return a colour (H, W, 3) for each object, whatever its class."""
    return _OBJECTS[(instances - 1) % len(_OBJECTS)]


def _panoptic_colours(panoptic: PanopticMap) -> FloatArray:
    """Return the class's colour at every pixel (H, W, 3), in a shade of its own for each object."""
    colours = np.zeros((*panoptic.ids.shape, 3))
    colours[panoptic.ids == 0] = _PALETTE[VOID]
    seen: dict[int, int] = {}
    for segment in panoptic.segments:
        if segment.label == BACKGROUND:
            continue
        number = seen.get(segment.label, 0)
        seen[segment.label] = number + 1
        shade = _SHADES[number % len(_SHADES)] if panoptic.is_thing(segment.label) else 0.0
        target = 255.0 if shade > 0 else 0.0
        colour = (1 - abs(shade)) * _PALETTE[segment.label] + abs(shade) * target
        colours[panoptic.mask(segment)] = colour
    return colours


def _legend_rows(shown: Sequence[int]) -> int:
    return math.ceil(len(shown) / _IN_A_ROW)


def _add_class_legend(figure: Figure, shown: Sequence[int], class_names: Sequence[str]) -> None:
    """Name the colours of the classes below the panels."""
    from matplotlib.patches import Patch

    names = {BACKGROUND: "background", VOID: "void"}
    handles = [
        Patch(
            facecolor=_hex(_PALETTE[c]) if c != BACKGROUND else _BACKGROUND,
            edgecolor=INK,
            linewidth=0.8,
            label=legend_entry(names.get(c, "") or class_names[c - 1]),
        )
        for c in shown
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=min(_IN_A_ROW, len(handles)),
        frameon=False,
        fontsize=LEGEND_SIZE,
        labelcolor=INK,
        handlelength=1.4,
        handleheight=1.0,
        columnspacing=1.4,
        borderaxespad=0.1,
    )


def _hex(colour: FloatArray) -> str:
    return "#{:02X}{:02X}{:02X}".format(*(int(value) for value in colour))
