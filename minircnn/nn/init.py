"""Starting values of weights.

Numbers are drawn on the host from the generator passed in, so every backend starts from the same ones.
A weight's shape is (out, in) or (out, in, kernel height, kernel width).
"""

from __future__ import annotations

import math

import numpy as np

from minircnn.nn.checks import require_finite, require_generator
from minircnn.structures import FloatArray


def normal(rng: np.random.Generator, shape: tuple[int, ...], std: float) -> FloatArray:
    """Draw float32 values from N(0, std²); a `std` below 0 or not finite raises ValueError."""
    require_generator(rng)
    require_finite(0, std=std)
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.float32(std)
    return values


def he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw float32 values from N(0, 2 / fan-in), which keeps the variance through ReLU layers.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), equation 10.

    Examples
    --------
    >>> from minircnn.nn import he_normal
    >>> round(float(he_normal(np.random.default_rng(0), (100, 50)).std()), 2)  # √(2 / 50)
    0.2
    """
    return normal(rng, shape, math.sqrt(2.0 / math.prod(shape[1:])))


def xavier_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw float32 values uniformly from ±√(6 / (fan-in + fan-out)).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010),
    equation 16.
    """
    require_generator(rng)
    window = math.prod(shape[2:])
    limit = math.sqrt(6.0 / ((shape[0] + shape[1]) * window))
    values = rng.random(shape, dtype=np.float32)
    values *= np.float32(2 * limit)
    values -= np.float32(limit)
    return values


def starting_weight(rng: np.random.Generator | None, shape: tuple[int, ...], std: float | None) -> FloatArray:
    """Return zeros without a generator (weights to be loaded), else N(0, std²), He's std by default."""
    if rng is None:
        return np.zeros(shape, dtype=np.float32)
    return he_normal(rng, shape) if std is None else normal(rng, shape, std)
