"""SIFT at every point of a grid, upright: one map of votes, and one separable pooling.

Before it is normalized, a descriptor that is not turned is linear in the votes of the pixels, and its
windows (triangle × Gaussian) are separable. So all descriptors of a photo are two products with banded
matrices, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from minircnn.checks import each, flag, one_of, real, require, whole
from minircnn.features.sift.descriptors import BINS, CELLS, LENGTH, normalized, root_sift
from minircnn.features.sift.pyramid import blur
from minircnn.imaging import as_grey, as_image
from minircnn.profiling import stage
from minircnn.structures import ImageArray, IntArray

Float32 = npt.NDArray[np.float32]

_BLOCK = 32  # points of the grid that one product makes along an axis

# R−G, R+G−2B and R+G+B, each of length 1 (van de Sande, Gevers and Snoek, PAMI 2010)
_OPPONENT = np.array([[1, -1, 0], [1, 1, -2], [1, 1, 1]]) / np.sqrt([[2], [6], [3]])


@dataclass(frozen=True)
class DenseSiftSettings:
    """A grid of points, and the patches around each."""

    step: int = 4
    """Pixels between two points of the grid."""
    cells: tuple[float, ...] = (4.0,)
    """Widths in pixels of the cells of a patch, which has 4 × 4: a descriptor per point for each. (16 pixels
    a patch in Lazebnik, Schmid and Ponce, CVPR 2006, section 4.)"""
    blur: float = 0.0
    """Smooth the photo with a Gaussian of this σ first (Uijlings 2013, section 4: 1.2)."""
    color: Literal["grey", "opponent"] = "grey"
    """Of the grey levels, or of the three opponent colours: three times as long."""
    root: bool = True
    """RootSIFT: square roots of descriptors that sum to 1; False: unit vectors."""
    least_contrast: float = 2.0
    """A patch of less gradient, in grey levels a pixel on average, is flat: all its numbers are 0."""

    def __post_init__(self) -> None:
        require(self, "dense", step=whole(1), cells=each(real(1, 1000), least=1), blur=real(0, 50))
        require(self, "dense", color=one_of("grey", "opponent"), root=flag)
        require(self, "dense", least_contrast=real(0, 255))

    @property
    def length(self) -> int:
        """Numbers of a descriptor."""
        return LENGTH * (3 if self.color == "opponent" else 1)


@dataclass(frozen=True)
class Grid:
    """The points of a photo, at centres of pixels.

    Parameters
    ----------
    rows, columns : (h,), (w,) int array
        Of the pixels.
    """

    rows: IntArray
    columns: IntArray

    @classmethod
    def of(cls, height: int, width: int, step: int) -> Grid:
        """Return the points `step` pixels apart, in the middle of a photo of this size."""
        return cls(_spread(height, step), _spread(width, step))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of points."""
        return len(self.rows), len(self.columns)


