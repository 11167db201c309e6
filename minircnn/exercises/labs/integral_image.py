"""Lab: integral images, and sums over boxes in four reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minircnn import textbook
from minircnn.exercises.base import LABS, Arguments, Lab, Mistake, Part
from minircnn.structures import IntArray


def integral_image(image: IntArray) -> IntArray:
    """Return the sums of all pixels above and to the left of each corner of an image.

    Parameters
    ----------
    image : (H, W) array of whole numbers
        Grey levels, often uint8.

    Returns
    -------
    (H + 1, W + 1) array of whole numbers
        ``sums[y, x]`` is the sum of ``image[:y, :x]``: row 0 and column 0 are zeros. The sums of a large
        image must fit.

    References
    ----------
    Viola and Jones 2001, Rapid object detection using a boosted cascade of simple features, section 2.1.
    """
    raise NotImplementedError


def box_sum(sums: IntArray, x1: int, y1: int, x2: int, y2: int) -> int:
    """Return the sum of the pixels of a box, from four entries of an integral image.

    Parameters
    ----------
    sums : (H + 1, W + 1) array of whole numbers
        As `integral_image` returns them, of int64.
    x1, y1, x2, y2 : int
        The box holds ``image[y1:y2, x1:x2]``: it ends *before* x2 and y2. 0 <= x1 <= x2 <= W, and for y
        likewise.

    Returns
    -------
    int
        0 for an empty box.

    References
    ----------
    Viola and Jones 2001, Rapid object detection using a boosted cascade of simple features, section 2.1.
    """
    raise NotImplementedError


def _pixels(rng: np.random.Generator, height: int, width: int) -> IntArray:
    return rng.integers(1, 10, (height, width))


def _one_row(rng: np.random.Generator) -> Iterator[Arguments]:
    yield (np.array([[5]]),)
    yield (np.array([[1, 2, 3]]),)
    yield (np.array([[1], [2], [3]]),)


def _rows_and_columns(rng: np.random.Generator) -> Iterator[Arguments]:
    yield (np.array([[1, 2], [3, 4]]),)
    for height, width in ((2, 3), (3, 2), (4, 5), (7, 6)):
        yield (_pixels(rng, height, width),)


def _bytes(rng: np.random.Generator) -> Iterator[Arguments]:
    yield (np.array([[200, 100]], dtype=np.uint8),)
    yield (np.array([[100, 100], [100, 100]], dtype=np.uint8),)
    yield (rng.integers(0, 256, (6, 5), dtype=np.uint8),)
    yield (np.full((20, 20), 255, dtype=np.uint8),)


def _sums(rng: np.random.Generator, height: int, width: int) -> IntArray:
    return np.asarray(textbook.integral_image(_pixels(rng, height, width)))


def _whole_image(rng: np.random.Generator) -> Iterator[Arguments]:
    for height, width in ((1, 1), (1, 3), (3, 2)):
        yield _sums(rng, height, width), 0, 0, width, height


def _at_the_corner(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _sums(rng, 1, 2), 0, 0, 1, 1
    yield _sums(rng, 2, 3), 0, 0, 2, 1
    yield _sums(rng, 3, 3), 0, 0, 1, 2


def _at_an_edge(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _sums(rng, 1, 2), 1, 0, 2, 1
    yield _sums(rng, 2, 1), 0, 1, 1, 2
    yield _sums(rng, 3, 4), 2, 0, 4, 2
    yield _sums(rng, 4, 3), 0, 1, 2, 4


def _inside(rng: np.random.Generator) -> Iterator[Arguments]:
    yield np.asarray(textbook.integral_image(np.arange(1, 10).reshape(3, 3))), 1, 1, 2, 2
    for height, width in ((3, 4), (4, 3), (5, 6), (6, 7)):
        y1, x1 = (int(rng.integers(1, length - 1)) for length in (height, width))
        yield _sums(rng, height, width), x1, y1, width - 1, height - 1


def _empty(rng: np.random.Generator) -> Iterator[Arguments]:
    yield _sums(rng, 2, 2), 1, 1, 1, 1
    yield _sums(rng, 3, 2), 1, 0, 1, 3
    yield _sums(rng, 2, 3), 0, 2, 3, 2


def _along(image: IntArray, axis: int) -> IntArray:
    return np.pad(np.cumsum(image, axis=axis, dtype=np.int64), ((1, 0), (1, 0)))


def _in_bytes(image: IntArray) -> IntArray:
    return (textbook.integral_image(image) % 256).astype(np.int64)


def _zeros_last(image: IntArray) -> IntArray:
    return np.roll(textbook.integral_image(image), -1, axis=(0, 1))


def _three_reads(sums: Any, x1: int, y1: int, x2: int, y2: int) -> int:
    return int(sums[y2, x2] - sums[y1, x2] - sums[y2, x1])


def _two_reads(sums: Any, x1: int, y1: int, x2: int, y2: int) -> int:
    return int(sums[y2, x2] - sums[y1, x1])


def _corner_taken_again(sums: Any, x1: int, y1: int, x2: int, y2: int) -> int:
    return int(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] - sums[y1, x1])


def _without_the_last(sums: Any, x1: int, y1: int, x2: int, y2: int) -> int:
    return textbook.box_sum(sums, x1, y1, x2 - 1, y2 - 1)


_integral = partial(Part, function="integral_image", expected=textbook.integral_image)
_box = partial(Part, function="box_sum", expected=textbook.box_sum)

LABS["integral-image"] = Lab(
    title="Integral images",
    task="the sum of any box of pixels in four reads",
    page="walkthroughs/before-deep-nets.md#sums-in-four-reads",
    source="Viola and Jones 2001, section 2.1",
    level="easy",
    hint="the result has one row and one column more than the image, and they come first.",
    stubs=(integral_image, box_sum),
    imports=("import numpy as np", "", "from minircnn.structures import IntArray"),
    parts=(
        _integral(
            "one row, one column", cases=_one_row, hint="a running sum; the first row and column are zeros"
        ),
        _integral(
            "rows and columns",
            cases=_rows_and_columns,
            hint="each entry holds all pixels above and to the left, not those of its row alone",
        ),
        _integral("bytes", cases=_bytes, hint="a uint8 ends at 255: sum in a larger type"),
        _box("the whole image", cases=_whole_image, hint="the last entry is the sum of all; rows come first"),
        _box(
            "boxes at the upper left corner",
            cases=_at_the_corner,
            hint="one read: the entry at the lower right corner, row y2 and column x2",
        ),
        _box(
            "boxes at one edge",
            cases=_at_an_edge,
            hint="take away what lies above the box, or to the left of it",
        ),
        _box("boxes inside", cases=_inside, hint="what lies above *and* to the left was taken away twice"),
        _box("empty boxes", cases=_empty, hint="a box that ends where it begins holds nothing"),
    ),
    mistakes=(
        Mistake(
            "integral_image", partial(_along, axis=1), "you sum along the rows alone; sum those down, too"
        ),
        Mistake("integral_image", partial(_along, axis=0), "you sum down the columns alone; sum those, too"),
        Mistake("integral_image", _in_bytes, "your sums begin again at 256: sum in a larger type"),
        Mistake("integral_image", _zeros_last, "the zeros come first: entry y, x is the sum *before* y, x"),
        Mistake(
            "box_sum", _three_reads, "what lies above and to the left was taken away twice; add it again"
        ),
        Mistake("box_sum", _corner_taken_again, "the last of the four is added, not taken away"),
        Mistake("box_sum", _two_reads, "two reads are not enough: what lies above and beside remains"),
        Mistake("box_sum", _without_the_last, "the box ends before x2 and y2, and so do the sums at x2, y2"),
    ),
)
