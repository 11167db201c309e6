"""Lab: the smooth L1 loss and its slope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import halves
from minircnn.structures import FloatArray


def smooth_l1(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    """Return the sum of smooth(prediction - target), and its gradient.

    smooth(x) is a parabola, x² / 2, where |x| < 1, and a straight line, |x| - 1/2, elsewhere.

    Parameters
    ----------
    prediction, target : float arrays of the same shape, whatever it is

    Returns
    -------
    value : float
        The sum (not the mean) over all elements.
    gradient : float array, shape of `prediction`
        The slope of the value along each element of `prediction`.

    References
    ----------
    Girshick 2015, Fast R-CNN, equations 2 and 3.
    """
    raise NotImplementedError


def _apart(differences: FloatArray) -> Arguments:
    return differences.copy(), np.zeros(differences.shape)


def _small(rng: np.random.Generator) -> Iterator[Arguments]:
    for x in (0.0, 0.5, -0.5, 0.25):
        yield _apart(np.array([x]))


def _large(rng: np.random.Generator) -> Iterator[Arguments]:
    for x in (2.0, -2.0, 10.0):
        yield _apart(np.array([x]))


def _at_the_seam(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _apart(np.array([1.0]))
    yield _apart(np.array([-1.0]))


def _differences(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([2.0]), np.array([1.5])
    yield np.array([1.0]), np.array([4.0])
    for count in range(2, 8):
        yield halves(rng, count), halves(rng, count)


def _shapes(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.zeros((0, 4)), np.zeros((0, 4))
    for rows in range(1, 6):
        yield halves(rng, rows, 4), halves(rng, rows, 4)


def _in_another_way(value: Callable[[FloatArray], FloatArray], slope: Callable[[FloatArray], FloatArray]):  # type: ignore[no-untyped-def]
    def answer(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        x = prediction - target
        near = abs(x) < 1
        return float(np.where(near, x**2 / 2, value(abs(x))).sum()), np.where(near, x, slope(x))

    return answer


def _mean(prediction: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    value, gradient = textbook.smooth_l1(prediction, target)
    return value / max(prediction.size, 1), gradient / max(prediction.size, 1)


_value = partial(
    Part, function="smooth_l1", expected=textbook.smooth_l1, returns=("value", "gradient"), only=0
)
_slope = partial(_value, only=1)

LABS["smooth-l1"] = Lab(
    title="Smooth L1",
    task="the loss of the boxes, near 0 a parabola and far away a line, with its slope",
    page="walkthroughs/04-fast-rcnn.md#two-siblings-one-loss",
    source="Girshick 2015, equations 2 and 3",
    level="easy",
    hint="draw both pieces on paper: they meet at |x| = 1 with the same value and the same slope.",
    stubs=(smooth_l1,),
    imports=("import numpy as np", "", "from minircnn.structures import FloatArray"),
    parts=(
        _value("the value near 0", cases=_small, hint="near 0 it is half of the square"),
        _value(
            "the value far away",
            cases=_large,
            hint="the line is lowered by a half, so that it meets the parabola",
        ),
        _value("the value at |x| = 1", cases=_at_the_seam, hint="both pieces must give the same number at 1"),
        _value(
            "the value of several differences",
            cases=_differences,
            hint="x is prediction - target, and the values of all elements are added",
        ),
        _slope("the slope near 0", cases=_small, hint="differentiate x² / 2"),
        _slope("the slope far away", cases=_large, hint="differentiate |x| - 1/2, on both sides of 0"),
        _slope(
            "the slope at |x| = 1",
            cases=_at_the_seam,
            hint="both pieces must give the same slope at 1 and at -1",
        ),
        _slope(
            "the slope of several differences",
            cases=_differences,
            hint="each element has a slope of its own, along the prediction",
        ),
        _value(
            "arrays of any shape",
            cases=_shapes,
            only=None,
            hint="the value is one number whatever the shape, the gradient has the shape of the prediction",
        ),
    ),
    mistakes=(
        Mistake(
            "smooth_l1",
            _in_another_way(lambda x: x, np.sign),
            "the line lies a half too high for the parabola",
        ),
        Mistake("smooth_l1", _mean, "you return the mean; the sum is asked for"),
        Mistake(
            "smooth_l1",
            lambda p, t: (textbook.smooth_l1(p, t)[0], -textbook.smooth_l1(p, t)[1]),
            "your slope is the one along the target",
        ),
        Mistake(
            "smooth_l1", _in_another_way(lambda x: x - 0.5, np.ones_like), "left of 0 the line goes down"
        ),
    ),
)
