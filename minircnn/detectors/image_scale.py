"""To which size photos are scaled before the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.checks import optional, require, require_order, whole
from minircnn.imaging import scale_factor, scale_to
from minircnn.structures import FloatArray, ImageArray


@dataclass(frozen=True)
class ImageScale:
    """To which size photos are scaled before the network.

    Examples
    --------
    >>> from minircnn.detectors import ImageScale
    >>> scale = ImageScale(short_side=600, max_long_side=1000)
    >>> scale.factor(400, 500), scale.factor(400, 800)
    (1.5, 1.25)
    """

    short_side: int | None = 600
    """The shorter side becomes this, unless the longer one would exceed `max_long_side` (Fast R-CNN,
    section 5.2: 600 and 1000); None keeps the photo's own size."""
    max_long_side: int = 1000

    def __post_init__(self) -> None:
        require(self, "scale", short_side=optional(whole(1)), max_long_side=whole(1))
        require_order("scale.short_side", self.short_side or 0, "scale.max_long_side", self.max_long_side)

    def factor(self, height: int, width: int) -> float:
        """Return by what :meth:`apply` multiplies the sides of a photo of this size."""
        if self.short_side is None:
            return 1.0
        return scale_factor(height, width, self.short_side, self.max_long_side)

    def apply(self, image: ImageArray) -> tuple[ImageArray | FloatArray, float]:
        """Return the photo (h, w, 3), values 0..255 (float32 where it is scaled), and the scale factor."""
        if self.short_side is None:
            return image, 1.0
        return scale_to(image, self.short_side, self.max_long_side)


def at_least(side: int, pixels: FloatArray) -> FloatArray:
    """Return normalised photos (N, 3, H, W), padded with the mean colour to at least `side` pixels."""
    height, width = (max(0, side - length) for length in pixels.shape[2:])
    if not height and not width:
        return pixels
    return np.pad(pixels, ((0, 0), (0, 0), (0, height), (0, width)))
