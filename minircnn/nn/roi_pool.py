"""Region-of-interest max pooling: any region of a map becomes a fixed grid."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from minircnn.arrays import Array, array_namespace, clip, is_host, like, read_numbers
from minircnn.kernels.layout import from_channels_last, to_channels_last
from minircnn.kernels.maxima import gpu_range_max, range_max
from minircnn.nn.checks import require_maps, require_positive, require_real, require_whole
from minircnn.nn.module import Module
from minircnn.profiling import stage


def split_cells(start: Array, size: Array, parts: int, limit: int) -> Array:
    """Cut runs of cells into `parts` bins, which overlap by a cell where the size is no multiple.

    Bin i of a run of w cells is ⌊i·w/parts⌋ .. ⌈(i+1)·w/parts⌉ (half-open, in exact integers), cut to
    0..`limit`. `start` and `size` are (R,); the result (R, parts, 2) holds first cell and end of every bin.
    """
    xp = array_namespace(start, size)
    i = xp.arange(parts, dtype=size.dtype)[None, :]  # (1, parts)
    low = start[:, None] + i * size[:, None] // parts
    high = start[:, None] - (-(i + 1) * size[:, None] // parts)
    return clip(xp.stack([low, high], axis=-1), 0, limit)


def grid_rectangles(rows: Array, columns: Array) -> Array:
    """Combine row bins (R, P, 2) and column bins (R, Q, 2) into rectangles (R, P·Q, 4).

    Top, bottom, left, right; half-open.
    """
    xp = array_namespace(rows, columns)
    (r, p, _), q = rows.shape, columns.shape[1]
    tall = xp.broadcast_to(rows[:, :, None, :], (r, p, q, 2))
    wide = xp.broadcast_to(columns[:, None, :, :], (r, p, q, 2))
    return xp.concat([tall, wide], axis=-1).reshape(r, p * q, 4)


class RegionPool(Module):
    """What RoI pooling and spatial pyramid pooling share: maxima over the bins of every region."""

    def __init__(self, spatial_scale: float) -> None:
        require_positive(spatial_scale=spatial_scale)
        self.spatial_scale = spatial_scale
        self._winners: Any = None

    def forward(self, features: Array, rois: Array, image_index: Array | None = None) -> Array:
        """Return the pooled regions `rois` (R, 4) of `features` (N, C, H, W)."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Return dLoss/dfeatures (N, C, H, W), given `dy` in the shape of the output."""
        raise NotImplementedError

    def __call__(self, features: Array, rois: Array, image_index: Array | None = None) -> Array:
        """Return ``forward(features, rois, image_index)``."""
        return self.forward(features, rois, image_index)

    def pool(self, features: Array, rectangles: Array, image_index: Array) -> Array:
        """Return maxima (R, C, B) over `rectangles` (R, B, 4) of `features` (N, C, H, W)."""
        maps, image_index = to_channels_last(features), like(image_index, features)
        keep = self.training and self.needs_input_grad
        maxima, self._winners = _algorithm(maps).rectangle_maxima(
            maps, rectangles, image_index, keep_winner=keep
        )
        return maxima

    def unpool(self, dy: Array) -> Array:
        """Return dLoss/dfeatures (N, C, H, W), given `dy` (R, C, B)."""
        winners = self.kept(self._winners)
        array_namespace(dy, *winners.places)  # refuses a mixture of libraries
        return from_channels_last(_algorithm(dy).scatter_to_winners(dy, winners))


def _algorithm(x: Array) -> ModuleType:
    return range_max if is_host(x) else gpu_range_max


