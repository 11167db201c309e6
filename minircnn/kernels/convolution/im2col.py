"""Convolution as matrix products over bands of output rows.

All arrays here have channels last: a map is (N, H, W, C), filters are (O, k, k, C / groups). Unrolling the
k×k×C patch under every output position into the rows of a matrix ("im2col") turns the convolution into one
product with the (O, k·k·C) filters. The whole matrix would be k² times the map, so it is never built:
a *band* of some output rows (or of some whole images, where maps are small) at a time goes into scratch
memory that stays in cache, is multiplied, and is overwritten by the next band.

The bands depend on the shapes only, not on the number of threads, and sums over bands run in a fixed
order: results are reproducible to the bit.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any, NamedTuple

from minircnn.arrays import Array, array_namespace, is_host, sliding_windows
from minircnn.kernels.convolution.geometry import ConvGeometry, turned_around
from minircnn.kernels.gpu_kernel import GPUKernel, has_kernels
from minircnn.kernels.outputs import empty_output
from minircnn.kernels.products import matmul
from minircnn.kernels.rectify import rectify_in_place
from minircnn.kernels.scratch import workspace
from minircnn.kernels.split import parts_of, split
from minircnn.kernels.threads import parallel_for

BAND_BYTES = 2**21
"""Aim for the column matrix of one band: about one core's second-level cache."""
BAND_POSITIONS = 256
"""But at least so many rows, as every product first repacks all the filters."""
GPU_BAND_BYTES = 2**28
"""On a GPU, which large products keep busy."""
PARTIAL_SUMS = 4
"""The weight gradient is summed in so many parts (independent of the number of threads), then in order."""


class Band(NamedTuple):
    """Output rows ``top..bottom`` of images ``first..last`` (half-open)."""

    first: int
    last: int
    top: int
    bottom: int


