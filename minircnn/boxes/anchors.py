"""Anchors: boxes of fixed sizes and shapes, the same at every cell of a feature map (Faster R-CNN, 3.1.1).

The region proposal network says of each anchor of a cell how likely it holds an object, and how to move it
onto that. From cell to cell the anchors are shifted by the stride.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import array_api_compat
import numpy as np
import numpy.typing as npt

from minircnn.arrays import Array, array_namespace
from minircnn.boxes.geometry import as_boxes
from minircnn.checks import checked, each, flag, real, require, whole


@dataclass(frozen=True)
class AnchorSettings:
    """The shapes of the anchors: every ratio with every scale.

    Raises
    ------
    ValueError
        If a number is not positive, or an anchor has a side of less than a pixel.
    """

    base_size: float = 16.0
    """Side of the square that is stretched and enlarged, in pixels of the network's input. Its centre is that
    of the anchors of cell (0, 0): the centre of the cell if this is the map's stride, as in the paper."""
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Height over width (section 3.1.1)."""
    scales: tuple[float, ...] = (8.0, 16.0, 32.0)
    """How many times the square: areas of 128², 256² and 512² pixels (section 3.1.1)."""
    rounded: bool = True
    """Round the stretched square to whole pixels before it is enlarged, as the released code does. False: the
    area is exactly that of the square."""

    def __post_init__(self) -> None:
        positive = real(0, above=True)
        require(self, "anchors", base_size=positive, rounded=flag)
        require(self, "anchors", ratios=each(positive, least=1), scales=each(positive, least=1))
        for ratio in self.ratios:
            for width, height in self._sides(ratio):
                if not (width >= 1 and height >= 1):
                    raise ValueError(
                        f"anchors.scales: an anchor of ratio {ratio:g} would measure {width:g} x {height:g} "
                        "pixels, and a side must be at least 1; take a larger scale or base_size"
                    )

    @property
    def num_anchors(self) -> int:
        """How many anchors a cell has."""
        return len(self.ratios) * len(self.scales)

    def _sides(self, ratio: float) -> list[tuple[float, float]]:
        """Return width and height of the anchors of this ratio, one for each scale."""
        width = self.base_size / math.sqrt(ratio)
        if self.rounded:
            width = round(width)
        height = width * ratio
        if self.rounded:
            height = round(height)  # from the rounded width, and halves to even, as the released code
        return [(width * scale, height * scale) for scale in self.scales]


def base_anchors(settings: AnchorSettings) -> npt.NDArray[np.float64]:
    """Return the anchors (A, 4) of cell (0, 0), in pixels: ratio by ratio, and within a ratio scale by scale.

    With the default settings these are the nine of the released code, which counts the last pixel as inside:
    our first is -84, -40, 100, 56, there -84, -40, 99, 55.
    """
    sides = np.array([side for ratio in settings.ratios for side in settings._sides(ratio)])  # (A, 2)
    centre = settings.base_size / 2
    return np.concatenate([centre - sides / 2, centre + sides / 2], axis=1)


def grid_anchors(base: Array, height: int, width: int, stride: float) -> Array:
    """Return the anchors of a map, (height · width · A, 4), row by row, cell by cell, in the order of `base`.

    Parameters
    ----------
    base : (A, 4) array
        The anchors of cell (0, 0), as :func:`base_anchors` makes them.
    height, width : int
        Cells of the feature map.
    stride : float
        Pixels of the network's input from cell to cell.

    Raises
    ------
    ValueError
        If a coordinate is not finite, the map negative or the stride not positive.
    """
    base = as_boxes(base, "base")
    checked("height", height, whole(0))
    checked("width", width, whole(0))
    stride = checked("stride", stride, real(0, above=True))
    xp, device = array_namespace(base), array_api_compat.device(base)
    y = xp.reshape(xp.arange(height, dtype=base.dtype, device=device) * stride, (height, 1, 1))
    x = xp.reshape(xp.arange(width, dtype=base.dtype, device=device) * stride, (1, width, 1))
    x1, y1, x2, y2 = (xp.reshape(base[:, i], (1, 1, -1)) for i in range(4))
    columns = xp.broadcast_arrays(x1 + x, y1 + y, x2 + x, y2 + y)  # (height, width, A) each
    return xp.reshape(xp.stack(columns, axis=3), (height * width * base.shape[0], 4))


def anchors_inside(anchors: Array, image_size: tuple[float, float]) -> Array:
    """Tell which anchors (N, 4) lie wholly inside a photo of size (height, width); (N,) bool.

    The others are left out in training (Faster R-CNN, section 3.3): part of what they frame is not there.
    Sizes that are negative or no numbers raise ValueError.
    """
    anchors = as_boxes(anchors, "anchors")
    try:
        height, width = image_size
    except (TypeError, ValueError):
        raise ValueError(f"image_size must be (height, width), got {image_size!r}") from None
    height, width = checked("height", height, real(0)), checked("width", width, real(0))
    return (anchors[:, 0] >= 0) & (anchors[:, 1] >= 0) & (anchors[:, 2] <= width) & (anchors[:, 3] <= height)
