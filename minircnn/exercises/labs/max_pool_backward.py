"""Lab: max pooling, backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import different_numbers
from minircnn.structures import FloatArray, IntArray


def max_pool2d_backward(dy: FloatArray, x: FloatArray, k: int, stride: int) -> FloatArray:
    """Return the gradient of max pooling, given that of its output.

    In the forward pass, ``y[n, c, i, j]`` is the largest number of the window
    ``x[n, c, i * stride : i * stride + k, j * stride : j * stride + k]``. Windows overlap if stride < k.

    Parameters
    ----------
    dy : float array (N, C, OH, OW)
        dLoss/dy.
    x : float array (N, C, H, W)
        The input of the forward pass.
    k : int
        Rows and columns of a window.
    stride : int
        From one window to the next.

    Returns
    -------
    float array (N, C, H, W)
        dLoss/dx: each dy goes to the pixel that was the largest of its window; of equal ones to the first,
        row by row. A pixel that won several windows gets the sum.

    References
    ----------
    Krizhevsky et al. 2012, ImageNet classification, section 3.4.
    """
    raise NotImplementedError


def _expected(dy: FloatArray, x: FloatArray, k: int, stride: int) -> FloatArray:
    return textbook.max_pool2d_backward(dy, textbook.max_pool2d(x, k, stride)[1], x.shape)


def _given(rng: np.random.Generator, x: FloatArray, k: int, stride: int) -> Arguments:
    height, width = ((length - k) // stride + 1 for length in x.shape[2:])
    return rng.integers(1, 6, (*x.shape[:2], height, width)).astype(float), x, k, stride


def _one_window(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given(rng, np.array([[[[7.0]]]]), 1, 1)
    yield _given(rng, np.array([[[[1.0, 9.0], [2.0, 3.0]]]]), 2, 2)
    for k in (2, 3):
        yield _given(rng, different_numbers(rng, 1, 1, k, k), k, k)


def _apart(rng: np.random.Generator) -> Iterator[Arguments]:
    for height, width, k in [(2, 4, 2), (4, 2, 2), (4, 4, 2), (6, 3, 3)]:
        yield _given(rng, different_numbers(rng, 1, 1, height, width), k, k)


def _overlapping(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given(rng, np.array([[[[1.0, 9.0, 2.0], [3.0, 4.0, 5.0]]]]), 2, 1)
    for height, width, k, stride in [(3, 3, 2, 1), (4, 3, 2, 1), (5, 5, 3, 2)]:
        yield _given(rng, different_numbers(rng, 1, 1, height, width), k, stride)


def _ties(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given(rng, np.zeros((1, 1, 2, 2)), 2, 2)
    yield _given(rng, np.array([[[[1.0, 2.0], [2.0, 1.0]]]]), 2, 2)
    yield _given(rng, np.array([[[[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]]]), 2, 1)
    yield _given(rng, np.zeros((1, 1, 4, 4)), 2, 2)


def _negative(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _given(rng, np.array([[[[-2.0, -1.0], [-3.0, -4.0]]]]), 2, 2)
    yield _given(rng, -different_numbers(rng, 1, 1, 4, 4), 2, 2)


def _not_covered(rng: np.random.Generator) -> Iterator[Arguments]:
    for height, width, k, stride in [(3, 3, 2, 2), (4, 5, 2, 3), (5, 4, 1, 2)]:
        yield _given(rng, different_numbers(rng, 1, 1, height, width), k, stride)


def _many_maps(rng: np.random.Generator) -> Iterator[Arguments]:
    for n, c in [(1, 2), (2, 1), (2, 3)]:
        yield _given(rng, different_numbers(rng, n, c, 2, 3), 2, 1)


def _overwritten(dy: FloatArray, x: FloatArray, k: int, stride: int) -> FloatArray:
    dx, where = np.zeros(x.shape), textbook.max_pool2d(x, k, stride)[1]
    for place in np.ndindex(dy.shape):
        dx[(*place[:2], *where[place])] = dy[place]
    return dx


def _shared(
    dy: FloatArray, x: FloatArray, k: int, stride: int, winners: Callable[[FloatArray], IntArray]
) -> FloatArray:
    """Return the gradient if each of `winners`, places in a window, gets its dy."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dy.shape):
        window = x[n, c, i * stride : i * stride + k, j * stride : j * stride + k]
        for row, column in winners(window):
            dx[n, c, i * stride + row, j * stride + column] += dy[n, c, i, j]
    return dx


def _to_all(dy: FloatArray, x: FloatArray, k: int, stride: int) -> FloatArray:
    return _shared(dy, x, k, stride, lambda window: np.argwhere(window == window.max()))


def _to_last(dy: FloatArray, x: FloatArray, k: int, stride: int) -> FloatArray:
    return _shared(dy, x, k, stride, lambda window: np.argwhere(window == window.max())[-1:])


_part = partial(Part, function="max_pool2d_backward", expected=_expected)

LABS["max-pool-backward"] = Lab(
    title="Max pooling, backward",
    task="the gradient goes to the pixel that won its window",
    page="walkthroughs/06-fast-kernels.md#max-pooling",
    source="Krizhevsky et al. 2012, section 3.4",
    level="medium",
    hint="go through the windows as the forward pass does: where did the largest number stand?",
    stubs=(max_pool2d_backward,),
    imports=("import numpy as np", "", "from minircnn.structures import FloatArray"),
    parts=(
        _part("one window", cases=_one_window, hint="all of dy goes to one pixel, the others get 0"),
        _part(
            "windows side by side",
            cases=_apart,
            hint="window i, j begins at row i · stride, column j · stride",
        ),
        _part(
            "windows that overlap",
            cases=_overlapping,
            hint="a pixel that won two windows gets the sum of both dy",
        ),
        _part(
            "equal numbers",
            cases=_ties,
            hint="of equal numbers the first in reading order gets all of dy, the others nothing",
        ),
        _part("negative numbers", cases=_negative, hint="the largest of negative numbers is not 0"),
        _part(
            "pixels in no window",
            cases=_not_covered,
            hint="dx has the shape of x; what no window covers gets 0",
        ),
        _part(
            "several photos and channels",
            cases=_many_maps,
            hint="every channel of every photo is pooled by itself",
        ),
    ),
    mistakes=(
        Mistake("max_pool2d_backward", _overwritten, "where windows overlap, the last one overwrites: add"),
        Mistake(
            "max_pool2d_backward",
            _to_all,
            "of equal numbers only the first gets the gradient; yours all get it",
        ),
        Mistake("max_pool2d_backward", _to_last, "of equal numbers the first one wins; yours is the last"),
    ),
)
