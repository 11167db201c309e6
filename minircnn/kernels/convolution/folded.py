"""A convolution of few channels and a large stride as one of many channels and stride 1.

The first layer of AlexNet slides 11 × 11 windows over three channels, 4 pixels apart. Cut the photo into
cells of 4 × 4 pixels and call the 48 numbers of a cell its channels: a window then begins at a cell's corner
and covers 3 × 3 cells, the last of them in part, where its filter is filled up with zeros. Its neighbour
begins one cell further. So this is a convolution of stride 1, to which Winograd's method applies, for a third
of the multiplications.

In general, a window of k pixels at stride s covers t = ⌈k / s⌉ cells. All arrays have channels last, as in
:mod:`minircnn.kernels.convolution.im2col`.
"""

from __future__ import annotations

import numpy as np

from minircnn.arrays import HostArray
from minircnn.kernels.convolution import winograd
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.scratch import workspace
from minircnn.kernels.threads import parallel_for


def folded_geometry(geometry: ConvGeometry) -> ConvGeometry:
    """Return the convolution over cells: stride 1, no padding (the cells have it already)."""
    return ConvGeometry(-(-geometry.kernel_size // geometry.stride), 1, 0, 1)


def prepare_filters(weight: HostArray, geometry: ConvGeometry, *, keep: bool = False) -> HostArray:
    """Return Winograd's filters of `weight` (O, k, k, C) folded into cells, (O, t, t, s·s·C)."""
    filters, k, _, channels = weight.shape
    cells = folded_geometry(geometry)
    side = cells.kernel_size * geometry.stride
    whole = np.zeros((filters, side, side, channels), dtype=weight.dtype)
    whole[:, :k, :k] = weight
    folded = np.stack([_fold(each, geometry.stride) for each in whole])
    return winograd.prepare_filters(folded, cells, keep=keep)


def convolve(
    x: HostArray,
    filters: HostArray,
    bias: HostArray | None,
    geometry: ConvGeometry,
    *,
    rectify: bool = False,
    out: HostArray | None = None,
) -> HostArray:
    """Convolve `x` (N, H, W, C) with the result of :func:`prepare_filters`; see Winograd's ``convolve``."""
    n, height, width, channels = x.shape
    cells, s, p = folded_geometry(geometry), geometry.stride, geometry.padding
    rows, columns = (size + cells.kernel_size - 1 for size in geometry.output_size(height, width))
    folded = np.empty((n, rows, columns, s * s * channels), dtype=x.dtype)
    high, wide = min(height, rows * s - p), min(width, columns * s - p)  # what the windows see of the map

    def fold(image: int) -> None:
        padded = workspace("padded", (rows * s, columns * s, channels), x.dtype, x)
        padded[:p] = padded[p + high :] = 0
        padded[:, :p] = padded[:, p + wide :] = 0
        padded[p : p + high, p : p + wide] = x[image, :high, :wide]
        folded[image] = _fold(padded, s)

    parallel_for(fold, range(n), like=x)
    return winograd.convolve(folded, filters, bias, cells, rectify=rectify, out=out)


def _fold(pixels: HostArray, side: int) -> HostArray:
    """Return (rows·side, columns·side, C) pixels as (rows, columns, side·side·C) cells."""
    rows, columns, channels = pixels.shape[0] // side, pixels.shape[1] // side, pixels.shape[2]
    cells = pixels.reshape(rows, side, columns, side * channels).transpose(0, 2, 1, 3)
    return cells.reshape(rows, columns, -1)