def grid_size(output_size: int | tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of a grid, given both or one number for both; else raise ValueError."""
    try:
        rows, columns = output_size  # type: ignore[misc]
    except TypeError:
        rows = columns = output_size
    except ValueError:
        raise ValueError(f"output_size must be one number or two, got {output_size!r}") from None
    require_whole(1, output_rows=rows, output_columns=columns)
    return rows, columns


FARTHEST = 2.0**31
"""Pixels from the origin that a region's corner may lie away: its cells can be counted then."""


def check_regions(features: Array, rois: Array, image_index: Array | None) -> Array:
    """Raise ValueError unless `rois` is (R, 4) and finite and `image_index` (R,) numbers the maps `features`.

    Return the index: zeros (R,) where None was given for the regions of a single map. Regions and index may
    lie on the host while the maps are on a GPU: there they are looked at without waiting.
    """
    require_maps(features)
    require_real(rois, "rois")
    if image_index is None:
        if features.shape[0] != 1:
            raise ValueError(f"{features.shape[0]} maps: image_index must tell which one each region lies on")
        image_index = like(np.zeros(rois.shape[:1], dtype=np.int64), rois)
    require_real(image_index, "image_index")
    xp = array_namespace(rois, image_index)
    if not is_host(rois):
        array_namespace(features, rois)  # refuses a mixture of libraries
    if rois.ndim != 2 or rois.shape[1] != 4 or tuple(image_index.shape) != (rois.shape[0],):
        raise ValueError(
            "expected rois (R, 4) and image_index (R,), "
            f"got {tuple(rois.shape)} and {tuple(image_index.shape)}"
        )
    if not xp.isdtype(image_index.dtype, "integral"):
        raise ValueError(f"image_index must be whole numbers, got dtype {image_index.dtype}")
    rois = xp.astype(rois, xp.float64)  # half precision cannot be compared with `FARTHEST`
    good = xp.all(xp.abs(rois) <= FARTHEST, axis=1)  # False for NaN too
    on_maps = (image_index >= 0) & (image_index < features.shape[0])
    all_good, all_on_maps = read_numbers(xp.all(good), xp.all(on_maps))
    if not all_good:
        row = int(xp.argmin(xp.astype(good, xp.int8)))
        corners = [float(v) for v in rois[row, :]]
        raise ValueError(f"region {row} is {corners}: not finite, or beyond {FARTHEST:.0f} pixels")
    if not all_on_maps:
        raise ValueError(f"image_index must lie in 0..{features.shape[0] - 1}")
    return image_index


class RoIPool(RegionPool):
    """Max pooling of each region's cells into a fixed grid: section 2.1 of Fast R-CNN.

    As in the original Caffe layer a region covers the cells round(x1·scale) .. round((x2 − 1)·scale)
    inclusive, at least one, where round is ⌊v + ½⌋; bins beyond the map are empty and give 0; the gradient
    goes to the first of equal maxima. Bin edges are exact integers here (Caffe's float32 division can put an
    edge one cell too far).

    Parameters
    ----------
    output_size : int or (int, int)
        P bins down and Q bins across.
    spatial_scale : float
        Map cells per pixel of the image: 1 / stride.

    Raises
    ------
    ValueError
        If there is no bin, or the scale is not positive.

    Examples
    --------
    >>> from minircnn.nn import RoIPool
    >>> cells = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> pool = RoIPool(2, spatial_scale=1 / 16)
    >>> pool(cells, np.array([[0.0, 0, 48, 48]]))[0, 0]  # 3 × 3 cells: the bins share the middle ones
    array([[ 5.,  7.],
           [13., 15.]])
    """

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float) -> None:
        super().__init__(spatial_scale)
        self.output_size = grid_size(output_size)

    def cells(self, rois: Array) -> tuple[Array, Array]:
        """Return the first and the last cell of regions (R, 4), each (R, 2) int64 as x, y, both included.

        Not yet cut to the map. Regions on the same cells are pooled alike.
        """
        xp = array_namespace(rois)
        exact = xp.astype(rois, xp.float64)
        first = xp.astype(xp.floor(exact[:, :2] * self.spatial_scale + 0.5), xp.int64)
        last = xp.astype(xp.floor((exact[:, 2:] - 1) * self.spatial_scale + 0.5), xp.int64)
        return first, last

    def places(self, rois: Array) -> Array:
        """Return what decides the output for regions (R, 4): the numbers of their corner cells, (R, 4)."""
        return array_namespace(rois).concat(self.cells(rois), axis=1)

    def bins(self, rois: Array, map_size: tuple[int, int]) -> tuple[Array, Array]:
        """Return rows (R, P, 2) and columns (R, Q, 2) of all bins on a map of (H, W) cells, half-open."""
        xp = array_namespace(rois)
        first, last = self.cells(rois)
        size = xp.maximum(last - first + 1, 1)
        rows = split_cells(first[:, 1], size[:, 1], self.output_size[0], map_size[0])
        columns = split_cells(first[:, 0], size[:, 0], self.output_size[1], map_size[1])
        return rows, columns

    @stage("RoI pooling")
    def forward(self, features: Array, rois: Array, image_index: Array | None = None) -> Array:
        """Return the pooled regions.

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
            In this order in memory too: the fully connected layers read a region channel by channel.

        Raises
        ------
        ValueError
            If shapes disagree, a region is not finite or an index is out of range.
        """
        image_index = check_regions(features, rois, image_index)
        rows, columns = self.bins(rois, (features.shape[2], features.shape[3]))  # where the regions lie
        rectangles = grid_rectangles(like(rows, features), like(columns, features))
        pooled = self.pool(features, rectangles, image_index)  # (R, C, P·Q)
        return pooled.reshape(rois.shape[0], features.shape[1], *self.output_size)

    @stage("RoI pooling")
    def backward(self, dy: Array) -> Array:
        """Return dLoss/dfeatures (N, C, H, W), given `dy` (R, C, P, Q); shared maxima add up.

        The order in which a GPU adds does not matter: it adds whole numbers (see
        :func:`minircnn.kernels.maxima.gpu_range_max.exact_sums`).
        """
        if not self.needs_input_grad:
            return None
        p, q = self.output_size
        return self.unpool(dy.reshape(dy.shape[0], dy.shape[1], p * q))
