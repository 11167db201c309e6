"""Panoptic quality: how well predicted segments match the known ones, after Kirillov et al. (2019).

A predicted and a known segment of one class match if their IoU is above ½. What the two share is then more
than half of each. As no two segments of a map share a pixel, no third can share as much with either: a match
is the only one of both, so there is nothing to choose, and no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minircnn.checks import checked, one_of
from minircnn.panoptic import BACKGROUND, PanopticMap, Segment
from minircnn.structures import IntArray

Crowds = Literal["all", "last"]


@dataclass(frozen=True)
class PanopticClass:
    """Counts of one class: matches, their summed IoU, and segments that were too many or missed."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    iou: float = 0.0

    @property
    def pq(self) -> float:
        """Panoptic quality, Σ IoU / (TP + ½ FP + ½ FN) = SQ · RQ."""
        return self.iou / (self.tp + 0.5 * self.fp + 0.5 * self.fn)

    @property
    def sq(self) -> float:
        """Segmentation quality, the mean IoU of matches; 0 if there is none."""
        return self.iou / self.tp if self.tp else 0.0

    @property
    def rq(self) -> float:
        """Recognition quality, TP / (TP + ½ FP + ½ FN)."""
        return self.tp / (self.tp + 0.5 * self.fp + 0.5 * self.fn)


@dataclass(frozen=True)
class PanopticFigures:
    """Means over `n` classes; NaN where there is none."""

    pq: float
    sq: float
    rq: float
    n: int


@dataclass(frozen=True)
class PanopticResult:
    """Panoptic quality of a whole set.

    Parameters
    ----------
    all, things, stuff : PanopticFigures
        Means over the classes with a match, a miss or a false segment; background is stuff.
    per_class : dict of str to PanopticClass
        These classes, ``background`` first.
    """

    all: PanopticFigures
    things: PanopticFigures
    stuff: PanopticFigures
    per_class: dict[str, PanopticClass]

    def table(self) -> str:
        """Return plain text: a row for each class, then the means."""
        width = max(len(name) for name in (*self.per_class, "things"))
        rows = [f"{'class':<{width}}  {'PQ':>6}  {'SQ':>6}  {'RQ':>6}  {'TP':>5}  {'FP':>5}  {'FN':>5}"]
        for name, c in self.per_class.items():
            rows.append(
                f"{name:<{width}}  {c.pq:.4f}  {c.sq:.4f}  {c.rq:.4f}  {c.tp:>5}  {c.fp:>5}  {c.fn:>5}"
            )
        rows.append("")
        for name in ("all", "things", "stuff"):
            mean: PanopticFigures = getattr(self, name)
            figures = f"{mean.pq:.4f}  {mean.sq:.4f}  {mean.rq:.4f}" if mean.n else "absent"
            rows.append(f"{name:<{width}}  {figures}  of {mean.n} classes")
        return "\n".join(rows)

    def to_record(self) -> dict[str, Any]:
        """Return the figures, ready for JSON (None where there is none)."""
        means = {}
        for name in ("all", "things", "stuff"):
            mean: PanopticFigures = getattr(self, name)
            values = (mean.pq, mean.sq, mean.rq) if mean.n else (None, None, None)
            means[name] = dict(zip(("pq", "sq", "rq"), values, strict=True)) | {"n": mean.n}
        own = {
            name: {"pq": c.pq, "sq": c.sq, "rq": c.rq, "tp": c.tp, "fp": c.fp, "fn": c.fn}
            for name, c in self.per_class.items()
        }
        return means | {"per_class": own}


