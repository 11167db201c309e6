"""COCO's run lengths: a mask as the lengths of its runs, column by column, and their text.

The first run is of pixels outside the mask, perhaps of length 0; after that the two kinds take turns. In the
text each length, from the fourth on less the one two before, is cut into groups of five bits, the lowest
first; a sixth bit says whether more follow, and 48 makes a sign of it (pycocotools, ``rleToString``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from minircnn.data.fields import FieldError, shown
from minircnn.structures import BoolArray

_FIRST = 48
_MOST_GROUPS = 12  # 60 bits; no photo has so many pixels


def decode_runs(lengths: Sequence[int], height: int, width: int) -> BoolArray:
    """Return the mask (H, W) of these run lengths.

    Raises
    ------
    FieldError
        If a length is negative, or they do not add up to all pixels.

    Examples
    --------
    >>> from minircnn.data.run_lengths import decode_runs
    >>> decode_runs([1, 2, 1], 2, 2)
    array([[False,  True],
           [ True, False]])
    """
    if any(length < 0 for length in lengths):
        raise FieldError(f"counts hold the negative length {min(lengths)}")
    if sum(lengths) != height * width:
        raise FieldError(f"counts add up to {sum(lengths)} pixels, not to {height} · {width}")
    kinds = np.arange(len(lengths)) % 2 == 1
    pixels: BoolArray = np.repeat(kinds, np.array(lengths, dtype=np.int64))
    return pixels.reshape(width, height).T.copy()


def encode_runs(mask: BoolArray) -> list[int]:
    """Return the run lengths of a mask (H, W)."""
    pixels = mask.T.ravel()
    changes = np.flatnonzero(np.diff(pixels, prepend=False)).tolist()
    return [end - start for start, end in pairwise([0, *changes, pixels.size])]


def parse_runs(text: str) -> list[int]:
    """Return the run lengths of a compressed text.

    Raises
    ------
    FieldError
        If there is another sign in it, it ends in the middle of a number or a number is far too long.
    """
    lengths: list[int] = []
    value = place = 0
    for sign in text:
        group = ord(sign) - _FIRST
        if not 0 <= group < 64 or place >= _MOST_GROUPS:
            raise FieldError(f"counts hold {shown(text)}, which is no text of run lengths")
        value |= (group & 31) << (5 * place)
        place += 1
        if group & 32:
            continue
        if group & 16:  # the highest bit is the sign
            value -= 1 << (5 * place)
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = place = 0
    if place:
        raise FieldError(f"counts end in the middle of a number: {shown(text)}")
    return lengths


def format_runs(lengths: Sequence[int]) -> str:
    """Return the compressed text of run lengths.

    Examples
    --------
    >>> from minircnn.data.run_lengths import format_runs, parse_runs
    >>> text = format_runs([6, 1, 40, 4, 5, 4])
    >>> text, parse_runs(text)
    ('61X13mN0', [6, 1, 40, 4, 5, 4])
    """
    signs = []
    for i, length in enumerate(lengths):
        value = length - lengths[i - 2] if i > 2 else length
        more = True
        while more:
            group = value & 31
            value >>= 5  # keeps the sign
            more = value != (-1 if group & 16 else 0)
            signs.append(chr(group + 32 * more + _FIRST))
    return "".join(signs)
