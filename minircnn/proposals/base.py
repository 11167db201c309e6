"""What every source of region proposals has in common."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from minircnn.arrays import as_plain, to_host
from minircnn.checks import checked, entry_of, file_name, one_of, optional, real, record, require, whole
from minircnn.registry import Registry
from minircnn.structures import FloatArray, ImageArray, holds_for


class Proposer(Protocol):
    """Says where in a photo something may be, without saying what.

    Detectors take any object with this method, so sliding windows, selective search, a file of
    somebody else's boxes and the ground truth itself can be exchanged for each other.

    One whose boxes follow from its own fields and the pixels, whatever the photo is called and whatever other
    files hold, may say so: with a class attribute ``from_pixels_alone = True`` its boxes can be kept on disk.
    """

    def propose(self, image: ImageArray, *, image_id: str = "") -> FloatArray:
        """Propose regions of one photo.

        Parameters
        ----------
        image : (H, W, 3) uint8 array
            RGB.
        image_id : str
            Name of the photo, for proposers that look their boxes up.

        Returns
        -------
        (R, 4) float32 array
            ``x1, y1, x2, y2`` in pixels of `image`, half-open, inside the photo, best rank first.
        """
        ...


def from_pixels_alone(proposer: Proposer) -> bool:
    """Return whether the boxes of `proposer` are the same for equal pixels, whatever else is."""
    claimed = bool(getattr(proposer, "from_pixels_alone", False))
    return claimed and holds_for(proposer, "from_pixels_alone", "propose")


PROPOSERS: Registry[Any] = Registry("source of proposals")
"""Every kind of proposer that can be named in settings and stored with a detector: frozen dataclasses."""

register = PROPOSERS.register

TOLERANCE = 0.5
"""Pixels by which a box may stick out of its photo before it is taken for a mistake."""


def as_proposals(proposals: npt.ArrayLike, image_size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return boxes of a photo from whatever source, (R, 4), clipped where they stick out by half a pixel.

    Parameters
    ----------
    proposals : (R, 4) array
        ``x1, y1, x2, y2`` in pixels, half-open. None at all may come in any shape.
    image_size : (int, int)
        Height and width of the photo.

    Raises
    ------
    ValueError
        Naming the first box that is not finite, reversed, empty, or outside the photo.

    Examples
    --------
    >>> from minircnn.proposals import as_proposals
    >>> as_proposals([[0, 0, 10.4, 8]], image_size=(8, 10))
    array([[ 0.,  0., 10.,  8.]], dtype=float32)
    """
    try:
        given = to_host(proposals)
    except ValueError:
        raise ValueError("proposals must have shape (R, 4), got rows of different lengths") from None
    given = as_plain(given, "proposals")
    if given.size == 0:
        return np.zeros((0, 4), np.float32)
    if given.dtype.kind not in "iuf":
        raise ValueError(f"proposals must be numbers, got {given.dtype}")
    if given.ndim != 2 or given.shape[1] != 4:
        raise ValueError(f"proposals must have shape (R, 4), got {given.shape}")
    limits = np.array([image_size[1], image_size[0]] * 2)
    boxes: npt.NDArray[np.float32]
    with np.errstate(invalid="ignore"):  # a NaN of the signalling kind; it is refused below
        boxes = np.clip(given, 0, limits, dtype=np.float64).astype(np.float32)
    inside = ((given >= -TOLERANCE) & (given <= limits + TOLERANCE)).all(axis=1)
    good = inside & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        box = given[row].tolist()
        if not np.isfinite(given[row]).all():
            fault = "is not finite"
        elif not (given[row, 2:] > given[row, :2]).all():
            fault = "is reversed or empty (x1, y1, x2, y2 with x1 < x2 and y1 < y2)"
        else:
            fault = f"does not lie in the photo of {image_size[1]}×{image_size[0]} pixels"
        raise ValueError(f"proposal {row} {fault}: {box} ({int((~good).sum())} such boxes)")
    return boxes


@dataclasses.dataclass(frozen=True)
class ProposalSettings:
    """Where the candidate boxes come from."""

    method: str = "selective-search"
    """``selective-search``, ``sliding-window``, ``file`` or ``rpn``."""
    mode: str = "fast"
    """Selective search: ``single``, ``fast`` (the papers' choice) or ``quality``."""
    min_size: float = 20.0
    """Boxes with a side below are dropped (20 px in R-CNN's released code)."""
    limit: int = 2000
    """At most this many boxes a photo, best rank first (about 2,000 in the papers)."""
    path: str | None = None
    """The file of boxes, where `method` is ``file``; the Faster R-CNN (file or run), where it is ``rpn``."""
    max_width: int | None = 1000
    """Selective search: wider photos are shrunk to this width first, which bounds time and memory (500 in
    R-CNN's released code); boxes are in the photo's own pixels all the same. ``none``: full size."""

    MODES: ClassVar[tuple[str, ...]] = ("single", "fast", "quality")

    def __post_init__(self) -> None:
        require(
            self, "proposals", method=entry_of(PROPOSERS), mode=one_of(*self.MODES), path=optional(file_name)
        )
        require(self, "proposals", min_size=real(0), limit=whole(1))
        require(self, "proposals", max_width=optional(whole(1)))


def make_proposer(settings: ProposalSettings, *, seed: int = 0) -> Proposer:
    """Build the proposer of `settings`; each kind takes from them what it needs.

    Raises
    ------
    ValueError
        If boxes from a file are wanted and no file is named.

    Examples
    --------
    >>> from minircnn.proposals import ProposalSettings, make_proposer
    >>> search = make_proposer(ProposalSettings(mode="single", limit=500), seed=3)
    >>> search.mode, search.limit, search.seed
    ('single', 500, 3)
    """
    proposer: Proposer = PROPOSERS[settings.method].from_settings(settings, seed)
    return proposer


def describe_proposer(proposer: Proposer) -> dict[str, Any]:
    """Return the proposer's class and fields, ready for JSON.

    Raises
    ------
    ValueError
        If it is of no registered kind.
    """
    kind: Any = type(proposer)
    if kind not in PROPOSERS.values():
        raise ValueError(f"a {kind.__name__} cannot be stored; known are {', '.join(PROPOSERS)}")
    fields = {f.name: getattr(proposer, f.name) for f in dataclasses.fields(kind) if f.init}
    return {"type": kind.__name__, "settings": json.loads(json.dumps(fields, default=_plain))}


def _plain(value: Any) -> Any:
    """Return records as dictionaries and anything else, a path, as its name."""
    is_record = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return dataclasses.asdict(value) if is_record else str(value)


def build_proposer(description: Mapping[str, Any]) -> Proposer:
    """Rebuild what `describe_proposer` described.

    Raises
    ------
    ValueError
        If it is of an unknown kind, or a field is unknown or makes no sense.

    Examples
    --------
    >>> from minircnn.proposals import SlidingWindow, build_proposer, describe_proposer
    >>> windows = SlidingWindow(sizes=(32, 64))
    >>> build_proposer(describe_proposer(windows)) == windows
    True
    """
    kinds = {kind.__name__: kind for kind in PROPOSERS.values()}
    if not isinstance(description, Mapping) or not {"type", "settings"} <= description.keys():
        raise ValueError(f"a proposer is described by its type and settings, got {description!r}")
    kind = checked("the proposer's type", description["type"], one_of(*kinds))
    proposer: Proposer = record(kinds[kind], description["settings"], f"proposer {kind}")
    return proposer
