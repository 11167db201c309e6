"""Lab: intersection over union."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import whole_box


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Return how much two boxes overlap: the area that they share, over the area that they cover together.

    Parameters
    ----------
    a, b : sequence of 4 floats
        Boxes x1, y1, x2, y2 in pixels: left, upper, right and lower edge, x1 <= x2, y1 <= y2. Edges are
        positions, not numbers of pixels: the width is x2 - x1, without a +1.

    Returns
    -------
    float
        From 0 to 1; 0 if the boxes share no area, whatever their own areas are.

    References
    ----------
    Everingham et al. 2010, The PASCAL Visual Object Classes Challenge, equation 3.
    """
    raise NotImplementedError


def _meeting(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 2, 2], [1, 1, 3, 3]
    yield [0, 0, 3, 2], [1, 0, 4, 2]
    for most in range(3, 40):
        a, b = whole_box(rng, most), whole_box(rng, most)
        if textbook.iou(a, b) > 0:
            yield a, b


def _nested(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 1, 1], [0, 0, 1, 1]
    yield [0, 0, 2, 2], [0, 0, 1, 1]
    for most in range(2, 10):
        x1, y1, x2, y2 = whole_box(rng, most)
        yield [x1, y1, x2, y2], [x1 - 1, y1 - 2, x2 + 2, y2 + 1]


def _apart_along_one_axis(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 1, 1], [2, 0, 3, 1]
    yield [0, 0, 1, 1], [0, 2, 1, 3]
    for most in range(2, 8):
        x1, y1, x2, y2 = whole_box(rng, most)
        yield [x1, y1, x2, y2], [x2 + most, y1, x2 + 2 * most, y2]
        yield [x1, y2 + most, x2, y2 + 2 * most], [x1, y1, x2, y2]


def _apart_along_both_axes(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 1, 1], [2, 2, 3, 3]
    yield [0, 2, 1, 3], [2, 0, 3, 1]
    for most in range(2, 8):
        x1, y1, x2, y2 = whole_box(rng, most)
        yield [x1, y1, x2, y2], [x2 + 1, y2 + most, x2 + 2, y2 + 2 * most]


def _touching(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 1, 1], [1, 0, 2, 1]
    yield [0, 0, 1, 1], [1, 1, 2, 2]


def _without_area(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 0, 0], [0, 0, 0, 0]
    yield [1, 0, 1, 2], [1, 0, 1, 2]
    yield [1, 1, 1, 1], [0, 0, 2, 2]


def _fractions(rng: np.random.Generator) -> Iterator[Arguments]:
    yield [0, 0, 0.5, 0.5], [0.25, 0, 0.75, 0.5]
    yield [-2.5, -1, 0.5, 1], [-1, -2, 1, 0.5]
    for most in (1, 10, 100):
        low, size = rng.uniform(-most, 0, (2, 2)), rng.uniform(most, 2 * most, (2, 2))
        yield tuple(np.hstack([low, low + size]).round(2).tolist())


def _with_plus_one(a: Sequence[float], b: Sequence[float]) -> float:
    return textbook.iou([*a[:2], a[2] + 1, a[3] + 1], [*b[:2], b[2] + 1, b[3] + 1])


def _counted_twice(a: Sequence[float], b: Sequence[float]) -> float:
    value = textbook.iou(a, b)
    return value / (1 + value)  # common / (area + area)


def _dice(a: Sequence[float], b: Sequence[float]) -> float:
    return 2 * _counted_twice(a, b)


def _of_the_smaller(a: Sequence[float], b: Sequence[float]) -> float:
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return _counted_twice(a, b) * sum(areas) / min(areas) if min(areas) > 0 else 0.0


_part = partial(Part, function="iou", expected=textbook.iou)

LABS["iou"] = Lab(
    title="Intersection over union",
    task="how much two boxes overlap, from 0 to 1",
    page="walkthroughs/01-what-is-detection.md#a-box-and-how-well-two-of-them-agree",
    source="Everingham et al. 2010, equation 3",
    level="easy",
    hint="where do the two boxes begin to overlap along x, and where does the overlap end?",
    stubs=(iou,),
    imports=("from collections.abc import Sequence",),
    parts=(
        _part(
            "two boxes that meet",
            cases=_meeting,
            hint="the area covered together counts the shared area once",
        ),
        _part(
            "one box inside the other, or equal",
            cases=_nested,
            hint="the overlap begins at the larger of the two left edges and ends at the smaller right one",
        ),
        _part(
            "boxes apart along one axis",
            cases=_apart_along_one_axis,
            hint="what does your width or height of the overlap become if the boxes do not meet?",
        ),
        _part(
            "boxes apart along both axes",
            cases=_apart_along_both_axes,
            hint="two negative lengths have a positive product",
        ),
        _part("boxes that only touch", cases=_touching, hint="a common edge has no area"),
        _part(
            "boxes without area",
            cases=_without_area,
            hint="0 / 0: decide what the answer is before you divide",
        ),
        _part(
            "fractions and negative coordinates",
            cases=_fractions,
            hint="coordinates are no whole numbers, and may lie left of 0",
        ),
    ),
    mistakes=(
        Mistake(
            "iou",
            _with_plus_one,
            "there is a +1 in your lengths; here x2 is where the box ends, not its last pixel",
        ),
        Mistake("iou", _counted_twice, "in the sum of the two areas the shared part is counted twice"),
        Mistake(
            "iou",
            _dice,
            "you return twice the shared area over the sum of the areas; that is another measure",
        ),
        Mistake("iou", _of_the_smaller, "you divide by one of the areas; the union of both is meant"),
    ),
)
