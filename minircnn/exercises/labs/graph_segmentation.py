"""Lab: graph segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Part
from minircnn.structures import FloatArray, IntArray


def graph_segmentation(image: FloatArray, k: float, min_size: int) -> IntArray:
    """Return the region of every pixel: pixels are nodes, and the lightest edges join them first.

    1. Edges join each pixel with its eight neighbours, each pair once; the weight is the difference of their
       grey values, |a - b|.
    2. Edges are visited in the order of their weights. Equal ones: first all to the right, then all down, all
       down-right, all down-left; each of these four kinds row by row, from left to right.
    3. Every pixel begins as a region of its own. An edge between two different regions joins them if its
       weight is *at most* internal(A) + k / size(A) and at most internal(B) + k / size(B): internal is the
       weight of the heaviest edge accepted in a region, 0 for a single pixel, and size its number of pixels.
    4. Then the edges are visited once more, in the same order: an edge between two different regions joins
       them if either has *fewer* than `min_size` pixels.

    Parameters
    ----------
    image : float array (H, W)
        Grey values.
    k : float
        Larger values, larger regions.
    min_size : int
        Pixels that a region has at least; 0 or 1 leave step 4 without effect.

    Returns
    -------
    int array (H, W)
        The regions numbered 0, 1, ... in the order in which their first pixels come, row by row.

    References
    ----------
    Felzenszwalb and Huttenlocher 2004, Efficient graph-based image segmentation, algorithm 1.
    """
    raise NotImplementedError


def _row(*values: float) -> FloatArray:
    return np.array([values], dtype=float)


def _flat(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _row(7), 1.0, 0
    yield _row(7, 7), 0.0, 0
    yield np.full((2, 2), 7.0), 0.0, 0
    yield np.full((3, 4), 7.0), 0.0, 0


def _pairs(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _row(0, 2), 3.0, 0
    yield _row(0, 3), 2.0, 0
    yield _row(3, 0), 2.0, 0
    yield _row(0, 2), 2.0, 0  # exactly as much as is allowed
    yield np.array([[0.0], [5.0]]), 2.0, 0


def _sizes(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _row(0, 0, 2), 3.0, 0  # 3 / 2 is less than 2
    yield _row(0, 0, 1), 2.0, 0
    yield _row(0, 0, 0, 0, 1), 3.0, 0
    yield _row(0, 0, 2, 2), 4.0, 0


def _inside(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _row(0, 2, 4), 2.0, 0  # 2 + 2 / 2 inside the first two
    yield _row(0, 1, 3, 6), 3.0, 0
    yield _row(0, 3, 9, 12), 6.0, 0
    for n in range(4, 9):
        yield rng.integers(0, 6, (1, n)).astype(float), 3.0, 0


def _diagonals(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.array([[0.0, 9.0], [9.0, 0.0]]), 1.0, 0
    yield np.array([[0.0, 9.0, 5.0], [5.0, 0.0, 9.0], [9.0, 5.0, 0.0]]), 1.0, 0
    yield np.array([[9.0, 9.0, 0.0], [9.0, 0.0, 9.0], [0.0, 9.0, 5.0]]), 1.0, 0


def _numbered(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _row(7), 1.0, 0
    yield _row(5, 0), 1.0, 0
    yield _row(0, 0, 9), 1.0, 0
    yield _row(9, 0, 5), 1.0, 0
    yield np.array([[0.0, 9.0], [5.0, 20.0]]), 1.0, 0
    yield np.array([[0.0, 0.0, 9.0], [20.0, 20.0, 9.0]]), 1.0, 0


def _small_ones(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _row(0, 9), 1.0, 2
    yield _row(0, 0, 9, 9), 1.0, 2
    yield _row(0, 0, 9, 20, 20), 1.0, 2
    yield _row(0, 0, 0, 9, 9, 30, 30, 30), 1.0, 3
    yield _row(0, 7, 12, 15), 1.0, 2


def _equal_edges(rng: np.random.Generator) -> Iterator[Arguments]:
    for height, width in [(1, 3), (1, 5), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4)] * 3:
        yield rng.integers(0, 3, (height, width)).astype(float), 1.0, 2


def _everything(rng: np.random.Generator) -> Iterator[Arguments]:
    for side in range(3, 9):
        for k in (2.0, 5.0):
            yield rng.integers(0, 8, (side, side + 1)).astype(float), k, side // 2


_part = partial(Part, function="graph_segmentation", expected=textbook.graph_segmentation)

LABS["graph-segmentation"] = Lab(
    title="Graph segmentation",
    task="pixels joined to regions by the lightest edges, as selective search begins",
    page="walkthroughs/02-proposals.md#step-1-small-regions",
    source="Felzenszwalb and Huttenlocher 2004, algorithm 1",
    level="hard",
    hint="keep for each pixel a parent; a region is known by the root that the parents lead to.",
    stubs=(graph_segmentation,),
    imports=("import numpy as np", "", "from minircnn.structures import FloatArray, IntArray"),
    parts=(
        _part(
            "numbers of the regions",
            cases=_numbered,
            hint="number from 0 by the first pixel, row by row; roots are no numbers yet",
        ),
        _part(
            "one grey",
            cases=_flat,
            hint="edges of weight 0 join everything, even for k = 0: at most, not less than",
        ),
        _part(
            "two pixels",
            cases=_pairs,
            hint="a single pixel has internal 0 and size 1, so two join if the weight is at most k",
        ),
        _part(
            "the size of the regions",
            cases=_sizes,
            hint="k is divided by the size of each region, and the stricter of both bounds holds",
        ),
        _part(
            "the heaviest edge inside",
            cases=_inside,
            hint="internal of a joined region is the weight of the edge that joined it: edges come in order",
        ),
        _part("diagonals", cases=_diagonals, hint="a pixel has eight neighbours"),
        _part(
            "small regions",
            cases=_small_ones,
            hint="a second round over the same edges: join if *either* region has fewer than min_size pixels",
        ),
        _part(
            "equal edges",
            cases=_equal_edges,
            hint="sort stably, by the weight alone: right, down, down-right, down-left, each row by row",
        ),
        _part(
            "whole images",
            cases=_everything,
            hint="follow the smallest case by hand: list the edges in order and note internal and size",
        ),
    ),
)
