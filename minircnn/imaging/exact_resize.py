"""Bilinear resizing in whole numbers: the same bytes on every machine, and those of OpenCV.

Classical detectors compare pixels with thresholds: a grey level more or less is another answer. This is the
rule of OpenCV's ``INTER_LINEAR_EXACT``: weights are rounded to 1/256, the sum is rounded once.
"""

from __future__ import annotations

import numpy as np

from minircnn.kernels.split import split
from minircnn.structures import ImageArray, IntArray

_BAND = 64
"""Rows that are worked on together, so that they stay in fast memory."""


def resize_exact(image: ImageArray, height: int, width: int) -> ImageArray:
    """Resize `image` to `height` × `width` by bilinear interpolation in whole numbers.

    The centre of target pixel i is sampled at ``(i + ½)·source / target − ½``, the border is repeated, and
    there is no low-pass filter before shrinking.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8 array
    height, width : int
        Target size in pixels, at least 1.

    Returns
    -------
    (height, width) or (height, width, C) uint8 array
        In memory channel by channel.

    Raises
    ------
    ValueError
        If `image` is of another type, or a side of the source or the target is empty.

    Examples
    --------
    >>> from minircnn.imaging import resize_exact
    >>> resize_exact(np.array([[0, 10]], np.uint8), 1, 4)
    array([[ 0,  3,  8, 10]], dtype=uint8)
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            f"an exact resize takes (H, W) or (H, W, C) uint8, got {image.shape} of {image.dtype}"
        )
    if min(height, width, *image.shape[:2]) < 1:
        raise ValueError(f"cannot resize an image of shape {image.shape} to {height}×{width}")
    if image.shape[:2] == (height, width):
        return image.copy()
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    out = np.empty((len(planes), height, width), np.uint8)
    above, below, down = _taps(image.shape[0], height)
    left, right, across = _taps(image.shape[1], width)
    # at most 255 · 256: sixteen bits hold a row between two others, and move half of what thirty-two do
    down, across = down.astype(np.uint16)[:, None], across.astype(np.uint32)
    for plane, small in zip(planes, out, strict=True):
        plane = np.ascontiguousarray(plane)
        for band in split(height, size=_BAND):
            rows = plane[above[band]] * (256 - down[band])  # (r, W) uint16
            rows += plane[below[band]] * down[band]
            total = rows.take(left, axis=1) * (256 - across)  # (r, width) uint32
            total += rows.take(right, axis=1) * across
            total += 1 << 15
            total >>= 16
            small[band] = total
    return out[0] if image.ndim == 2 else out.transpose(1, 2, 0)


def _taps(source: int, target: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return the two samples each of `target` pixels lies between, and 256 times the weight of the second."""
    position = (np.arange(target) + 0.5) * (source / target) - 0.5
    low = np.floor(position)
    weight = np.rint((position - low) * 256)
    outside = (low < 0) | (low >= source - 1)
    low = np.clip(low, 0, source - 1).astype(np.intp)
    return low, np.minimum(low + 1, source - 1), np.where(outside, 0, weight).astype(np.intp)
