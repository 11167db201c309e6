"""Regions of any shape brought to the one size a classification network takes (R-CNN, appendix A).

Which samples of the photo a pixel of a crop lies between is decided along each axis by itself, for all crops
at once. A crop is then interpolated along one axis and after that along the other. Both times whole lines of
memory are blended, for which the photo is turned on its side once: then its columns are lines too.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from minircnn.boxes.geometry import as_boxes
from minircnn.imaging.resize import linear_taps
from minircnn.kernels.split import split
from minircnn.kernels.threads import parallel_for
from minircnn.structures import BoolArray, FloatArray, IntArray

WarpMode: TypeAlias = Literal["warp", "square_with_context", "square_without_context", "unscaled"]

_CROPS = 16
"""So many crops are worth handing to another thread."""
_BLANKED = ("square_without_context", "unscaled")
"""Modes that show of a frame only the box and its `context`."""


def warp_frame(
    boxes: FloatArray, size: int, context: int = 16, mode: WarpMode = "warp"
) -> npt.NDArray[np.float64]:
    """Return the rectangle of the photo that fills the `size` × `size` crop of each box.

    The box itself fills the inner ``size − 2·context`` pixels, so its sides grow by
    ``size / (size − 2·context)`` about the centre. The square modes first extend the shorter side to
    the longer one. An unscaled frame is always `size` pixels wide and high, whatever the box. Frames are
    rounded to whole pixels and may reach outside the photo.

    Parameters
    ----------
    boxes : (R, 4) float array
        ``x1, y1, x2, y2`` in pixels of the photo, half-open.
    size : int
        Side of the crop (227 for AlexNet).
    context : int
        Pixels of surroundings on each side, counted in the crop.
    mode : {"warp", "square_with_context", "square_without_context", "unscaled"}

    Returns
    -------
    (R, 4) float64 array
        Integral, half-open, at least one pixel wide and high.

    Raises
    ------
    ValueError
        If the context leaves no room for the box, the mode is unknown or a box is none.

    Examples
    --------
    >>> from minircnn.imaging import warp_frame
    >>> warp_frame(np.array([[20.0, 20, 30, 40]]), size=10, context=0)
    array([[20., 20., 30., 40.]])
    >>> warp_frame(np.array([[20.0, 20, 30, 40]]), size=10, context=1)  # grown by 10 / 8
    array([[19., 18., 31., 43.]])
    """
    if mode not in get_args(WarpMode):
        raise ValueError(f"mode must be one of {', '.join(get_args(WarpMode))}, got {mode!r}")
    if context < 0 or 2 * context >= size:
        raise ValueError(f"context {context} on both sides leaves nothing of a crop of size {size}")
    centre, half = _centre_and_half(as_boxes(boxes))
    if mode == "unscaled":
        return _rounded_box(centre, np.full_like(half, size / 2))
    if mode != "warp":
        half = np.broadcast_to(half.max(axis=1, keepdims=True), half.shape)
    return _rounded_box(centre, half * (size / (size - 2 * context)))


def warp_regions(
    image: npt.NDArray[Any],
    boxes: FloatArray,
    size: int,
    *,
    context: int = 16,
    fill: npt.ArrayLike = 0.0,
    mode: WarpMode = "warp",
) -> npt.NDArray[np.float32]:
    """Cut every box out of the photo, with surroundings, and resize it to `size` × `size`.

    ``warp`` stretches the dilated box to the square, whatever its aspect ratio: what R-CNN uses.
    ``square_with_context`` keeps the aspect ratio by cutting the tightest square.
    ``square_without_context`` cuts the same square but blanks what lies outside the (dilated) box.
    ``unscaled`` shows the photo's own pixels about the centre of the box, and blanks in the same way: large
    boxes lose their borders, small ones stay small.
    The part of a frame that lies in the photo is resized by itself (bilinear, no antialiasing) and
    placed where it belongs; the rest is `fill`. Source: R-CNN, appendix A and figure 7.

    Parameters
    ----------
    image : (H, W, C) array
        uint8 or float.
    boxes : (R, 4) float array
        ``x1, y1, x2, y2`` in pixels of the photo, half-open.
    size : int
        Side of the crops.
    context : int
        Pixels of surroundings on each side, counted in the crop.
    fill : float or (C,) array
        Colour of what the photo does not show; R-CNN takes the mean colour, which becomes zero when
        the mean is subtracted.
    mode : {"warp", "square_with_context", "square_without_context", "unscaled"}

    Returns
    -------
    (R, size, size, C) float32 array
        In the channel order and range of `image`.

    Raises
    ------
    ValueError
        If the context leaves no room for the box, or the mode is unknown.

    Examples
    --------
    >>> from minircnn.imaging import warp_regions
    >>> image = np.arange(16.0).reshape(4, 4, 1)
    >>> warp_regions(image, np.array([[2.0, 0, 4, 2]]), 2, context=0)[0, :, :, 0]
    array([[2., 3.],
           [6., 7.]], dtype=float32)
    """
    height, width, channels = image.shape
    columns, rows = crop_taps(boxes, (height, width), size, context=context, mode=mode)
    colour = np.broadcast_to(np.asarray(fill, dtype=np.float32), (channels,))
    turned = _turn(image)  # (W, H, C)
    out = np.empty((len(boxes), size, size, channels), dtype=np.float32)

    def sample(some: slice) -> None:
        for crop, *taps in zip(out[some], *(each[some] for each in (*columns, *rows)), strict=True):
            _sample(turned, Taps(*taps[:4]), Taps(*taps[4:]), colour, crop)

    parallel_for(sample, split(len(boxes), size=_CROPS), like=out)
    return out


class Taps(NamedTuple):
    """Where the pixels of crops lie along one axis of the photo, (size,) each, or (R, size) of R crops.

    Every pixel lies between the samples `low` and `high` (increasing indices), at `weight` of the way, and
    is `inside` the photo or not.
    """

    low: IntArray
    high: IntArray
    weight: npt.NDArray[np.float32]
    inside: BoolArray


def crop_taps(
    boxes: FloatArray, image_size: tuple[int, int], size: int, *, context: int, mode: WarpMode
) -> tuple[Taps, Taps]:
    """Return where the pixels of the crops of :func:`warp_regions` lie along the photo's columns and rows.

    `image_size` is the photo's height and width; arrays are (R, size).
    """
    height, width = image_size
    frames = warp_frame(boxes, size, context, mode)
    shown = frames
    if mode in _BLANKED:
        shown = _visible(boxes, frames, size, context)
    columns = _axis_taps(frames[:, 0::2], shown[:, 0::2], width, size)
    return columns, _axis_taps(frames[:, 1::2], shown[:, 1::2], height, size)


def _centre_and_half(boxes: FloatArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return centres (R, 2) and half sizes (R, 2)."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 2)
    return corners.mean(axis=1), (corners[:, 1] - corners[:, 0]) / 2


def _rounded_box(centre: npt.NDArray[np.float64], half: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return whole-pixel boxes about `centre`, at least one pixel in size."""
    low = np.floor(centre - half + 0.5)
    high = np.maximum(np.floor(centre + half + 0.5), low + 1)
    return np.concatenate([low, high], axis=1)


