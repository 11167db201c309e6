"""What selective search compares: colour, texture, size and shape of two regions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minircnn.structures import BoolArray, FloatArray, IntArray
from minircnn.textbook.filters import gaussian_gradient

COLOR_BINS, TEXTURE_BINS = 25, 10


@dataclass(frozen=True)
class Region:
    """Size in pixels, tight box x1, y1, x2, y2 and two histograms, each of which sums to 1."""

    size: int
    box: tuple[int, int, int, int]
    color: FloatArray  # (25·C,)
    texture: FloatArray  # (8·10·C,)


def describe_region(mask: BoolArray, color: IntArray, texture: IntArray) -> Region:
    """Return the region of the pixels in `mask` (H, W), given all pixels' bins (H, W, C) and (H, W, 8·C)."""
    y, x = np.nonzero(mask)
    box = (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)
    return Region(len(y), box, _histogram(mask, color, COLOR_BINS), _histogram(mask, texture, TEXTURE_BINS))


def merge_regions(a: Region, b: Region) -> Region:
    """Return the union of two regions, its histograms by size (Uijlings et al. 2013, equation 2)."""
    size = a.size + b.size
    box = (*map(min, a.box[:2], b.box[:2]), *map(max, a.box[2:], b.box[2:]))
    color = (a.size * a.color + b.size * b.color) / size
    texture = (a.size * a.texture + b.size * b.texture) / size
    return Region(size, (box[0], box[1], box[2], box[3]), color, texture)


def similarities(a: Region, b: Region, pixels: int) -> dict[str, float]:
    """Return the four similarities C, T, S and F of two regions of a photo of so many pixels.

    Uijlings et al. 2013, section 3.2, equations 1 and 3 to 5.
    """
    both = merge_regions(a, b)
    box_area = (both.box[2] - both.box[0]) * (both.box[3] - both.box[1])
    return {
        "C": float(np.minimum(a.color, b.color).sum()),
        "T": float(np.minimum(a.texture, b.texture).sum()),
        "S": 1 - both.size / pixels,
        "F": 1 - (box_area - both.size) / pixels,
    }


def color_bins(channels: FloatArray) -> IntArray:
    """Return the bin, 0 to 24, of every value 0..255 of `channels` (H, W, C)."""
    bins = np.zeros(channels.shape, dtype=int)
    for place in np.ndindex(channels.shape):
        bins[place] = int(channels[place] * COLOR_BINS / 256)
    return bins


def texture_bins(channels: FloatArray) -> IntArray:
    """Return the bins (H, W, 8·C), 0 to 9, of Gaussian derivatives in eight directions (sigma 1).

    Uijlings et al. 2013, section 3.2. Ten bins reach from 0 to the strongest response of the channel; a slope
    in the opposite direction counts as 0.
    """
    height, width, count = channels.shape
    bins = np.zeros((height, width, count, 8), dtype=int)
    for channel in range(count):
        right, down = gaussian_gradient(channels[:, :, channel], 1.0)
        turns = [direction * math.pi / 4 for direction in range(8)]
        responses = [math.cos(turn) * right + math.sin(turn) * down for turn in turns]
        strongest = max(float(response.max()) for response in responses)
        if strongest > 1e-3:  # else the channel is flat
            for direction, response in enumerate(responses):
                for y, x in np.ndindex(height, width):
                    strength = max(float(response[y, x]), 0.0) / strongest
                    bins[y, x, channel, direction] = min(int(strength * TEXTURE_BINS), TEXTURE_BINS - 1)
    return bins.reshape(height, width, 8 * count)


def neighbouring_pairs(labels: IntArray, connectivity: int = 8) -> list[tuple[int, int]]:
    """Return the pairs of labels of which two pixels touch, at a side or, with 8 neighbours, at a corner."""
    height, width = labels.shape
    pairs = set()
    for down, right in [(0, 1), (1, 0), (1, 1), (1, -1)][: connectivity // 2]:
        for y in range(height - down):
            for x in range(max(0, -right), min(width, width - right)):
                a, b = int(labels[y, x]), int(labels[y + down, x + right])
                if a != b:
                    pairs.add((min(a, b), max(a, b)))
    return sorted(pairs)


def _histogram(mask: BoolArray, bins: IntArray, count: int) -> FloatArray:
    """Count the bins (H, W, F) of the pixels in `mask`, for each of F by itself; return shares (F·count,)."""
    histogram = np.zeros((bins.shape[2], count))
    for y, x in zip(*np.nonzero(mask), strict=True):
        histogram[np.arange(len(histogram)), bins[y, x]] += 1  # one in each plane
    shares: FloatArray = histogram.ravel() / histogram.sum()
    return shares
