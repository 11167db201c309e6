"""Numbers of the cases, drawn so that they are short to read and the arithmetic can be done by hand."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray


def whole_box(rng: np.random.Generator, most: int) -> list[int]:
    """Return a box of whole numbers, at most `most` wide and high, its corner within `most` too."""
    x1, y1 = (int(v) for v in rng.integers(0, most, 2))
    width, height = (int(v) for v in rng.integers(1, most + 1, 2))
    return [x1, y1, x1 + width, y1 + height]


def whole_numbers(rng: np.random.Generator, *shape: int, most: int = 3) -> FloatArray:
    """Return whole numbers from -most to most, as floats."""
    return rng.integers(-most, most + 1, shape).astype(float)


def different_numbers(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Return the whole numbers from 1 on in random order, as floats: no two are equal."""
    return rng.permutation(np.arange(1.0, np.prod(shape) + 1)).reshape(shape)


def halves(rng: np.random.Generator, *shape: int, most: int = 3) -> FloatArray:
    """Return multiples of a half from -most to most."""
    return rng.integers(-2 * most, 2 * most + 1, shape) / 2
