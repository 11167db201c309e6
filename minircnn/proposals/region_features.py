"""What selective search knows of a region: histograms of colour and texture, size and bounding box.

Uijlings et al. 2013, section 3.2. Histograms of a photo's initial regions are counted here; those of
merged regions follow from their parts (see :mod:`minircnn.proposals.hierarchy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minircnn.imaging.filters import gaussian_gradient

COLOUR_BINS = 25
TEXTURE_BINS = 10
ORIENTATIONS = 8
TEXTURE_SIGMA = 1.0
_FLAT = 1e-3  # weaker responses, of 255, are rounding errors
_Labels = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class RegionFeatures:
    """Features of n regions.

    Parameters
    ----------
    colour : (n, 25·C) float32 array
        Sums to 1 per region.
    texture : (n, 80·C) float32 array
        Sums to 1 per region.
    size : (n,) float64 array
        Pixels.
    boxes : (n, 4) float64 array
        Tight bounding boxes, half-open.
    """

    colour: npt.NDArray[np.float32]
    texture: npt.NDArray[np.float32]
    size: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64]


def region_features(
    labels: _Labels, colour_bins: _Labels, texture_bins: npt.NDArray[np.integer[Any]]
) -> RegionFeatures:
    """Collect the features of the regions of a segmentation.

    Parameters
    ----------
    labels : (H, W) int array
        Region of every pixel, 0..n-1, each used.
    colour_bins : (C, H, W) int array
        From :func:`quantise_colour`.
    texture_bins : (C·4, H, W) int array
        From :func:`quantise_texture`.
    """
    size = np.bincount(labels.ravel())
    colour = _histograms(labels, colour_bins, COLOUR_BINS, len(size))
    signed = _histograms(labels, texture_bins, 2 * TEXTURE_BINS, len(size))
    texture = _rectify(signed, size)
    return RegionFeatures(
        _normalise(colour), _normalise(texture), size.astype(np.float64), _bounding_boxes(labels, len(size))
    )


def quantise_colour(channels: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Return the bin 0..24 of every pixel in every channel, (C, H, W), for (H, W, C) in 0..255."""
    planes = np.moveaxis(channels, 2, 0)
    return np.ascontiguousarray(planes * np.float32(COLOUR_BINS / 256)).astype(np.int32)


def quantise_texture(channels: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Return the bins of the Gaussian derivatives along 4 axes, (C·4, H, W), for (H, W, C).

    An axis stands for two of the eight orientations: bins 0..9 hold responses to one side, strongest
    first, bins 10..19 those to the other. The ten bins of a channel reach up to its strongest response
    in this photo: fixed bins up to the strongest possible one would leave 93 to 100 % of the responses
    in the first bin, in a* and b* all of them.
    """
    height, width, count = channels.shape
    bins = np.empty((count, ORIENTATIONS // 2, height, width), dtype=np.int32)
    slanted = np.float32(0.5**0.5)
    for channel in range(count):
        right, down = gaussian_gradient(np.ascontiguousarray(channels[..., channel]), TEXTURE_SIGMA)
        axes = (right, (right + down) * slanted, down, (down - right) * slanted)
        strongest = max(float(np.abs(response).max()) for response in axes)
        scale = np.float32(TEXTURE_BINS / strongest if strongest > _FLAT else 0)
        for axis, response in enumerate(axes):
            # shifted to positive numbers, where truncation rounds down
            shifted = np.clip(response * scale + TEXTURE_BINS, 0, 2 * TEXTURE_BINS - 0.5)
            bins[channel, axis] = shifted.astype(np.int32)
    return bins.reshape(-1, height, width)


def _histograms(labels: _Labels, bins: _Labels, count: int, regions: int) -> npt.NDArray[np.intp]:
    """Count `bins` (F, H, W) per region: (regions, F, count)."""
    start = labels.ravel().astype(np.intp) * count
    counted = [np.bincount(start + b.ravel(), minlength=regions * count) for b in bins]
    return np.stack(counted).reshape(len(bins), regions, count).transpose(1, 0, 2)


def _rectify(signed: npt.NDArray[np.intp], size: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Split histograms over signed responses, (n, F, 20), into those of two orientations, (n, F, 2, 10).

    To each of them a response to the other side counts as zero, which lies in the weakest bin.
    """
    sides = np.stack([signed[..., TEXTURE_BINS:], signed[..., TEXTURE_BINS - 1 :: -1]], axis=2)
    sides[..., 0] += size[:, None, None] - sides.sum(axis=3)
    return sides


def _normalise(counts: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    flat = counts.reshape(len(counts), -1)
    shares: npt.NDArray[np.float32] = (flat / flat.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _bounding_boxes(labels: _Labels, regions: int) -> npt.NDArray[np.float64]:
    """Return the tight half-open box of every region, (n, 4)."""
    height, width = labels.shape
    boxes = np.empty((regions, 4))
    by_row, by_column = (grid.astype(np.intp).ravel() for grid in (labels, labels.T))
    y, x = np.repeat(np.arange(height), width), np.repeat(np.arange(width), height)
    # of repeated assignments the last one stays: the lowest pixel, then the highest, and so on
    for side, place, region in ((1, y, by_row), (0, x, by_column)):
        last, first = np.empty(regions), np.empty(regions)
        last[region] = place
        first[region[::-1]] = place[::-1]
        boxes[:, side], boxes[:, side + 2] = first, last + 1
    return boxes


def neighbouring_regions(labels: _Labels, connectivity: int = 8) -> npt.NDArray[np.intp]:
    """Return the pairs of regions that touch, (P, 2), the smaller label first, in ascending order.

    Parameters
    ----------
    labels : (H, W) int array
    connectivity : {4, 8}
        Whether pixels that share only a corner touch.
    """
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity must be 4 or 8, got {connectivity}")
    sides = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    if connectivity == 8:
        sides += [(labels[:-1, :-1], labels[1:, 1:]), (labels[:-1, 1:], labels[1:, :-1])]
    keys = []
    count = int(labels.max()) + 1
    for a, b in sides:
        differ = np.flatnonzero(a != b)
        left, right = a.ravel().take(differ).astype(np.intp), b.ravel().take(differ).astype(np.intp)
        keys.append(np.minimum(left, right) * count + np.maximum(left, right))
    key = np.sort(np.concatenate(keys))
    key = key[np.append(True, key[1:] != key[:-1])[: len(key)]]
    return np.stack([key // count, key % count], axis=1)
