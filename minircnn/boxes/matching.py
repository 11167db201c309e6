"""Which object a proposal belongs to, and which proposals a training step sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Array, array_namespace, as_plain, to_host
from minircnn.boxes.geometry import as_boxes, box_iou
from minircnn.checks import checked, real, require_order, whole
from minircnn.structures import IntArray


@dataclass(frozen=True)
class Assignment:
    """The ground-truth box each proposal overlaps most.

    Parameters
    ----------
    best_iou : (R,) float array
        IoU with that box; 0 where none overlaps.
    best_gt : (R,) int array
        Its row in the ground truth (the first of equals); -1 where none overlaps.
    """

    best_iou: Array
    best_gt: Array


@dataclass(frozen=True)
class Sample:
    """The proposals drawn for one training step.

    Parameters
    ----------
    foreground, background : int arrays
        Indices of the drawn proposals.
    short_by : int
        How many different proposals were lacking. :func:`sample_fast_rcnn` returns that many fewer;
        :func:`sample_rcnn` repeats others instead, or returns fewer if there are none to repeat.
    """

    foreground: IntArray
    background: IntArray
    short_by: int = 0

    def __len__(self) -> int:
        return len(self.foreground) + len(self.background)

    @property
    def indices(self) -> IntArray:
        """All indices, foreground first."""
        return np.concatenate([self.foreground, self.background])


def assign(proposals: Array, gt_boxes: Array) -> Assignment:
    """Give every proposal (R, 4) the object (G, 4), G ≥ 0, it overlaps most (R-CNN, section 2.3).

    A coordinate that is not finite raises ValueError naming its row.

    Examples
    --------
    >>> from minircnn.boxes import assign
    >>> found = assign([[0, 0, 4, 4], [8, 8, 9, 9]], [[50, 50, 60, 60], [0, 0, 4, 8]])
    >>> found.best_iou, found.best_gt
    (array([0.5, 0. ]), array([ 1, -1]))
    """
    proposals, gt_boxes = as_boxes(proposals, "proposals"), as_boxes(gt_boxes, "gt_boxes")
    xp = array_namespace(proposals, gt_boxes)  # refuses a mixture of libraries
    if gt_boxes.shape[0] == 0:
        none = xp.zeros_like(proposals[:, 0])  # (R,)
        return Assignment(none, xp.astype(none - 1, xp.int64))
    iou = box_iou(proposals, gt_boxes)  # (R, G)
    best_iou = xp.max(iou, axis=1)  # (R,)
    best_gt = xp.astype(xp.argmax(iou, axis=1), xp.int64)  # (R,)
    return Assignment(best_iou, xp.where(best_iou > 0, best_gt, xp.full_like(best_gt, -1)))


def sample_fast_rcnn(
    best_iou: Array,
    *,
    num_rois: int = 64,
    fg_fraction: float = 0.25,
    fg_iou: float = 0.5,
    bg_iou: tuple[float, float] = (0.1, 0.5),
    rng: np.random.Generator,
) -> Sample:
    """Draw the RoIs of one photo for a Fast R-CNN step (Fast R-CNN, section 2.3, mini-batch sampling).

    Foreground is drawn without replacement from the proposals with IoU >= `fg_iou`, at most a quarter of
    the RoIs; background fills up from IoU in ``[low, high)``. The lower bound leaves out boxes far from
    any object and so acts as a heuristic for hard examples. Where the photo has too few of them, fewer
    RoIs are returned, as in the original code.

    Parameters
    ----------
    best_iou : (R,) float array
        Largest IoU of each proposal with an object, as :func:`assign` returns it.
    num_rois : int
        RoIs wanted from this photo.
    fg_fraction : float
        Largest share of foreground.
    fg_iou : float
    bg_iou : (low, high)
    rng : numpy.random.Generator

    Returns
    -------
    Sample
        Host indices into `best_iou`.

    Raises
    ------
    ValueError
        If `best_iou` is not (R,) or holds a NaN, or a bound or a number is impossible.

    Examples
    --------
    >>> from minircnn.boxes import sample_fast_rcnn
    >>> iou = np.array([0.9, 0.6, 0.3, 0.2, 0.0])
    >>> drawn = sample_fast_rcnn(iou, num_rois=4, rng=np.random.default_rng(0))
    >>> len(drawn.foreground), sorted(drawn.background.tolist()), drawn.short_by
    (1, [2, 3], 1)
    """
    iou = to_host(as_plain(best_iou, "best_iou"))
    if iou.ndim != 1 or iou.dtype.kind not in "fiu" or np.isnan(iou).any():
        raise ValueError(f"best_iou must be (R,) numbers without NaN, got {iou.dtype} of shape {iou.shape}")
    checked("num_rois", num_rois, whole(0))
    checked("fg_fraction", fg_fraction, real(0, 1))
    checked("fg_iou", fg_iou, real(0, 1))
    low, high = _bounds(bg_iou)
    foreground = np.flatnonzero(iou >= fg_iou)
    background = np.flatnonzero((iou >= low) & (iou < high))
    num_foreground = min(round(fg_fraction * num_rois), len(foreground))
    num_background = min(num_rois - num_foreground, len(background))
    return Sample(
        rng.choice(foreground, num_foreground, replace=False),
        rng.choice(background, num_background, replace=False),
        short_by=num_rois - num_foreground - num_background,
    )


def sample_rcnn(
    is_foreground: Array,
    *,
    num_foreground: int = 32,
    num_background: int = 96,
    rng: np.random.Generator,
) -> Sample:
    """Draw the crops of an R-CNN fine-tuning step (R-CNN, section 2.3, domain-specific fine-tuning).

    Drawn uniformly over all photos and classes: 32 foreground and 96 background windows, so that the
    rare objects are not drowned. Windows are repeated only if there are too few of their kind.

    Parameters
    ----------
    is_foreground : (R,) bool array
        Of every proposal of the whole data set, one photo after the other: does it overlap an object by
        IoU >= 0.5?
    num_foreground, num_background : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
        Host indices into `is_foreground`.

    Raises
    ------
    ValueError
        If `is_foreground` is not (R,) and boolean, or a number is negative.

    Examples
    --------
    >>> from minircnn.boxes import sample_rcnn
    >>> rng = np.random.default_rng(0)
    >>> drawn = sample_rcnn(np.array([True, False, False]), num_foreground=2, num_background=1, rng=rng)
    >>> drawn.foreground, drawn.short_by  # the one there is, twice
    (array([0, 0]), 1)
    """
    mask = to_host(as_plain(is_foreground, "is_foreground"))
    if mask.ndim != 1 or mask.dtype != bool:
        raise ValueError(f"is_foreground must be (R,) bool, got {mask.shape} {mask.dtype}")
    checked("num_foreground", num_foreground, whole(0))
    checked("num_background", num_background, whole(0))
    foreground, background = np.flatnonzero(mask), np.flatnonzero(~mask)
    return Sample(
        _draw(foreground, num_foreground, rng),
        _draw(background, num_background, rng),
        short_by=max(num_foreground - len(foreground), 0) + max(num_background - len(background), 0),
    )


def _bounds(bg_iou: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = bg_iou
    except (TypeError, ValueError):
        raise ValueError(f"bg_iou must be (low, high), got {bg_iou!r}") from None
    low, high = checked("bg_iou[0]", low, real(0, 1)), checked("bg_iou[1]", high, real(0, 1))
    require_order("bg_iou[0]", low, "bg_iou[1]", high)
    return low, high


def _draw(candidates: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    if len(candidates) == 0:
        return candidates
    return rng.choice(candidates, count, replace=len(candidates) < count)
