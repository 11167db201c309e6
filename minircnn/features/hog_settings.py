"""What a histogram of oriented gradients can be told, and the three ways that are in use.

Paper, OpenCV and scikit-image agree on the idea and on hardly a number (docs/conventions.md has the table),
so each choice is a field here, and each of the three is a value of all fields.
"""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from minircnn.checks import flag, one_of, optional, real, require, whole
from minircnn.structures import FloatArray


@dataclass(frozen=True)
class HogSettings:
    """How a histogram of oriented gradients is made; the defaults are the paper's (section 6)."""

    gamma: Literal["none", "sqrt"] = "none"
    """``sqrt``: the square root of each grey level comes first (section 6.1: one percent better at few false
    alarms)."""
    border: Literal["reflect", "replicate"] = "reflect"
    """What lies beyond the rim: the photo mirrored about its outermost pixels, so that no gradient points
    over the rim, or these pixels again."""
    color: Literal["strongest", "strongest-opencv", "gray"] = "strongest"
    """A pixel has the gradient of the channel where that is strongest (section 6.2), of equals the first; or,
    as OpenCV does, the last, but in the last one to three columns of a photo whose width is no multiple of
    four the first; or that of its luminance."""
    arctan: Literal["exact", "polynomial"] = "exact"
    """How an angle is computed: exactly, or by OpenCV's polynomial, which is off by up to 0.01 degrees."""
    bins: int = 9
    """Orientations that are told apart (section 6.3)."""
    signed: bool = False
    """Whether dark to bright differs from bright to dark; false is better for people, true for cars."""
    soft_bins: bool = True
    """Whether a pixel votes for the two nearest orientations, or for one."""
    cell: int = 8
    """Side of a cell in pixels."""
    block: int = 2
    """Side of a block in cells; blocks begin at every cell."""
    sigma: float | None = 8.0
    """Of the Gaussian that lessens votes far from the centre of a block, in pixels (half of a block's side:
    section 6.4); none: all count alike."""
    sigma_shift: float = 0.0
    """Pixels by which the Gaussian lies right of and below the centre of the block; OpenCV's is half a pixel
    off."""
    bilinear: bool = True
    """Whether a pixel votes for the four nearest cells of the block, or for its own alone."""
    mean: bool = False
    """Whether a cell holds the mean of the votes over its pixels, or their sum."""
    norm: Literal["l2-hys", "l2", "l1", "l1-sqrt"] = "l2-hys"
    """How a block is normalized (section 6.4): L2-Hys is L2, then a limit, then L2 again."""
    clip: float = 0.2
    """That limit."""
    eps: float = 36.0
    """Keeps blocks without gradients from becoming all noise; the paper gives no value."""
    eps_rule: Literal["under-root", "per-value"] = "under-root"
    """Where it stands: √(‖v‖² + ε²) as in the paper, or ‖v‖ + ε·D for a block of D numbers as in OpenCV."""
    eps_again: float = 1e-3
    """The same for the second L2 of L2-Hys, for blocks that are then of length one or less; it stands for
    ε·D."""
    layout: Literal["rows", "columns"] = "rows"
    """Order of the blocks of a window, and of the cells of a block: row by row, or column by column as OpenCV
    has them."""

    def __post_init__(self) -> None:
        require(self, "hog", gamma=one_of("none", "sqrt"), border=one_of("reflect", "replicate"))
        require(self, "hog", color=one_of("strongest", "strongest-opencv", "gray"))
        require(self, "hog", arctan=one_of("exact", "polynomial"), bins=whole(2, 255))
        require(self, "hog", signed=flag, soft_bins=flag, bilinear=flag, mean=flag)
        require(self, "hog", cell=whole(2, 256), block=whole(1, 16))
        require(self, "hog", sigma=optional(real(0, above=True)), sigma_shift=real())
        require(self, "hog", norm=one_of("l2-hys", "l2", "l1", "l1-sqrt"), clip=real(0, above=True))
        require(self, "hog", eps=real(0, above=True), eps_again=real(0, above=True))
        require(self, "hog", eps_rule=one_of("under-root", "per-value"), layout=one_of("rows", "columns"))

    @property
    def block_dim(self) -> int:
        """Numbers of a block."""
        return self.block**2 * self.bins

    @property
    def turn(self) -> float:
        """Radians that the bins share."""
        return 2 * math.pi if self.signed else math.pi

    def blocks(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of blocks in so many pixels; 0 where none fits."""
        rows, columns = (max(0, side // self.cell - self.block + 1) for side in (height, width))
        return rows, columns

    def window_dim(self, height: int, width: int) -> int:
        """Return the length of the descriptor of a window."""
        rows, columns = self.blocks(height, width)
        return rows * columns * self.block_dim

    def window_sum(self, height: int, width: int) -> str:
        """Return `window_dim` as a sum that can be checked by hand: ``7·15·36``, width first."""
        rows, columns = self.blocks(height, width)
        return f"{columns}·{rows}·{self.block_dim}"

    def weights(self) -> FloatArray:
        """Return what each pixel along a block's side gives to each cell: (block, block·cell) float64.

        Gaussian and bilinear weights are products of one along x and one along y, so one table serves both.
        """
        side = self.block * self.cell
        pixel = np.arange(side)
        place = (pixel + 0.5) / self.cell - 0.5  # in cells, from the centre of the first
        cells = np.arange(self.block)[:, None]
        if self.bilinear:
            share = np.maximum(0, 1 - np.abs(place - cells))  # (block, side)
        else:
            share = (pixel // self.cell == cells).astype(np.float64)
        if self.sigma is not None:
            off = pixel - (side - 1) / 2 - self.sigma_shift
            share = share * np.exp(-(off**2) / (2 * self.sigma**2))
        weights: FloatArray = share / self.cell if self.mean else share
        return weights


HOG_STYLES = MappingProxyType(
    {
        "paper": HogSettings(),
        "opencv": HogSettings(
            gamma="sqrt",
            color="strongest-opencv",
            arctan="polynomial",
            sigma=4.0,
            sigma_shift=0.5,
            eps=0.1,
            eps_rule="per-value",
            layout="columns",
        ),
        "skimage": HogSettings(
            soft_bins=False, sigma=None, bilinear=False, mean=True, block=3, eps=1e-5, eps_again=1e-5
        ),
    }
)
"""The paper's histogram, and those equal to ``cv2.HOGDescriptor`` and ``skimage.feature.hog`` as these are
without options."""
