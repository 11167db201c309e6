"""From scored boxes to detections: clip, per-class top scores, per-class NMS."""

from __future__ import annotations

from dataclasses import dataclass

from minircnn.arrays import Array, array_namespace, to_host
from minircnn.boxes import NMS_RULES, clip_boxes, vote_boxes
from minircnn.checks import entry_of, optional, real, require, whole
from minircnn.profiling import stage
from minircnn.structures import Detections


@dataclass(frozen=True)
class PostprocessSettings:
    """How scored boxes become detections."""

    min_score: float = -1e9
    """Boxes below are dropped before anything else. The score of an SVM has no natural zero, so the default
    is far below any; probabilities want 0.01."""
    top_per_class: int = 100
    """Boxes kept per class and photo before NMS (100 in the papers' code)."""
    nms: str = "greedy"
    """Rule by which overlapping boxes are dropped."""
    nms_iou: float = 0.3
    """NMS drops boxes that overlap a better one by more than this (0.3 in the papers' code)."""
    vote_iou: float | None = None
    """A kept box becomes the mean of all boxes of its class that overlap it by at least this, weighted by
    their scores (above 0): box voting (Gidaris and Komodakis, ICCV 2015, section 5, with 0.5). Not in the
    papers of the lecture; ``none``: boxes stay as they are."""
    max_detections: int = 100
    """Detections returned per photo, over all classes."""

    def __post_init__(self) -> None:
        require(self, "postprocess", min_score=real(), nms=entry_of(NMS_RULES), nms_iou=real(0, 1))
        require(self, "postprocess", vote_iou=optional(real(0, 1, above=True)))
        require(self, "postprocess", top_per_class=whole(1), max_detections=whole(1))


@stage("clipping and NMS")
def select_detections(
    scores: Array,
    boxes: Array,
    image_size: tuple[int, int],
    class_names: tuple[str, ...],
    settings: PostprocessSettings,
) -> Detections:
    """Turn per-class scores into detections, one class at a time.

    Parameters
    ----------
    scores : (R, K) float array
        Score of every region for every foreground class.
    boxes : (R, K, 4) float array
        Where each class puts the region, in pixels of the photo.
    image_size : (int, int)
        Height and width of the photo, to which boxes are clipped.
    class_names : tuple of str
        The K foreground classes.
    settings : PostprocessSettings

    Returns
    -------
    Detections
        On the host, best score first; equal scores in order of class, then of region.

    Raises
    ------
    ValueError
        If there is not one score and one box for each region and class, or a number is not finite.

    Examples
    --------
    >>> from minircnn.detectors import PostprocessSettings, select_detections
    >>> boxes = np.array([[[0.0, 0, 4, 4]], [[0, 0, 4, 3]], [[8, 8, 9, 9]]])  # three regions, one class
    >>> scores = np.array([[0.8], [0.9], [0.3]])
    >>> select_detections(scores, boxes, (9, 9), ("cat",), PostprocessSettings()).scores
    array([0.9, 0.3])
    """
    xp = array_namespace(scores, boxes)
    shape = (*scores.shape[:1], len(class_names))
    if tuple(scores.shape) != shape or tuple(boxes.shape) != (*shape, 4):
        raise ValueError(
            f"expected scores (R, {shape[-1]}) and boxes (R, {shape[-1]}, 4), a column for each class, "
            f"got {tuple(scores.shape)} and {tuple(boxes.shape)}"
        )
    for name, array in (("score", scores), ("box", boxes)):
        # NaN is below every threshold: it would be left out in silence
        if not bool(xp.all(xp.isfinite(array))):
            raise ValueError(f"the {name} of a region is not finite: the detector's numbers are too large")
    suppress = NMS_RULES[settings.nms]
    kept_boxes, kept_scores, labels = [], [], []
    for label in range(1, len(class_names) + 1):
        class_scores = scores[:, label - 1]  # (R,)
        order = _best(class_scores, settings.top_per_class)
        order = order[xp.take(class_scores, order) >= settings.min_score]
        if order.shape[0] == 0:
            continue
        top_boxes = clip_boxes(xp.take(boxes[:, label - 1, :], order, axis=0), *image_size)
        top_scores = xp.take(class_scores, order)
        keep, new_scores = suppress(top_boxes, top_scores, settings.nms_iou)
        final = xp.take(top_boxes, keep, axis=0)
        if settings.vote_iou is not None:
            final = vote_boxes(final, top_boxes, top_scores, settings.vote_iou)
        kept_boxes.append(final)
        kept_scores.append(new_scores)
        labels.append(xp.full(keep.shape, label, dtype=xp.int64))
    if not kept_boxes:
        return Detections.empty(class_names)
    all_scores = xp.concat(kept_scores)
    best = _best(all_scores, settings.max_detections)
    return Detections(
        to_host(xp.take(xp.concat(kept_boxes), best, axis=0)),
        to_host(xp.take(all_scores, best)),
        to_host(xp.take(xp.concat(labels), best)),
        class_names,
    )


def _best(scores: Array, count: int) -> Array:
    """Return the indices of the `count` largest scores (R,), or of all, largest first."""
    xp = array_namespace(scores)
    return xp.argsort(scores, descending=True, stable=True)[: min(count, scores.shape[0])]
