"""Which algorithm convolves, and the filters as it wants them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from minircnn.arrays import Array, is_host
from minircnn.kernels.convolution import folded, gpu_winograd, im2col, winograd
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.kernels.convolution.tiles import OUTPUTS
from minircnn.kernels.gpu_kernel import has_kernels

WINOGRAD_CHANNELS = 24
"""Fewer channels or filters (of a group) are not worth the way to Winograd's tiles and back."""
WINOGRAD_TILES = 64
"""Fewer tiles are not worth transforming the filters for."""
FILLED_UP = 1.5
"""A window may grow so many times to become one of whole cells (:mod:`.folded`)."""


def choose_algorithm(
    x: Array, weight: Array, geometry: ConvGeometry, *, filters_kept: bool = False
) -> ModuleType:
    """Return the module whose functions run this layer: the one place that decides.

    Winograd's method wins where many channels meet many tiles: it moves more numbers for each multiplication,
    and its filters are transformed first, on the host once for good if they are kept.

    Parameters
    ----------
    x : (N, H, W, C) array
        Input, or the gradient of the output.
    weight : (O, k, k, C / groups) array
    geometry : ConvGeometry
    filters_kept : bool
        The transformed filters are at hand or will be used again.
    """
    if not is_host(x):  # whether filters that were kept are still right would have to be waited for
        worth = has_kernels(x) and _worth_winograd(x, weight, geometry, filters_kept=False)
        return gpu_winograd if worth else im2col
    if filters_kept and _worth_folding(x, weight, geometry):
        return folded
    return winograd if _worth_winograd(x, weight, geometry, filters_kept) else im2col


def _worth_winograd(x: Array, weight: Array, geometry: ConvGeometry, filters_kept: bool) -> bool:
    """Tell whether Winograd's method can make this layer, and gains more than it costs."""
    if geometry.stride != 1 or geometry.kernel_size not in (3, 5):
        return False
    if geometry.padding >= geometry.kernel_size:
        return False
    filters, _, _, channels = weight.shape
    if min(channels, filters // geometry.groups) < WINOGRAD_CHANNELS:
        return False
    tiles = x.shape[0] * x.shape[1] * x.shape[2] / OUTPUTS**2
    return bool(filters_kept or tiles >= WINOGRAD_TILES)


def _worth_folding(x: Array, weight: Array, geometry: ConvGeometry) -> bool:
    """Tell whether cells of the stride's size make of this layer one for Winograd's method.

    Filters are filled up to whole cells: that must not cost more than the method saves.
    """
    filters, k, _, channels = weight.shape
    s, cells = geometry.stride, folded.folded_geometry(geometry).kernel_size
    if s == 1 or geometry.groups != 1 or cells not in (3, 5) or (cells * s) ** 2 > FILLED_UP * k**2:
        return False
    tiles = x.shape[0] * x.shape[1] * x.shape[2] / (s * OUTPUTS) ** 2
    return bool(min(s * s * channels, filters) >= WINOGRAD_CHANNELS and tiles >= WINOGRAD_TILES)


class KeptFilters:
    """The filters of one layer as an algorithm wants them, kept where they will be used again.

    Those of Winograd's method are kept with a copy of the weight they were made of: as long as the weight
    equals it, however it was changed in between, they are right.
    """

    def __init__(self) -> None:
        self._kept: tuple[Array, Array] | None = None  # a weight and its filters

    def prepare(self, algorithm: ModuleType, weight: Array, geometry: ConvGeometry, *, keep: bool) -> Array:
        """Return ``algorithm.prepare_filters(weight, geometry)``, made now or taken from an earlier call."""
        if algorithm in (im2col, gpu_winograd) or not keep:
            self._kept = None
            return algorithm.prepare_filters(weight, geometry)
        if self._kept is None or not _equal(self._kept[0], weight):
            self._kept = (weight.copy(), algorithm.prepare_filters(weight, geometry, keep=True))
        return self._kept[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: the filters can be made again and need not travel."""
        return {"_kept": None}


def _equal(a: Array, b: Array) -> bool:
    """Tell whether two weights are of one type, shape and value."""
    return a.dtype == b.dtype and np.array_equal(a, b)
