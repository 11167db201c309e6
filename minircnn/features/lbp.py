"""Local binary patterns of blocks: which of eight blocks around one are at least as bright as it.

Of any size, they are read from an integral image like Haar features (Zhang et al., ICB 2007, "multi-block").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.features.integral import integral_image
from minircnn.structures import ImageArray, IntArray

# bits 128, 64, …, 1: clockwise from the top left, each as (row, column) of its block
_RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


@dataclass(frozen=True)
class LBPFeatures:
    """Local binary patterns of a window.

    Parameters
    ----------
    cells : (F, 4) int array
        ``x, y, width, height`` of the top left one of 3 × 3 equal blocks, in pixels of the window.
    """

    cells: IntArray

    def __len__(self) -> int:
        return len(self.cells)

    def rows(self, which: IntArray) -> LBPFeatures:
        """Return some of the features, by number."""
        return LBPFeatures(self.cells[which])

    def corners(self) -> IntArray:
        """Return the 4 × 4 corners of the blocks (F, 16, 2), ``y, x``, row by row."""
        x, y, w, h = self.cells.T[:, :, None, None]  # (F, 1, 1) each
        i, j = np.mgrid[:4, :4]
        return np.stack([y + i * h, x + j * w], axis=-1).reshape(-1, 16, 2)


def codes_of_corners(corners: Any) -> npt.NDArray[np.uint8]:
    """Return the patterns, one byte each, of integrals at the 16 corners of each: 16 arrays of one shape."""

    def block(row: int, column: int) -> IntArray:
        first = 4 * row + column
        total: IntArray = corners[first] - corners[first + 1] - corners[first + 4] + corners[first + 5]
        return total

    centre = block(1, 1)
    codes = np.zeros(centre.shape, np.uint8)
    for bit, (row, column) in enumerate(_RING):
        codes |= (block(row, column) >= centre).astype(np.uint8) << np.uint8(7 - bit)
    return codes


def lbp_codes(features: LBPFeatures, crops: ImageArray) -> npt.NDArray[np.uint8]:
    """Return the patterns (F, N) of `features` in windows (N, h, w) uint8: bit 128 is the top left block.

    Examples
    --------
    >>> from minircnn.features import LBPFeatures, lbp_codes
    >>> crop = np.array([[[9, 1, 1], [1, 5, 9], [1, 1, 1]]], np.uint8)  # brighter: top left, and right
    >>> lbp_codes(LBPFeatures(np.array([[0, 0, 1, 1]])), crop)
    array([[144]], dtype=uint8)
    """
    sums = integral_image(crops)
    y, x = np.moveaxis(features.corners(), -1, 0)  # (F, 16) each
    return codes_of_corners(np.moveaxis(sums[:, y, x], (2, 1), (0, 1)))
