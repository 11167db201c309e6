"""Which boxes are chosen: by non-maximum suppression, and for a training batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.viz.labels import add_labels, draw_faint_boxes, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    CORRECT,
    FALSE,
    TRUTH,
    add_legend,
    as_boxes,
    as_photo,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_nms(
    image: Array, boxes: Array, scores: Array, kept: Array, suppressed_by: Array, title: str = ""
) -> Figure:
    """Draw what non-maximum suppression kept and which box removed which.

    Both panels give each kept box its own colour. The left one shows every box in the colour of the box
    that removed it, the right one the kept boxes with their score and the number of boxes they removed.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    boxes : (R, 4) float array
        In pixels of `image`.
    scores : (R,) float array
    kept : (M,) int array
        Indices of the kept boxes, best score first.
    suppressed_by : (R,) int array
        For each box the index of the kept box that removed it; a kept box names itself.
    title : str
        Default: how many were kept.
    """
    photo, frames = as_photo(image), as_boxes(boxes)
    keepers, owner = to_host(kept).astype(int), to_host(suppressed_by).astype(int)
    values = np.asarray(to_host(scores))
    figure, (before, after) = photo_panels(
        photo.shape[:2],
        [f"before: {len(frames):,} boxes", f"after: {len(keepers):,} boxes"],
        columns=2,
        width=13.0,
        title=title or "Non-maximum suppression: the best box removes its neighbours",
    )
    colours = [BOX_COLOURS[i % len(BOX_COLOURS)] for i in range(len(keepers))]
    for ax in (before, after):
        show_image(ax, photo)
    texts = []
    for keeper, colour in zip(keepers[::-1], colours[::-1], strict=True):
        removed = np.flatnonzero((owner == keeper) & (np.arange(len(owner)) != keeper))
        if len(removed):
            draw_faint_boxes(before, frames[removed], colour, linewidth=1.2)
        draw_rectangle(before, frames[keeper], colour, linewidth=2.2, gid="kept")
        draw_rectangle(after, frames[keeper], colour, linewidth=2.6, gid="kept")
        texts.append(f"{values[keeper]:.2f}" + (f", removed {len(removed)}" if len(removed) else ""))
    add_labels(after, frames[keepers], texts[::-1], colours)
    return figure


def draw_sampled_rois(
    image: Array,
    rois: Array,
    labels: Array,
    ground_truth: Array | None = None,
    title: str = "",
    *,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draw the regions of one photo that a training batch drew.

    Foreground is solid, background thin, ground truth dashed.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    rois : (R, 4) float array
        In pixels of `image`.
    labels : (R,) int array
        0 background, 1..K foreground.
    ground_truth : (G, 4) float array, optional
    title : str
        Default: how many of each kind.
    class_names : sequence of str, optional
        The K foreground classes; with it each foreground region is labelled.
    """
    photo, frames = as_photo(image), as_boxes(rois)
    classes = np.asarray(to_host(labels), dtype=int).reshape(-1)
    foreground = classes > 0
    counts = f"{int(foreground.sum())} foreground, {int((~foreground).sum())} background"
    figure, (ax,) = photo_panels(
        photo.shape[:2], [""], title=title or f"Regions of one batch: {counts}", legend_rows=1
    )
    show_image(ax, photo)
    for box in frames[~foreground]:
        draw_rectangle(ax, box, FALSE, linewidth=0.9, outlined=False, gid="background")
    for box in frames[foreground]:
        draw_rectangle(ax, box, CORRECT, linewidth=1.8, gid="foreground")
    for box in as_boxes([] if ground_truth is None else ground_truth):
        draw_rectangle(ax, box, TRUTH, linewidth=2.2, linestyle="--", gid="truth")
    if class_names is not None:
        names = [class_names[label - 1] for label in classes[foreground]]
        add_labels(ax, frames[foreground], names, [CORRECT] * len(names))
    add_legend(
        figure,
        [
            (f"foreground ({int(foreground.sum())})", CORRECT, "-"),
            (f"background ({int((~foreground).sum())})", FALSE, "-"),
            ("ground truth", TRUTH, "--"),
        ],
    )
    return figure
