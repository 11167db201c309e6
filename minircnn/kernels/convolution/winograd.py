"""Convolution of stride 1 with a quarter of the multiplications (Winograd's method).

The output is cut into tiles of m × m pixels. Each depends on n × n pixels of the input, n = m + k − 1, so
these overlap their neighbours' by k − 1. With the small matrices of
:mod:`minircnn.kernels.convolution.cook_toom`, Bᵀ for tiles of the input d, G for filters g and Aᵀ for the way
back,

    V = Bᵀ d B      U = G g Gᵀ      M[i, j] = V[i, j] · U[i, j]      y = Aᵀ M A.

At each of the n² places (i, j) of a tile, V[i, j] is a matrix (tiles, channels) and U[i, j] a matrix
(channels, filters): n² products instead of the k² of the textbook, but on m² times fewer rows. For k = 3 and
m = 4 that is 36 / 16 against 9 multiplications an output.

The gradients follow from the same four lines. dLoss/dU[i, j] = V[i, j]ᵀ · D[i, j] with D = A dy Aᵀ, and
dLoss/dg = Gᵀ dU G. dLoss/dd is a convolution of dy with the filters turned by half a turn.

All arrays here have channels last, as in :mod:`minircnn.kernels.convolution.im2col`. How the tiles are cut
into blocks depends on the shapes only, and sums over blocks run in a fixed order: results are reproducible to
the bit.
"""

from __future__ import annotations

import numpy as np

from minircnn.arrays import HostArray
from minircnn.kernels.convolution.cook_toom import ONE, cook_toom
from minircnn.kernels.convolution.geometry import ConvGeometry, turned_around
from minircnn.kernels.convolution.tiles import (
    OUTPUTS,
    Block,
    batches,
    input_tiles,
    make_blocks,
    output_tiles,
    spans,
    write_outputs,
)
from minircnn.kernels.outputs import empty_output
from minircnn.kernels.scratch import workspace
from minircnn.kernels.split import parts_of, split
from minircnn.kernels.threads import parallel_for

BLOCK_BYTES = 2**22
"""Aim for V and M of the tiles that one thread transforms at a time: they should stay in its cache."""
FEWEST_TILES = 48
"""Smaller blocks are not worth a thread's while."""
SEVERAL = 8
"""So many blocks at least, unless too small: of two or three, one keeps the other cores waiting."""
FILTER_VALUES = 2**15
"""Filters are transformed so many values of a tap at a time."""
SMALL_FILTERS = 2**14
"""Up to so many filter values at a place (C · O) a block's products are made by the thread that has its tiles
in cache. Larger filters would have to be read anew for each block, so many blocks are multiplied together."""
BATCH_TILES = 512
"""So many tiles."""
BATCH_BYTES = 2**25
"""Aim for V and D of the tiles whose weight gradients are summed by one product."""


