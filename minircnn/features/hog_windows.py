"""The windows of a photo: where they stand, what describes them, how all are scored at once.

No window's descriptor is ever built to score it. A score is a sum over the blocks of a window; what a block
gives to it depends on its place in the window alone. So all blocks of a level are multiplied with the weights
of all places, in one product, and the results are added with as many shifts as a window has blocks.
"""

# No deferred annotations here: the command line reads inherited fields in the modules of the heirs.
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.checks import Refused, Rule, each, instance, require, whole
from minircnn.features.hog import Float32, hog_blocks
from minircnn.features.hog_settings import HogSettings
from minircnn.features.pyramid import Level, PyramidSettings, pyramid_levels
from minircnn.imaging import resize_exact
from minircnn.kernels.split import split
from minircnn.profiling import stage
from minircnn.structures import FloatArray, ImageArray, IntArray

_PRODUCT = 1 << 24
"""Numbers of the product of blocks and weights at a time: 64 MB."""


def pair(rule: Rule) -> Rule:
    """Return the rule: two values that obey `rule`, width and height; kept as a tuple."""

    def both(value: Any) -> tuple[Any, ...]:
        kept: tuple[Any, ...] = each(rule)(value)
        if len(kept) != 2:
            raise Refused("two numbers, width and height (as an option, give it twice)")
        return kept

    return both


