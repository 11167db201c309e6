"""Lab: convolution, backward."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import whole_numbers
from minircnn.structures import FloatArray


def conv2d_backward(
    dy: FloatArray, x: FloatArray, weight: FloatArray, stride: int = 1, padding: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients of a convolution, given that of its output.

    In the forward pass, ``y[n, o, r, s]`` is ``bias[o]`` plus the sum of all numbers of
    ``padded[n, :, r * stride : r * stride + k, s * stride : s * stride + k] * weight[o]``, where `padded` is
    x with `padding` rows and columns of zeros on each side. Filters are not turned.

    Parameters
    ----------
    dy : float array (N, O, OH, OW)
        dLoss/dy.
    x : float array (N, C, H, W)
        The input of the forward pass.
    weight : float array (O, C, k, k)
        The filters.
    stride, padding : int
        As in the forward pass.

    Returns
    -------
    dx : float array (N, C, H, W)
        dLoss/dx, without the padding.
    dweight : float array (O, C, k, k)
        dLoss/dweight, the sum over photos and windows.
    dbias : float array (O,)
        dLoss/dbias.

    References
    ----------
    LeCun et al. 1998, Gradient-based learning applied to document recognition, section II-A.
    """
    raise NotImplementedError


def _layer(
    rng: np.random.Generator, n: int, c: int, o: int, size: int, k: int, stride: int = 1, padding: int = 0
) -> Arguments:
    x, weight = whole_numbers(rng, n, c, size, size + 1), whole_numbers(rng, o, c, k, k)
    y = textbook.conv2d(x, weight, np.zeros(o), stride, padding)
    return whole_numbers(rng, *y.shape), x, weight, stride, padding


def _one_filter(rng: np.random.Generator) -> Iterator[Arguments]:
    one = np.ones((1, 1, 1, 1))
    yield 2 * one, 3 * one, 5 * one, 1, 0
    yield 2 * one, np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), np.array([[[[5.0, 6.0], [7.0, 8.0]]]]), 1, 0
    for size, k in [(2, 1), (2, 2), (3, 2), (3, 3)]:
        yield _layer(rng, 1, 1, 1, size, k)


def _several(rng: np.random.Generator) -> Iterator[Arguments]:
    for n, c, o in [(1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 2, 3)]:
        yield _layer(rng, n, c, o, 2, 2)


def _strides(rng: np.random.Generator) -> Iterator[Arguments]:
    for size, k, stride in [(3, 1, 2), (4, 2, 2), (4, 3, 2), (5, 2, 3)]:
        yield _layer(rng, 1, 1, 1, size, k, stride)


def _padded(rng: np.random.Generator) -> Iterator[Arguments]:
    for size, k, padding in [(1, 2, 1), (2, 3, 1), (2, 3, 2)]:
        yield _layer(rng, 1, 1, 1, size, k, 1, padding)


def _everything(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _layer(rng, 1, 1, 1, 3, 2, 2, 1)
    for stride, padding in [(1, 1), (2, 1), (2, 2)]:
        yield _layer(rng, 2, 2, 3, 4, 3, stride, padding)


def _mean_over_photos(dy: FloatArray, *rest: object) -> tuple[FloatArray, FloatArray, FloatArray]:
    dx, dweight, dbias = textbook.conv2d_backward(dy, *rest)  # type: ignore[arg-type]
    return dx, dweight / len(dy), dbias / len(dy)


def _turned(
    dy: FloatArray, x: FloatArray, weight: FloatArray, *rest: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    dx, dweight, dbias = textbook.conv2d_backward(dy, x, weight[:, :, ::-1, ::-1], *rest)
    return dx, dweight[:, :, ::-1, ::-1], dbias


_all = partial(
    Part, function="conv2d_backward", expected=textbook.conv2d_backward, returns=("dx", "dweight", "dbias")
)
_dx, _dweight, _dbias = (partial(_all, only=i) for i in range(3))

LABS["conv-backward"] = Lab(
    title="Convolution, backward",
    task="from dLoss/dy to dLoss/dx, dLoss/dweight and dLoss/dbias",
    page="walkthroughs/06-fast-kernels.md#gradients",
    source="LeCun et al. 1998, section II-A",
    level="hard",
    hint="each output is a sum of products, so each of two factors gets dy times the other one.",
    stubs=(conv2d_backward,),
    imports=("import numpy as np", "", "from minircnn.structures import FloatArray"),
    parts=(
        _dbias(
            "dbias, one filter",
            cases=_one_filter,
            hint="the bias is added to every output, so it gets the dy of every output",
        ),
        _dbias(
            "dbias, several filters and photos",
            cases=_several,
            hint="each filter's bias sums over photos, rows and columns",
        ),
        _dweight(
            "dweight, one filter",
            cases=_one_filter,
            hint="a weight was multiplied with a pixel in each window: sum dy times that pixel",
        ),
        _dweight(
            "dweight, several filters, channels, photos",
            cases=_several,
            hint="a filter's gradient sums over the photos, and has a plane for each channel",
        ),
        _dweight(
            "dweight, with stride",
            cases=_strides,
            hint="output r, c looked at the window that begins at r · stride, c · stride",
        ),
        _dweight(
            "dweight, with padding",
            cases=_padded,
            hint="the windows lie on the padded map, whose zeros count",
        ),
        _dx(
            "dx, one filter",
            cases=_one_filter,
            hint="a pixel lies in several windows, and gets dy times weight from each: add, do not overwrite",
        ),
        _dx(
            "dx, several filters, channels, photos",
            cases=_several,
            hint="a pixel was seen by every filter: sum over the filters",
        ),
        _dx(
            "dx, with stride",
            cases=_strides,
            hint="pixels in no window get 0; the shape is that of x all the same",
        ),
        _dx(
            "dx, with padding",
            cases=_padded,
            hint="compute the gradient of the padded map, then cut the padding off on all four sides",
        ),
        _all(
            "everything together",
            cases=_everything,
            hint="stride and padding together: windows step over the padded map",
        ),
    ),
    mistakes=(
        Mistake(
            "conv2d_backward", _mean_over_photos, "you take the mean over the photos; the sum is asked for"
        ),
        Mistake(
            "conv2d_backward",
            _turned,
            "your filter is turned by 180 degrees; with y as it is given, it is not",
        ),
    ),
)
