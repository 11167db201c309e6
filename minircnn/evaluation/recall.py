"""How well proposals cover the objects: recall and mean average best overlap.

An object that no proposal covers cannot be detected, so both bound what a detector can reach. The best
overlap of an object is its largest IoU with any proposal; the average best overlap (ABO) of a class is
the mean over its objects, and MABO the mean of the ABO over the classes (Selective Search, section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minircnn.boxes.geometry import box_iou
from minircnn.checks import checked, optional, whole
from minircnn.evaluation.pairing import common_classes, require_sound, require_threshold
from minircnn.structures import Annotations, FloatArray


@dataclass(frozen=True)
class ClassOverlap:
    """How well the objects of one class are covered.

    Parameters
    ----------
    abo : float or None
        Average best overlap; None if the class has no object.
    recall : tuple of float, or None
        Share of its objects covered, at each threshold; None likewise.
    num_gt : int
    """

    abo: float | None
    recall: tuple[float, ...] | None
    num_gt: int


@dataclass(frozen=True)
class ProposalResult:
    """How well proposals cover the objects.

    Parameters
    ----------
    thresholds : tuple of float
    recall : tuple of float
        Share of all objects whose best overlap is at least the threshold.
    class_recall : tuple of float
        The same per class first, then the mean over the classes present.
    mabo : float
        Mean average best overlap: over the objects of a class, then over the classes present.
    mean_best_overlap : float
        Mean over all objects.
    per_class : dict of str to ClassOverlap
    num_proposals : float
        Mean number per photo.
    best_overlaps : (G,) float array
        Of every object, photo after photo.

    Notes
    -----
    Without a single object, every share and mean is NaN.
    """

    thresholds: tuple[float, ...]
    recall: tuple[float, ...]
    class_recall: tuple[float, ...]
    mabo: float
    mean_best_overlap: float
    per_class: dict[str, ClassOverlap]
    num_proposals: float
    best_overlaps: FloatArray = field(repr=False)

    def table(self) -> str:
        """Return plain text: one row per class, all objects last."""
        width = max(len(name) for name in ("all objects", *self.per_class))
        heads = [f"R@{threshold:g}" for threshold in self.thresholds]
        rows = [f"{'class':<{width}}  {'ABO':>6}  " + "  ".join(f"{h:>6}" for h in heads) + "  objects"]
        for name, result in self.per_class.items():
            if result.abo is None or result.recall is None:
                rows.append(
                    f"{name:<{width}}  absent  " + "  ".join(f"{'-':>6}" for _ in heads) + f"  {0:>7}"
                )
            else:
                rows.append(_row(name, width, result.abo, result.recall, result.num_gt))
        objects = len(self.best_overlaps)
        rows.append(_row("class mean", width, self.mabo, self.class_recall, objects))
        rows.append(_row("all objects", width, self.mean_best_overlap, self.recall, objects))
        return "\n".join(rows)

    def to_record(self) -> dict[str, Any]:
        """Return the figures ready for JSON (None where there is no figure)."""

        def plain(value: float) -> float | None:
            return None if np.isnan(value) else value

        return {
            "thresholds": list(self.thresholds),
            "recall": [plain(value) for value in self.recall],
            "class_recall": [plain(value) for value in self.class_recall],
            "mabo": plain(self.mabo),
            "mean_best_overlap": plain(self.mean_best_overlap),
            "num_proposals": self.num_proposals,
            "per_class": {
                name: {
                    "abo": r.abo,
                    "recall": None if r.recall is None else list(r.recall),
                    "num_gt": r.num_gt,
                }
                for name, r in self.per_class.items()
            },
        }


def proposal_recall(
    proposals: Sequence[FloatArray],
    annotations: Sequence[Annotations],
    thresholds: Sequence[float] = (0.5, 0.7),
    *,
    max_proposals: int | None = None,
    count_difficult: bool = False,
) -> ProposalResult:
    """Measure how well proposals cover the objects (Selective Search, section 5).

    Parameters
    ----------
    proposals : sequence of (R, 4) float arrays, one per photo
        ``x1, y1, x2, y2`` in pixels, best rank first.
    annotations : sequence of Annotations, in the same order
    thresholds : sequence of float
        An object is covered by an IoU of at least the threshold.
    max_proposals : int, optional
        Use only the first so many of each photo.
    count_difficult : bool
        Whether objects marked difficult count too. Default: they do not.

    Returns
    -------
    ProposalResult

    Raises
    ------
    ValueError
        If there is no photo, the sequences differ in length or the photos in class names, a box is unsound or
        an argument is out of range.

    Examples
    --------
    >>> from minircnn import Annotations, proposal_recall
    >>> truth = Annotations(np.array([[0.0, 0, 4, 4], [6, 6, 9, 9]]), np.array([1, 1]), ("cat",), 9, 9)
    >>> proposal_recall([np.array([[0.0, 0, 4, 3], [7, 7, 9, 9]])], [truth], (0.5, 0.4)).recall
    (0.5, 1.0)
    """
    if len(proposals) != len(annotations):
        raise ValueError(f"proposals of {len(proposals)} photos but annotations of {len(annotations)}")
    names = common_classes(annotations)
    if isinstance(thresholds, str) or not np.iterable(thresholds):
        raise ValueError(f"thresholds must be several numbers, got {thresholds!r}")
    for level in thresholds:
        require_threshold(level, "thresholds")
    levels = tuple(float(threshold) for threshold in thresholds)
    max_proposals = checked("max_proposals", max_proposals, optional(whole(0)))
    for i, boxes in enumerate(proposals):
        require_sound(boxes, f"photo {i}: proposal")
    used = [boxes[:max_proposals] for boxes in proposals]
    chosen = [np.ones(len(a), dtype=bool) if count_difficult else ~a.difficult for a in annotations]
    labels = np.concatenate([a.labels[mask] for a, mask in zip(annotations, chosen, strict=True)])  # (G,)
    best = np.concatenate(
        [_best_overlaps(p, a.boxes[mask]) for p, a, mask in zip(used, annotations, chosen, strict=True)]
    )  # (G,)
    per_class = {name: _class_overlap(best[labels == k], levels) for k, name in enumerate(names, start=1)}
    abos = [c.abo for c in per_class.values() if c.abo is not None]
    recalls = [c.recall for c in per_class.values() if c.recall is not None]
    return ProposalResult(
        thresholds=levels,
        recall=_shares(best, levels),
        class_recall=tuple(_mean([recall[i] for recall in recalls]) for i in range(len(levels))),
        mabo=_mean(abos),
        mean_best_overlap=_mean(best),
        per_class=per_class,
        num_proposals=_mean([len(boxes) for boxes in used]),
        best_overlaps=best,
    )


def mabo(
    proposals: Sequence[FloatArray],
    annotations: Sequence[Annotations],
    *,
    max_proposals: int | None = None,
    count_difficult: bool = False,
) -> float:
    """Return the mean average best overlap alone (Selective Search, section 5).

    Parameters, errors and the case of no objects are those of :func:`proposal_recall`.

    Examples
    --------
    >>> from minircnn import Annotations
    >>> from minircnn.evaluation import mabo
    >>> truth = Annotations(np.array([[0.0, 0, 4, 4], [6, 6, 8, 8]]), np.array([1, 1]), ("cat",), 9, 9)
    >>> mabo([np.array([[0.0, 0, 4, 3], [7, 6, 8, 8]])], [truth])  # of ¾ and ½
    0.625
    """
    result = proposal_recall(
        proposals, annotations, (), max_proposals=max_proposals, count_difficult=count_difficult
    )
    return result.mabo


def _best_overlaps(proposals: FloatArray, objects: FloatArray) -> FloatArray:
    """Return the largest IoU of every object with a proposal, 0 without proposals: (R, 4), (G, 4) -> (G,)."""
    iou = box_iou(objects.astype(np.float64), proposals.astype(np.float64))  # (G, R)
    best: FloatArray = iou.max(axis=1, initial=0.0)
    return best


def _class_overlap(best: FloatArray, thresholds: tuple[float, ...]) -> ClassOverlap:
    if len(best) == 0:
        return ClassOverlap(None, None, 0)
    return ClassOverlap(_mean(best), _shares(best, thresholds), len(best))


def _shares(best: FloatArray, thresholds: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(_mean(best >= threshold) for threshold in thresholds)


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _row(name: str, width: int, overlap: float, recall: tuple[float, ...], count: int) -> str:
    # without objects there is nothing to overlap
    figures = ["     -" if np.isnan(figure) else f"{figure:6.4f}" for figure in (overlap, *recall)]
    return f"{name:<{width}}  {'  '.join(figures)}  {count:>7}"