@dataclass(frozen=True)
class HogWindows:
    """Windows of one size on a pyramid; the defaults are the paper's for people."""

    window: tuple[int, int] = (64, 128)
    """Width and height in pixels; whole cells."""
    margin: tuple[int, int] = (16, 16)
    """Pixels of a window left and right of the object, and above and below it: what surrounds an object helps
    to tell it (16: section 6.6; with 8 four percent are lost). An object's box is its window without the
    margin."""
    stride: int = 8
    """Pixels between two windows: a multiple of a cell, or a part of it."""
    hog: HogSettings = field(default_factory=HogSettings)
    """How gradients are counted."""
    pyramid: PyramidSettings = field(default_factory=PyramidSettings)
    """The scales at which windows look."""

    def __post_init__(self) -> None:
        require(self, "", hog=instance(HogSettings), pyramid=instance(PyramidSettings))
        require(self, "", window=pair(whole(2, 4096)), margin=pair(whole(0, 2048)), stride=whole(1))
        cell, block = self.hog.cell, self.hog.block
        if any(side % cell or side < block * cell for side in self.window):
            raise ValueError(
                f"window must be whole cells of {cell} pixels, and at least a block of {block} cells, got "
                f"{self.window[0]}×{self.window[1]}"
            )
        if any(2 * margin >= side for margin, side in zip(self.margin, self.window, strict=True)):
            raise ValueError(
                f"margin must leave something of the window of {self.window[0]}×{self.window[1]}, "
                f"got {self.margin}"
            )
        if self.stride % cell and cell % self.stride:
            raise ValueError(
                f"stride must be a multiple of a cell of {cell} pixels or divide it, got {self.stride}"
            )

    @property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of blocks in a window."""
        return self.hog.blocks(self.window[1], self.window[0])

    @property
    def dim(self) -> int:
        """Length of a descriptor."""
        return self.hog.window_dim(self.window[1], self.window[0])

    def levels(self, image: ImageArray) -> list[Level]:
        """Return the levels of a photo."""
        height, width = image.shape[:2]
        return pyramid_levels(height, width, self.window, self.pyramid)

    def grid(self, level: Level) -> tuple[int, int]:
        """Return rows and columns of windows on a level."""
        height, width = level.padded
        return (
            max(0, (height - self.window[1]) // self.stride + 1),
            max(0, (width - self.window[0]) // self.stride + 1),
        )

    def boxes(self, level: Level, places: IntArray) -> FloatArray:
        """Return the windows (R, 4) in the photo at `places` (R, 2), row and column, of a level's grid."""
        return level.boxes(places[:, ::-1] * self.stride, self.window)

    def objects(self, windows: FloatArray) -> FloatArray:
        """Return windows (R, 4) without their margin: boxes of objects."""
        inset = np.array(self.margin) / self.window * (windows[:, 2:] - windows[:, :2])  # (R, 2)
        return np.concatenate([windows[:, :2] + inset, windows[:, 2:] - inset], axis=1)

    def around(self, boxes: FloatArray) -> FloatArray:
        """Return the windows (R, 4) around boxes of objects: the other way of `objects`."""
        share = np.array(self.margin) / self.window
        grow = share / (1 - 2 * share) * (boxes[:, 2:] - boxes[:, :2])
        return np.concatenate([boxes[:, :2] - grow, boxes[:, 2:] + grow], axis=1)

    def vectors(self, blocks: Float32, places: IntArray) -> Float32:
        """Return descriptors (R, D) of the windows whose first blocks lie at `places` (R, 2) of a map."""
        rows, columns = self.blocks
        out = np.empty((len(places), self.dim), np.float32)
        for vector, (row, column) in zip(out, places.tolist(), strict=True):
            vector[:] = self.vector(blocks[row : row + rows, column : column + columns])
        return out

    def vector(self, blocks: HostArray) -> HostArray:
        """Return the blocks (rows, columns, ...) of a window as one vector."""
        order = blocks.swapaxes(0, 1) if self.hog.layout == "columns" else blocks
        return order.reshape(-1)

    def at(self, image: ImageArray, level: Level, places: IntArray) -> Float32:
        """Return descriptors (R, D) of the windows at `places` (R, 2) of the grid of a level."""
        out = np.empty((len(places), self.dim), np.float32)
        for phase, apart, step, blocks in self.described(image, level):
            own = (places % apart == phase).all(axis=1)
            out[own] = self.vectors(blocks, places[own] // apart * step)
        return out

    def of_crop(self, crop: ImageArray) -> Float32:
        """Return the descriptor (D,) of the window in the middle of `crop`, which is as large or larger.

        Raises
        ------
        ValueError
            If it is smaller.
        """
        (width, height), shape = self.window, crop.shape[:2]
        if shape[0] < height or shape[1] < width:
            raise ValueError(f"a crop of {shape[1]}×{shape[0]} pixels holds no window of {width}×{height}")
        start = ((shape[0] - height) // 2, (shape[1] - width) // 2)
        rows, columns = self.blocks
        near = crop[: start[0] + height + 1, : start[1] + width + 1]
        return self.vector(hog_blocks(near, self.hog, start=start)[:rows, :columns])

    def cut(self, image: ImageArray, box: FloatArray) -> ImageArray:
        """Return the window around the box (4,) of an object, at its own size and a pixel more on every side.

        Beyond the photo its outermost pixels are repeated; a box of another shape is stretched.
        """
        window = self.around(np.asarray(box, np.float64)[None])[0]
        pixel = (window[2:] - window[:2]) / self.window
        low, high = np.rint(window[:2] - pixel), np.rint(window[2:] + pixel)
        low = low.astype(np.int64)
        high = np.maximum(high.astype(np.int64), low + 1)
        columns, rows = (
            np.clip(np.arange(low[axis], high[axis]), 0, image.shape[1 - axis] - 1) for axis in (0, 1)
        )
        return resize_exact(image[rows[:, None], columns], self.window[1] + 2, self.window[0] + 2)

    def of_boxes(self, image: ImageArray, boxes: FloatArray, *, mirrored: bool = False) -> Float32:
        """Return descriptors (R, D) of the windows around the boxes (R, 4) of objects."""
        out = np.empty((len(boxes), self.dim), np.float32)
        for vector, box in zip(out, boxes, strict=True):
            crop = self.cut(image, box)
            vector[:] = self.of_crop(crop[:, ::-1] if mirrored else crop)
        return out

    def phases(self) -> list[int]:
        """Return the offsets in pixels at which cells must begin for all windows to consist of cells."""
        return list(range(0, self.hog.cell, self.stride)) if self.stride < self.hog.cell else [0]

    def described(
        self, image: ImageArray, level: Level
    ) -> Iterator[tuple[tuple[int, int], int, int, Float32]]:
        """Yield ``(phase, apart, step, blocks)`` for the cells of each phase of a level.

        The window in row ``i`` and column ``j`` of the phase begins at block ``(step · i, step · j)`` and is
        that in row ``phase[0] + apart · i`` and column ``phase[1] + apart · j`` of the grid.
        """
        pixels = level.image(image)
        phases, step = self.phases(), max(1, self.stride // self.hog.cell)
        for y, top in enumerate(phases):
            for x, left in enumerate(phases):
                yield (y, x), len(phases), step, hog_blocks(pixels, self.hog, start=(top, left))

    def scores(self, image: ImageArray, level: Level, weights: Float32, bias: Float32) -> Float32:
        """Return the scores (K, rows, columns) of a level's windows, for weights (K, D) and bias (K,)."""
        out = np.empty((len(weights), *self.grid(level)), np.float32)
        for (y, x), apart, step, blocks in self.described(image, level):
            scores = score_windows(blocks, self.placed(weights), bias)
            out[:, y::apart, x::apart] = scores[:, ::step, ::step]
        return out

    def placed(self, weights: Float32) -> Float32:
        """Return weights (K, D) as (K, rows, columns, numbers of a block)."""
        rows, columns = self.blocks
        if self.hog.layout == "rows":
            return weights.reshape(len(weights), rows, columns, -1)
        return weights.reshape(len(weights), columns, rows, -1).swapaxes(1, 2)


@stage("window scores")
def score_windows(blocks: Float32, weights: Float32, bias: Float32) -> Float32:
    """Return the score of every window of a map of blocks, without building a descriptor.

    Parameters
    ----------
    blocks : (H, W, D) float32 array
        Of :func:`hog_blocks`.
    weights : (K, P, Q, D) float32 array
        Of the blocks of a window, by their place in it.
    bias : (K,) float32 array

    Returns
    -------
    (K, H - P + 1, W - Q + 1) float32 array
        Empty where no window fits.
    """
    (height, width, dim), (classes, down, across, _) = blocks.shape, weights.shape
    rows, columns = max(0, height - down + 1), max(0, width - across + 1)
    out = np.empty((classes, rows, columns), np.float32)
    if out.size == 0:
        return out
    out[:] = bias[:, None, None]
    table = np.ascontiguousarray(weights.reshape(-1, dim))  # (K·P·Q, D)
    for band in split(rows, size=max(down, _PRODUCT // (len(table) * width))):
        near = blocks[band.start : band.stop + down - 1]
        parts = (table @ near.reshape(-1, dim).T).reshape(classes, down, across, len(near), width)
        total, count = out[:, band], band.stop - band.start
        for i in range(down):
            for j in range(across):
                total += parts[:, i, j, i : i + count, j : j + columns]
    return out
