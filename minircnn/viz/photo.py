"""Boxes on a photo: what a detector found, and what was there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import Array
from minircnn.checks import checked, real
from minircnn.evaluation.voc_matching import claimed_objects, first_to_claim
from minircnn.structures import Annotations, BoolArray, Detections, FloatArray, ImageArray
from minircnn.viz.labels import add_labels, draw_rectangle
from minircnn.viz.style import (
    BOX_COLOURS,
    CORRECT,
    FAINT,
    FALSE,
    MISSED,
    TRUTH,
    LineStyle,
    add_legend,
    as_boxes,
    as_photo,
    class_colours,
    photo_panels,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Verdict:
    """Which detections of one photo are right and which objects were found.

    Parameters
    ----------
    correct : (D,) bool array
        Detections that are the first to find their object.
    ignored : (D,) bool array
        Detections of an object marked difficult: neither right nor wrong.
    found : (G,) bool array
        Objects that a correct detection found.
    """

    correct: BoolArray
    ignored: BoolArray
    found: BoolArray


def judge(detections: Detections, ground_truth: Annotations, iou_threshold: float = 0.5) -> Verdict:
    """Match detections to objects by the rule of PASCAL VOC.

    In the order of their scores, each detection claims the object of its class that it overlaps most.
    The claim holds if the IoU is at least `iou_threshold` and nobody claimed the object before. A threshold
    outside 0..1 raises ValueError.
    """
    iou_threshold = checked("iou_threshold", iou_threshold, real(0, 1))
    claims = claimed_objects(detections, ground_truth, iou_threshold)  # (D,)
    ignored = claims >= 0
    ignored[ignored] = ground_truth.difficult[claims[ignored]]
    order = np.argsort(-detections.scores.astype(np.float64), kind="stable")
    correct = np.zeros(len(detections), dtype=bool)
    correct[order] = first_to_claim(np.where(ignored, -1, claims)[order])
    found = np.zeros(len(ground_truth), dtype=bool)
    found[claims[correct]] = True
    return Verdict(correct, ignored, found)


def draw_detections(
    image: Array,
    detections: Detections,
    ground_truth: Annotations | None = None,
    min_score: float = 0.5,
    title: str = "",
    *,
    iou_threshold: float = 0.5,
) -> Figure:
    """Draw detections on their photo, with class and score.

    Without ground truth the colour tells the class. With it, colour and line style tell correct
    detections (solid), false ones (dotted) and missed objects (dashed); objects that were found are
    dashed in white, difficult ones in grey.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    detections : Detections
        In pixels of `image`.
    ground_truth : Annotations, optional
    min_score : float
        Weaker detections are not drawn.
    title : str
        Default: what was counted.
    iou_threshold : float
        Overlap from which on a detection counts as correct.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `image` is no uint8 colour photo.
    """
    photo = as_photo(image)
    shown = detections.above(checked("min_score", min_score, real()))
    if ground_truth is None:
        heading = title or f"{_count(len(shown), 'detection')} with a score of at least {min_score:g}"
        figure, (ax,) = photo_panels(photo.shape[:2], [""], title=heading)
        show_image(ax, photo)
        colours = class_colours(shown.labels.tolist())
        _draw_found(ax, shown, [colours[label] for label in shown.labels.tolist()])
    else:
        figure = _draw_judged(photo, shown, ground_truth, iou_threshold, title)
    return figure


def _draw_judged(
    photo: ImageArray, shown: Detections, truth: Annotations, iou_threshold: float, title: str
) -> Figure:
    """Draw detections in the colour of their verdict, and the objects nobody found."""
    verdict = judge(shown, truth, iou_threshold)
    missed = ~verdict.found & ~truth.difficult  # (G,)
    wrong = ~verdict.correct & ~verdict.ignored  # (D,)
    counts = [int(flags.sum()) for flags in (verdict.correct, wrong, missed)]
    heading = title or "{} correct, {} false, {} missed".format(*counts)
    figure, (ax,) = photo_panels(photo.shape[:2], [""], title=heading, legend_rows=1)
    show_image(ax, photo)
    for box, is_missed, is_difficult in zip(truth.boxes, missed, truth.difficult, strict=True):
        colour = MISSED if is_missed else FAINT if is_difficult else TRUTH
        draw_rectangle(ax, box, colour, linewidth=2.4 if is_missed else 1.4, linestyle="--", gid="truth")
    _draw_found(
        ax,
        shown,
        np.select([verdict.correct, verdict.ignored], [CORRECT, FAINT], FALSE).tolist(),
        wrong,
        also=(truth.boxes[missed], [f"missed: {truth.class_names[k - 1]}" for k in truth.labels[missed]]),
    )
    legend: list[tuple[str, str, LineStyle]] = [
        (f"correct ({counts[0]})", CORRECT, "-"),
        (f"false ({counts[1]})", FALSE, ":"),
        (f"missed ({counts[2]})", MISSED, "--"),
        ("ground truth", TRUTH, "--"),
    ]
    if truth.difficult.any():
        legend.append(("difficult: not counted", FAINT, "--"))
    add_legend(figure, legend)
    return figure


def _draw_found(
    ax: Axes,
    shown: Detections,
    colours: Sequence[str],
    wrong: BoolArray | None = None,
    also: tuple[FloatArray, Sequence[str]] | None = None,
) -> None:
    """Draw the detections' frames, the `wrong` ones dotted, then all labels; `also` labels missed objects."""
    dotted = np.zeros(len(shown), dtype=bool) if wrong is None else wrong
    for box, colour, is_dotted in zip(shown.boxes, colours, dotted, strict=True):
        draw_rectangle(ax, box, colour, linewidth=2.6, linestyle=":" if is_dotted else "-", gid="detection")
    texts = [f"{name} {score:.2f}" for name, score in zip(shown.names(), shown.scores, strict=True)]
    boxes = as_boxes(shown.boxes)
    if also is not None:
        boxes = np.vstack([boxes, as_boxes(also[0])])
        texts += also[1]
        colours = [*colours, *[MISSED] * len(also[1])]
    add_labels(ax, boxes, texts, colours)


