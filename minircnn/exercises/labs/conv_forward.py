"""Lab: convolution, forward."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import whole_numbers
from minircnn.structures import FloatArray


def conv2d(
    x: FloatArray, weight: FloatArray, bias: FloatArray, stride: int = 1, padding: int = 0
) -> FloatArray:
    """Return what filters find in maps: each slides over all channels and is multiplied with what lies below.

    Parameters
    ----------
    x : float array (N, C, H, W)
        N photos of C channels.
    weight : float array (O, C, k, k)
        O filters. They are not turned: weight[o, c, 0, 0] meets the upper left pixel of the window, which
        mathematics calls correlation.
    bias : float array (O,)
        Added to all outputs of a filter.
    stride : int
        From one window to the next, along both axes. Windows that would reach over the edge are left out.
    padding : int
        Rows and columns of zeros on each of the four sides.

    Returns
    -------
    float array (N, O, OH, OW)
        ``OH = (H + 2 * padding - k) // stride + 1``, and OW likewise.

    References
    ----------
    LeCun et al. 1998, Gradient-based learning applied to document recognition, section II-A.
    """
    raise NotImplementedError


def _layer(rng: np.random.Generator, n: int, c: int, h: int, w: int, o: int, k: int) -> Arguments:
    """Return maps, filters and biases of 0."""
    return whole_numbers(rng, n, c, h, w), whole_numbers(rng, o, c, k, k), np.zeros(o)


def _one_filter(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), np.array([[[[1.0, 0.0], [0.0, 0.0]]]]), np.zeros(1), 1, 0
    for size, k in [(2, 1), (2, 2), (3, 2), (4, 3), (5, 2)]:
        yield *_layer(rng, 1, 1, size, size, 1, k), 1, 0


def _oblong(rng: np.random.Generator) -> Iterator[Arguments]:
    for height, width in [(1, 2), (2, 1), (3, 5), (5, 3)]:
        yield *_layer(rng, 1, 1, height, width, 1, min(height, width, 2)), 1, 0


def _channels(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[[[1.0]], [[2.0]]]]), np.array([[[[1.0]], [[10.0]]]]), np.zeros(1), 1, 0
    for c in (2, 3, 4):
        yield *_layer(rng, 1, c, 3, 3, 1, 2), 1, 0


def _filters(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[[[1.0]]]]), np.array([[[[1.0]]], [[[2.0]]]]), np.array([10.0, 20.0]), 1, 0
    for o in (2, 3, 4):
        x, weight, _ = _layer(rng, 1, 2, 3, 3, o, 2)
        yield x, weight, whole_numbers(rng, o), 1, 0


def _photos(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[[[1.0]]], [[[2.0]]]]), np.array([[[[3.0]]]]), np.zeros(1), 1, 0
    yield *_layer(rng, 3, 2, 3, 4, 2, 2), 1, 0


def _strides(rng: np.random.Generator) -> Iterator[Arguments]:
    for size, k, stride in [(3, 1, 2), (4, 2, 2), (5, 3, 2), (6, 3, 2), (7, 2, 3)]:
        yield *_layer(rng, 1, 1, size, size, 1, k), stride, 0


def _padded(rng: np.random.Generator) -> Iterator[Arguments]:
    for size, k, padding in [(1, 3, 1), (2, 3, 1), (3, 2, 1), (3, 3, 2)]:
        yield *_layer(rng, 1, 1, size, size, 1, k), 1, padding


def _everything(rng: np.random.Generator) -> Iterator[Arguments]:
    yield *_layer(rng, 1, 1, 3, 4, 1, 2), 2, 1
    for stride, padding in [(1, 1), (2, 1), (2, 2), (3, 2)]:
        x, weight, _ = _layer(rng, 2, 2, 5, 6, 3, 3)
        yield x, weight, whole_numbers(rng, 3), stride, padding


def _turned(x: FloatArray, weight: FloatArray, *rest: object) -> FloatArray:
    return textbook.conv2d(x, weight[:, :, ::-1, ::-1], *rest)  # type: ignore[arg-type]


def _without_bias(x: FloatArray, weight: FloatArray, bias: FloatArray, *rest: int) -> FloatArray:
    return textbook.conv2d(x, weight, 0 * bias, *rest)


_part = partial(Part, function="conv2d", expected=textbook.conv2d)

LABS["conv-forward"] = Lab(
    title="Convolution, forward",
    task="filters slide over maps: sums of products, with stride and padding",
    page="walkthroughs/06-fast-kernels.md#convolution",
    source="LeCun et al. 1998, section II-A",
    level="medium",
    hint="one output is the sum over a whole (C, k, k) patch times one filter; begin with four nested loops.",
    stubs=(conv2d,),
    imports=("import numpy as np", "", "from minircnn.structures import FloatArray"),
    parts=(
        _part(
            "one filter, one channel",
            cases=_one_filter,
            hint="weight[0, 0, 0, 0] meets the upper left pixel of each window: the filter is not turned",
        ),
        _part(
            "maps that are not square",
            cases=_oblong,
            hint="rows go along H, columns along W: count both by themselves",
        ),
        _part(
            "several channels",
            cases=_channels,
            hint="a filter has a plane for each channel, and the sum goes over all of them",
        ),
        _part(
            "several filters, with bias",
            cases=_filters,
            hint="each filter fills a map of its own, and adds its own bias",
        ),
        _part("several photos", cases=_photos, hint="every photo of the batch is treated alike"),
        _part(
            "stride",
            cases=_strides,
            hint="output r, c looks at the window that begins at row r · stride, column c · stride",
        ),
        _part("padding", cases=_padded, hint="zeros go on all four sides; the output grows by 2 · padding"),
        _part(
            "everything together", cases=_everything, hint="stride and padding together: first pad, then step"
        ),
    ),
    mistakes=(
        Mistake("conv2d", _turned, "your filter is turned by 180 degrees; here it is not"),
        Mistake("conv2d", _without_bias, "the bias is missing"),
    ),
)
