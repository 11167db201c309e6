"""How good classes of pixels and segments are: mean IoU, and panoptic quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from minircnn.structures import BoolArray, IntArray

Segments = Mapping[int, tuple[int, bool]]
"""Of each id in a map of segments: its class, and whether it stands for a crowd."""


def mean_iou(truths: Sequence[IntArray], predictions: Sequence[IntArray], void: int = 255) -> float:
    """Return the mean over the classes of TP / (TP + FP + FN), counted over the pixels of all photos.

    Everingham et al. 2015, section 4.2. Pixels whose truth is void do not count, nor does a class that is
    neither true nor predicted anywhere.
    """
    both: dict[int, int] = {}
    either: dict[int, int] = {}
    for truth, predicted in zip(truths, predictions, strict=True):
        for place in np.ndindex(truth.shape):
            t, p = int(truth[place]), int(predicted[place])
            if t == void:
                continue
            if t == p:
                both[t] = both.get(t, 0) + 1
            for label in {t, p}:
                either[label] = either.get(label, 0) + 1
    return sum(both.get(label, 0) / pixels for label, pixels in either.items()) / len(either)


def panoptic_quality(
    truth: IntArray, known: Segments, predicted: IntArray, found: Segments
) -> dict[int, tuple[float, int, int, int]]:
    """Return of each class in a photo the sum of the IoU of its matches, and TP, FP and FN.

    Kirillov et al. 2019, sections 4.1 and 4.2; both maps (H, W) are 0 where they are void. The quality of a
    class is the sum over all photos, divided by TP + ½ FP + ½ FN.
    """
    total = {label: [0.0, 0, 0, 0] for label, _ in [*known.values(), *found.values()]}
    matched = set()
    for g, (label, crowd) in known.items():
        pairs = [p for p, (other, _) in found.items() if other == label and not crowd]
        overlaps = {p: _iou(truth == g, predicted == p, truth == 0) for p in pairs}
        hits = [p for p, iou in overlaps.items() if iou > 0.5]  # one at most
        for p in hits:
            matched.add(p)
            total[label][0] += overlaps[p]
            total[label][1] += 1
        if not hits and not crowd:
            total[label][3] += 1
    for p, (label, _) in found.items():
        excused = [0, *(g for g, (other, crowd) in known.items() if crowd and other == label)]
        inside = np.isin(truth, excused) & (predicted == p)
        if p not in matched and inside.sum() <= 0.5 * (predicted == p).sum():
            total[label][2] += 1
    return {label: (iou, int(tp), int(fp), int(fn)) for label, (iou, tp, fp, fn) in total.items()}


def _iou(a: BoolArray, b: BoolArray, void: BoolArray) -> float:
    """Return the share of the pixels of a or b, those of b whose truth is void aside, that are of both."""
    return float((a & b).sum() / (a | (b & ~void)).sum())
