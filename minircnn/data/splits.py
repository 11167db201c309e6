"""Which photos of a data set: all, a list by its name, or a share that any data set can be cut into."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fractions import Fraction

from minircnn.data.problems import DatasetError

ALL = "all"
_SHARE = re.compile(r"(?P<side>[^:]*):(?P<part>[^:]*)")
_FIRST, _LAST = ("train",), ("val", "valid", "test")
_STEPS = 2**64


@dataclass(frozen=True)
class Split:
    """What :func:`parse_split` understood.

    Parameters
    ----------
    name : str, optional
        A list by its name; None for all photos or a share of them.
    begin, end : Fraction
        The share, as a part of 0..1.
    suffix : str
        What distinguishes the name of such a data set from that of all photos.
    """

    name: str | None = None
    begin: Fraction = Fraction(0)
    end: Fraction = Fraction(1)
    suffix: str = ""

    @property
    def is_share(self) -> bool:
        """Whether only a share of the photos is taken."""
        return self.end - self.begin < 1

    def takes(self, image_id: str) -> bool:
        """Tell whether the photo belongs to the share, by its id alone: other photos do not matter."""
        digest = hashlib.sha256(image_id.encode("utf-8", "surrogatepass")).digest()
        place = int.from_bytes(digest[:8], "big")
        return self.begin * _STEPS <= place < self.end * _STEPS


def parse_split(split: str | None) -> Split:
    """Understand the name of a split.

    ``None`` and ``"all"`` are all annotated photos. ``"train:0.8"`` are the first 0.8 of them in an order
    that a hash of each image id gives, ``"val:0.2"`` (also ``valid`` and ``test``) the last 0.2 of the same
    order: with shares that sum to 1, each photo is in exactly one of the two, whatever else is in the data
    set and in whatever order. The number of photos only comes near the share. Any other word is the name of
    a list.

    Raises
    ------
    DatasetError
        If the share is no number above 0 and at most 1, or its side is unknown.
    """
    if split is None or split == ALL:
        return Split()
    match = _SHARE.fullmatch(split)
    if match is None:
        return Split(split)
    side, part = match["side"], match["part"]
    wanted = "a share is written train:0.8, and its complement val:0.2 or test:0.2"
    if side not in (*_FIRST, *_LAST) or not re.fullmatch(r"\d*\.?\d+|\d+\.", part, re.ASCII):
        raise DatasetError(f"split {split!r}: {wanted}")
    share = Fraction(part)
    if not 0 < share <= 1:
        raise DatasetError(f"split {split!r}: {wanted}; the number lies above 0 and is at most 1")
    suffix = f"-{side}-{part}"
    return (
        Split(None, Fraction(0), share, suffix)
        if side in _FIRST
        else Split(None, 1 - share, Fraction(1), suffix)
    )
