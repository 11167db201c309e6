"""Lab: RoI pooling, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.exercises.drawing import different_numbers
from minircnn.structures import FloatArray, IntArray


def roi_pool(
    features: FloatArray, rois: FloatArray, image_index: IntArray, output_size: tuple[int, int], scale: float
) -> tuple[FloatArray, IntArray]:
    """Return P × Q maxima of each region, and where each of them stood.

    A region is rounded to cells of the map: from row ``floor(y1 * scale + 0.5)`` to row
    ``floor((y2 - 1) * scale + 0.5)``, both included, and at least one row; columns likewise. Of its h rows,
    bin p of P covers those from ``first + floor(p * h / P)`` up to, and without,
    ``first + ceil((p + 1) * h / P)``, so neighbouring bins may share a row; columns likewise. Of a bin, only
    cells on the map count.

    Parameters
    ----------
    features : float array (N, C, H, W)
        The map of each photo.
    rois : float array (R, 4)
        Regions x1, y1, x2, y2 in pixels of the photo; they may reach over its edge.
    image_index : int array (R,)
        The photo of each region, 0 to N - 1.
    output_size : tuple of int
        P rows and Q columns of bins.
    scale : float
        Cells per pixel: 1/16 for a map whose cells are 16 pixels apart.

    Returns
    -------
    y : float array (R, C, P, Q)
        The largest number in each bin; 0 for a bin without a cell on the map.
    where : int array (R, C, P, Q, 2)
        Row and column of it on the map; of equal numbers the first, row by row. -1, -1 for a bin without a
        cell on the map.

    References
    ----------
    Girshick 2015, Fast R-CNN, section 2.1.
    """
    raise NotImplementedError


def roi_pool_backward(
    dy: FloatArray, where: IntArray, image_index: IntArray, shape: Sequence[int]
) -> FloatArray:
    """Return the gradient of RoI pooling, given that of its output.

    Parameters
    ----------
    dy : float array (R, C, P, Q)
        dLoss/dy.
    where : int array (R, C, P, Q, 2)
        Row and column of each maximum, as `roi_pool` returns them; -1, -1 for a bin without cells.
    image_index : int array (R,)
        The photo of each region.
    shape : sequence of 4 int
        N, C, H, W of the maps.

    Returns
    -------
    float array (N, C, H, W)
        dLoss/dfeatures. A cell that is the maximum of several bins, of whatever region, gets the sum.

    References
    ----------
    Girshick 2015, Fast R-CNN, equation 4.
    """
    raise NotImplementedError


def _pooled(
    features: FloatArray, rois: list[list[float]], size: tuple[int, int], scale: float = 1.0
) -> Arguments:
    """Return the arguments for regions of the first photo."""
    return features, np.array(rois, dtype=float), np.zeros(len(rois), dtype=int), size, scale


def _map(height: int, width: int) -> FloatArray:
    return np.arange(height * width, dtype=float).reshape(1, 1, height, width)


def _whole_map(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(_map(1, 1) + 7, [[0, 0, 1, 1]], (1, 1))
    yield _pooled(_map(2, 2), [[0, 0, 2, 2]], (1, 1))
    yield _pooled(different_numbers(rng, 1, 1, 2, 4), [[0, 0, 4, 2]], (2, 2))
    yield _pooled(different_numbers(rng, 1, 1, 4, 6), [[0, 0, 6, 4]], (2, 3))


def _regions(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(_map(3, 3), [[1, 1, 2, 2]], (1, 1))
    yield _pooled(_map(4, 4), [[0, 0, 2, 4]], (2, 1))
    yield _pooled(different_numbers(rng, 1, 1, 4, 5), [[1, 0, 3, 2], [1, 2, 5, 4]], (2, 2))


def _rounded(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(_map(2, 2), [[0, 0, 2, 2]], (1, 1), 0.5)  # (2 - 1) / 2 = 0.5 becomes 1
    yield _pooled(3 - _map(2, 2), [[1, 1, 3, 3]], (1, 1), 0.5)  # 1 / 2 becomes 1, where the smallest is
    yield _pooled(_map(3, 3), [[1, 1, 6, 6]], (1, 1), 0.5)  # 2.5 becomes 3, beyond the map
    yield _pooled(_map(4, 4), [[5, 5, 6, 6]], (1, 1), 0.5)  # 2.5 becomes 3, not 2
    for number in range(8):
        x1, y1 = rng.integers(0, 12, 2)
        w, h = rng.integers(1, 8, 2)
        corners = [float(x1), float(y1), float(x1 + w), float(y1 + h)]
        # of a rising map the maximum stands in the last cell, of a falling one in the first
        yield _pooled(_map(5, 5) if number % 2 else 24 - _map(5, 5), [corners], (1, 1), 0.25)


def _shared_rows(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(different_numbers(rng, 1, 1, 3, 1), [[0, 0, 1, 3]], (2, 1))
    yield _pooled(different_numbers(rng, 1, 1, 1, 3), [[0, 0, 3, 1]], (1, 2))
    yield _pooled(_map(3, 1), [[0, 0, 1, 3]], (2, 1))
    yield _pooled(9 - _map(3, 3), [[0, 0, 3, 3]], (2, 2))
    yield _pooled(different_numbers(rng, 1, 1, 5, 7), [[0, 0, 7, 5], [1, 1, 5, 5]], (3, 3))


def _small_regions(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(_map(1, 1) + 5, [[0, 0, 1, 1]], (2, 2))
    yield _pooled(_map(3, 3), [[1, 1, 1.2, 1.2]], (1, 1))
    yield _pooled(_map(3, 3), [[1, 0, 2, 3]], (2, 2))


def _outside(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(_map(1, 1) + 5, [[4, 4, 5, 5]], (1, 1))
    yield _pooled(_map(2, 2) + 1, [[0, 0, 4, 2]], (1, 2))
    yield _pooled(_map(2, 2) + 1, [[-2, 0, 2, 2]], (1, 2))
    yield _pooled(_map(3, 3) + 1, [[1, 1, 7, 7], [-4, -4, 2, 2]], (2, 2))


def _negative(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(_map(1, 1) - 5, [[0, 0, 1, 1]], (1, 1))
    yield _pooled(-different_numbers(rng, 1, 1, 3, 3), [[0, 0, 3, 3]], (2, 2))


def _ties(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _pooled(np.zeros((1, 1, 2, 2)), [[0, 0, 2, 2]], (1, 1))
    yield _pooled(np.array([[[[1.0, 2.0], [2.0, 2.0]]]]), [[0, 0, 2, 2]], (1, 1))
    yield _pooled(np.array([[[[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]]]), [[0, 0, 3, 2]], (1, 2))


def _photos(rng: np.random.Generator) -> Iterator[Arguments]:
    region = [0.0, 0.0, 1.0, 1.0]
    yield np.array([[[[1.0]]], [[[2.0]]]]), np.array([region]), np.array([1]), (1, 1), 1.0
    yield (
        np.array([[[[1.0]], [[3.0]]], [[[2.0]], [[4.0]]]]),
        np.array([region, region]),
        np.array([1, 0]),
        (1, 1),
        1.0,
    )
    rois = np.array([[0.0, 0, 4, 4], [1, 1, 4, 3], [0, 2, 3, 4]])
    yield different_numbers(rng, 2, 3, 4, 4), rois, np.array([1, 0, 1]), (2, 2), 1.0


def _backward(
    features: FloatArray, rois: FloatArray, index: IntArray, size: tuple[int, int], scale: float
) -> Arguments:
    where = textbook.roi_pool(features, rois, index, size, scale)[1]
    dy = np.arange(1.0, where[..., 0].size + 1).reshape(where.shape[:-1])
    return dy, where, index, features.shape


def _gradients(*sources: Any) -> Any:
    def cases(rng: np.random.Generator) -> Iterator[Arguments]:
        for source in sources:
            for arguments in source(rng):
                yield _backward(*arguments)

    return cases


def _nearest(v: float) -> int:
    return math.floor(v + 0.5)


def _with_cells(first: Callable[[float], int] = _nearest, last: Callable[[float], int] = _nearest) -> Any:
    """Return RoI pooling by another rule for the first cell, and for the last, of the last pixel."""

    def answer(
        features: FloatArray, rois: FloatArray, index: IntArray, size: tuple[int, int], scale: float
    ) -> Any:
        low = np.array([[first(v * scale) for v in row] for row in rois[:, :2].tolist()], dtype=float)
        high = np.array([[last((v - 1) * scale) for v in row] for row in rois[:, 2:].tolist()], dtype=float)
        return textbook.roi_pool(features, np.hstack([low, high + 1]), index, size, 1.0)

    return answer


def _one_pixel_more(
    features: FloatArray, rois: FloatArray, index: IntArray, size: tuple[int, int], scale: float
) -> Any:
    return textbook.roi_pool(features, rois + np.array([0, 0, 1, 1]), index, size, scale)


def _overwritten(dy: FloatArray, where: IntArray, image_index: IntArray, shape: Sequence[int]) -> FloatArray:
    dx = np.zeros(shape)
    for r, c, p, q in np.ndindex(dy.shape):
        if where[r, c, p, q, 0] >= 0:
            dx[(image_index[r], c, *where[r, c, p, q])] = dy[r, c, p, q]
    return dx


_forward = partial(Part, function="roi_pool", expected=textbook.roi_pool, returns=("y", "where"))
_maxima = partial(_forward, only=0)
_grad = partial(Part, function="roi_pool_backward", expected=textbook.roi_pool_backward)

LABS["roi-pool"] = Lab(
    title="RoI pooling, forward and backward",
    task="a region of any size becomes P × Q maxima, and their gradients go back to the map",
    page="walkthroughs/roi-pooling.md#as-the-paper-writes-it",
    source="Girshick 2015, section 2.1 and equation 4",
    level="hard",
    hint="first write a function for one axis: from two pixels to begin and end of each bin.",
    stubs=(roi_pool, roi_pool_backward),
    imports=(
        "import math",
        "from collections.abc import Sequence",
        "",
        "import numpy as np",
        "",
        "from minircnn.structures import FloatArray, IntArray",
    ),
    parts=(
        _maxima(
            "the whole map",
            cases=_whole_map,
            hint="P bins along the rows, Q along the columns: each gives its largest number",
        ),
        _maxima(
            "regions of the map",
            cases=_regions,
            hint="x goes along columns, y along rows, and bins count from the region's first cell",
        ),
        _maxima(
            "rounding",
            cases=_rounded,
            hint="a half is rounded up: floor(v + 0.5), for both edges; round() goes to even numbers",
        ),
        _maxima(
            "bins that share a row",
            cases=_shared_rows,
            hint="a bin begins at a floor and ends at a ceil, so that no row is lost",
        ),
        _maxima(
            "regions smaller than the bins",
            cases=_small_regions,
            hint="a region has at least one row and one column, and bins may all share it",
        ),
        _maxima(
            "regions beyond the map",
            cases=_outside,
            hint="cut the bins, not the region, at the map; a bin without cells gives 0",
        ),
        _maxima("negative numbers", cases=_negative, hint="the largest of negative numbers is not 0"),
        _forward(
            "where the maxima stand",
            cases=_ties,
            hint="row and column on the map; of equal numbers the first in reading order",
        ),
        _forward(
            "where nothing stands",
            cases=_outside,
            hint="a bin without cells gives 0, and -1, -1 for its place",
        ),
        _forward(
            "several photos and channels",
            cases=_photos,
            hint="image_index tells the map of a region; every channel is pooled by itself",
        ),
        _grad(
            "one region",
            cases=_gradients(_whole_map, _regions),
            hint="each dy goes to the cell that where names",
        ),
        _grad(
            "cells that won several bins",
            cases=_gradients(_small_regions, _shared_rows),
            hint="add, do not overwrite",
        ),
        _grad(
            "bins without cells",
            cases=_gradients(_outside),
            hint="-1 is the last row for NumPy: leave such bins out",
        ),
        _grad(
            "several photos and channels",
            cases=_gradients(_photos),
            hint="the gradient goes to the region's own photo and channel",
        ),
    ),
    mistakes=(
        Mistake(
            "roi_pool",
            _with_cells(round, round),
            "round() takes halves to even numbers; here they are rounded up",
        ),
        Mistake(
            "roi_pool",
            _with_cells(math.floor, math.floor),
            "you cut off where the nearest cell is meant: floor(v + 0.5)",
        ),
        Mistake(
            "roi_pool",
            _with_cells(first=math.floor),
            "you cut off at the first cell, where the nearest one is meant: floor(v + 0.5)",
        ),
        Mistake(
            "roi_pool",
            _with_cells(last=math.floor),
            "you cut off at the last cell, where the nearest one is meant: floor(v + 0.5)",
        ),
        Mistake(
            "roi_pool", _one_pixel_more, "the last pixel of a region is x2 - 1, and y2 - 1: one cell too many"
        ),
        Mistake(
            "roi_pool",
            _with_cells(last=lambda v: _nearest(v) - 1),
            "the last cell belongs to the region, too: last - first + 1 of them",
        ),
        Mistake(
            "roi_pool_backward", _overwritten, "where bins share their maximum, the last one overwrites: add"
        ),
    ),
)
