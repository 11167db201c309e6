"""RoI align: every bin of a region is a mean of interpolated values, and nothing is rounded to cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, clip, is_host, like, to_host
from minircnn.kernels.layout import from_channels_last, to_channels_last
from minircnn.kernels.products import matmul
from minircnn.kernels.split import split
from minircnn.nn.checks import require_positive, require_whole
from minircnn.nn.module import Module
from minircnn.nn.roi_pool import check_regions, grid_size
from minircnn.profiling import stage

PIECE_VALUES = 1 << 21
"""Values between the two products at a time."""
GPU_PIECE_VALUES = 1 << 27


@dataclass(frozen=True)
class _Kept:
    """What the way back needs."""

    rows: Array
    """(R, P, H): how much each row of cells counts in each row of bins."""
    columns: Array
    """(R, Q, W)"""
    image_index: HostArray
    """(R,), on the host: how many regions a map has must be known there."""
    shape: tuple[int, ...]
    """Of the maps, (N, C, H, W)."""


class RoIAlign(Module):
    """Mean of values at points inside each bin, interpolated between cells: He et al. (2017), section 3.

    A cell stands for the point at its middle, so that x pixels are x·scale − ½ cells. Each bin has
    `samples` × `samples` points in a regular grid (four in the paper). Beyond its outermost middles the map
    goes on with their values for up to a cell, then with 0. As torchvision's ``roi_align(aligned=True)``.

    What a point takes of the four cells around it is the product of what it takes of two rows and two
    columns, and means are sums. So a region's grid is A F Bᵀ, with a matrix A (P, H) for rows and B (Q, W)
    for columns, and the gradient is Aᵀ dY B.

    Parameters
    ----------
    output_size : int or (int, int)
        P bins down and Q bins across.
    spatial_scale : float
        Map cells per pixel of the image: 1 / stride.
    samples : int
        Points along each side of a bin.

    Raises
    ------
    ValueError
        If there is no bin or no point, or the scale is not positive.

    Examples
    --------
    >>> from minircnn.nn import RoIAlign
    >>> cells = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> RoIAlign(2, spatial_scale=1)(cells, np.array([[0.5, 1.0, 2.5, 3.0]]))[0, 0]  # between two columns
    array([[4.5, 5.5],
           [8.5, 9.5]])
    """

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float, *, samples: int = 2) -> None:
        require_positive(spatial_scale=spatial_scale)
        require_whole(1, samples=samples)
        self.output_size = grid_size(output_size)
        self.spatial_scale, self.samples = spatial_scale, samples
        self._kept: _Kept | None = None

    def places(self, rois: Array) -> Array:
        """Return what decides the output for regions (R, 4): all of their coordinates."""
        return rois

    def points(self, rois: Array) -> tuple[Array, Array]:
        """Return rows (R, P, S) and columns (R, Q, S) of the points of regions (R, 4).

        In cells; 0 is the middle of the first.
        """
        xp = array_namespace(rois)
        cells = xp.astype(rois, xp.float64) * self.spatial_scale - 0.5
        p, q = self.output_size
        rows = _points_between(cells[:, 1], cells[:, 3], p, self.samples)
        return rows, _points_between(cells[:, 0], cells[:, 2], q, self.samples)

    @stage("RoI align")
    def forward(self, features: Array, rois: Array, image_index: Array | None = None) -> Array:
        """Return the grids of regions.

        Parameters
        ----------
        features : (N, C, H, W) float array
        rois : (R, 4) float array
            x1, y1, x2, y2 in pixels of the image as it went into the network, half-open. A GPU that has the
            maps is not waited for if the regions are on the host.
        image_index : (R,) int array, optional
            Which image each region lies on, 0..N-1, as a kind of array that the regions are; may be left out
            if there is one image.

        Returns
        -------
        (R, C, P, Q) float array
            In this order in memory too, as :class:`RoIPool` has it.

        Raises
        ------
        ValueError
            If shapes disagree, a region is not finite or an index is out of range.
        """
        index = to_host(check_regions(features, rois, image_index))
        xp = array_namespace(features)
        if not xp.isdtype(features.dtype, "real floating"):  # a share of a cell is no whole number
            features = xp.astype(features, xp.float64)
        _, channels, height, width = features.shape
        down, across = (like(points, features) for points in self.points(rois))
        rows = xp.astype(_shares(down, height), features.dtype)  # (R, P, H)
        columns = xp.astype(_shares(across, width), features.dtype)  # (R, Q, W)
        keep = self.training and self.needs_input_grad
        self._kept = _Kept(rows, columns, index, tuple(features.shape)) if keep else None
        maps = to_channels_last(features)
        pooled = xp.empty((rois.shape[0], channels, *self.output_size), dtype=features.dtype)
        for image, some in self._pieces(index, maps):
            own = _rows_times(rows[some], maps[image])  # (r, P, W, C)
            own = xp.matmul(columns[some][:, None], own)  # (r, P, Q, C)
            pooled[some] = own.transpose(0, 3, 1, 2)
        return pooled

    @stage("RoI align")
    def backward(self, dy: Array) -> Array:
        """Return dLoss/dfeatures (N, C, H, W), given `dy` (R, C, P, Q); what regions share adds up."""
        if not self.needs_input_grad:
            return None
        kept = self.kept(self._kept)
        xp = array_namespace(dy, kept.rows)  # refuses a mixture of libraries
        n, channels, height, width = kept.shape
        gradient = xp.zeros((n, height, width, channels), dtype=dy.dtype)
        for image, some in self._pieces(kept.image_index, gradient):
            own = xp.ascontiguousarray(dy[some].transpose(0, 2, 3, 1))  # (r, P, Q, C)
            own = xp.matmul(kept.columns[some].transpose(0, 2, 1)[:, None], own)  # (r, P, W, C)
            rows = kept.rows[some].reshape(-1, height)  # (r·P, H)
            gradient[image] += matmul(rows.T, own.reshape(len(rows), -1)).reshape(gradient.shape[1:])
        return from_channels_last(gradient)

    def __call__(self, features: Array, rois: Array, image_index: Array | None = None) -> Array:
        """Return ``forward(features, rois, image_index)``."""
        return self.forward(features, rois, image_index)

    def _pieces(self, image_index: HostArray, maps: Array) -> Iterator[tuple[int, Array]]:
        """Yield the number of one of `maps` (N, H, W, C) and some regions on it, where the maps are.

        They are few enough for what lies between the products.
        """
        n, _, width, channels = maps.shape
        most = PIECE_VALUES if is_host(maps) else GPU_PIECE_VALUES
        for image in range(n):
            own = np.flatnonzero(image_index == image)
            for piece in split(len(own), size=most // (self.output_size[0] * width * channels)):
                yield image, like(own[piece], maps)


def _points_between(low: Array, high: Array, bins: int, samples: int) -> Array:
    """Return `samples` points in each of `bins` equal parts of `low` .. `high` (R,): (R, bins, samples)."""
    xp = array_namespace(low, high)
    part = xp.reshape(xp.arange(bins * samples, dtype=xp.float64), (bins, samples)) + 0.5
    return low[:, None, None] + part / (bins * samples) * (high - low)[:, None, None]


def _shares(points: Array, cells: int) -> Array:
    """Return how much each of `cells` counts in the mean over points (R, B, S): (R, B, cells)."""
    xp = array_namespace(points)
    near = (points >= -1) & (points <= cells)
    places = xp.arange(cells, dtype=xp.float64)
    away = xp.abs(clip(points, 0, cells - 1)[..., None] - places)  # (R, B, S, cells)
    return xp.mean(xp.where(near[..., None], xp.maximum(1 - away, 0.0), 0.0), axis=2)


def _rows_times(rows: Array, cells: Array) -> Array:
    """Return sums (r, P, W, C) of the rows of a map (H, W, C), weighted by `rows` (r, P, H)."""
    r, p, height = rows.shape
    return matmul(rows.reshape(r * p, height), cells.reshape(height, -1)).reshape(r, p, *cells.shape[1:])
