"""Integral images: the sum of any box by four look-ups (Viola and Jones, CVPR 2001, section 2.1).

All have a row and a column of zeros first, as OpenCV's: entry (y, x) is the sum over rows above y and
columns left of x, half-open like our boxes. (The paper's, and scikit-image's, include row y and column x.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.structures import IntArray


def integral_image(image: npt.NDArray[Any], dtype: npt.DTypeLike = np.int64) -> IntArray:
    """Return the integral image (..., H+1, W+1) of images (..., H, W) of whole numbers.

    Parameters
    ----------
    image : (..., H, W) integer array
    dtype : dtype
        Of the sums. In 32 bits they may wrap around: differences, and so the sums of boxes, are right as long
        as these fit.

    Examples
    --------
    >>> from minircnn.features import box_sums, integral_image
    >>> sums = integral_image(np.array([[1, 2], [3, 4]]))
    >>> sums
    array([[ 0,  0,  0],
           [ 0,  1,  3],
           [ 0,  4, 10]])
    >>> box_sums(sums, np.array([[1, 0, 2, 2], [0, 0, 2, 2]]))  # the right column, and all
    array([ 6, 10])
    """
    height, width = image.shape[-2:]
    sums: IntArray = np.zeros((*image.shape[:-2], height + 1, width + 1), dtype)
    inner = sums[..., 1:, 1:]
    np.cumsum(image, axis=-1, dtype=dtype, out=inner)
    np.cumsum(inner, axis=-2, out=inner)
    return sums


def squared_integral_image(image: npt.NDArray[Any], dtype: npt.DTypeLike = np.int64) -> IntArray:
    """Return the integral image (..., H+1, W+1) of the squares of `image` (..., H, W)."""
    return integral_image(np.square(image, dtype=dtype), dtype)


def tilted_integral_image(image: npt.NDArray[Any], dtype: npt.DTypeLike = np.int64) -> IntArray:
    """Return the integral image turned by 45° (Lienhart and Maydt, ICIP 2002).

    Entry (y, x) is the sum over the triangle that opens upwards from the corner (y, x): of each row i < y the
    columns from ``x − (y − i)`` to ``x + (y − i) − 2``, as OpenCV defines it.

    Parameters
    ----------
    image : (..., H, W) integer array
    dtype : dtype
        As in `integral_image`.

    Returns
    -------
    (..., H+1, W+1) array
    """
    height, width = image.shape[-2:]
    shape = image.shape[:-2]
    pixels: IntArray = np.zeros((*shape, height + 2, width + 1), dtype)  # pixel (i, j) at (i + 2, j + 1)
    pixels[..., 2:, 1:] = image
    pairs = pixels[..., 1:, :] + pixels[..., :-1, :]  # the two pixels above a corner
    sums: IntArray = np.zeros((*shape, height + 1, width + 1), dtype)
    for y in range(1, height + 1 if width else 1):
        above, before, row = sums[..., y - 1, :], sums[..., max(y - 2, 0), :], sums[..., y, :]
        row[..., 1:width] = above[..., : width - 1] + above[..., 2:] - before[..., 1:width]
        # beyond the borders there are no pixels: a triangle's side that leaves the image adds nothing
        row[..., 0], row[..., width] = above[..., 1], above[..., width - 1]
        row[..., 1:] += pairs[..., y, 1:]
    return sums


def box_sums(sums: IntArray, boxes: IntArray) -> IntArray:
    """Return the sums (..., R) of whole-numbered `boxes` (R, 4) from integral images (..., H+1, W+1)."""
    x1, y1, x2, y2 = boxes.T
    total: IntArray = sums[..., y2, x2] - sums[..., y1, x2] - sums[..., y2, x1] + sums[..., y1, x1]
    return total


def tilted_box_sums(sums: IntArray, rectangles: IntArray) -> IntArray:
    """Return the sums (R,) of tilted `rectangles` (R, 4) from a tilted integral image (H+1, W+1).

    ``x, y, w, h``: from the top corner (x, y), w pixels down to the right and h pixels down to the left.
    """
    x, y, w, h = rectangles.T
    total: IntArray = sums[y, x] - sums[y + h, x - h] - sums[y + w, x + w] + sums[y + w + h, x + w - h]
    return total
