"""The photo at all scales: octaves of ever stronger blur, each blur two products with a banded matrix.

A separable filter on 64 rows is the product of a 64 × (64 + taps − 1) matrix, the kernel shifted by one
from row to row, with the rows that they see: more arithmetic than a filter needs, and far faster.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.features.sift.settings import SiftSettings
from minircnn.imaging import as_grey
from minircnn.profiling import stage
from minircnn.structures import ImageArray

Float32 = npt.NDArray[np.float32]

_BLOCK = 64
_LEAST_BLUR = 0.1  # of a step, where the photo is blurred enough already (OpenCV)
_REACH = 4  # standard deviations to either side


@dataclass(frozen=True)
class GaussianPyramid:
    """Blurred copies of a photo, all in one buffer, so that one table of places serves all of them.

    Parameters
    ----------
    pixels : (n,) float32 array
        Grey levels 0..255 of all levels of all octaves.
    octaves : tuple of (levels + 3, h, w) float32 array
        Views into `pixels`. The first octave is twice as large as the photo, each further half as large.
    starts : (octaves,) int array
        Where in `pixels` each begins.
    """

    pixels: Float32
    octaves: tuple[Float32, ...]
    starts: npt.NDArray[np.int64]


@stage("Gaussian pyramid")
def gaussian_pyramid(image: ImageArray, settings: SiftSettings) -> GaussianPyramid:
    """Blur a photo, (H, W) grey or (H, W, 3) RGB uint8, to all scales (section 3.3).

    The first octave is the photo doubled by linear interpolation; each octave begins with every second pixel
    of the level of twice the blur in the one before.
    """
    grey = as_grey(image).astype(np.float32)
    shapes = list(_octave_shapes(2 * grey.shape[0], 2 * grey.shape[1]))
    count, steps = settings.levels + 3, _steps(settings)
    starts = np.cumsum([0, *(count * h * w for h, w in shapes)])
    pixels = np.empty(starts[-1], np.float32)
    octaves: list[Float32] = []
    for (height, width), start in zip(shapes, starts[:-1], strict=True):
        octave = pixels[start : start + count * height * width].reshape(count, height, width)
        if octaves:
            octave[0] = octaves[-1][settings.levels, : 2 * height : 2, : 2 * width : 2]
        else:
            octave[0] = blur(_doubled(_doubled(grey).T).T, _first_step(settings))
        for level, step in enumerate(steps, start=1):
            octave[level] = blur(octave[level - 1], step)
        octaves.append(octave)
    return GaussianPyramid(pixels, tuple(octaves), starts[:-1])


def _octave_shapes(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the sizes of the octaves of a doubled photo; the last has a shorter side of about 4 to 8."""
    for _ in range(max(round(math.log2(min(height, width)) - 2) + 1, 1)):
        if min(height, width) < 1:
            return
        yield height, width
        height, width = height // 2, width // 2


def _first_step(settings: SiftSettings) -> float:
    """Return the blur that a doubled photo lacks to the first level."""
    return math.sqrt(max(settings.sigma**2 - (2 * settings.camera_blur) ** 2, _LEAST_BLUR**2))


def _steps(settings: SiftSettings) -> list[float]:
    """Return the blur by which each level of an octave differs from the one before."""
    factor = 2 ** (1 / settings.levels)
    widths = [settings.sigma * factor**level for level in range(settings.levels + 3)]
    return [math.sqrt((wide * factor) ** 2 - wide**2) for wide in widths[:-1]]


def _doubled(image: Float32) -> Float32:
    """Return `image` with twice the rows, interpolated: a row's two halves lie a quarter to its sides."""
    before, after = np.concatenate([image[:1], image[:-1]]), np.concatenate([image[1:], image[-1:]])
    quarter, rest = np.float32(0.25), np.float32(0.75)
    rows = np.empty((2 * len(image), *image.shape[1:]), np.float32)
    rows[::2] = before * quarter + image * rest
    rows[1::2] = image * rest + after * quarter
    return rows


def blur(image: Float32, sigma: float) -> Float32:
    """Blur (H, W) `image` with a Gaussian of `sigma` pixels, its border mirrored about the last pixel."""
    kernel = _kernel(sigma)
    across: Float32 = _filter_rows(np.ascontiguousarray(_filter_rows(image, kernel).T), kernel)
    return across.T


def _kernel(sigma: float) -> Float32:
    """Return a Gaussian that sums to 1, of as many taps as OpenCV gives it."""
    taps = round(2 * _REACH * sigma + 1) | 1
    x = np.arange(taps) - taps // 2
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    values: Float32 = (kernel / kernel.sum()).astype(np.float32)
    return values


def _filter_rows(image: Float32, kernel: Float32) -> Float32:
    """Return the columns of (H, W) `image`, each filtered with `kernel`."""
    height, radius = len(image), len(kernel) // 2
    padded = image[_mirrored(np.arange(-radius, height + radius), height)]
    block = min(_BLOCK, height)
    band = np.zeros((block, block + 2 * radius), np.float32)
    for row in range(block):
        band[row, row : row + len(kernel)] = kernel
    out = np.empty_like(image, order="C")
    for start in range(0, height, block):
        rows = min(block, height - start)
        seen = padded[start : start + rows + 2 * radius]
        np.matmul(band[:rows, : len(seen)], seen, out=out[start : start + rows])
    return out


def _mirrored(index: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Bring indices into 0..length−1, mirrored about the first and the last."""
    if length == 1:
        return np.zeros_like(index)
    period = 2 * (length - 1)
    inside = np.mod(index, period)
    mirrored: npt.NDArray[np.int64] = np.minimum(inside, period - inside)
    return mirrored