def make_bands(shape: tuple[int, int, int], row_bytes: int, on_host: bool) -> list[Band]:
    """Cut an output of `shape` (N, OH, OW) into bands, given the bytes of one unrolled patch."""
    n, height, width = shape
    if n == 0:
        return []
    total = n * height * width
    positions = max(BAND_POSITIONS, (BAND_BYTES if on_host else GPU_BAND_BYTES) // row_bytes)
    if on_host:
        positions = min(positions, max(BAND_POSITIONS // 2, -(-total // 4)))  # some bands for every core
    if positions >= height * width:
        parts = parts_of(n, positions // (height * width))
        return [Band(part.start, part.stop, 0, height) for part in split(n, parts=parts)]
    parts = parts_of(height, positions // width)
    return [Band(i, i + 1, rows.start, rows.stop) for i in range(n) for rows in split(height, parts=parts)]


def prepare_filters(weight: Array, geometry: ConvGeometry, *, keep: bool = False) -> Array:
    """View filters (O, k, k, C / groups) as matrices (groups, O / groups, k·k·C / groups)."""
    return weight.reshape(geometry.groups, weight.shape[0] // geometry.groups, -1)


def convolve(
    x: Array,
    matrix: Array,
    bias: Array | None,
    geometry: ConvGeometry,
    *,
    rectify: bool = False,
    out: Array | None = None,
) -> Array:
    """Convolve (correlate) `x` (N, H, W, C) with :func:`prepare_filters`' `matrix` and add `bias` (O,).

    With `rectify`, negative results become 0. Returns (N, OH, OW, O): `out` if it is given, which may be some
    channels of a larger map.
    """
    xp = array_namespace(x, matrix)
    filters = matrix.shape[0] * matrix.shape[1]
    shape = (x.shape[0], *geometry.output_size(*x.shape[1:3]), filters)
    y = empty_output(shape, x.dtype, x) if out is None else out

    def run(band: Band) -> None:
        # a view: a band is whole images, or rows of one
        rows = y[band.first : band.last, band.top : band.bottom].reshape(-1, filters)
        per_group = filters // geometry.groups
        for g in range(geometry.groups):
            part = slice(g * per_group, (g + 1) * per_group)
            xp.matmul(_columns(x, band, geometry, g), matrix[g].T, out=rows[:, part])
        _finish(rows, bias, rectify)

    parallel_for(run, _bands(y, matrix), like=x)
    return y


def _finish(rows: Array, bias: Array | None, rectify: bool) -> None:
    """Add `bias` (O,) to `rows` (m, O) in place, and with `rectify` replace what is negative by 0."""
    if has_kernels(rows) and bias is not None and rows.flags.c_contiguous:
        _BIAS_AND_RELU(bias.astype(rows.dtype, copy=False), rectify, rows)
        return
    if bias is not None:
        rows += bias
    if rectify:
        rectify_in_place(rows)


_BIAS_AND_RELU = GPUKernel(
    "bias_and_relu", "T bias, bool rectify", "T y", "y += bias; if (rectify && y < 0) y = 0;"
)


def weight_gradient(x: Array, dy: Array, geometry: ConvGeometry) -> Array:
    """Return dLoss/dweight (O, k, k, C / groups), given `x` (N, H, W, C) and `dy` (N, OH, OW, O)."""
    xp = array_namespace(x, dy)
    groups, k, filters = geometry.groups, geometry.kernel_size, dy.shape[3]
    shape = (groups, filters // groups, k * k * x.shape[3] // groups)
    bands = _bands(dy, xp.empty((1, 1, shape[2]), dtype=x.dtype))
    if len(bands) <= PARTIAL_SUMS:
        return _weight_gradient_of_few(x, dy, geometry, bands)
    parts = split(len(bands), parts=PARTIAL_SUMS)
    sums: list[Any] = [None] * PARTIAL_SUMS

    def run(part: int) -> None:
        total = xp.zeros(shape, dtype=dy.dtype)
        for band in bands[parts[part]]:
            slope = dy[band.first : band.last, band.top : band.bottom].reshape(-1, groups, shape[1])
            for g in range(groups):
                total[g] += slope[:, g].T @ _columns(x, band, geometry, g)
        sums[part] = total

    parallel_for(run, range(PARTIAL_SUMS), like=x)
    total = sums[0]
    for other in sums[1:]:
        total += other
    return total.reshape(filters, k, k, -1)


def _weight_gradient_of_few(x: Array, dy: Array, geometry: ConvGeometry, bands: list[Band]) -> Array:
    """Return dLoss/dweight where there are few positions: unroll all, and share the one product by filters.

    Sums of several bands would each be as large as all filters, which may be more than the map.
    """
    xp = array_namespace(x, dy)
    groups, k, filters = geometry.groups, geometry.kernel_size, dy.shape[3]
    slopes = dy.reshape(-1, groups, filters // groups)
    ends = list(accumulate(((b.last - b.first) * (b.bottom - b.top) * dy.shape[2] for b in bands), initial=0))
    columns = workspace("all columns", (ends[-1], k * k * x.shape[3] // groups), x.dtype, x)
    gradient = xp.empty((groups, filters // groups, columns.shape[1]), dtype=dy.dtype)
    for g in range(groups):

        def unroll(i: int, g: int = g) -> None:
            columns[ends[i] : ends[i + 1]] = _columns(x, bands[i], geometry, g)

        parallel_for(unroll, range(len(bands)), like=x)
        gradient[g] = matmul(slopes[:, g].T, columns)
    return gradient.reshape(filters, k, k, -1)


def input_gradient(dy: Array, weight: Array, geometry: ConvGeometry, size: tuple[int, int]) -> Array:
    """Return dLoss/dx (N, H, W, C), given `dy` (N, OH, OW, O), `weight` and the input's `size` (H, W)."""
    if geometry.stride == 1 and geometry.padding < geometry.kernel_size:
        filters, turned = turned_around(weight, geometry)
        return convolve(dy, prepare_filters(filters, turned), None, turned)
    return _interleaved_gradient(dy, weight, geometry, size)


def _interleaved_gradient(dy: Array, weight: Array, geometry: ConvGeometry, size: tuple[int, int]) -> Array:
    """Return dLoss/dx where windows are s > 1 pixels apart.

    The pixels s·q + a of the padded input meet only the taps a, a + s, a + 2s, ... of a filter. So those of
    one phase (a down, b across) are a convolution of dy, of stride 1, with the filters thinned out to these
    taps. All s·s phases are made at once, as channels, and then put side by side.
    """
    xp = array_namespace(dy, weight)
    k, s, p, groups = geometry.kernel_size, geometry.stride, geometry.padding, geometry.groups
    filters, _, _, channels = weight.shape
    n, rows, columns, _ = dy.shape
    taps = -(-k // s)  # of a thinned-out filter, zeros at its end
    full = xp.zeros((groups, filters // groups, taps * s, taps * s, channels), dtype=weight.dtype)
    full[:, :, :k, :k] = weight.reshape(groups, filters // groups, k, k, channels)
    split = full.reshape(groups, filters // groups, taps, s, taps, s, channels)[:, :, ::-1, :, ::-1]
    phases = split.transpose(0, 3, 5, 6, 2, 4, 1).reshape(groups * s * s * channels, taps, taps, -1)
    every = ConvGeometry(taps, 1, taps - 1, groups)
    y = convolve(dy, prepare_filters(phases, every), None, every)
    down, across = rows + taps - 1, columns + taps - 1
    tall, wide = max(down, -(-(size[0] + p) // s)), max(across, -(-(size[1] + p) // s))
    # what no window reached stays 0
    padded = xp.zeros((n, tall, s, wide, s, groups * channels), dtype=dy.dtype)
    parts = y.reshape(n, down, across, groups, s, s, channels).transpose(0, 1, 4, 2, 5, 3, 6)
    padded.reshape(n, tall, s, wide, s, groups, channels)[:, :down, :, :across] = parts
    return padded.reshape(n, tall * s, wide * s, groups * channels)[:, p : p + size[0], p : p + size[1]]


def _bands(y: Array, matrix: Array) -> list[Band]:
    row_bytes = matrix.shape[2] * matrix.dtype.itemsize
    return make_bands((y.shape[0], y.shape[1], y.shape[2]), row_bytes, is_host(y))


def _columns(x: Array, band: Band, geometry: ConvGeometry, group: int) -> Array:
    """Return the unrolled patches (positions, k·k·C/groups) of one group under the band's outputs.

    On the host they lie in scratch memory, good until this thread's next call.
    """
    k, channels = geometry.kernel_size, x.shape[3] // geometry.groups
    if has_kernels(x) and not geometry.is_pointwise:
        return _columns_on_gpu(x, band, geometry, group * channels, channels)
    part = x[band.first : band.last, :, :, group * channels : (group + 1) * channels]
    if geometry.is_pointwise:
        return part[:, band.top : band.bottom].reshape(-1, channels)
    rows = _padded_rows(part, band.top, band.bottom, geometry)
    windows = sliding_windows(rows, (k, k), (1, 2), geometry.stride)  # (n, rows, OW, C, k, k)
    windows = windows.transpose(0, 1, 2, 4, 5, 3)  # a row of a patch is k·C values side by side
    columns = workspace("columns", windows.shape, x.dtype, x)
    columns[...] = windows
    return columns.reshape(-1, k * k * channels)


def _columns_on_gpu(x: Array, band: Band, geometry: ConvGeometry, first: int, channels: int) -> Array:
    """Return the unrolled patches of `channels` from the `first` on; around the map are zeros."""
    k, (_, height, width, all_channels) = geometry.kernel_size, x.shape
    shape = (band.last - band.first, band.bottom - band.top, geometry.output_size(height, width)[1])
    columns = array_namespace(x).empty((math.prod(shape), k * k * channels), dtype=x.dtype)
    where = (height, width, all_channels, band.first, band.top, *shape[1:])
    _UNROLL(x, *where, k, geometry.stride, geometry.padding, first, channels, columns.reshape(-1))
    return columns


_UNROLL = GPUKernel(
    "unroll",
    "raw T map, int32 height, int32 width, int32 channels, int32 first_image, int32 first_row, int32 rows, "
    "int32 columns, int32 k, int32 stride, int32 padding, int32 first, int32 own",
    "T value",
    """
    unsigned int j = i;  // (image, row, column, down, across, channel): fewer than 2^32 in a band
    const int channel = j % own;  j /= own;
    const int across = j % k;  j /= k;
    const int down = j % k;  j /= k;
    const int x = j % columns * stride - padding + across;  j /= columns;
    const int y = (first_row + j % rows) * stride - padding + down;
    const ptrdiff_t image = first_image + j / rows;
    const bool inside = x >= 0 && x < width && y >= 0 && y < height;
    value = inside ? map[((image * height + y) * width + x) * channels + first + channel] : T(0);
    """,
)
"""A number of the column matrix: the one at its place in the map."""


def _padded_rows(x: Array, first: int, last: int, geometry: ConvGeometry) -> Array:
    """Return the rows (n, rows, W + 2·padding, C) under output rows first..last, zeros around the map."""
    k, s, p = geometry.kernel_size, geometry.stride, geometry.padding
    n, height, width, channels = x.shape
    top, bottom = first * s - p, (last - 1) * s + k - p
    if p == 0:
        return x[:, top:bottom]
    rows = workspace("padded rows", (n, bottom - top, width + 2 * p, channels), x.dtype, x)
    above, below = max(-top, 0), max(bottom - height, 0)
    rows[:, : min(above, bottom - top)] = 0
    rows[:, max(bottom - top - below, 0) :] = 0
    rows[:, :, :p] = 0
    rows[:, :, p + width :] = 0
    inside = slice(max(top, 0), max(min(bottom, height), 0))
    if inside.start < inside.stop:
        rows[:, above : bottom - top - below, p : p + width] = x[:, inside]
    return rows
