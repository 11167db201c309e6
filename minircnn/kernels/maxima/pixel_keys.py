"""Keys of pixels: whole numbers in the order of their values, that also tell where each pixel lies."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace
from minircnn.kernels.scratch import workspace

_PLACE = 0xFFFFFFFF
"""The bits of a key that hold the place."""


def pixel_keys(pixels: Array) -> Array:
    """Return int64 keys (H, W, c): larger for larger values, and among equals for the first in reading order.

    The upper half is a value's rank, the lower half counts the values down; so one maximum of keys finds both
    the largest value and where it first occurs.
    """
    xp = array_namespace(pixels)
    keys = workspace("range_max_pixel_keys", pixels.shape, xp.int64, pixels)
    if pixels.dtype == xp.float32:
        # the bits of positive floats, read as integers, are in order; those of negative ones in reverse
        values = workspace("range_max_pixel_bits", pixels.shape, pixels.dtype, pixels)
        xp.add(pixels, 0.0, out=values)  # adding 0 makes −0 the 0 it equals
        bits = values.view(xp.int32)
        bits ^= (bits >> 31) & 0x7FFFFFFF
        keys[...] = bits
    else:
        keys[...] = _ranks(pixels)
    keys <<= 32
    keys |= xp.arange(pixels.size - 1, -1, -1, dtype=xp.int64).reshape(pixels.shape)
    return keys


def places_of(keys: Array, count: int) -> Array:
    """Turn `keys`, in place, into which of all the `count` values each was made of."""
    keys &= _PLACE
    array_namespace(keys).subtract(count - 1, keys, out=keys)
    return keys


def _ranks(pixels: Array) -> Array:
    """Return the rank of each value, equal for equal ones."""
    xp = array_namespace(pixels)
    values = pixels.reshape(-1)
    order = xp.argsort(values)
    values = values[order]
    larger = xp.zeros(values.shape, dtype=xp.int64)  # than the one before
    larger[1:] = ~(values[1:] <= values[:-1])  # true of what is not a number, too, which comes last
    ranks = xp.empty(values.shape, dtype=xp.int64)
    ranks[order] = xp.cumsum(larger)
    return ranks.reshape(pixels.shape)
