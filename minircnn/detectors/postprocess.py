"""From scored and decoded boxes to detections: clip, per-class top scores, per-class NMS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minircnn.arrays import Array, array_namespace, to_host
from minircnn.boxes import clip_boxes, nms
from minircnn.structures import Detections


@dataclass(frozen=True)
class PostprocessSettings:
    """How scored boxes become detections.

    Parameters
    ----------
    min_score : float
        Boxes below are dropped before anything else. R-CNN's SVM scores have no natural zero, so its
        default is far below any score; Fast R-CNN's are probabilities.
    top_per_class : int
        Boxes kept per class and photo before NMS (100 in both papers' code).
    nms_iou : float
        NMS drops boxes that overlap a better one by more than this (0.3 in both papers' code).
    max_detections : int
        Detections returned per photo, over all classes.
    """

    min_score: float = -1e9
    top_per_class: int = 100
    nms_iou: float = 0.3
    max_detections: int = 100


def select_detections(
    scores: Array,
    boxes_of_class: Callable[[int, Array], Array],
    *,
    image_size: tuple[int, int],
    class_names: tuple[str, ...],
    settings: PostprocessSettings,
) -> Detections:
    """Turn per-class scores into detections, one class at a time.

    Parameters
    ----------
    scores : (R, K) float array
        Score of every proposal for every foreground class.
    boxes_of_class : callable
        ``boxes_of_class(label, index)`` returns the (len(index), 4) refined boxes of proposals `index`
        for class `label` (1..K), in pixels of the photo. Asked only for the few best, so that a costly
        regression is not spent on boxes nobody keeps.
    image_size : (int, int)
        Height and width of the photo, to which boxes are clipped.
    class_names : tuple of str
        The K foreground classes.
    settings : PostprocessSettings

    Returns
    -------
    Detections
        On the host, best score first; equal scores in order of class, then of proposal.
    """
    xp = array_namespace(scores)
    height, width = image_size
    boxes, kept_scores, labels = [], [], []
    for label in range(1, len(class_names) + 1):
        class_scores = scores[:, label - 1]  # (R,)
        order = _best(class_scores, settings.top_per_class)
        order = order[xp.take(class_scores, order) >= settings.min_score]
        if order.shape[0] == 0:
            continue
        top_scores = xp.take(class_scores, order)
        top_boxes = clip_boxes(boxes_of_class(label, order), height, width)
        keep = nms(top_boxes, top_scores, settings.nms_iou)
        boxes.append(xp.take(top_boxes, keep, axis=0))
        kept_scores.append(xp.take(top_scores, keep))
        labels.append(xp.full(keep.shape, label, dtype=xp.int64))
    if not boxes:
        return Detections.empty(class_names)
    all_scores = xp.concat(kept_scores)
    best = _best(all_scores, settings.max_detections)
    return Detections(
        to_host(xp.take(xp.concat(boxes), best, axis=0)),
        to_host(xp.take(all_scores, best)),
        to_host(xp.take(xp.concat(labels), best)),
        class_names,
    )


def _best(scores: Array, count: int) -> Array:
    """Return the indices of the `count` largest scores (R,), or of all, largest first."""
    xp = array_namespace(scores)
    return xp.argsort(scores, descending=True, stable=True)[: min(count, scores.shape[0])]