def prepare_filters(weight: HostArray, geometry: ConvGeometry, *, keep: bool = False) -> HostArray:
    """Return U (groups, n, n, C / groups, O / groups) of filters (O, k, k, C / groups).

    Without `keep` it lies in scratch memory, good until the next call.
    """
    filters, k, _, channels = weight.shape
    per_group = filters // geometry.groups
    matrix = cook_toom(OUTPUTS, k).filter.astype(weight.dtype)  # (n, k)
    n = len(matrix)
    shape = (geometry.groups, n, n, channels, per_group)
    out = np.empty(shape, weight.dtype) if keep else workspace("u", shape, weight.dtype, weight)

    def run(task: tuple[int, slice]) -> None:
        g, part = task
        taps = weight[g * per_group : (g + 1) * per_group, :, :, part].transpose(1, 2, 3, 0)  # (k, k, c, O)
        half = (matrix @ taps.reshape(k, -1)).reshape(n, k, -1)
        out[g, :, :, part] = (matrix @ half).reshape(n, n, *taps.shape[2:])

    parts = split(channels, parts=parts_of(channels, FILTER_VALUES // per_group))
    parallel_for(run, [(g, part) for g in range(geometry.groups) for part in parts], like=weight)
    return out


def convolve(
    x: HostArray,
    filters: HostArray,
    bias: HostArray | None,
    geometry: ConvGeometry,
    *,
    rectify: bool = False,
    out: HostArray | None = None,
) -> HostArray:
    """Convolve (correlate) `x` (N, H, W, C) with the U of :func:`prepare_filters` and add `bias` (O,).

    With `rectify`, negative results become 0. Returns (N, OH, OW, O): `out` if it is given, which may be some
    channels of a larger map.
    """
    groups, n, _, channels, per_group = filters.shape
    shape = (len(x), *geometry.output_size(*x.shape[1:3]), groups * per_group)
    y: HostArray = empty_output(shape, x.dtype, x) if out is None else out
    blocks = make_blocks(y.shape, _tiles_at_once(y.shape, n * n * (channels + per_group) * x.itemsize))

    def run(task: tuple[int, list[Block]]) -> None:
        g, some = task
        own = slice(g * per_group, (g + 1) * per_group)
        channels_in = x[..., g * channels : (g + 1) * channels]
        _convolve_blocks(
            channels_in, filters[g], None if bias is None else bias[own], y[..., own], some, geometry, rectify
        )

    if channels * per_group <= SMALL_FILTERS:
        parallel_for(run, [(g, [block]) for g in range(groups) for block in blocks], like=x)
    else:
        for some in batches(blocks, BATCH_TILES):
            for g in range(groups):
                run((g, some))
    return y


def _tiles_at_once(shape: tuple[int, ...], tile_bytes: int) -> int:
    """Return how many tiles a block should hold: what a cache does, but some blocks for every core."""
    total = shape[0] * -(-shape[1] // OUTPUTS) * -(-shape[2] // OUTPUTS)
    return min(BLOCK_BYTES // tile_bytes, max(FEWEST_TILES, -(-total // SEVERAL)))


def _convolve_blocks(
    x: HostArray,
    filters: HostArray,
    bias: HostArray | None,
    y: HostArray,
    blocks: list[Block],
    geometry: ConvGeometry,
    rectify: bool,
) -> None:
    """Fill `blocks` of `y`: transform all tiles, multiply at all places, transform back."""
    n, _, channels, outputs = filters.shape
    span, count = spans(blocks)
    v = workspace("v", (n, n, count, channels), x.dtype, x)
    m = workspace("m", (n, n, count, outputs), x.dtype, x)

    def transform(b: int) -> None:
        input_tiles(x, blocks[b], geometry, out=v[:, :, span[b]])

    def multiply(task: tuple[slice, slice]) -> None:
        rows, part = task
        np.matmul(v[rows, :, part], filters[rows], out=m[rows, :, part])

    def write(b: int) -> None:
        if bias is not None:
            # the powers of 1 are all 1: what is added there arrives at every output of the tile
            m[ONE, ONE, span[b]] += bias
        write_outputs(m[:, :, span[b]], blocks[b], geometry, y, rectify)

    if len(blocks) == 1:
        transform(0)
        multiply((slice(n), slice(count)))
        write(0)
        return
    parallel_for(transform, range(len(blocks)), like=x)
    pieces = [(slice(i, i + 1), part) for i in range(n) for part in split(count, parts=parts_of(count, 256))]
    parallel_for(multiply, pieces, like=x)
    parallel_for(write, range(len(blocks)), like=x)


def weight_gradient(x: HostArray, dy: HostArray, geometry: ConvGeometry) -> HostArray:
    """Return dLoss/dweight (O, k, k, C / groups), given `x` (N, H, W, C) and `dy` (N, OH, OW, O)."""
    groups, k = geometry.groups, geometry.kernel_size
    channels, outputs = x.shape[3] // groups, dy.shape[3] // groups
    matrix = cook_toom(OUTPUTS, k).filter.astype(dy.dtype)  # (n, k)
    n = len(matrix)
    tile_bytes = n * n * (channels + outputs) * x.itemsize
    blocks = make_blocks(dy.shape, _tiles_at_once(dy.shape, tile_bytes))
    gradient = np.empty((groups, outputs, k, k, channels), dtype=dy.dtype)
    for g in range(groups):
        total = workspace("filter gradient", (n, n, channels, outputs), dy.dtype, dy)  # dLoss/dU
        channels_in = x[..., g * channels : (g + 1) * channels]
        slopes = dy[..., g * outputs : (g + 1) * outputs]
        for some in batches(blocks, BATCH_BYTES // tile_bytes):
            _add_products(channels_in, slopes, total, some, geometry, first=some[0] is blocks[0])
        _transform_back(total, matrix, gradient[g])
    return gradient.reshape(groups * outputs, k, k, channels)


def _transform_back(total: HostArray, matrix: HostArray, gradient: HostArray) -> None:
    """Fill `gradient` (O, k, k, C) with Gᵀ dU G of `total` dU (n, n, C, O), given G (n, k)."""
    n, k = matrix.shape
    channels, outputs = total.shape[2:]

    def run(part: slice) -> None:
        half = matrix.T @ total[:, :, part].reshape(n, -1)  # (k, n·c·O)
        taps = matrix.T @ half.reshape(k, n, -1)  # (k, k, c·O)
        gradient[..., part] = taps.reshape(k, k, -1, outputs).transpose(3, 0, 1, 2)

    parts = split(channels, parts=parts_of(channels, FILTER_VALUES // outputs))
    parallel_for(run, parts, like=total)


def _add_products(
    x: HostArray,
    dy: HostArray,
    total: HostArray,
    blocks: list[Block],
    geometry: ConvGeometry,
    *,
    first: bool,
) -> None:
    """Add V[i, j]ᵀ · D[i, j] of all tiles in `blocks` to `total` (n, n, C, O); the `first` blocks set it."""
    n, _, channels, outputs = total.shape
    span, count = spans(blocks)
    v = workspace("v", (n, n, count, channels), x.dtype, x)
    d = workspace("m", (n, n, count, outputs), x.dtype, x)

    def transform(b: int) -> None:
        input_tiles(x, blocks[b], geometry, out=v[:, :, span[b]])
        output_tiles(dy, blocks[b], geometry, out=d[:, :, span[b]])

    def multiply(i: int) -> None:
        product = total[i] if first else workspace("product", total[i].shape, x.dtype, x)
        np.matmul(v[i].swapaxes(1, 2), d[i], out=product)
        if not first:
            total[i] += product

    parallel_for(transform, range(len(blocks)), like=x)
    parallel_for(multiply, range(n), like=x)


def input_gradient(
    dy: HostArray, weight: HostArray, geometry: ConvGeometry, size: tuple[int, int]
) -> HostArray:
    """Return dLoss/dx (N, H, W, C), given `dy` (N, OH, OW, O) and `weight` (O, k, k, C / groups).

    The padding must be less than k. `size` (H, W) is not needed here: of stride 1 it follows from that of dy.
    """
    filters, turned = turned_around(weight, geometry)
    return convolve(dy, prepare_filters(filters, turned), None, turned)
