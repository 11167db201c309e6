"""The one way a range is cut into parts."""

from __future__ import annotations

from itertools import pairwise

from minircnn.arrays import Array, is_host


def split(length: int, *, parts: int = 1, size: int | None = None) -> list[slice]:
    """Cut 0..`length` into slices that follow each other.

    Parameters
    ----------
    parts : int
        So many, nearly equal ones (some empty if there are more parts than length).
    size : int, optional
        Instead: of this size each, the last one shorter. Less than 1 counts as 1.
    """
    if size is not None:
        size = max(1, size)
        return [slice(a, min(a + size, length)) for a in range(0, length, size)]
    return [slice(a, b) for a, b in pairwise(length * i // max(1, parts) for i in range(parts + 1))]


def split_for_cache(length: int, size: int, like: Array) -> list[slice]:
    """Cut 0..`length` into slices of `size`, which a cache holds; where `like` is on a GPU, into one.

    Large pieces keep a GPU busy, and each of many small ones would be started by itself.
    """
    return split(length, size=size if is_host(like) else length)


def parts_of(length: int, most: int) -> int:
    """Return into how many parts 0..`length` must be cut so that each holds 1, or at most `most`."""
    return -(-length // max(1, most))
