"""How a photo is scanned by a cascade."""

# No deferred annotations here: the command line reads the fields of settings.
from dataclasses import dataclass
from typing import Literal

from minircnn.checks import flag, one_of, optional, real, require, require_order, whole


@dataclass(frozen=True)
class ScanSettings:
    """Where windows lie, and which of them are judged; the defaults are OpenCV's."""

    scaled: Literal["image", "detector"] = "image"
    """What is scaled: ``image``, as in OpenCV, or ``detector``, as in the paper (section 5), which needs one
    integral image only."""
    scale_factor: float = 1.1
    """From one size of window to the next (1.1 in OpenCV, 1.25 in the paper)."""
    step: float | None = None
    """From one window to the next, in pixels of a window of the first size. ``none``: 2 below scale 2 and 1
    from there on where the image is scaled (OpenCV; 1 and 2 can be chosen for all), 1 where the detector is
    (the paper; 1.5 where it speaks of speed)."""
    skip: bool = True
    """Leave out the right neighbour of a window that the first stage rejects, as OpenCV does. Where the
    detector is scaled nothing is left out."""
    min_std: float = 10.0
    """Windows with a smaller standard deviation, in grey levels, are rejected (10 in OpenCV; the paper
    divides by any but 0). Of cascades with Haar features only."""
    min_size: int = 0
    """Pixels of the shorter side of the smallest window. If no size in use lies between `min_size` and
    `max_size`, the nearest one is taken."""
    max_size: int | None = None
    """Pixels of the longer side of the largest window; ``none``: the photo's."""

    def __post_init__(self) -> None:
        require(self, "scan", scaled=one_of("image", "detector"), skip=flag, min_std=real(0))
        require(self, "scan", scale_factor=real(1, 10, above=True), step=optional(real(0, above=True)))
        require(self, "scan", min_size=whole(0), max_size=optional(whole(1)))
        if self.scaled == "image" and self.step not in (None, 1, 2):
            raise ValueError(f"scan.step must be 1, 2 or none where scan.scaled is image, got {self.step:g}")
        if self.scale_factor < 1.001:
            raise ValueError(f"scan.scale_factor must be at least 1.001, got {self.scale_factor:g}")
        if self.max_size is not None:
            require_order("scan.min_size", self.min_size, "scan.max_size", self.max_size)
