"""Histograms of oriented gradients, of all blocks of a photo at once (Dalal and Triggs, CVPR 2005).

Each pixel votes for orientations. What its vote counts in each cell of each block is a product of one weight
along x and one along y, the Gaussian's and the bilinear ones alike; so all blocks of a photo are two products
of its votes with a small table, one along the rows and one along the columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minircnn.features.gradients import band_votes, channels
from minircnn.features.hog_settings import HOG_STYLES, HogSettings
from minircnn.profiling import stage
from minircnn.structures import ImageArray

Float32 = npt.NDArray[np.float32]

_BAND = 16
"""Rows of pixels that are worked on together."""


@stage("HOG")
def hog_blocks(
    image: ImageArray, settings: HogSettings = HOG_STYLES["paper"], *, start: tuple[int, int] = (0, 0)
) -> Float32:
    """Return the normalized histograms of all blocks of a photo, which begin at every cell.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 array
        Grey or RGB.
    settings : HogSettings, optional
        Default: the paper's.
    start : (int, int)
        Row and column of the pixel at which the cells begin. Gradients are taken across it.

    Returns
    -------
    (rows, columns, D) float32 array
        No rows or columns where the photo is too small. D is cells times bins.

    Raises
    ------
    ValueError
        If `image` is neither grey nor RGB of uint8.

    Examples
    --------
    >>> from minircnn.features import hog_blocks
    >>> ramp = np.arange(16, dtype=np.uint8)[None] * np.ones((16, 1), np.uint8)  # brighter to the right
    >>> blocks = hog_blocks(ramp)
    >>> blocks.shape, blocks[0, 0, :9].round(2)  # angle 0, between the last bin and the first
    ((1, 1, 36), array([0.35, 0.  , 0.  , 0.  , 0.  , 0.  , 0.  , 0.  , 0.35],
          dtype=float32))
    """
    planes = channels(image, settings)
    height, width = (side - at for side, at in zip(planes.shape[1:], start, strict=True))
    rows, columns = settings.blocks(height, width)
    if rows == 0 or columns == 0:
        return np.zeros((rows, columns, settings.block_dim), np.float32)
    cells = _cell_sums(planes, start, (rows, columns), settings)
    return normalize_blocks(_arranged(cells, rows, settings), settings)


def _cell_sums(
    planes: Float32, start: tuple[int, int], shape: tuple[int, int], settings: HogSettings
) -> Float32:
    """Return what each row of cells gives to each row of cells of the blocks it lies in.

    (cell rows, row of the block, row in the block, bins, block columns, column in the block).
    """
    n, cell, bins = settings.block, settings.cell, settings.bins
    count, columns = shape[0] + n - 1, shape[1]
    table = _table(settings)  # (cell, n·n)
    sums = np.empty((count, n * n, bins * columns * n), np.float32)
    step = max(1, _BAND // cell)
    used = (columns + n - 1) * cell
    whole = np.zeros((step * cell, bins, planes.shape[2]), np.float32)
    for first in range(0, count, step):
        last = min(first + step, count)
        votes = whole[: (last - first) * cell]
        band_votes(planes, slice(start[0] + first * cell, start[0] + last * cell), settings, votes)
        inside = votes[:, :, start[1] : start[1] + used]
        along = inside.reshape(-1, cell) @ table  # (r·bins·cells, n·n)
        along = along.reshape(-1, bins, columns + n - 1, n, n)
        both = along[:, :, :columns, 0].copy()  # (r, bins, columns, n)
        for part in range(1, n):
            both += along[:, :, part : part + columns, part]
        np.matmul(table.T, both.reshape(last - first, cell, -1), out=sums[first:last])
    return sums.reshape(count, n, n, bins, columns, n)


def _table(settings: HogSettings) -> Float32:
    """Return the weights (cell, n·n) of a cell's pixels as part of a block, for each part and each cell."""
    n, cell = settings.block, settings.cell
    weights = settings.weights().reshape(n, n, cell)  # (cell of the block, part, pixel)
    return np.ascontiguousarray(weights.transpose(2, 1, 0).reshape(cell, n * n), dtype=np.float32)


def _arranged(cells: Float32, rows: int, settings: HogSettings) -> Float32:
    """Add what the cells' rows give to each block; return it as (rows, columns, D)."""
    total = cells[:rows, 0].copy()  # (rows, cell row, bins, columns, cell column)
    for part in range(1, settings.block):
        total += cells[part : part + rows, part]
    order = (0, 3, 1, 4, 2) if settings.layout == "rows" else (0, 3, 4, 1, 2)
    return np.ascontiguousarray(total.transpose(order)).reshape(rows, total.shape[3], -1)


def normalize_blocks(blocks: Float32, settings: HogSettings) -> Float32:
    """Normalize blocks (..., D) in place by the norm of `settings`, and return them."""
    flat = blocks.reshape(-1, blocks.shape[-1])
    if settings.norm.startswith("l1"):
        flat /= np.abs(flat).sum(axis=1, keepdims=True) + np.float32(_epsilon(settings))
        return np.sqrt(blocks, out=blocks) if settings.norm == "l1-sqrt" else blocks
    _divide_by_length(flat, _epsilon(settings), settings)
    if settings.norm == "l2-hys":
        np.minimum(flat, np.float32(settings.clip), out=flat)
        _divide_by_length(flat, settings.eps_again, settings)
    return blocks


def _epsilon(settings: HogSettings) -> float:
    return settings.eps * settings.block_dim if settings.eps_rule == "per-value" else settings.eps


def _divide_by_length(flat: Float32, eps: float, settings: HogSettings) -> None:
    squares = np.einsum("ij,ij->i", flat, flat)
    if settings.eps_rule == "under-root":
        length = np.sqrt(squares + np.float32(eps**2))
    else:
        length = np.sqrt(squares) + np.float32(eps)
    flat /= length[:, None]
