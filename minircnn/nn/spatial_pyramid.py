"""Spatial pyramid pooling: any region of a map becomes one vector."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace, clip, like
from minircnn.checks import checked, each, whole
from minircnn.nn.roi_pool import RegionPool, check_regions, grid_rectangles, split_cells
from minircnn.profiling import stage


class SpatialPyramidPool(RegionPool):
    """Max pooling of each region into grids of several sizes: He et al. (2014), "Spatial pyramid pooling".

    As in the paper, cell j of the map stands for the image position j / scale. A region covers the cells
    whose positions lie inside it: ⌊x1·scale⌋ + 1 .. ⌈x2·scale⌉ − 1 (the paper's appendix A), cut at the map,
    and at least one. Level l cuts a region of w cells into l × l bins, ⌊i·w/l⌋ .. ⌈(i+1)·w/l⌉, so none is
    empty.

    Parameters
    ----------
    levels : tuple of int
        Bins along each side of every level, e.g. ``(1, 2, 3, 6)``: 50 bins.
    spatial_scale : float
        Map cells per pixel of the image: 1 / stride.

    Raises
    ------
    ValueError
        If there is no level or no bin in one, or the scale is not positive.

    Examples
    --------
    >>> from minircnn.nn import SpatialPyramidPool
    >>> cells = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> SpatialPyramidPool((1, 2), spatial_scale=1)(cells, np.array([[-1.0, -1, 4, 4]]))
    array([[15.,  5.,  7., 13., 15.]])
    """

    def __init__(self, levels: tuple[int, ...], spatial_scale: float) -> None:
        super().__init__(spatial_scale)
        self.levels: tuple[int, ...] = checked("levels", levels, each(whole(1), least=1))

    @stage("pyramid pooling")
    def forward(self, features: Array, rois: Array, image_index: Array | None = None) -> Array:
        """Return the pyramids.

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
        (R, C·Σl²) float array
            Level after level; within one, channel after channel; within that, bins in reading order.

        Raises
        ------
        ValueError
            If shapes disagree, a region is not finite or an index is out of range.
        """
        image_index = check_regions(features, rois, image_index)
        xp = array_namespace(features)
        n_rois, channels = rois.shape[0], features.shape[1]
        bins = self.bins(rois, (features.shape[2], features.shape[3]))  # where the regions lie
        grids = [grid_rectangles(like(rows, features), like(columns, features)) for rows, columns in bins]
        rectangles = xp.concat(grids, axis=1)
        pooled = self.pool(features, rectangles, image_index)  # (R, C, Σl²)
        parts = [
            pooled[:, :, bins].reshape(n_rois, channels * bins_of) for bins, bins_of in self._level_bins()
        ]
        return xp.concat(parts, axis=1)

    @stage("pyramid pooling")
    def backward(self, dy: Array) -> Array:
        """Return dLoss/dfeatures (N, C, H, W), given `dy` (R, C·Σl²); shared maxima add up."""
        if not self.needs_input_grad:
            return None
        xp = array_namespace(dy)
        n_rois, channels = dy.shape[0], dy.shape[1] // sum(level * level for level in self.levels)
        parts = [
            dy[:, bins.start * channels : bins.stop * channels].reshape(n_rois, channels, count)
            for bins, count in self._level_bins()
        ]
        return self.unpool(xp.concat(parts, axis=2))

    def bins(self, rois: Array, map_size: tuple[int, int]) -> list[tuple[Array, Array]]:
        """Return, per level l, rows and columns (R, l, 2) of the bins on a map of (H, W), half-open."""
        rows = self._cells(rois[:, 1], rois[:, 3], map_size[0])
        columns = self._cells(rois[:, 0], rois[:, 2], map_size[1])
        return [
            (split_cells(*rows, level, map_size[0]), split_cells(*columns, level, map_size[1]))
            for level in self.levels
        ]

    def _level_bins(self) -> list[tuple[slice, int]]:
        """Return each level's slice of all bins, and their number."""
        bins, start = [], 0
        for level in self.levels:
            bins.append((slice(start, start + level * level), level * level))
            start += level * level
        return bins

    def _cells(self, low: Array, high: Array, limit: int) -> tuple[Array, Array]:
        """Return the first cell and the number of cells inside `low`..`high` (R,), in pixels."""
        xp = array_namespace(low, high)
        first = xp.floor(xp.astype(low, xp.float64) * self.spatial_scale) + 1
        last = xp.ceil(xp.astype(high, xp.float64) * self.spatial_scale) - 1
        first = clip(first, 0, limit - 1)
        size = xp.maximum(xp.minimum(last, limit - 1) - first + 1, 1.0)
        return xp.astype(first, xp.int64), xp.astype(size, xp.int64)
