"""Lab: average precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.textbook import Found, Truth


def precision_recall(
    detections: Sequence[Found], objects: Sequence[Truth], iou_threshold: float = 0.5
) -> tuple[list[float], list[float]]:
    """Return recall and precision after each detection that counts, the best score first.

    Detections are judged in the order of their scores, of equal ones in the order given. Each looks at the
    object *of its photo* that it overlaps most (of equals the first one). It is right if that IoU is at least
    the threshold and no better detection was right for the same object; else it is wrong. If that object is
    difficult, and the IoU at least the threshold, the detection does not count at all.

    Parameters
    ----------
    detections : sequence of Found
        Named tuples: score, photo (a number), box (x1, y1, x2, y2).
    objects : sequence of Truth
        Named tuples: photo, box, difficult. At least one of them is not difficult.
    iou_threshold : float

    Returns
    -------
    recall : list of float
        A number for each detection that counts: the share of the objects that are not difficult found so far.
    precision : list of float
        Likewise: the share of the detections so far that are right.

    Notes
    -----
    ``iou(a, b)`` of two boxes is given, imported above.

    References
    ----------
    Everingham et al. 2010, The PASCAL Visual Object Classes Challenge, section 4.2.
    """
    raise NotImplementedError


def area_under_curve(recall: Sequence[float], precision: Sequence[float]) -> float:
    """Return the average precision: the area under the curve, made to fall.

    At each recall the *best precision at this recall or a higher one* counts, so the curve only falls. The
    area is the sum of its steps: the growth of recall times that best precision.

    Parameters
    ----------
    recall, precision : sequences of float, of the same length, maybe 0
        As `precision_recall` returns them; recall begins at some number above or at 0 and never falls.

    Returns
    -------
    float
        From 0 to 1.

    References
    ----------
    Everingham et al. 2010, The PASCAL Visual Object Classes Challenge, section 4.2; as used since VOC 2010.
    """
    raise NotImplementedError


_BOX, _ELSEWHERE = [0, 0, 2, 2], [5, 5, 7, 7]
_HALF = [0, 0, 2, 1]  # of _BOX: an IoU of exactly 0.5
_NEAR = [0, 0, 2, 1.5]  # an IoU of 0.75
_BESIDE = [1, 0, 3, 2]
_BOTH = [0, 0, 3, 2]  # an IoU of 2/3 with _BOX and with _BESIDE


def _one_object(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [Found(0.9, 0, _BOX)], [Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _ELSEWHERE)], [Truth(0, _BOX)], 0.5
    yield [], [Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _ELSEWHERE), Found(0.5, 0, _BOX)], [Truth(0, _BOX)], 0.5


def _by_score(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [Found(0.5, 0, _BOX), Found(0.9, 0, _ELSEWHERE)], [Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _ELSEWHERE), Found(0.5, 0, _BOX)], [Truth(0, _BOX)], 0.5
    yield [Found(0.5, 0, _ELSEWHERE), Found(0.5, 0, _BOX)], [Truth(0, _BOX)], 0.5


def _thresholds(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [Found(0.9, 0, _HALF)], [Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _HALF)], [Truth(0, _BOX)], 0.6
    yield [Found(0.9, 0, _HALF)], [Truth(0, _BOX)], 0.4


def _twice(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [Found(0.9, 0, _BOX), Found(0.5, 0, _BOX)], [Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _NEAR), Found(0.5, 0, _BOX)], [Truth(0, _BOX)], 0.5
    # the object that both overlap most is taken, and the other one is no way out
    yield [Found(0.9, 0, _BOX), Found(0.5, 0, _BOX)], [Truth(0, _BOX), Truth(0, _NEAR)], 0.5


def _several_objects(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [Found(0.9, 0, _BOX)], [Truth(0, _BOX), Truth(0, _ELSEWHERE)], 0.5
    yield [Found(0.9, 0, _BOX)], [Truth(0, _NEAR), Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _BOX), Found(0.8, 0, _NEAR)], [Truth(0, _NEAR), Truth(0, _BOX)], 0.5
    # the first detection overlaps both alike and takes the first one
    yield [Found(0.9, 0, _BOTH), Found(0.8, 0, _BESIDE)], [Truth(0, _BOX), Truth(0, _BESIDE)], 0.5


def _several_photos(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [Found(0.9, 1, _BOX)], [Truth(0, _BOX)], 0.5
    yield [Found(0.9, 0, _BOX), Found(0.8, 1, _BOX)], [Truth(0, _BOX), Truth(1, _BOX)], 0.5


def _difficult(rng: np.random.Generator) -> Iterator[Arguments]:
    hard, easy = Truth(0, _BOX, True), Truth(0, _ELSEWHERE)
    yield [Found(0.9, 0, _ELSEWHERE)], [easy, hard], 0.5
    yield [Found(0.9, 0, _BOX)], [easy, hard], 0.5
    yield [Found(0.9, 0, _BOX), Found(0.8, 0, _ELSEWHERE)], [easy, hard], 0.5
    yield [Found(0.9, 0, [0, 0, 1, 1]), Found(0.8, 0, _ELSEWHERE)], [easy, hard], 0.5


def _mixed(rng: np.random.Generator) -> Iterator[Arguments]:
    for count in range(3, 12):
        objects = [
            Truth(int(p), _moved(rng), bool(i % 3 == 2))
            for i, p in enumerate(rng.integers(0, 2, count // 2 + 1))
        ]
        scores = (rng.permutation(count) + 1) / 20
        yield [Found(float(s), int(rng.integers(0, 2)), _moved(rng)) for s in scores], objects, 0.5


def _moved(rng: np.random.Generator) -> list[int]:
    x, y = (int(v) for v in rng.integers(0, 3, 2))
    return [x, y, x + 4, y + 4]


def _falling(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [1.0], [1.0]
    yield [0.5], [1.0]
    yield [0.5, 0.5, 1.0], [1.0, 0.5, 0.5]


def _rising(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0.0, 1.0], [0.0, 0.5]
    yield [0.5, 0.5, 1.0], [1.0, 0.5, 2 / 3]
    yield [0.0, 0.25, 0.25, 0.5, 0.75], [0.0, 0.5, 1 / 3, 0.5, 0.6]


def _nothing(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [], []
    yield [0.0], [0.0]


def _curves(rng: np.random.Generator) -> Iterator[Arguments]:
    for count in range(3, 15):
        right = np.cumsum(rng.random(count) < 0.6)
        yield (right / (right[-1] + 1)).tolist(), (right / np.arange(1, count + 1)).tolist()


def _without_envelope(recall: Sequence[float], precision: Sequence[float]) -> float:
    before = [0.0, *recall[:-1]]
    return sum((r - b) * p for r, b, p in zip(recall, before, precision, strict=True))


def _mean_precision(recall: Sequence[float], precision: Sequence[float]) -> float:
    return sum(precision) / max(len(precision), 1)


def _trapezes(recall: Sequence[float], precision: Sequence[float]) -> float:
    best = [max(precision[i:]) for i in range(len(precision))]
    pairs = zip([0.0, *recall[:-1]], recall, [*best[:1], *best[:-1]], best, strict=True)
    return float(sum((r1 - r0) * (p0 + p1) / 2 for r0, r1, p0, p1 in pairs))


def _strictly(detections: Any, objects: Any, iou_threshold: float) -> Any:
    return textbook.precision_recall(detections, objects, float(np.nextafter(iou_threshold, 2)))


def _worst_first(detections: Any, objects: Any, iou_threshold: float) -> Any:
    ordered = sorted(detections, key=lambda detection: detection.score)
    again = [Found(-n, photo, box) for n, (_, photo, box) in enumerate(ordered)]
    return textbook.precision_recall(again, objects, iou_threshold)


def _exchanged(detections: Any, objects: Any, iou_threshold: float) -> Any:
    return textbook.precision_recall(detections, objects, iou_threshold)[::-1]


def _precision_twice(detections: Any, objects: Any, iou_threshold: float) -> Any:
    _, precision = textbook.precision_recall(detections, objects, iou_threshold)
    return precision, precision


def _of_all_detections(detections: Any, objects: Any, iou_threshold: float) -> Any:
    recall, precision = textbook.precision_recall(detections, objects, iou_threshold)
    return recall, [p * n / len(detections) for n, p in enumerate(precision, start=1)]


_curve = partial(
    Part, function="precision_recall", expected=textbook.precision_recall, returns=("recall", "precision")
)
_area = partial(Part, function="area_under_curve", expected=textbook.area_under_curve)

LABS["average-precision"] = Lab(
    title="Average precision",
    task="which detections are right, recall and precision, and the area under the curve",
    page="walkthroughs/average-precision.md#precision-and-recall",
    source="Everingham et al. 2010, section 4.2",
    level="hard",
    hint="go through the detections once, best score first, and remember which objects have been found.",
    stubs=(precision_recall, area_under_curve),
    imports=("from collections.abc import Sequence", "", "from minircnn.textbook import Found, Truth, iou"),
    parts=(
        _curve(
            "one object", cases=_one_object, hint="a wrong detection lowers precision and leaves recall alone"
        ),
        _curve(
            "the order of the scores",
            cases=_by_score,
            hint="best score first; of equal scores the earlier detection: sort stably",
        ),
        _curve(
            "thresholds", cases=_thresholds, hint="right is an IoU of *at least* the threshold that is passed"
        ),
        _curve(
            "an object found twice",
            cases=_twice,
            hint="the second detection whose best object is taken is wrong, however well it fits",
        ),
        _curve(
            "several objects",
            cases=_several_objects,
            hint="a detection belongs to the object it overlaps most, of equals to the first",
        ),
        _curve(
            "several photos", cases=_several_photos, hint="a detection can only find objects of its own photo"
        ),
        _curve(
            "difficult objects",
            cases=_difficult,
            hint="difficult objects are not to be found, and a detection that finds one has no entry",
        ),
        _curve(
            "all of it together",
            cases=_mixed,
            hint="follow the case by hand: for each detection, its best object, and whether that is taken",
        ),
        _area(
            "a falling curve",
            cases=_falling,
            hint="each step: how much recall grows, from 0 on, times the precision there",
        ),
        _area(
            "a curve that rises in between",
            cases=_rising,
            hint="at each recall the best precision at this or a higher recall counts",
        ),
        _area("no detection is right", cases=_nothing, hint="without a step of recall there is no area"),
        _area(
            "long curves",
            cases=_curves,
            hint="the recall from 0 to its first value is a step, too; beyond the last one there is no area",
        ),
    ),
    mistakes=(
        Mistake(
            "area_under_curve",
            _without_envelope,
            "you take the precision as it is; the best at this or a higher recall counts",
        ),
        Mistake(
            "area_under_curve",
            _mean_precision,
            "a mean of the precisions is another measure: weigh each by the growth of recall",
        ),
        Mistake(
            "area_under_curve", _trapezes, "the curve falls in steps, it is not joined by slanting lines"
        ),
        Mistake("precision_recall", _strictly, "an IoU that equals the threshold is enough"),
        Mistake("precision_recall", _worst_first, "you begin with the worst score"),
        Mistake("precision_recall", _exchanged, "recall comes first, then precision"),
        Mistake(
            "precision_recall",
            _precision_twice,
            "recall is a share of the objects, precision one of the detections",
        ),
        Mistake(
            "precision_recall",
            _of_all_detections,
            "precision is a share of the detections *so far*, not of all that will come",
        ),
    ),
)
