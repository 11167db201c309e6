"""Lab: non-maximum suppression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import whole_box
from minircnn.structures import FloatArray


def nms(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    """Return which boxes stay: the best one removes those that overlap it too much, then the next best, ...

    Parameters
    ----------
    boxes : float array (R, 4)
        Boxes x1, y1, x2, y2 in pixels. R may be 0.
    scores : float array (R,)
        Of equal scores the earlier box is the better one.
    iou_threshold : float
        A box is removed if its IoU with a kept one is *greater* than this; equal stays. Boxes that are
        removed remove none themselves.

    Returns
    -------
    list of int
        Row numbers of the boxes that stay, the best score first.

    Notes
    -----
    ``iou(a, b)`` of two boxes is given, imported above.

    References
    ----------
    Girshick et al. 2014, Rich feature hierarchies, section 2.2.
    """
    raise NotImplementedError


def _table(rows: list[list[int]]) -> FloatArray:
    return np.array(rows, dtype=float).reshape(-1, 4)


def _few(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _table([[0, 0, 2, 2]]), np.array([0.5]), 0.5
    yield _table([[0, 0, 2, 2], [0, 0, 2, 2]]), np.array([0.9, 0.5]), 0.5
    yield _table([[0, 0, 2, 2], [5, 5, 7, 7]]), np.array([0.9, 0.5]), 0.5
    yield _table([[0, 0, 4, 1], [0, 0, 1, 1]]), np.array([0.9, 0.5]), 0.2
    yield _table([[0, 0, 2, 2]] * 3), np.array([0.9, 0.5, 0.4]), 0.5


def _order(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _table([[0, 0, 2, 2], [5, 5, 7, 7]]), np.array([0.5, 0.9]), 0.5
    yield _table([[0, 0, 3, 3], [0, 0, 3, 4]]), np.array([0.5, 0.9]), 0.5
    yield _table([[0, 0, 2, 2], [9, 9, 11, 11], [5, 5, 7, 7]]), np.array([0.5, 0.9, 0.7]), 0.5
    yield _table([[0, 0, 2, 2], [9, 9, 11, 11], [5, 5, 7, 7]]), np.array([-1.0, 0.2, 0.9]), 0.5
    # places in the sorted list, and the list unsorted, differ where something goes
    yield _table([[0, 0, 2, 2], [0, 0, 2, 2], [5, 5, 7, 7]]), np.array([0.5, 0.7, 0.9]), 0.5


def _at_the_threshold(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _table([[0, 0, 2, 1], [0, 0, 1, 1]]), np.array([0.9, 0.5]), 0.5
    yield _table([[0, 0, 4, 1], [0, 0, 1, 1]]), np.array([0.9, 0.5]), 0.25
    yield _table([[0, 0, 1, 1], [5, 5, 6, 6]]), np.array([0.9, 0.5]), 0.0


def _ties(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _table([[0, 0, 2, 2], [5, 5, 7, 7]]), np.array([0.5, 0.5]), 0.5
    yield _table([[0, 0, 3, 3], [0, 0, 3, 4]]), np.array([0.5, 0.5]), 0.5
    yield _table([[9, 9, 10, 10], [0, 0, 3, 3], [0, 0, 3, 4]]), np.array([0.9, 0.5, 0.5]), 0.5


def _chains(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _table([[0, 0, 4, 1], [1, 0, 5, 1], [2, 0, 6, 1]]), np.array([0.9, 0.8, 0.7]), 0.5
    # the first of two that stay removes the third
    yield _table([[0, 0, 2, 2], [5, 5, 7, 7], [0, 0, 2, 2]]), np.array([0.9, 0.8, 0.7]), 0.5
    yield (
        _table([[2, 0, 6, 1], [1, 0, 5, 1], [0, 0, 4, 1], [3, 0, 7, 1]]),
        np.array([0.6, 0.8, 0.9, 0.7]),
        0.5,
    )


def _none(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _table([]), np.zeros(0), 0.5


def _many(rng: np.random.Generator) -> Iterator[Arguments]:
    for count in range(3, 20):
        boxes = _table([whole_box(rng, 8) for _ in range(count)])
        scores = (rng.permutation(count) + 1) / 20
        yield boxes, scores, [0.3, 0.5, 0.7][count % 3]


def _also_at_the_threshold(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    return textbook.nms(boxes, scores, float(np.nextafter(iou_threshold, -1)))


def _removed_remove(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [
        i
        for n, i in enumerate(order)
        if all(textbook.iou(boxes[i], boxes[j]) <= iou_threshold for j in order[:n])
    ]


def _last_removes(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if not kept or textbook.iou(boxes[i], boxes[kept[-1]]) <= iou_threshold:
            kept.append(i)
    return kept


def _shortened_while_read(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    candidates, kept = sorted(range(len(scores)), key=lambda i: -scores[i]), []
    while candidates:
        best = candidates[0]
        kept.append(best)
        for i in candidates:
            if i == best or textbook.iou(boxes[best], boxes[i]) > iou_threshold:
                candidates.remove(i)
    return kept


def _places(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    ranks = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [ranks.index(i) for i in textbook.nms(boxes, scores, iou_threshold)]


def _in_input_order(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    return sorted(textbook.nms(boxes, scores, iou_threshold))


def _worst_first(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> list[int]:
    return textbook.nms(boxes, -scores, iou_threshold)


_part = partial(Part, function="nms", expected=textbook.nms)

LABS["nms"] = Lab(
    title="Non-maximum suppression",
    task="one box an object: the better one removes its neighbours",
    page="walkthroughs/nms.md#the-idea-the-best-one-first",
    source="Girshick et al. 2014, section 2.2",
    level="medium",
    hint="keep a list of candidates, best score first; take the first, shorten the list, repeat.",
    stubs=(nms,),
    imports=(
        "import numpy as np",
        "",
        "from minircnn.structures import FloatArray",
        "from minircnn.textbook import iou",
    ),
    parts=(
        _part(
            "a few boxes",
            cases=_few,
            hint="a box that overlaps a better one by more than the threshold goes, every other one stays",
        ),
        _part(
            "the best comes first",
            cases=_order,
            hint="the scores decide who removes whom, and the order of what is returned",
        ),
        _part(
            "an IoU exactly at the threshold",
            cases=_at_the_threshold,
            hint="is a box that overlaps by exactly the threshold removed? Read the docstring again",
        ),
        _part(
            "equal scores",
            cases=_ties,
            hint="of equal scores the earlier box is first: sort stably, and look at what reversing does",
        ),
        _part(
            "chains of boxes",
            cases=_chains,
            hint="may a box that has been removed itself still remove others?",
        ),
        _part("no boxes", cases=_none, hint="without boxes nothing stays: an empty list"),
        _part(
            "many boxes",
            cases=_many,
            hint="follow the smallest case by hand, box by box, with the table of IoUs",
        ),
    ),
    mistakes=(
        Mistake("nms", _worst_first, "your list begins with the worst score"),
        Mistake("nms", _in_input_order, "the right boxes, in another order: the best score is to come first"),
        Mistake(
            "nms", _places, "you return places in the sorted list; wanted are the row numbers of the boxes"
        ),
        Mistake(
            "nms",
            _last_removes,
            "you compare with the last box that stays alone: every one that stays removes others",
        ),
        Mistake(
            "nms",
            _shortened_while_read,
            "a list that gets shorter while a loop goes through it makes the loop skip: build a new list",
        ),
        Mistake("nms", _also_at_the_threshold, "you remove boxes whose IoU equals the threshold; they stay"),
        Mistake("nms", _removed_remove, "in your code boxes that have been removed still remove others"),
    ),
)
