"""Which key points of two photos show the same thing (section 7.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minircnn.checks import checked, real
from minircnn.kernels.split import split
from minircnn.structures import IntArray

Float32 = npt.NDArray[np.float32]

RATIO = 0.8
"""It removes nine in ten wrong matches and one in twenty right ones, in the paper's figure 11."""

_ROWS = 2048  # descriptors compared at a time


def match_descriptors(first: Float32, second: Float32, *, ratio: float = RATIO) -> tuple[IntArray, Float32]:
    """Match each descriptor to its nearest, unless the second nearest is about as near.

    Where `second` has a single descriptor there is no second nearest, and nothing is matched.

    Parameters
    ----------
    first, second : (n, D), (m, D) float array
        Descriptors of two photos.
    ratio : float
        A match is kept if its distance is less than this much of that to the second nearest.

    Returns
    -------
    pairs : (M, 2) int array
        Rows of `first` and `second`.
    ratios : (M,) float32 array
        Of the two distances: the smaller, the surer. Two that are both 0 are as near as each other.

    Raises
    ------
    ValueError
        If they are no descriptors of one kind, or `ratio` is not between 0 and 1.

    Examples
    --------
    >>> from minircnn.features import match_descriptors
    >>> match_descriptors(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))[0]
    array([[0, 1]])
    """
    checked("ratio", ratio, real(0, 1, above=True))
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"descriptors must be (n, D) and (m, D), got {first.shape} and {second.shape}")
    if len(second) < 2 or len(first) == 0:  # there is no second nearest
        return np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    squares = (second * second).sum(axis=1)
    nearest, ratios = np.empty(len(first), np.int64), np.empty(len(first), np.float32)
    for part in split(len(first), size=_ROWS):
        own = first[part]
        distance = (own * own).sum(axis=1, keepdims=True) + squares - 2 * own @ second.T
        two = np.argpartition(distance, 1, axis=1)[:, :2]
        two_distances = np.sqrt(np.maximum(np.take_along_axis(distance, two, axis=1), 0))
        nearest[part] = two[:, 0]
        near, far = two_distances.T
        ratios[part] = np.divide(near, far, out=np.ones_like(near), where=far > 0)
    kept = np.flatnonzero(ratios < ratio)
    return np.stack([kept, nearest[kept]], axis=1), ratios[kept]
