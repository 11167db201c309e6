"""R-CNN's crops: any box, with surroundings, becomes a square of one size."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from minircnn.structures import FloatArray
from minircnn.textbook.boxes import Box
from minircnn.textbook.filters import resize

WarpMode = Literal["warp", "square_with_context", "square_without_context", "unscaled"]


class CropSpan(NamedTuple):
    """What a crop shows along one axis."""

    begin: int  # of the photo's pixels
    end: int
    pad: int  # where in the crop they begin
    width: int  # and how many of its pixels they fill


def warp_region(
    image: FloatArray,
    box: Box,
    size: int,
    context: int = 16,
    fill: FloatArray | float = 0.0,
    mode: WarpMode = "warp",
) -> FloatArray:
    """Return the crop (size, size, C) of one box of the photo (H, W, C).

    Girshick et al. 2014, appendix A and figure 7: the box fills the crop up to `context` pixels on each side.
    What the photo holds of it is cut out, resized and laid on a ground of colour `fill`.
    """
    height, width, channels = image.shape
    x1, y1, x2, y2 = (float(v) for v in box)
    columns = crop_span(x1, x2, y2 - y1, width, size, context, mode)
    rows = crop_span(y1, y2, x2 - x1, height, size, context, mode)
    crop = np.zeros((size, size, channels)) + fill
    if rows.width and columns.width:
        part = image[rows.begin : rows.end, columns.begin : columns.end]
        resized = resize(part, rows.width, columns.width)
        crop[rows.pad : rows.pad + rows.width, columns.pad : columns.pad + columns.width] = resized
    return crop


def crop_span(
    low: float, high: float, other_side: float, length: int, size: int, context: int, mode: WarpMode
) -> CropSpan:
    """Return what a crop shows along one axis of `length` pixels of the box from `low` to `high`."""
    centre, half = (low + high) / 2, (high - low) / 2
    frame_half = half if mode == "warp" else max(half, other_side / 2)  # or the tightest square
    frame_half *= size / (size - 2 * context)
    if mode == "unscaled":  # the photo's own pixels
        frame_half = size / 2
    frame_begin = _round(centre - frame_half)
    frame_end = max(_round(centre + frame_half), frame_begin + 1)
    begin, end = frame_begin, frame_end
    scale = size / (frame_end - frame_begin)
    if mode in ("square_without_context", "unscaled"):  # of the square only the box and its surroundings
        shown_half = half + context / scale
        begin = _clip(_round(centre - shown_half), frame_begin, frame_end - 1)
        end = _clip(_round(centre + shown_half), begin + 1, frame_end)
    begin, end = _clip(begin, 0, length), _clip(end, 0, length)
    width = _clip(_round((end - begin) * scale), int(end > begin), size)
    pad = _clip(_round((begin - frame_begin) * scale), 0, size - width)
    return CropSpan(begin, end, pad, width)


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def _clip(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)