def _visible(
    boxes: FloatArray, frames: npt.NDArray[np.float64], size: int, context: int
) -> npt.NDArray[np.float64]:
    """Return what modes that blank show of each frame: the box and `context` crop pixels."""
    centre, half = _centre_and_half(boxes)
    side = frames[:, 2:] - frames[:, :2]
    shown = _rounded_box(centre, half + context * side / size)
    low = np.clip(shown[:, :2], frames[:, :2], frames[:, 2:] - 1)
    return np.concatenate([low, np.clip(shown[:, 2:], low + 1, frames[:, 2:])], axis=1)


def _axis_taps(
    frame: npt.NDArray[np.float64], shown: npt.NDArray[np.float64], length: int, size: int
) -> Taps:
    """Return where the crops' pixels lie along one axis.

    `frame` and `shown` are (R, 2) half-open intervals, `length` is the photo's extent; results (R, size).
    """
    low, high = np.clip(shown, 0, length).T  # the part of the frame that exists
    scale = size / (frame[:, 1] - frame[:, 0])
    count = np.floor((high - low) * scale + 0.5)  # crop pixels it fills
    count = np.clip(count, high > low, size)
    pad = np.clip(np.floor((low - frame[:, 0]) * scale + 0.5), 0, size - count)
    index = np.arange(size) - pad[:, None]  # (R, size), within the part
    inside = (index >= 0) & (index < count[:, None])
    step = (high - low) / np.maximum(count, 1)
    position = low[:, None] + (index + 0.5) * step[:, None] - 0.5
    first = np.minimum(low, length - 1).astype(np.intp)[:, None]
    last = np.maximum(high.astype(np.intp)[:, None] - 1, first)
    return Taps(*linear_taps(position, first, last), inside)


def _sample(
    turned: npt.NDArray[np.float32],
    columns: Taps,
    rows: Taps,
    fill: npt.NDArray[np.float32],
    crop: npt.NDArray[np.float32],
) -> None:
    """Interpolate one `crop` (S, S, C) of the photo `turned` on its side, (W, H, C).

    Whole lines of memory are blended, which runs at the speed of the cache: first columns of the photo,
    each of them a line of the turned one, then, turned back, rows.
    """
    size, _, channels = crop.shape
    x = slice(columns.low[0], columns.high[-1] + 1)
    y = slice(rows.low[0], rows.high[-1] + 1)
    part = turned[x, y].reshape(x.stop - x.start, -1)  # (w, h·C)
    blended = _blend(part, columns, np.empty((size, part.shape[1]), dtype=np.float32))
    blended = blended.reshape(size, -1, channels)  # (S, h, C)
    if not columns.inside.all():
        blended[~columns.inside] = fill
    lines = _turn(blended)  # (h, S, C)
    _blend(lines.reshape(len(lines), -1), rows, crop.reshape(size, -1))
    if not rows.inside.all():
        crop[~rows.inside] = fill


def _turn(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Swap the first two axes of (n, m, C) pixels."""
    turned = np.empty((pixels.shape[1], pixels.shape[0], pixels.shape[2]), dtype=np.float32)
    for channel in range(pixels.shape[2]):  # few long copies are faster than many of C numbers
        turned[:, :, channel] = pixels[:, :, channel].T
    return turned


def _blend(
    lines: npt.NDArray[np.float32], taps: Taps, out: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Interpolate `out` (size, L) between `lines` (n, L), the first of which is sample ``taps.low[0]``."""
    low, high = taps.low - taps.low[0], taps.high - taps.low[0]
    if 1 < len(lines) < len(low):  # fewer gaps between lines than lines to make: each difference once
        # The last line of all has no successor; its weight is 0.
        step = np.take(lines[1:] - lines[:-1], np.minimum(low, len(lines) - 2), axis=0)
        lower = np.take(lines, low, axis=0)
    else:
        lower, step = lines[low], lines[high]
        step -= lower
    step *= taps.weight[:, None]
    np.add(lower, step, out=out)
    return out
