"""The sizes at which a photo is scanned, and their integral images in one buffer.

All integral images lie side by side in one array with one length of a row. So one table of offsets serves all
sizes, and windows of all sizes can be judged together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.features import integral_image, squared_integral_image, tilted_integral_image
from minircnn.heads.cascade.settings import ScanSettings
from minircnn.imaging import resize_exact
from minircnn.structures import ImageArray, IntArray


@dataclass(frozen=True)
class Level:
    """A size at which the photo is scanned.

    Parameters
    ----------
    scale : float32
        Pixels of the photo per pixel of the level.
    height, width : int
        Of the scaled photo.
    step : int
        Pixels from window to window.
    rows, columns : int
        Windows are at ``y < rows``, ``x < columns``, in steps.
    """

    scale: np.float32
    height: int
    width: int
    step: int
    rows: int
    columns: int


def window_scales(
    image: tuple[int, int], window: tuple[int, int], settings: ScanSettings
) -> list[np.float32]:
    """Return the scales of a window (height, width) in an image (height, width), smallest first."""
    sizes = []  # scale, and sides of the window at it
    factor = 1.0
    while True:
        sides = round(window[0] * factor), round(window[1] * factor)  # to even, as OpenCV
        if sides[0] > image[0] or sides[1] > image[1]:
            break
        sizes.append((factor, min(sides), max(sides)))
        factor *= settings.scale_factor
    least, most = settings.min_size, settings.max_size or max(image)
    inside = [factor for factor, shorter, longer in sizes if shorter >= least and longer <= most]
    if sizes and not inside:
        off = [max(least - shorter, longer - most, 0) for _, shorter, longer in sizes]
        inside = [sizes[int(np.argmin(off))][0]]
    return [np.float32(factor) for factor in inside]


def image_levels(image: tuple[int, int], window: tuple[int, int], settings: ScanSettings) -> list[Level]:
    """Return the levels at which a scaled image (height, width) is scanned.

    As in OpenCV each is cut into as many stripes as the first one is 32 windows wide, and rows that no stripe
    holds are not visited.
    """
    levels: list[Level] = []
    stripes = 0
    for scale in window_scales(image, window, settings):
        height, width = (int(np.rint(np.float32(side) / scale)) for side in image)
        rows, columns = height - window[0] + 1, width - window[1] + 1
        step = int(settings.step or (1 if scale >= 2 else 2))
        if not levels:
            stripes = -(-columns // 32)
        stripe = max((rows // step + stripes - 1) // stripes, 1) * step
        levels.append(Level(scale, height, width, step, min(stripes * stripe, rows), columns))
    return levels


@dataclass(frozen=True)
class Buffer:
    """Integral images of levels in one array.

    Parameters
    ----------
    sums : (1 or 2, rows, length) int32 array
        Integral images, and tilted ones where they are needed.
    squares : (rows, length) uint32 array
        Of squares; it may wrap, as differences do not.
    corners : list of (y, x)
        Where each level begins, both even.
    """

    sums: npt.NDArray[np.int32]
    squares: npt.NDArray[np.uint32]
    corners: list[tuple[int, int]]

    @property
    def length(self) -> int:
        """Of a row."""
        return int(self.sums.shape[2])


def fill_buffer(image: ImageArray, levels: Sequence[Level], *, tilted: bool, squares: bool) -> Buffer:
    """Return the integral images of `image` (H, W) uint8 at `levels`."""
    corners, (rows, length) = _shelves([(level.height + 1, level.width + 1) for level in levels])
    sums = np.zeros((1 + tilted, rows, length), np.int32)
    squared = np.zeros((rows, length) if squares else (0, length), np.uint32)
    for level, (y, x) in zip(levels, corners, strict=True):
        scaled = resize_exact(image, level.height, level.width)
        place = slice(y, y + level.height + 1), slice(x, x + level.width + 1)
        sums[0][place] = integral_image(scaled, np.int32)
        if tilted:
            sums[1][place] = tilted_integral_image(scaled, np.int32)
        if squares:
            squared[place] = squared_integral_image(scaled, np.uint32)
    return Buffer(sums, squared, corners)


def _shelves(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return even places ``y, x`` for rectangles (height, width), largest first, and the size of it all.

    Each goes on the first shelf with room, and shelves are as long as the two largest.
    """
    even = [(h + h % 2, w + w % 2) for h, w in sizes]
    length = sum(w for _, w in even[:2])
    shelves: list[list[int]] = []  # where it begins, and how much of it is taken
    places = []
    bottom = 0
    for h, w in even:
        shelf = next((one for one in shelves if one[1] + w <= length), None)
        if shelf is None:
            shelf = [bottom, 0]
            shelves.append(shelf)
            bottom += h
        places.append((shelf[0], shelf[1]))
        shelf[1] += w
    return places, (bottom, length)


def chunks(levels: Sequence[Level], most: int) -> list[list[Level]]:
    """Return `levels` of equal steps that follow each other, of together at most so many pixels (or one)."""
    parts: list[list[Level]] = []
    held = 0
    for level in levels:
        pixels = level.height * level.width
        if not parts or parts[-1][0].step != level.step or held + pixels > most:
            parts.append([])
            held = 0
        parts[-1].append(level)
        held += pixels
    return parts


def level_map(buffer: Buffer, levels: Sequence[Level], step: int) -> IntArray:
    """Return which level the window at every `step`-th row and column of the buffer belongs to; −1: none."""
    shape = -(-buffer.sums.shape[1] // step), buffer.length // step
    owner = np.full(shape, -1, np.int16)
    for number, (level, (y, x)) in enumerate(zip(levels, buffer.corners, strict=True)):
        top, left = y // step, x // step
        owner[top : top + -(-level.rows // step), left : left + -(-level.columns // step)] = number
    return owner
