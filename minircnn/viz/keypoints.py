"""Key points on photos: where, how large, which way up; and which of two photos are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.structures import FloatArray
from minircnn.viz.style import BOX_COLOURS, as_photo, halo, photo_panels, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAP = 8  # pixels between two photos


def draw_keypoints(image: Array, xy: Array, sizes: Array, angles: Array, title: str = "") -> Figure:
    """Draw key points as circles, with a line from the centre that shows their orientation.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    xy : (n, 2) float array
        Half-open coordinates of the photo.
    sizes : (n,) float array
        Radii of the circles, in pixels: twice the σ of each point.
    angles : (n,) float array
        Degrees from the x axis towards the y axis.
    title : str
        Default: how many there are.

    Raises
    ------
    ValueError
        If their numbers differ.
    """
    from matplotlib.collections import LineCollection

    photo, centres = as_photo(image), _points(xy)
    radii, turns = (np.asarray(to_host(values), np.float64) for values in (sizes, angles))
    if not len(centres) == len(radii) == len(turns):
        raise ValueError(
            f"{len(centres)} key points need as many sizes and angles, got {len(radii)}, {len(turns)}"
        )
    figure, (ax,) = photo_panels(
        photo.shape[:2], [""], title=title or f"{len(centres):,} key points: scale and orientation"
    )
    show_image(ax, photo)
    around = np.linspace(0, 2 * np.pi, 33)
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)  # (33, 2)
    tips = np.stack([np.cos(np.radians(turns)), np.sin(np.radians(turns))], axis=1)
    lines = [*(centres[:, None] + radii[:, None, None] * circle)]
    lines += [*np.stack([centres, centres + radii[:, None] * tips], axis=1)]
    ax.add_collection(
        LineCollection(lines, colors=BOX_COLOURS[2], linewidths=0.9, path_effects=halo(BOX_COLOURS[2], 0.9))
    )
    return figure


def draw_matches(first: Array, second: Array, xy: Array, other: Array, title: str = "") -> Figure:
    """Draw two photos side by side, and a line from each key point to its match.

    Parameters
    ----------
    first, second : (H, W, 3) uint8 array
    xy, other : (M, 2) float array
        Matched positions in the first and in the second photo.
    title : str
        Default: how many there are.

    Raises
    ------
    ValueError
        If their numbers differ.
    """
    from matplotlib.collections import LineCollection

    photos, ends = [as_photo(first), as_photo(second)], [_points(xy), _points(other)]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"a match has two ends, got {len(ends[0])} and {len(ends[1])}")
    height = max(photo.shape[0] for photo in photos)
    left = photos[0].shape[1] + _GAP
    canvas = np.full((height, left + photos[1].shape[1], 3), 255, np.uint8)
    canvas[: photos[0].shape[0], : photos[0].shape[1]] = photos[0]
    canvas[: photos[1].shape[0], left:] = photos[1]
    figure, (ax,) = photo_panels(
        canvas.shape[:2], [""], width=13.0, title=title or f"{len(ends[0]):,} matches"
    )
    show_image(ax, canvas)
    lines = np.stack([ends[0], ends[1] + [left, 0]], axis=1)  # (M, 2, 2)
    colours = [BOX_COLOURS[i % len(BOX_COLOURS)] for i in range(len(lines))]
    ax.add_collection(LineCollection(list(lines), colors=colours, linewidths=0.9))
    x, y = lines.reshape(-1, 2).T
    ax.scatter(x, y, s=9, c=np.repeat(colours, 2), edgecolors="black", linewidths=0.4)
    return figure


def _points(values: Array) -> FloatArray:
    """Return points (n, 2) on the host; an empty sequence is none."""
    host = np.asarray(to_host(values), np.float64)
    if host.size == 0:
        return host.reshape(0, 2)
    if host.ndim != 2 or host.shape[1] != 2:
        raise ValueError(f"points must have shape (n, 2), got {host.shape}")
    return host
