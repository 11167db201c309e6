"""Lab: panoptic quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.structures import IntArray

Labels = Sequence[int]


def panoptic_quality(truth: IntArray, true_labels: Labels, predicted: IntArray, labels: Labels) -> float:
    """Return the panoptic quality of the segments that were found in one photo.

    A found segment *matches* a true one if both are of the same class and their IoU is above ½. The quality
    of a class is the sum of the IoU of its matches, divided by (matches + ½ · false alarms + ½ · misses). The
    result is the mean over the classes that have a match, a false alarm or a miss.

    Parameters
    ----------
    truth : int array (H, W)
        The true segment of each pixel: 1, 2, …; 0 is void, of which nothing is known. Void pixels do not
        count in the IoU. A found segment without a match that lies on void by *more than half* of its pixels
        is no false alarm.
    true_labels : sequence of int
        The class of each true segment: that of segment i is ``true_labels[i - 1]``.
    predicted : int array (H, W)
        The found segments, numbered likewise. Where it is 0 nothing was found.
    labels : sequence of int
        Their classes. Every segment, true or found, has a pixel.

    Returns
    -------
    float
        From 0 to 1. One class at least counts.

    References
    ----------
    Kirillov et al. 2019, Panoptic segmentation, sections 4.1 and 4.2.
    """
    raise NotImplementedError


Counts = dict[int, tuple[float, int, int, int]]


def _counts(truth: IntArray, true_labels: Labels, predicted: IntArray, labels: Labels) -> Counts:
    known = {i: (label, False) for i, label in enumerate(true_labels, start=1)}
    found = {i: (label, False) for i, label in enumerate(labels, start=1)}
    return textbook.panoptic_quality(truth, known, predicted, found)


def _mean(counts: Counts, wrong: float = 0.5) -> float:
    own = [iou / (tp + wrong * fp + wrong * fn) for iou, tp, fp, fn in counts.values() if tp + fp + fn]
    return sum(own) / len(own)


def _expected(truth: IntArray, true_labels: Labels, predicted: IntArray, labels: Labels) -> float:
    return _mean(_counts(truth, true_labels, predicted, labels))


def _one_segment(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1, 1]]), [1], np.array([[1, 1]]), [1]
    yield np.array([[1, 1, 1]]), [1], np.array([[1, 1, 0]]), [1]
    yield np.array([[1, 1, 1]]), [1], np.array([[1, 0, 0]]), [1]
    yield np.array([[1, 1, 1, 1, 1]]), [4], np.array([[0, 1, 1, 1, 1]]), [4]


def _exactly_half(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1, 1]]), [1], np.array([[1, 0]]), [1]
    yield np.array([[1, 1]]), [1], np.array([[1, 2]]), [1, 1]
    yield np.array([[1, 2, 2]]), [1, 1], np.array([[1, 1, 2]]), [1, 1]


def _wrong_ones(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1, 1, 1]]), [1], np.array([[1, 1, 2]]), [1, 1]
    yield np.array([[1, 1, 2]]), [1, 1], np.array([[1, 1, 0]]), [1]
    yield np.array([[1, 1, 1, 1, 1]]), [1], np.array([[1, 1, 1, 1, 2]]), [1, 1]
    yield np.array([[1, 1, 1, 2, 2, 3]]), [1, 1, 1], np.array([[0, 1, 1, 2, 3, 3]]), [1, 1, 1]


def _classes(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1, 1]]), [1], np.array([[1, 1]]), [2]
    yield np.array([[1, 1, 2]]), [1, 2], np.array([[1, 1, 2]]), [1, 3]
    yield np.array([[1, 1, 1, 2, 3]]), [1, 1, 2], np.array([[1, 1, 0, 2, 3]]), [1, 1, 2]
    yield np.array([[1, 2, 3, 4, 4]]), [1, 1, 1, 2], np.array([[1, 2, 3, 3, 4]]), [1, 1, 1, 2]


def _void_in_a_match(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1, 0]]), [1], np.array([[1, 1]]), [1]
    yield np.array([[1, 1, 1, 0, 0]]), [1], np.array([[0, 1, 1, 1, 1]]), [1]


def _on_void(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1, 0]]), [1], np.array([[1, 2]]), [1, 1]
    yield np.array([[1, 1, 1, 2, 0]]), [1, 2], np.array([[1, 1, 1, 2, 2]]), [1, 1]
    yield np.array([[1, 1, 1, 2, 0, 0]]), [1, 2], np.array([[1, 1, 1, 2, 2, 2]]), [1, 1]
    yield np.array([[1, 1, 0]]), [1], np.array([[1, 1, 2]]), [1, 5]
    yield np.array([[1, 1, 1, 1]]), [1], np.array([[1, 1, 1, 2]]), [1, 1]


def _numbered(ids: IntArray) -> IntArray:
    """Return the same segments, numbered 1, 2, …; 0 stays."""
    values = np.unique(ids[ids > 0])
    return np.where(ids > 0, np.searchsorted(values, ids) + 1, 0)


def _many(rng: np.random.Generator) -> Iterator[Arguments]:
    for height, width, segments in ((2, 4, 2), (3, 4, 3), (4, 5, 4), (5, 6, 6), (6, 6, 6)):
        tiles = np.sort(rng.integers(0, segments + 1, height * width)).reshape(height, width)
        tiles[0, 0], tiles[-1, -1] = 0, segments
        other = np.where(rng.random(tiles.shape) < 0.75, tiles, rng.integers(0, segments + 1, tiles.shape))
        other[-1, -1] = segments
        truth, predicted = _numbered(tiles), _numbered(other)
        classes = [rng.integers(1, 4, int(ids.max())).tolist() for ids in (truth, predicted)]
        yield truth, classes[0], predicted, (classes[0] + classes[1])[: int(predicted.max())]


def _not_halved(*arguments: Any) -> float:
    return _mean(_counts(*arguments), wrong=1.0)


def _segmentation_alone(*arguments: Any) -> float:
    counts = [row for row in _counts(*arguments).values() if sum(row[1:])]
    return sum(iou / max(tp, 1) for iou, tp, _, _ in counts) / len(counts)


def _recognition_alone(*arguments: Any) -> float:
    return _mean({label: (tp, tp, fp, fn) for label, (_, tp, fp, fn) in _counts(*arguments).items()})


def _all_in_one(*arguments: Any) -> float:
    iou, tp, fp, fn = (sum(column) for column in zip(*_counts(*arguments).values(), strict=True))
    return float(iou / (tp + fp / 2 + fn / 2))


def _whatever_class(truth: IntArray, true_labels: Labels, predicted: IntArray, labels: Labels) -> float:
    return _expected(truth, [1] * len(true_labels), predicted, [1] * len(labels))


def _void_is_one_more(truth: IntArray, true_labels: Labels, predicted: IntArray, labels: Labels) -> float:
    """Return the quality if void were a segment of a class of its own, which is then left out of the mean."""
    void = len(true_labels) + 1
    counts = _counts(np.where(truth == 0, void, truth), [*true_labels, 0], predicted, labels)
    return _mean({label: row for label, row in counts.items() if label})


_part = partial(Part, function="panoptic_quality", expected=_expected)

LABS["panoptic-quality"] = Lab(
    title="Panoptic quality",
    task="how well segments that tile a photo agree with the true ones",
    page="walkthroughs/the-ladder.md#every-pixel-and-which-object",
    source="Kirillov et al. 2019, section 4",
    level="medium",
    hint="first find the matches: each true segment has one at most. All else is counting.",
    stubs=(panoptic_quality,),
    imports=(
        "from collections.abc import Sequence",
        "",
        "import numpy as np",
        "",
        "from minircnn.structures import IntArray",
        "",
        "Labels = Sequence[int]",
    ),
    parts=(
        _part(
            "one segment",
            cases=_one_segment,
            hint="a match counts by its IoU; without one, there are a miss and a false alarm",
        ),
        _part("exactly a half", cases=_exactly_half, hint="an IoU of ½ is no match: two could have it"),
        _part(
            "false alarms and misses",
            cases=_wrong_ones,
            hint="each found segment without a match, and each true one without, adds ½ below the line",
        ),
        _part(
            "classes",
            cases=_classes,
            hint="count each class by itself, match within a class, and take the mean over the classes",
        ),
        _part(
            "void in a match", cases=_void_in_a_match, hint="void pixels do not belong to the union either"
        ),
        _part(
            "segments on void",
            cases=_on_void,
            hint="without a match and by more than half on void: no false alarm, and no class by itself",
        ),
        _part("many segments", cases=_many, hint="follow the case by hand, class by class"),
    ),
    mistakes=(
        Mistake("panoptic_quality", _not_halved, "false alarms and misses count by a half each"),
        Mistake(
            "panoptic_quality",
            _segmentation_alone,
            "the mean IoU of matches is SQ alone; wrong segments belong below the line",
        ),
        Mistake("panoptic_quality", _recognition_alone, "a match counts by its IoU, not by 1"),
        Mistake(
            "panoptic_quality", _all_in_one, "you count all classes together; the mean over them is asked for"
        ),
        Mistake("panoptic_quality", _whatever_class, "only segments of the same class can match"),
        Mistake(
            "panoptic_quality",
            _void_is_one_more,
            "void is not like other pixels: it is in no union, and excuses what lies on it",
        ),
    ),
)