def _spread(length: int, step: int) -> IntArray:
    count = -(-length // step)
    return (length - 1 - (count - 1) * step) // 2 + step * np.arange(count)


@stage("dense descriptors")
def dense_sift(image: ImageArray, settings: DenseSiftSettings | None = None) -> tuple[Float32, Grid]:
    """Describe the patches around all points of a grid, in all sizes.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 array
        Grey (only where `settings` say so) or RGB.

    Returns
    -------
    descriptors : (S, h, w, D) float32 array
        Of S sizes and h × w points.
    grid : Grid
    """
    settings = settings or DenseSiftSettings()
    votes = [vote_map(channel) for channel in _channels(image, settings)]
    grid = Grid.of(image.shape[0], image.shape[1], settings.step)
    sizes = [
        _finished([_pooled(part, grid, cell) for part in votes], cell, settings) for cell in settings.cells
    ]
    return np.stack(sizes).reshape(len(sizes), *grid.shape, settings.length), grid


def _channels(image: ImageArray, settings: DenseSiftSettings) -> list[Float32]:
    """Return what is described of the photo: (H, W) float32 each."""
    if settings.color == "grey":
        channels = [as_grey(image).astype(np.float32)]
    else:
        pixels = as_image(image).astype(np.float32)
        channels = list((pixels @ _OPPONENT.T.astype(np.float32)).transpose(2, 0, 1))
    return [blur(np.ascontiguousarray(c), settings.blur) for c in channels] if settings.blur else channels


def vote_map(channel: Float32) -> Float32:
    """Return what each pixel of (H, W) votes for each of 8 directions, (8, H, W).

    The length of its gradient is shared among the two nearest directions. The rim of the photo has none.
    """
    height, width = channel.shape
    votes = np.zeros((BINS, height * width), np.float32)
    if min(height, width) < 3:
        return votes.reshape(BINS, height, width)
    right = channel[1:-1, 2:] - channel[1:-1, :-2]
    up = channel[:-2, 1:-1] - channel[2:, 1:-1]
    length = np.sqrt(right * right + up * up).ravel()
    direction = np.arctan2(up, right).ravel() * np.float32(BINS / (2 * np.pi))  # -4..4
    low = np.floor(direction)
    upper = length * (direction - low)
    low_bin = low.astype(np.int64)
    pixel = np.arange(height * width).reshape(height, width)[1:-1, 1:-1].ravel()
    votes[low_bin % BINS, pixel] = length - upper
    votes[(low_bin + 1) % BINS, pixel] = upper
    return votes.reshape(BINS, height, width)


def _pooled(votes: Float32, grid: Grid, cell: float) -> Float32:
    """Return the sums (h·w, 128) of votes (8, H, W) in the cells around each point."""
    across = _pool_last_axis(votes, grid.columns, cell)  # (8, H, 4w)
    down = _pool_last_axis(np.ascontiguousarray(across.transpose(0, 2, 1)), grid.rows, cell)  # (8, 4w, 4h)
    shape = (BINS, len(grid.columns), CELLS, len(grid.rows), CELLS)
    return down.reshape(shape).transpose(3, 1, 4, 2, 0).reshape(-1, LENGTH)


def _pool_last_axis(values: Float32, centres: IntArray, cell: float) -> Float32:
    """Return (8, H, 4n): what the four windows around each of n `centres` see of the rows of (8, H, W)."""
    reach = int(np.ceil(cell * (CELLS + 1) / 2))
    step = int(centres[1] - centres[0]) if len(centres) > 1 else 1
    block = min(_BLOCK, len(centres))
    seen = 2 * reach + 1 + (block - 1) * step
    band = np.zeros((seen, block, CELLS), np.float32)
    for point in range(block):
        band[point * step : point * step + 2 * reach + 1, point] = _windows(reach, cell)
    bands = band.reshape(seen, -1)
    padded = np.pad(values, ((0, 0), (0, 0), (reach, reach + seen)))
    out = np.empty((*values.shape[:2], len(centres) * CELLS), np.float32)
    for first in range(0, len(centres), block):
        points = min(block, len(centres) - first)
        start = int(centres[first])  # in `padded` its window begins where its centre is in `values`
        width = points * CELLS
        np.matmul(
            padded[:, :, start : start + seen],
            bands[:, :width],
            out=out[:, :, first * CELLS : first * CELLS + width],
        )
    return out


def _windows(reach: int, cell: float) -> Float32:
    """Return the weights (2·reach + 1, 4) of the pixels around a point in its four cells along an axis."""
    away = np.arange(-reach, reach + 1)[:, None] / cell
    middle = np.arange(CELLS) - (CELLS - 1) / 2
    triangle = np.maximum(1 - np.abs(away - middle), 0)
    weights: Float32 = (triangle * np.exp(-2 * away**2 / CELLS**2)).astype(np.float32)
    return weights


def _finished(channels: list[Float32], cell: float, settings: DenseSiftSettings) -> Float32:
    """Normalize the sums (n, 128) of each channel, flat patches to 0, and join them (n, D)."""
    # the gradient is that of two pixels
    flat = 2 * settings.least_contrast * _windows(int(np.ceil(3 * cell)), cell).sum() ** 2
    finished = []
    for sums in channels:
        sums[sums.sum(axis=1) < flat] = 0
        unit = normalized(sums)
        finished.append(root_sift(unit) if settings.root else unit)
    joined: Float32 = np.concatenate(finished, axis=1)
    joined *= np.float32(1 / np.sqrt(len(channels)))
    return joined
