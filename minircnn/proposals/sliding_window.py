"""Windows of fixed shapes at regular places: the exhaustive search that proposals replace."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from minircnn.checks import each, optional, real, require, whole
from minircnn.imaging.photo import as_image
from minircnn.proposals.base import ProposalSettings, register
from minircnn.structures import ImageArray


def count_rectangles(height: int, width: int) -> int:
    """Return how many axis-aligned rectangles of whole pixels a photo holds.

    A rectangle is a choice of two different grid lines per axis: 10,045,050,000 in 500 × 400 pixels.

    Examples
    --------
    >>> from minircnn.proposals import count_rectangles
    >>> count_rectangles(2, 2)  # four of one pixel, four of two, one of four
    9
    """
    return (height * (height + 1) // 2) * (width * (width + 1) // 2)


@register("sliding-window")
@dataclass(frozen=True)
class SlidingWindow:
    """Propose every window of the given sizes and aspect ratios, largest size first.

    Windows that do not fit into the photo are left out; they are not clipped.

    Parameters
    ----------
    sizes : tuple of float
        Square roots of the windows' areas, in pixels.
    aspect_ratios : tuple of float
        Width over height.
    relative_stride : float
        Step between neighbouring windows as a fraction of the window's side (along each axis), at
        least one pixel.
    stride : int, optional
        Step in pixels, instead of the relative one. ``stride=1`` tries every place.

    Raises
    ------
    ValueError
        If a size, ratio or stride is not positive.

    Examples
    --------
    >>> from minircnn import SlidingWindow
    >>> windows = SlidingWindow(sizes=(2,), aspect_ratios=(1,), stride=1)
    >>> windows.propose(np.zeros((2, 3, 3), np.uint8))
    array([[0., 0., 2., 2.],
           [1., 0., 3., 2.]], dtype=float32)
    """

    from_pixels_alone: ClassVar[bool] = True

    sizes: tuple[float, ...] = (256, 128, 64, 32)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    relative_stride: float = 0.25
    stride: int | None = None

    def __post_init__(self) -> None:
        positive = real(0, above=True)
        require(self, "SlidingWindow", sizes=each(positive, least=1), aspect_ratios=each(positive, least=1))
        require(self, "SlidingWindow", relative_stride=positive, stride=optional(whole(1)))

    @classmethod
    def from_settings(cls, settings: ProposalSettings, seed: int) -> SlidingWindow:
        """Return windows of the usual sizes."""
        return cls()

    def count_windows(self, height: int, width: int) -> int:
        """Return how many windows :meth:`propose` gives for a photo of this size, without making them."""
        return sum(len(x) * len(y) for x, y, _, _ in self._grids(height, width))

    def propose(self, image: ImageArray, *, image_id: str = "") -> npt.NDArray[np.float32]:
        """Return the (R, 4) windows of `image`, row by row within each size."""
        height, width = as_image(image).shape[:2]
        groups = [np.zeros((0, 4))]
        for xs, ys, window_width, window_height in self._grids(height, width):
            y1, x1 = np.meshgrid(ys, xs, indexing="ij")
            corners = np.stack([x1, y1, x1 + window_width, y1 + window_height], axis=-1)
            groups.append(corners.reshape(-1, 4))
        return np.concatenate(groups).astype(np.float32)

    def _grids(self, height: int, width: int) -> Iterator[tuple[range, range, int, int]]:
        """Yield left edges, top edges, width and height of every window shape that fits."""
        for size, ratio in itertools.product(sorted(self.sizes, reverse=True), self.aspect_ratios):
            window_width = max(1, round(size * ratio**0.5))
            window_height = max(1, round(size / ratio**0.5))
            if window_width <= width and window_height <= height:
                yield (
                    range(0, width - window_width + 1, self._step(window_width)),
                    range(0, height - window_height + 1, self._step(window_height)),
                    window_width,
                    window_height,
                )

    def _step(self, side: int) -> int:
        return self.stride or max(1, round(side * self.relative_stride))
