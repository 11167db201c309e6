"""What a picture of histograms of oriented gradients is drawn from: one histogram for each cell."""

from __future__ import annotations

import numpy as np

from minircnn.features.hog_settings import HogSettings
from minircnn.structures import FloatArray


def cell_histograms(blocks: FloatArray, settings: HogSettings) -> FloatArray:
    """Return what blocks say of each cell: the mean over the blocks that it lies in.

    Parameters
    ----------
    blocks : (H, W, D) float array
        Of :func:`hog_blocks`, or weights of a window's blocks.
    settings : HogSettings

    Returns
    -------
    (H + block - 1, W + block - 1, bins) float array

    Examples
    --------
    >>> from minircnn.features import HogSettings, cell_histograms, hog_blocks
    >>> blocks = hog_blocks(np.zeros((32, 40), np.uint8))
    >>> cell_histograms(blocks, HogSettings()).shape
    (4, 5, 9)
    """
    height, width, _ = blocks.shape
    n, bins = settings.block, settings.bins
    parts = blocks.reshape(height, width, n, n, bins)
    if settings.layout == "columns":
        parts = parts.transpose(0, 1, 3, 2, 4)
    total = np.zeros((height + n - 1, width + n - 1, bins))
    count = np.zeros((height + n - 1, width + n - 1, 1))
    for i in range(n):
        for j in range(n):
            total[i : i + height, j : j + width] += parts[:, :, i, j]
            count[i : i + height, j : j + width] += 1
    mean: FloatArray = total / np.maximum(count, 1)
    return mean
