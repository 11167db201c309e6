"""Maxima over sliding windows, one axis after the other.

The maximum over a k × k window is the maximum along the columns of the maxima along the rows: 2k values are
looked at instead of k². Rows of a channels-last map are long runs of memory, which is where processors are
fast, so they come first. The place of the maximum goes through both steps too: the first step notes the row
in each column, the second takes, among equal maxima, the smallest number row · k + column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from minircnn.arrays import Array
from minircnn.kernels.scratch import workspace

NOBODY = 255
"""A number no smaller than that of any pixel of a window."""


class Tap(NamedTuple):
    """One row, or column, of the window: its number, the outputs that have it, and where theirs lies."""

    number: int
    outputs: slice
    inputs: slice


def window_max(
    xp: Any,
    pixels: Array,
    rows: Sequence[Tap],
    columns: Sequence[Tap],
    k: int,
    best: Array,
    which: Array | None,
) -> None:
    """Fill `best` with the maximum of each window, and `which` with its number in the window.

    Parameters
    ----------
    xp : array library
    pixels : (n, H, W, C) float array
    rows, columns : sequence of Tap
        In order of their numbers. Output rows count from the first of `best`.
    k : int
        Side of the window.
    best : (n, oh, ow, C) float array
    which : (n, oh, ow, C) uint8 array, or None
        row · k + column of the first of equal maxima in reading order.
    """
    n, height, _, channels = best.shape
    shape = (n, height, pixels.shape[2], channels)
    tall = workspace("window_max_tall", shape, pixels.dtype, pixels)
    if which is None:
        _maximum(xp, pixels, rows, 1, tall)
        _maximum(xp, tall, columns, 2, best)
        return
    row = workspace("window_max_row", shape, xp.uint8, pixels)
    _first_maximum(xp, pixels, None, rows, 1, tall, row)
    row *= k
    _first_maximum(xp, tall, row, columns, 2, best, which)


def _at(axis: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (part,)


def _maximum(xp: Any, values: Array, taps: Sequence[Tap], axis: int, best: Array) -> None:
    """Fill `best` with the maxima of `values` over the taps along `axis`."""
    everywhere = [tap for tap in taps if tap.outputs == slice(0, best.shape[axis])]
    source = [values[_at(axis, tap.inputs)] for tap in everywhere]
    if len(source) >= 2:
        xp.maximum(source[0], source[1], out=best)
    else:
        best[...] = source[0] if source else -xp.inf
    for more in source[2:]:
        xp.maximum(best, more, out=best)
    for tap in taps:
        if tap not in everywhere:
            part = best[_at(axis, tap.outputs)]
            xp.maximum(part, values[_at(axis, tap.inputs)], out=part)


def _first_maximum(
    xp: Any, values: Array, numbers: Array | None, taps: Sequence[Tap], axis: int, best: Array, which: Array
) -> None:
    """As `_maximum`, and fill `which` with the smallest number of those equal to the maximum.

    A value's number is its tap's, plus what `numbers` says where given.
    """
    for tap in taps:
        challenger, champion = values[_at(axis, tap.inputs)], best[_at(axis, tap.outputs)]
        holder = which[_at(axis, tap.outputs)]
        number = workspace("window_max_number", holder.shape, xp.uint8, values)
        if numbers is None:
            number[...] = tap.number
        else:
            xp.add(numbers[_at(axis, tap.inputs)], xp.uint8(tap.number), out=number)
        if tap is taps[0]:
            if champion.shape != best.shape:
                best[...], which[...] = -xp.inf, NOBODY
            champion[...], holder[...] = challenger, number
            continue
        beaten = workspace("window_max_beaten", holder.shape, xp.bool_, values)
        xp.less(challenger, champion, out=beaten)
        number |= beaten.view(xp.uint8) * xp.uint8(NOBODY)
        xp.greater(challenger, champion, out=beaten)
        holder |= beaten.view(xp.uint8) * xp.uint8(NOBODY)
        xp.minimum(holder, number, out=holder)
        xp.maximum(champion, challenger, out=champion)
