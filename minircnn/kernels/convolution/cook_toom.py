"""The small matrices of Winograd's fast convolution, in exact fractions.

A filter of r taps slid over n = m + r − 1 numbers gives m outputs and costs m·r multiplications. Turned
around, this is a product of polynomials: of degree m − 1 and r − 1, so of n coefficients, known once n of its
values are known. To evaluate both factors at n points, multiply value by value and interpolate takes n
multiplications of *data*; the rest are fixed small matrices. Transposing that recipe (the product of
polynomials is the gradient of the correlation) gives

    y = Aᵀ [(G g) ⊙ (Bᵀ d)]        y (m,), g (r,) the filter, d (n,) the numbers below it

with A (n, m) and G (n, r) the powers of the points and Bᵀ (n, n) the transposed inverse of the matrix of all
n powers. One of the points is "infinity", where a polynomial's value is its highest coefficient.

In two dimensions the matrices act on rows and columns: m × m outputs for n × n multiplications. With m = 4
and r = 3 that is 36 instead of 144.

Winograd, "Arithmetic complexity of computations" (1980); Lavin and Gray, "Fast algorithms for convolutional
neural networks" (2016). Rounding errors depend on the points; 0, 1, −1, ½, −2 lose least among those with
cheap powers (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution for deep
neural networks", 2020).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from minircnn.arrays import HostArray

POINTS = tuple(Fraction(p) for p in (0, 1, -1, "1/2", -2, "-1/2", 2))
"""The finite points, in the order in which larger tiles take them."""
ONE = 1
"""Place of the point 1 among them."""


class Transforms(NamedTuple):
    """Aᵀ (m, n), G (n, r) and Bᵀ (n, n) in float64."""

    output: HostArray
    filter: HostArray
    input: HostArray


@cache
def cook_toom(outputs: int, taps: int) -> Transforms:
    """Return the matrices for m = `outputs` of a filter of r = `taps`.

    Row i of G may be multiplied by anything if row i of Bᵀ is divided by it: powers of two, which round
    nothing, bring the rows of Bᵀ near 1.

    Raises
    ------
    ValueError
        If m + r − 1 is more than eight.
    """
    n = outputs + taps - 1
    if n > len(POINTS) + 1:
        raise ValueError(f"{outputs} outputs of {taps} taps need {n - 1} points, there are {len(POINTS)}")
    rows = _inverse(_powers(n, n))  # its transpose is Bᵀ
    input_matrix = [list(column) for column in zip(*rows, strict=True)]
    filter_matrix = _powers(n, taps)
    for i in range(n):
        scale = Fraction(2) ** round(math.log2(max(abs(v) for v in input_matrix[i])))
        input_matrix[i] = [v / scale for v in input_matrix[i]]
        filter_matrix[i] = [v * scale for v in filter_matrix[i]]
    return Transforms(
        np.array(_powers(n, outputs), dtype=np.float64).T.copy(),
        np.array(filter_matrix, dtype=np.float64),
        np.array(input_matrix, dtype=np.float64),
    )


def _powers(count: int, columns: int) -> list[list[Fraction]]:
    """Return the powers 0..columns − 1 of `count` points, the last of them infinity."""
    finite = [[point**power for power in range(columns)] for point in POINTS[: count - 1]]
    return [*finite, [Fraction(int(power == columns - 1)) for power in range(columns)]]


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """Invert by Gauss–Jordan elimination."""
    n = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for c in range(n):
        pivot = next(i for i in range(c, n) if rows[i][c] != 0)
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [v / rows[c][c] for v in rows[c]]
        for i in range(n):
            if i != c:
                factor = rows[i][c]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[c], strict=True)]
    return [row[n:] for row in rows]
