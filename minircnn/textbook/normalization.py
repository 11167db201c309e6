"""Local response normalisation: strong neighbouring channels damp each other."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray


def local_response_norm(
    x: FloatArray, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> FloatArray:
    """Return y (N, C, H, W) of x: a value over a power of the squares in the `size` channels around it.

    Krizhevsky et al. 2012, section 3.3, with alpha / size for alpha, as in Caffe.
    """
    y = np.zeros(x.shape)
    for i, c, r, s in np.ndindex(x.shape):
        near = x[i, max(c - size // 2, 0) : c + size // 2 + 1, r, s]
        y[i, c, r, s] = x[i, c, r, s] / (k + alpha / size * (near**2).sum()) ** beta
    return y
