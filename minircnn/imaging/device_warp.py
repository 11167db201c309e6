"""Crops cut on the device where the network lives: the photo goes up once, and regions are gathered from it.

On the CPU :func:`~minircnn.imaging.warp_regions` walks along the photo's lines, crop by crop, which suits its
cache. A device takes all pixels of all crops at once.
"""

from __future__ import annotations

import numpy as np

from minircnn.arrays import Array, like
from minircnn.imaging.warp import WarpMode, crop_taps
from minircnn.structures import FloatArray


def with_border(photo: FloatArray) -> FloatArray:
    """Return a photo (H, W, C) with a row and a column of zeros at its end, (H + 1, W + 1, C).

    There :func:`gather_regions` finds what it shows beside the photo.
    """
    return np.pad(photo, ((0, 1), (0, 1), (0, 0)))


def gather_regions(
    photo: Array, boxes: FloatArray, size: int, *, context: int = 16, mode: WarpMode = "warp"
) -> Array:
    """Return what :func:`~minircnn.imaging.warp_regions` does with `fill` 0, where the photo lives.

    Parameters
    ----------
    photo : (H + 1, W + 1, C) float array
        Of any library, as :func:`with_border` makes it.
    boxes : (R, 4) float array
        On the host.
    size, context, mode
        As for `warp_regions`.

    Returns
    -------
    (R, size, size, C) array
        Equal to those of the CPU, to rounding.

    Examples
    --------
    >>> from minircnn.imaging import gather_regions, with_border
    >>> image = np.arange(16.0, dtype=np.float32).reshape(4, 4, 1)
    >>> gather_regions(with_border(image), np.array([[2.0, 0, 4, 2]]), 2, context=0)[0, :, :, 0]
    array([[2., 3.],
           [6., 7.]], dtype=float32)
    """
    height, width, channels = photo.shape[0] - 1, photo.shape[1] - 1, photo.shape[2]
    columns, rows = crop_taps(boxes, (height, width), size, context=context, mode=mode)
    x = np.where(columns.inside, [columns.low, columns.high], width)  # (2, R, S)
    y = np.where(rows.inside, [rows.low, rows.high], height) * (width + 1)  # (2, R, S), begin of the line
    x, y = (like(place.astype(np.int32), photo) for place in (x, y))
    weights = like(np.stack([columns.weight, rows.weight]), photo)  # (2, R, S)
    pixels = photo.reshape(-1, channels)
    # the four pixels about each of a crop's: above and below, left and right
    around = pixels[y[:, None, :, :, None] + x[None, :, :, None, :]]  # (2, 2, R, S, S, C)
    left, lines = around[:, 0], around[:, 1]  # (2, R, S, S, C)
    lines -= left
    lines *= weights[0][:, None, :, None]
    lines += left
    above, crops = lines[0], lines[1]  # (R, S, S, C)
    crops -= above
    crops *= weights[1][:, :, None, None]
    return above + crops  # of its own memory: the four go
