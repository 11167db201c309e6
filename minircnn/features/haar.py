"""Haar features: differences of sums of rectangles, and all of them that fit into a window.

A feature is up to three weighted rectangles, as OpenCV keeps it: the whole with weight −1 and its bright part
with 2 or 3, so that the weights times areas cancel and a uniform window gives 0. (The paper subtracts the
two outer rectangles of three from the one in the middle without a weight: then light alone gives a value.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from minircnn.features.integral import integral_image, tilted_integral_image
from minircnn.structures import BoolArray, ImageArray, IntArray

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
HaarKind: TypeAlias = Literal["two-across", "two-down", "three-across", "three-down", "four"]

# cells across and down, and the bright ones as (column, row) with their weight beside −1 for the whole
_KINDS: dict[HaarKind, tuple[int, int, tuple[tuple[int, int], ...], int]] = {
    "two-across": (2, 1, ((1, 0),), 2),
    "two-down": (1, 2, ((0, 1),), 2),
    "three-across": (3, 1, ((1, 0),), 3),
    "three-down": (1, 3, ((0, 1),), 3),
    "four": (2, 2, ((0, 0), (1, 1)), 2),
}
HAAR_KINDS: tuple[HaarKind, ...] = tuple(_KINDS)
"""The five kinds of the paper (figure 1)."""

_SINGLE = 2**24  # whole numbers up to here are exact in single precision


@dataclass(frozen=True)
class HaarFeatures:
    """Haar features of a window.

    Parameters
    ----------
    rectangles : (F, 3, 4) int array
        ``x, y, width, height`` in pixels of the window; of a tilted one the top corner and its sides, along
        the diagonals down to the right and down to the left.
    weights : (F, 3) float32 array
        0: there is no such rectangle.
    tilted : (F,) bool array
        Whether the rectangles are turned by 45°.
    """

    rectangles: IntArray
    weights: Float32
    tilted: BoolArray

    def __len__(self) -> int:
        return len(self.rectangles)

    def rows(self, which: IntArray) -> HaarFeatures:
        """Return some of the features, by number."""
        return HaarFeatures(self.rectangles[which], self.weights[which], self.tilted[which])

    def corners(self) -> IntArray:
        """Return the corners (F, 3, 4, 2), ``y, x``; their integrals give a sum with signs + − − +."""
        x, y, w, h = np.moveaxis(self.rectangles, -1, 0)  # (F, 3)
        upright = [(y, x), (y, x + w), (y + h, x), (y + h, x + w)]
        turned = [(y, x), (y + h, x - h), (y + w, x + w), (y + w + h, x + w - h)]
        both = [np.stack([np.stack(corner, -1) for corner in corners], -2) for corners in (upright, turned)]
        at: IntArray = np.where(self.tilted[:, None, None, None], both[1], both[0])
        return np.where(self.weights[:, :, None, None] != 0, at, 0)

    def design(self, height: int, width: int) -> Float32:
        """Return the matrix (F, n) that makes raw values of the integral images of a window of that size.

        n is (height + 1)·(width + 1), twice that if a feature is tilted: the tilted ones follow.
        """
        size = (height + 1) * (width + 1)
        at = self.corners() @ np.array([width + 1, 1]) + size * self.tilted[:, None, None]  # (F, 3, 4)
        matrix = np.zeros((len(self), size * (2 if self.tilted.any() else 1)), np.float32)
        signed = self.weights[:, :, None] * np.array([1, -1, -1, 1], np.float32)
        np.add.at(matrix, (np.arange(len(self))[:, None, None], at), signed)
        return matrix


def enumerate_haar(height: int, width: int, kinds: tuple[HaarKind, ...] = HAAR_KINDS) -> HaarFeatures:
    """Return all Haar features that fit into a window of that size, kind by kind.

    Examples
    --------
    >>> from minircnn.features import enumerate_haar
    >>> len(enumerate_haar(24, 24))  # "over 180,000", says the paper; the five kinds make
    162336
    """
    rectangles, weights = [], []
    for kind in kinds:
        across, down, bright, weight = _KINDS[kind]
        cells = _places(height, width, across, down)  # (n, 4)
        step = cells[:, 2:]
        parts = [np.concatenate([cells[:, :2], step * (across, down)], axis=1)]
        parts += [np.concatenate([cells[:, :2] + step * place, step], axis=1) for place in bright]
        parts += [np.zeros_like(cells)] * (3 - len(parts))
        rectangles.append(np.stack(parts, axis=1))  # (n, 3, 4)
        row = np.array([-1, *[weight] * len(bright), 0, 0][:3], np.float32)
        weights.append(np.tile(row, (len(cells), 1)))
    if not rectangles:
        raise ValueError(f"name one kind of Haar feature or more, of {', '.join(HAAR_KINDS)}")
    of_all = np.concatenate(rectangles)
    return HaarFeatures(of_all, np.concatenate(weights), np.zeros(len(of_all), bool))


def _places(height: int, width: int, across: int, down: int) -> IntArray:
    """Return ``x, y, width, height`` (n, 4) of the first cell of each feature of `across` by `down` cells."""
    sizes = [(w, h) for h in range(1, height // down + 1) for w in range(1, width // across + 1)]
    grids = []
    for w, h in sizes:
        y, x = np.mgrid[: height - down * h + 1, : width - across * w + 1]
        grids.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, w), np.full(x.size, h)], axis=1))
    return np.concatenate(grids) if grids else np.zeros((0, 4), np.int64)


def haar_values(features: HaarFeatures, crops: ImageArray, *, margin: int = 0) -> Float32:
    """Return the values (F, N) of `features` in windows (N, h, w) uint8, by one matrix product.

    Each value is divided by the window's area and standard deviation; of a window without contrast it stays
    as it is.

    Parameters
    ----------
    margin : int
        Pixels along the border that have no part in the deviation: 0 in the paper, 1 in OpenCV.
    """
    height, width = crops.shape[1:]
    parts = [integral_image(crops, np.int32)]
    if features.tilted.any():
        parts.append(tilted_integral_image(crops, np.int32))
    sums = np.concatenate([part.reshape(len(crops), -1) for part in parts], axis=1)
    design = features.design(height, width)
    bound = 255 * height * width * float(np.abs(design).sum(axis=1).max(initial=0))
    kind = np.float32 if bound < _SINGLE else np.float64  # no sum of whole numbers may be rounded
    values: Float32 = (design.astype(kind) @ sums.T.astype(kind)).astype(np.float32)
    values *= inverse_factors(_factors(crops, margin))
    return values


def deviations(crops: ImageArray, *, margin: int = 0) -> Float64:
    """Return the standard deviations (N,) of windows (N, h, w) uint8, in grey levels, without a `margin`."""
    area = _inner_area(crops.shape[1], crops.shape[2], margin)
    return _factors(crops, margin) / area


def _factors(crops: ImageArray, margin: int) -> Float64:
    height, width = crops.shape[1:]
    inner = crops[:, margin : height - margin, margin : width - margin]
    total = inner.sum(axis=(1, 2), dtype=np.int64)
    squares = np.square(inner, dtype=np.int64).sum(axis=(1, 2))
    return contrast_factors(total, squares, _inner_area(height, width, margin))


def contrast_factors(sums: npt.NDArray[Any], squares: npt.NDArray[Any], area: float) -> Float64:
    """Return area times standard deviation, of the sums of so many pixels and of their squares."""
    total = sums.astype(np.float64)
    return np.sqrt(np.maximum(area * squares.astype(np.float64) - total * total, 0.0))


def inverse_factors(factors: Float64) -> Float32:
    """Return 1 over each of `factors` in single precision; 1 where a window has no contrast."""
    return (1.0 / np.where(factors > 0, factors, 1.0)).astype(np.float32)


def _inner_area(height: int, width: int, margin: int) -> int:
    return (height - 2 * margin) * (width - 2 * margin)
