"""The strategies of selective search: which colours, similarities and scales each grouping takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from minircnn.checks import Refused, one_of, real, record, require
from minircnn.imaging.colour import ColourSpace

Mode: TypeAlias = Literal["single", "fast", "quality"]
MODES: dict[Mode, tuple[tuple[ColourSpace, ...], tuple[float, ...], tuple[str, ...]]] = {
    "single": (("HSV",), (100,), ("CTSF",)),
    "fast": (("HSV", "Lab"), (50, 100), ("CTSF", "TSF")),
    "quality": (("HSV", "Lab", "rgI", "H", "I"), (50, 100, 150, 300), ("CTSF", "TSF", "F", "S")),
}


@dataclass(frozen=True)
class Strategy:
    """One way of grouping.

    Parameters
    ----------
    colour : str
        Colour space of the segmentation and of the histograms.
    similarities : str
        Which of colour, texture, size and fill are added up, letters of "CTSF".
    k : float
        Threshold of the segmentation; also its smallest region in pixels, as in the original code.
    """

    colour: ColourSpace
    similarities: str
    k: float

    def __post_init__(self) -> None:
        require(self, "Strategy", colour=one_of(*get_args(ColourSpace)), similarities=_letters)
        require(self, "Strategy", k=real(0, above=True))


def _letters(value: Any) -> str:
    """Rule: letters of CTSF, each at most once."""
    if not isinstance(value, str) or not value or len(set(value) & set("CTSF")) < len(value):
        raise Refused("letters of CTSF")
    return value


def strategies(mode: Mode) -> tuple[Strategy, ...]:
    """Return the strategies of a mode: 1 for "single", 8 for "fast", 80 for "quality" (table 4).

    Examples
    --------
    >>> from minircnn.proposals import strategies
    >>> [len(strategies(mode)) for mode in ("single", "fast", "quality")]
    [1, 8, 80]
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    colours, scales, similarities = MODES[mode]
    return tuple(Strategy(c, s, k) for c, k, s in itertools.product(colours, scales, similarities))


def as_strategy(value: Any) -> Strategy:
    """Rule: a strategy, or the plain record that a file holds of it."""
    if not isinstance(value, Strategy | Mapping):
        raise Refused("a Strategy")
    return value if isinstance(value, Strategy) else record(Strategy, value, "Strategy")