def evaluate_panoptic(
    predicted: Sequence[PanopticMap], truth: Sequence[PanopticMap], *, crowds: Crowds = "all"
) -> PanopticResult:
    """Return the panoptic quality of predicted maps.

    - The union of a pair is taken without the pixels of the prediction whose truth is void.
    - A predicted segment without a match is no false one if more than half of it lies on void and on crowds
      of its class. A crowd is never missed.
    - A class without a match, a miss or a false segment is left out of the means.

    Parameters
    ----------
    predicted, truth : sequences of PanopticMap, one per photo in the same order
    crowds : {"all", "last"}
        Where a photo has several crowds of a class, ``"last"`` looks at the last one alone, as the published
        code of the paper does.

    Raises
    ------
    ValueError
        If there is no photo, or two maps differ in size or classes.

    Examples
    --------
    >>> from minircnn import PanopticMap, Segment
    >>> from minircnn.evaluation import evaluate_panoptic
    >>> truth = PanopticMap(np.array([[1, 1, 1, 2]]), (Segment(1, 1), Segment(2, 2)), ("cat", "dog"))
    >>> found = PanopticMap(np.array([[1, 1, 2, 2]]), (Segment(1, 1), Segment(2, 2)), ("cat", "dog"))
    >>> result = evaluate_panoptic([found], [truth])
    >>> round(result.per_class["cat"].pq, 4), result.all.pq  # IoU 2/3, and exactly ½, which is no match
    (0.6667, 0.3333333333333333)
    """
    checked("crowds", crowds, one_of("all", "last"))
    if not truth or len(predicted) != len(truth):
        raise ValueError(f"predictions of {len(predicted)} photos but the truth of {len(truth)}")
    first = truth[0]
    counts = np.zeros((len(first.class_names) + 1, 4))  # (K+1, 4): matches, false ones, misses, sum of IoU
    for i, (found, known) in enumerate(zip(predicted, truth, strict=True)):
        for which in (found, known):
            if (which.class_names, which.stuff) != (first.class_names, first.stuff):
                raise ValueError(f"photo {i} ({which.image_id}): other classes than photo 0")
        if found.ids.shape != known.ids.shape:
            raise ValueError(f"photo {i}: {found.ids.shape} pixels predicted, {known.ids.shape} known")
        _count(found, known, counts, crowds)
    return _means(counts, first)


def _count(found: PanopticMap, known: PanopticMap, counts: np.ndarray[Any, Any], crowds: Crowds) -> None:
    """Add the matches, false segments and misses of one photo."""
    shared = _overlaps(known.ids, found.ids)
    size = {segment: int(n) for segment, n in zip(*np.unique(found.ids, return_counts=True), strict=True)}
    true_size = {
        segment: int(n) for segment, n in zip(*np.unique(known.ids, return_counts=True), strict=True)
    }
    truths = {segment.id: segment for segment in known.segments}
    guesses = {segment.id: segment for segment in found.segments}
    matched_truths, matched_guesses = set(), set()
    for (a, b), pixels in shared.items():
        if a not in truths or b not in guesses or truths[a].crowd or truths[a].label != guesses[b].label:
            continue
        union = true_size[a] + size[b] - pixels - shared.get((0, b), 0)
        if 2 * pixels > union:
            counts[truths[a].label] += (1, 0, 0, pixels / union)
            matched_truths.add(a)
            matched_guesses.add(b)
    for segment in known.segments:
        if not segment.crowd and segment.id not in matched_truths:
            counts[segment.label, 2] += 1
    for segment in found.segments:
        if segment.id in matched_guesses:
            continue
        own = [s.id for s in known.segments if s.crowd and s.label == segment.label]
        own = own[-1:] if crowds == "last" else own
        excused = sum(shared.get((a, segment.id), 0) for a in (0, *own))
        if 2 * excused <= size[segment.id]:
            counts[segment.label, 1] += 1


def _overlaps(known: IntArray, found: IntArray) -> dict[tuple[int, int], int]:
    """Return the pixels that each known and each predicted segment share, where there are any."""
    pairs = np.stack([known.ravel(), found.ravel()]).astype(np.int64)
    numbers, pixels = np.unique(pairs, axis=1, return_counts=True)
    return {(int(a), int(b)): int(n) for a, b, n in zip(*numbers, pixels, strict=True)}


def _means(counts: np.ndarray[Any, Any], classes: PanopticMap) -> PanopticResult:
    own = {
        label: PanopticClass(int(row[0]), int(row[1]), int(row[2]), float(row[3]))
        for label, row in enumerate(counts)
        if row[:3].any()
    }
    if BACKGROUND in own and "background" in classes.class_names:
        raise ValueError("a class is named 'background', and so is class 0 of pixels without a class")
    things = [c for label, c in own.items() if classes.is_thing(label)]
    stuff = [c for label, c in own.items() if not classes.is_thing(label)]
    per_class = {classes.name(Segment(1, label)): c for label, c in own.items()}
    return PanopticResult(_mean([*own.values()]), _mean(things), _mean(stuff), per_class)


def _mean(classes: Sequence[PanopticClass]) -> PanopticFigures:
    if not classes:
        return PanopticFigures(float("nan"), float("nan"), float("nan"), 0)
    pq, sq, rq = (sum(getattr(c, name) for c in classes) / len(classes) for name in ("pq", "sq", "rq"))
    return PanopticFigures(pq, sq, rq, len(classes))
