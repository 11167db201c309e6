"""k-means from scratch: k-means++ to begin with, then Lloyd's two steps in turn, as products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.checks import checked, real, whole
from minircnn.kernels.split import split
from minircnn.structures import IntArray

Float32 = npt.NDArray[np.float32]

_LONGEST = np.finfo(np.float32).max / 8  # of squared samples: their distances must be finite, too
_ROWS = 8192  # samples compared with all centres at a time


@dataclass(frozen=True)
class Clustering:
    """What k-means came to.

    Parameters
    ----------
    centers : (K, D) float32 array
    labels : (n,) int array
        Nearest centre of each sample.
    inertia : tuple of float
        Sum of squared distances to the nearest centre before each step of Lloyd's, and at the end.
    """

    centers: Float32
    labels: IntArray
    inertia: tuple[float, ...]


def k_means(
    samples: Float32,
    count: int,
    *,
    rng: np.random.Generator,
    most_steps: int = 100,
    tolerance: float = 1e-4,
    start: Float32 | None = None,
    progress: Callable[[int, float, Float32], None] | None = None,
) -> Clustering:
    """Find `count` centres so that samples are near to the nearest one.

    Parameters
    ----------
    samples : (n, D) float array
    count : int
        K, at most n.
    rng : numpy.random.Generator
    most_steps : int
    tolerance : float
        It ends when a step lowers the inertia by less than this share.
    start : (K, D) float array, optional
        Centers to begin with; default: drawn by :func:`spread_centres`.
    progress : callable, optional
        Called before each step with its number, the inertia and the centers: from these another call goes on
        as this one does.

    Raises
    ------
    ValueError
        If there are fewer samples than centres, or one is not finite.

    Notes
    -----
    A centre that no sample is nearest to moves to the sample that is farthest from its own.

    Examples
    --------
    >>> from minircnn.features import k_means
    >>> found = k_means(np.array([[0.0], [1.0], [8.0], [9.0]]), 2, rng=np.random.default_rng(0))
    >>> np.sort(found.centers.ravel()), found.inertia[-1]
    (array([0.5, 8.5], dtype=float32), 1.0)
    """
    checked("most_steps", most_steps, whole(1))
    checked("tolerance", tolerance, real(0, 1))
    samples = _samples(samples, count)
    centres = spread_centres(samples, count, rng) if start is None else np.array(start, np.float32)
    if centres.shape != (count, samples.shape[1]):
        raise ValueError(f"start must be ({count}, {samples.shape[1]}) centres, got {centres.shape}")
    labels, distances = nearest(samples, centres)
    inertia = [float(distances.sum(dtype=np.float64))]
    for step in range(most_steps):
        if progress is not None:
            progress(step, inertia[-1], centres)
        centres = _means(samples, labels, distances, centres)
        labels, distances = nearest(samples, centres)
        inertia.append(float(distances.sum(dtype=np.float64)))
        if inertia[-1] >= (1 - tolerance) * inertia[-2]:
            break
    return Clustering(centres, labels, tuple(inertia))


def _samples(samples: Float32, count: int) -> Float32:
    """Return the samples as float32, refused where they are none or too few."""
    checked("count", count, whole(1))
    if samples.ndim != 2 or len(samples) < count:
        raise ValueError(
            f"k-means of {count} centres needs (n, D) samples, n at least {count}, got {samples.shape}"
        )
    with np.errstate(over="ignore"):
        samples = np.ascontiguousarray(samples, np.float32)
        lengths = np.einsum("nd,nd->n", samples, samples)
    if not (lengths < _LONGEST).all():
        raise ValueError("k-means: a sample is not finite, or too large")
    return samples


def nearest(samples: Float32, centres: Float32) -> tuple[IntArray, Float32]:
    """Return the nearest of `centres` (K, D) to each of `samples` (n, D), the first of equals; and how far.

    ‖x − c‖² is ‖x‖² − 2x·c + ‖c‖²: one product compares all with all.

    Returns
    -------
    labels : (n,) int array
    distances : (n,) float32 array
        Squared.
    """
    lengths = (centres * centres).sum(axis=1)
    doubled = np.ascontiguousarray(-2 * centres.T)
    labels, distances = np.empty(len(samples), np.int64), np.empty(len(samples), np.float32)
    for part in split(len(samples), size=_ROWS):
        own = samples[part]
        score = own @ doubled
        score += lengths
        labels[part] = score.argmin(axis=1)
        away = own - centres[labels[part]]  # the product has lost the last digits
        distances[part] = np.einsum("nd,nd->n", away, away)
    return labels, distances


def spread_centres(samples: Float32, count: int, rng: np.random.Generator) -> Float32:
    """Draw centres (K, D) among `samples`, each with a chance that grows with its distance to those before.

    k-means++ (Arthur and Vassilvitskii 2007), of 2 + ⌊log K⌋ candidates each time the best.
    """
    candidates = 2 + int(math.log(count))
    lengths = np.einsum("nd,nd->n", samples, samples)
    chosen = [int(rng.integers(len(samples)))]
    distances = _squares(samples, lengths, chosen)[0]
    while len(chosen) < count:
        total = np.cumsum(distances, dtype=np.float64)
        if total[-1] <= 0:  # all samples are centres: any will do
            chosen.extend(rng.choice(len(samples), count - len(chosen)).tolist())
            break
        drawn = np.searchsorted(total, rng.random(candidates) * total[-1], side="right")
        drawn = np.minimum(drawn, len(samples) - 1)
        closer = np.minimum(_squares(samples, lengths, drawn), distances)  # (candidates, n)
        best = int(closer.sum(axis=1, dtype=np.float64).argmin())
        chosen.append(int(drawn[best]))
        distances = closer[best]
    return samples[chosen]


def _squares(samples: Float32, lengths: Float32, rows: IntArray | list[int]) -> Float32:
    """Return the squared distances (k, n) of all samples from those in k `rows`."""
    squares = samples[rows] @ samples.T
    squares *= -2
    squares += lengths
    squares += lengths[rows][:, None]
    np.maximum(squares, 0, out=squares)
    squares[np.arange(len(rows)), rows] = 0  # rounding leaves a little
    distances: Float32 = squares
    return distances


def _means(samples: Float32, labels: IntArray, distances: Float32, centres: Float32) -> Float32:
    """Return the mean of the samples of each centre; a centre without any goes to the farthest sample."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=len(centres))
    used = np.flatnonzero(counts)
    first = np.cumsum(counts)[used] - counts[used]
    moved = centres.copy()
    moved[used] = np.add.reduceat(samples[order], first, axis=0) / counts[used, None]
    unused = np.flatnonzero(counts == 0)
    if len(unused):
        farthest = np.argsort(-distances, kind="stable")[: len(unused)]
        moved[unused] = samples[farthest]
    return moved