def draw_boxes(
    image: Array,
    boxes: Array,
    labels: Sequence[str] | None = None,
    title: str = "",
    *,
    colour: str | Sequence[str] = BOX_COLOURS[0],
    linewidth: float = 2.0,
    linestyle: LineStyle = "-",
) -> Figure:
    """Draw boxes on a photo.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    boxes : (R, 4) float array
        ``x1, y1, x2, y2`` in pixels of `image`.
    labels : sequence of str, optional
        Text beside each box.
    title : str
    colour : str or sequence of str
        ``#RRGGBB``, one for all or one per box.
    linewidth : float
        Points.
    linestyle : str
        As in matplotlib: ``"-"``, ``"--"``, ``":"``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If shapes or the numbers of boxes, labels and colours disagree.
    """
    photo, frames = as_photo(image), as_boxes(boxes)
    colours = [colour] * len(frames) if isinstance(colour, str) else list(colour)
    if len(colours) != len(frames) or (labels is not None and len(labels) != len(frames)):
        raise ValueError(
            f"{len(frames)} boxes need as many colours and labels, got {len(colours)} colours"
            + ("" if labels is None else f" and {len(labels)} labels")
        )
    figure, (ax,) = photo_panels(photo.shape[:2], [""], title=title)
    show_image(ax, photo)
    for box, edge in zip(frames, colours, strict=True):
        draw_rectangle(ax, box, edge, linewidth=linewidth, linestyle=linestyle)
    if labels is not None:
        add_labels(ax, frames, labels, colours)
    return figure


def _count(number: int, noun: str) -> str:
    """Return e.g. ``1 detection`` or ``3 detections``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
