"""The way of a photo through Fast R-CNN as a strip of small pictures, one a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from minircnn.arrays import like, to_host
from minircnn.boxes import clip_boxes, nms_explained
from minircnn.cli.explain.steps import AFTER, BEFORE, Followed
from minircnn.detectors.fast_rcnn import FastRCNN
from minircnn.structures import FloatArray
from minircnn.viz.labels import add_labels, draw_faint_boxes, draw_rectangle
from minircnn.viz.style import BOX_COLOURS, CORRECT, FALSE, class_colours, photo_panels, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 3.2  # inches of a picture
_MANY, _FEW = 200, 3  # proposals drawn, regions followed
_NMS_BOXES = 20


def draw_strip(followed: Followed) -> list[tuple[str, Figure]]:
    """Return a heading and a small picture of the photo and of each step that Fast R-CNN took.

    A detector without a feature map and RoI pooling has no such strip: TypeError.
    """
    if not isinstance(followed.detector, FastRCNN):
        raise TypeError(f"the strip shows Fast R-CNN, and this is {followed.detector.title}")
    best = [int(r) for r in followed.best(_FEW)]
    return [
        ("The photo", _panel(followed)[0]),
        ("1. Look: one feature map", _panel(followed, to_host(followed.view.map)[0].mean(axis=0))[0]),
        (f"2. Propose: {len(followed.proposals):,} boxes", _proposals(followed)),
        ("3. Pool each box from the map", _pooling(followed, best[0])),
        ("4. Score each box", _scores(followed, best)),
        ("5. Correct it", _moved(followed, best)),
        ("6. Suppress what overlaps", _suppression(followed, followed.label(best[0]))),
        ("7. The detections", _detections(followed)),
    ]


def _panel(followed: Followed, image: FloatArray | None = None) -> tuple[Figure, Axes]:
    """Return a figure with the photo, or with a table of numbers stretched over it."""
    height, width = followed.image.shape[:2]
    figure, (ax,) = photo_panels((height, width), [""], width=_WIDTH)
    if image is None:
        show_image(ax, followed.image)
    else:
        rows = np.arange(height) * image.shape[0] // height
        columns = np.arange(width) * image.shape[1] // width
        show_image(ax, image[rows][:, columns], cmap="viridis")
    return figure, ax


def _frames(ax: Axes, boxes: FloatArray, colours: Sequence[str], texts: Sequence[str] = ()) -> None:
    for box, colour in zip(boxes, colours, strict=True):
        draw_rectangle(ax, box, colour)
    if texts:
        add_labels(ax, boxes, texts, colours)


def _proposals(followed: Followed) -> Figure:
    figure, ax = _panel(followed)
    draw_faint_boxes(ax, followed.proposals[:_MANY], BOX_COLOURS[2])
    return figure


def _pooling(followed: Followed, region: int) -> Figure:
    """Draw the bins of one region, on the channel where it is strongest."""
    pool, view = cast(FastRCNN, followed.detector).network.roi_pool, followed.view
    roi = followed.proposals[[region]] * view.scale
    pooled = to_host(pool(view.map, like(roi, view.map)))[0]  # (C, P, Q)
    return _panel(followed, pooled[int(pooled.max(axis=(1, 2)).argmax())])[0]


def _scores(followed: Followed, best: list[int]) -> Figure:
    figure, ax = _panel(followed)
    _frames(ax, followed.proposals[best], [BEFORE] * len(best), [followed.name(r) for r in best])
    return figure


def _moved(followed: Followed, best: list[int]) -> Figure:
    figure, ax = _panel(followed)
    _frames(ax, followed.proposals[best], [BEFORE] * len(best))
    _frames(ax, np.stack([followed.moved(r) for r in best]), [AFTER] * len(best))
    return figure


def _suppression(followed: Followed, label: int) -> Figure:
    """Draw the best boxes of a class: green stays, red goes."""
    scores = followed.scores[:, label - 1]
    order = np.argsort(-scores, kind="stable")[:_NMS_BOXES]
    boxes = np.asarray(clip_boxes(followed.boxes[order, label - 1], *followed.image.shape[:2]))
    kept, _ = nms_explained(boxes, scores[order], followed.detector.postprocess.nms_iou)
    figure, ax = _panel(followed)
    for row, box in enumerate(boxes):
        if row not in kept:
            draw_rectangle(ax, box, FALSE, linewidth=0.8, outlined=False)
    _frames(ax, boxes[kept], [CORRECT] * len(kept))
    return figure


def _detections(followed: Followed) -> Figure:
    shown = followed.found.above(followed.detector.usual_min_score)
    colours = class_colours(shown.labels.tolist())
    texts = [f"{name} {score:.2f}" for name, score in zip(shown.names(), shown.scores, strict=True)]
    figure, ax = _panel(followed)
    _frames(ax, shown.boxes, [colours[label] for label in shown.labels.tolist()], texts)
    return figure
