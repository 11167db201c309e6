"""A photo at many scales, so that windows of one size find objects of all sizes."""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
import math
from dataclasses import dataclass

import numpy as np

from minircnn.checks import each, real, require, whole
from minircnn.imaging import resize_exact
from minircnn.structures import FloatArray, ImageArray, IntArray

_MOST_PIXELS = 1 << 28
"""Of a level; a larger one is refused before it fills the memory."""


@dataclass(frozen=True)
class PyramidSettings:
    """The scales at which a photo is looked at."""

    step: float = 1.05
    """Each scale is the last one times this (1.05 in OpenCV; 1.2 in the paper, section 4)."""
    first: float = 1.0
    """The photo is divided by this first: below 1 enlarges it, for objects smaller than a window."""
    levels: int = 64
    """Scales at most (64 in OpenCV)."""
    padding: int = 0
    """Pixels of border that each level gets on every side, its outermost pixels repeated: objects at the rim
    leave no room for the margin of a window."""
    aspect_ratios: tuple[float, ...] = ()
    """Width over height of the windows in the photo; for each the photo is stretched, and has a pyramid of
    its own. None: the window's own alone."""

    def __post_init__(self) -> None:
        require(self, "pyramid", step=real(1.001, 100), first=real(0.05, 100), levels=whole(1, 1000))
        require(self, "pyramid", padding=whole(0, 4096), aspect_ratios=each(real(0.05, 20)))


@dataclass(frozen=True)
class Level:
    """One scale of a photo.

    Parameters
    ----------
    height, width : int
        Of the photo at this scale, without padding.
    scale_y, scale_x : float
        Pixels of the photo for one of the level.
    padding : int
    """

    height: int
    width: int
    scale_y: float
    scale_x: float
    padding: int = 0

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with padding."""
        return self.height + 2 * self.padding, self.width + 2 * self.padding

    def image(self, photo: ImageArray) -> ImageArray:
        """Return `photo` (H, W, ...) at this scale, padded."""
        small = resize_exact(photo, self.height, self.width)
        if self.padding == 0:
            return small
        border = ((self.padding, self.padding),) * 2 + ((0, 0),) * (photo.ndim - 2)
        return np.pad(small, border, mode="edge")

    def boxes(self, top_left: FloatArray | IntArray, window: tuple[int, int]) -> FloatArray:
        """Return as boxes of the photo (R, 4) the windows with these corners (R, 2: x, y) of the level.

        In whole pixels, as OpenCV rounds them. `window` is width and height.
        """
        scale = np.array([self.scale_x, self.scale_y])
        corner = np.rint((top_left - self.padding) * scale)
        return np.concatenate([corner, corner + np.rint(np.array(window) * scale)], axis=1)


def pyramid_levels(
    height: int, width: int, window: tuple[int, int], settings: PyramidSettings | None = None
) -> list[Level]:
    """Return the levels of a photo of `height` × `width`, until a window no longer fits.

    Parameters
    ----------
    window : (int, int)
        Width and height of a window.
    settings : PyramidSettings, optional

    Raises
    ------
    ValueError
        If the first level would be so much larger than the photo that it cannot be worked on.

    Examples
    --------
    >>> from minircnn.features import PyramidSettings, pyramid_levels
    >>> levels = pyramid_levels(48, 64, (32, 32), PyramidSettings(step=1.2))
    >>> [(level.width, level.height) for level in levels]
    [(64, 48), (53, 40), (44, 33)]
    """
    settings = settings or PyramidSettings()
    own = window[0] / window[1]
    found: list[Level] = []
    for ratio in settings.aspect_ratios or (own,):
        stretch = math.sqrt(ratio / own) if ratio != own else 1.0
        scale = float(settings.first)
        for _ in range(settings.levels):
            scale_y, scale_x = scale / stretch, scale * stretch
            rows, columns = round(height / scale_y), round(width / scale_x)
            if rows < window[1] or columns < window[0]:
                break
            if rows * columns > _MOST_PIXELS:
                raise ValueError(
                    f"a photo of {width}×{height} pixels would be enlarged to {columns}×{rows}: raise "
                    f"pyramid.first, now {settings.first:g}"
                )
            found.append(Level(rows, columns, scale_y, scale_x, settings.padding))
            scale *= settings.step
    return found
