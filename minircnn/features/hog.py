"""Histograms of oriented gradients, of all blocks of a photo at once (Dalal and Triggs, CVPR 2005).

Each pixel votes for orientations. What its vote counts in each cell of each block is a product of one weight
along x and one along y, the Gaussian's and the bilinear ones alike; so all blocks of a photo are two products
of its votes with a small table, one along the rows and one along the columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from minircnn.features.gradients import band_votes, channels
from minircnn.features.hog_settings import HOG_STYLES, HogSettings
from minircnn.kernels.scratch import workspace
from minircnn.profiling import stage
from minircnn.structures import ImageArray

Float32 = npt.NDArray[np.float32]

_BAND = 32
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
    out = np.empty((rows, columns, settings.block_dim), np.float32)
    for first, sums in _rows_of_blocks(planes, start, (rows, columns), settings):
        out[first : first + len(sums)] = normalize_blocks(_across(sums, columns, settings), settings)
    return out


def _rows_of_blocks(
    planes: Float32, start: tuple[int, int], shape: tuple[int, int], settings: HogSettings
) -> Iterator[tuple[int, Float32]]:
    """Yield the sums along the columns of pixels, some rows of blocks after the other.

    Each time the first row and (rows, row of cells, bins, W): the votes of a block's pixels, weighted by row.
    """
    n, cell, bins = settings.block, settings.cell, settings.bins
    used = (shape[1] + n - 1) * cell
    table = _table(settings).T  # (n·n, cell)
    step = max(1, _BAND // cell)
    # what each row of cells gives to the cells of the blocks it lies in, by its row in the block
    parts = np.empty((step + n - 1, n, n, bins, used), np.float32)
    votes = workspace("hog votes", (step * cell, bins + 2, used), np.float32, planes)
    ready = 0
    for first in range(0, shape[0] + n - 1, step):
        count = min(step, shape[0] + n - 1 - first)
        rows = slice(start[0] + first * cell, start[0] + (first + count) * cell)
        some = votes[: count * cell]
        band_votes(planes, rows, slice(start[1], start[1] + used), settings, some)
        true = some.reshape(count, cell, -1)[:, :, used:-used]  # without the two scratch bins
        np.matmul(table, true, out=parts[ready : ready + count].reshape(count, n * n, -1))
        ready += count
        whole = ready - n + 1
        if whole > 0:
            sums = parts[:whole, 0].copy()  # (rows, n, bins, W)
            for part in range(1, n):
                sums += parts[part : part + whole, part]
            yield first + count - ready, sums
            parts[: n - 1] = parts[whole:ready].copy()
            ready = n - 1


def _across(sums: Float32, columns: int, settings: HogSettings) -> Float32:
    """Return the blocks (rows, columns, D) of `_rows_of_blocks`, summed along the rows of pixels."""
    n, cell, bins = settings.block, settings.cell, settings.bins
    parts = (sums.reshape(-1, cell) @ _table(settings)).reshape(-1, n, bins, columns + n - 1, n, n)
    total = parts[:, :, :, :columns, 0].copy()  # (rows, cell row, bins, columns, cell column)
    for part in range(1, n):
        total += parts[:, :, :, part : part + columns, part]
    order = (0, 3, 1, 4, 2) if settings.layout == "rows" else (0, 3, 4, 1, 2)
    return np.ascontiguousarray(total.transpose(order)).reshape(len(sums), columns, -1)


def _table(settings: HogSettings) -> Float32:
    """Return the weights (cell, n·n) of a cell's pixels as part of a block, for each part and each cell."""
    n, cell = settings.block, settings.cell
    weights = settings.weights().reshape(n, n, cell)  # (cell of the block, part, pixel)
    return np.ascontiguousarray(weights.transpose(2, 1, 0).reshape(cell, n * n), dtype=np.float32)


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
