"""Tiles of a map, and their way to the places where Winograd's method multiplies them, and back.

A tile is transformed down and across, each time by a product with a small matrix. One such product for many
tiles is worth a call; one for each tile would cost more than it computes, and threads that make thousands of
calls wait for each other in BLAS. So the rows of tiles, which lie one after the other in the map, are
transformed down as they lie; then the columns are copied, those that two tiles share twice, and all tiles are
transformed across together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minircnn.arrays import HostArray
from minircnn.kernels.convolution.cook_toom import Transforms, cook_toom
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.rectify import rectify_in_place
from minircnn.kernels.scratch import workspace
from minircnn.kernels.split import parts_of, split

OUTPUTS = 4
"""m, the side of a tile of the output: larger ones save little more and round worse."""


class Block(NamedTuple):
    """Tiles of some images, rows and columns of tiles."""

    images: slice
    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of images, rows and columns of tiles."""
        n, rows, columns = (s.stop - s.start for s in self)
        return n, rows, columns

    @property
    def tiles(self) -> int:
        """Number of tiles T."""
        return math.prod(self.shape)


def make_blocks(shape: tuple[int, ...], tiles: int) -> list[Block]:
    """Cut an output of `shape` (N, OH, OW, ...) into blocks of at most `tiles` tiles, at least one each."""
    n, rows, columns = shape[0], -(-shape[1] // OUTPUTS), -(-shape[2] // OUTPUTS)
    return [
        Block(images, some_rows, some_columns)
        for images in split(n, parts=parts_of(n, tiles // (rows * columns)))
        for some_rows in split(rows, parts=parts_of(rows, tiles // columns))
        for some_columns in split(columns, parts=parts_of(columns, tiles))
    ]


def batches(blocks: list[Block], tiles: int) -> Iterator[list[Block]]:
    """Yield consecutive blocks, about `tiles` tiles at a time."""
    largest = max((block.tiles for block in blocks), default=1)
    for part in split(len(blocks), parts=parts_of(len(blocks), tiles // largest)):
        yield blocks[part]


def spans(blocks: list[Block]) -> tuple[list[slice], int]:
    """Return where the tiles of each block stand among those of all, and how many there are."""
    ends = [0]
    for block in blocks:
        ends.append(ends[-1] + block.tiles)
    return [slice(a, b) for a, b in pairwise(ends)], ends[-1]


@cache
def _matrices(kernel_size: int, dtype: np.dtype[Any]) -> Transforms:
    return Transforms(*(matrix.astype(dtype) for matrix in cook_toom(OUTPUTS, kernel_size)))


def input_tiles(x: HostArray, block: Block, geometry: ConvGeometry, out: HostArray) -> None:
    """Write V = Bᵀ d B of a block's tiles of `x` (N, H, W, C) to `out` (n down, n across, T, C)."""
    matrix = _matrices(geometry.kernel_size, x.dtype).input  # (n, n)
    p, reach = geometry.padding, len(matrix) - OUTPUTS
    rows = slice(block.rows.start * OUTPUTS - p, block.rows.stop * OUTPUTS - p + reach)
    columns = slice(block.columns.start * OUTPUTS - p, block.columns.stop * OUTPUTS - p + reach)
    _transform(_patch(x[block.images], rows, columns), matrix, block, out)


def output_tiles(dy: HostArray, block: Block, geometry: ConvGeometry, out: HostArray) -> None:
    """Write D = A dy Aᵀ of a block's tiles of `dy` (N, OH, OW, O) to `out` (n down, n across, T, O)."""
    matrix = _matrices(geometry.kernel_size, dy.dtype).output.T  # (n, m)
    rows, columns = (slice(s.start * OUTPUTS, s.stop * OUTPUTS) for s in block[1:])
    _transform(_patch(dy[block.images], rows, columns), matrix, block, out)


def _transform(patch: HostArray, matrix: HostArray, block: Block, out: HostArray) -> None:
    """Multiply every tile of `patch`, m pixels apart, with `matrix` (n, side of a tile) down and across."""
    images, _, width, channels = patch.shape
    _, down, across = block.shape
    n, side = matrix.shape
    s = patch.strides
    rows = as_strided(patch, (images, down, side, width * channels), (s[0], OUTPUTS * s[1], s[1], s[3]))
    half = workspace("half", (images, down, n, width, channels), patch.dtype, patch)
    np.matmul(matrix, rows, out=half.reshape(images, down, n, -1))  # all tiles of a row of tiles together
    s = half.strides
    shape = (n, side, images, down, across, channels)
    columns = workspace("columns of tiles", shape, patch.dtype, patch)
    columns[...] = as_strided(half, shape, (s[2], s[3], s[0], s[1], OUTPUTS * s[3], s[4]))
    np.matmul(matrix, columns.reshape(n, side, -1), out=out.reshape(n, n, -1))


def _patch(x: HostArray, rows: slice, columns: slice) -> HostArray:
    """Return `rows` and `columns` of `x` (N, H, W, C), zeros where they lie beyond the map."""
    n, height, width, channels = x.shape
    tall, wide = rows.stop - rows.start, columns.stop - columns.start
    top, bottom = max(rows.start, 0), min(rows.stop, height)
    left, right = max(columns.start, 0), min(columns.stop, width)
    inside: HostArray = x[:, top:bottom, left:right]
    if inside.shape[1:3] == (tall, wide) and x.strides[2] == channels * x.itemsize:
        return inside
    patch: HostArray = workspace("patch", (n, tall, wide, channels), x.dtype, x)
    top, bottom, left, right = (
        top - rows.start,
        bottom - rows.start,
        left - columns.start,
        right - columns.start,
    )
    patch[:, :top] = 0
    patch[:, bottom:] = 0
    patch[:, top:bottom, :left] = 0
    patch[:, top:bottom, right:] = 0
    patch[:, top:bottom, left:right] = inside
    return patch


def write_outputs(
    products: HostArray, block: Block, geometry: ConvGeometry, y: HostArray, rectify: bool
) -> None:
    """Write Aᵀ M A of a block's `products` M (n down, n across, T, O) to its place in `y` (N, OH, OW, O).

    With `rectify`, negative results become 0.
    """
    matrix = _matrices(geometry.kernel_size, y.dtype).output  # (m, n)
    m, n = matrix.shape
    images, down, across = block.shape
    values = products.reshape(n, n, -1)
    half = workspace("half", (n, m, values.shape[2]), y.dtype, y)  # across, down
    np.matmul(matrix, values.swapaxes(0, 1), out=half)
    pixels = workspace("pixels", (m, m, values.shape[2]), y.dtype, y)  # down, across
    np.matmul(matrix, half.swapaxes(0, 1), out=pixels)
    if rectify:
        rectify_in_place(pixels)
    of_tile = pixels.reshape(m, m, images, down, across, y.shape[3])
    rows, columns = (slice(s.start * m, s.stop * m) for s in block[1:])
    inside: HostArray = y[block.images, rows, columns]
    if inside.shape[1:3] == (down * m, across * m):
        target = inside.reshape(images, down, m, across, m, -1)  # a view: axes are split, none is joined
        target[...] = of_tile.transpose(2, 3, 0, 4, 1, 5)
        return
    for i, j in itertools.product(range(m), range(m)):  # the last tiles reach over the edge
        target = inside[:, i::m, j::m]
        target[...] = of_tile[i, j, :, : target.shape[1], : target.shape[2]]
