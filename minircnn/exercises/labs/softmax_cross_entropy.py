"""Lab: softmax and cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import whole_numbers
from minircnn.structures import FloatArray, IntArray


def softmax(logits: FloatArray) -> FloatArray:
    """Return the probabilities that logits stand for: e to the power of each, divided by the sum of its row.

    Parameters
    ----------
    logits : float array (R, K+1)
        A row for each region; any finite numbers, 1000 too.

    Returns
    -------
    float array (R, K+1)
        Every row sums to 1.
    """
    raise NotImplementedError


def softmax_cross_entropy(logits: FloatArray, labels: IntArray) -> tuple[float, FloatArray]:
    """Return the loss of the classes, and its gradient.

    Parameters
    ----------
    logits : float array (R, K+1), R >= 1
        Any finite numbers.
    labels : int array (R,)
        The right column of each row; column 0 is background.

    Returns
    -------
    loss : float
        The mean over the rows of -log p[label], p being the row's softmax. Finite even where p[label] is so
        small that it is rounded to 0: for logits 1000, 0 and label 1 it is 1000.
    gradient : float array (R, K+1)
        The slope of the loss along each logit.

    References
    ----------
    Girshick 2015, Fast R-CNN, section 2.3, L_cls.
    """
    raise NotImplementedError


def _one_row(rng: np.random.Generator) -> Iterator[tuple[FloatArray]]:
    yield (np.array([[0.0, 0.0]]),)
    yield (np.array([[1.0, 0.0]]),)
    for count in range(3, 6):
        yield (whole_numbers(rng, 1, count),)


def _rows(rng: np.random.Generator) -> Iterator[tuple[FloatArray]]:
    yield (np.array([[0.0, 0.0], [1.0, 1.0]]),)
    for rows in range(2, 6):
        yield (whole_numbers(rng, rows, 3),)


def _large(rng: np.random.Generator) -> Iterator[tuple[FloatArray]]:
    yield (np.array([[1000.0, 1000.0]]),)
    yield (np.array([[1000.0, 999.0]]),)
    yield (np.array([[-1000.0, -1000.0]]),)
    yield (np.array([[0.0, 0.0], [800.0, 799.0]]),)
    yield (np.array([[0.0, 1.0], [-800.0, -799.0]]),)


def _labelled_row(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[0.0, 0.0]]), np.array([0])
    for (logits,) in _one_row(rng):
        yield logits, rng.integers(0, logits.shape[1], 1)


def _labelled_rows(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([0, 0])
    for (logits,) in _rows(rng):
        yield logits, rng.integers(0, logits.shape[1], len(logits))


def _hopeless(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[1000.0, 0.0]]), np.array([1])
    yield np.array([[0.0, -1000.0, 5.0]]), np.array([1])
    yield np.array([[1000.0, 999.0], [0.0, 800.0]]), np.array([0, 0])


def _sum(logits: FloatArray, labels: IntArray) -> tuple[float, FloatArray]:
    loss, gradient = textbook.softmax_cross_entropy(logits, labels)
    return loss * len(logits), gradient * len(logits)


def _gradient_of_the_sum(logits: FloatArray, labels: IntArray) -> tuple[float, FloatArray]:
    return textbook.softmax_cross_entropy(logits, labels)[0], _sum(logits, labels)[1]


def _descent(logits: FloatArray, labels: IntArray) -> tuple[float, FloatArray]:
    loss, gradient = textbook.softmax_cross_entropy(logits, labels)
    return loss, -gradient


def _along_probabilities(logits: FloatArray, labels: IntArray) -> tuple[float, FloatArray]:
    return textbook.softmax_cross_entropy(logits, labels)[0], textbook.softmax(logits) / len(logits)


_softmax = partial(Part, function="softmax", expected=textbook.softmax)
_loss = partial(
    Part, function="softmax_cross_entropy", expected=textbook.softmax_cross_entropy,
    returns=("loss", "gradient"), only=0,
)  # fmt: skip
_slope = partial(_loss, only=1)

LABS["softmax-cross-entropy"] = Lab(
    title="Softmax and cross-entropy",
    task="probabilities of the classes, how wrong they are, and the gradient",
    page="walkthroughs/04-fast-rcnn.md#two-siblings-one-loss",
    source="Girshick 2015, section 2.3",
    level="medium",
    hint="a number subtracted from all logits of a row changes no probability; which one keeps exp finite?",
    stubs=(softmax, softmax_cross_entropy),
    imports=("import numpy as np", "", "from minircnn.structures import FloatArray, IntArray"),
    parts=(
        _softmax("one row", cases=_one_row, hint="e to the power of each logit, divided by the sum of these"),
        _softmax(
            "several rows", cases=_rows, hint="each row is divided by its own sum: look at axis and keepdims"
        ),
        _softmax(
            "large logits",
            cases=_large,
            hint="exp(1000) overflows, and exp(-1000) is 0: first subtract each row's own maximum",
        ),
        _loss(
            "the loss of one row", cases=_labelled_row, hint="-log of the probability in the label's column"
        ),
        _loss(
            "the loss of several rows",
            cases=_labelled_rows,
            hint="the mean over the rows, each with its own label",
        ),
        _loss(
            "the loss where the label is hopeless",
            cases=_hopeless,
            hint="log(0) is infinite: write log p as a difference, before anything is rounded to 0",
        ),
        _slope(
            "the gradient of one row",
            cases=_labelled_row,
            hint="derive it: p for every column, and one column of the row has something subtracted",
        ),
        _slope(
            "the gradient of several rows",
            cases=_labelled_rows,
            hint="the loss is a mean, so each row's gradient has the factor 1 / R",
        ),
        _slope(
            "the gradient where the label is hopeless",
            cases=_hopeless,
            hint="the gradient needs p, which is finite if softmax is",
        ),
    ),
    mistakes=(
        Mistake(
            "softmax_cross_entropy",
            _gradient_of_the_sum,
            "the loss is a mean, so its gradient has the factor 1 / R as well",
        ),
        Mistake("softmax_cross_entropy", _sum, "you return the sum over the rows; the mean is asked for"),
        Mistake(
            "softmax_cross_entropy", _descent, "your gradient points downhill: its sign is the other one"
        ),
        Mistake(
            "softmax_cross_entropy",
            _along_probabilities,
            "something is to be subtracted in the label's column",
        ),
    ),
)
