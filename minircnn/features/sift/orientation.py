"""Which way the surroundings of a key point run: peaks of a histogram of gradient directions (section 5)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from minircnn.features.sift.gradients import Places, gradients
from minircnn.features.sift.settings import SiftSettings

Float32 = npt.NDArray[np.float32]

BINS = 36
_WINDOW, _REACH = 1.5, 3  # σ of the window in scales of the key point, and where it ends in σ
_PEAK = 0.8  # of the highest peak
_SAMPLES = 1 << 17  # gradients looked at together


def orientation_histograms(
    pixels: Float32,
    start: Places,
    size: npt.NDArray[np.int64],
    centre: npt.NDArray[np.int64],
    scale: Float32,
    settings: SiftSettings,
) -> Float32:
    """Return histograms (n, 36) of the gradients around n key points.

    Parameters
    ----------
    pixels : (p,) float32 array
        Of the pyramid.
    start : (n,) int array
        Where in `pixels` the level of each key point begins.
    size : (n, 2) int array
        Height and width of that level.
    centre : (n, 2) int array
        Row and column of the key point in it.
    scale : (n,) float32 array
        Its σ in pixels of the level.
    """
    histograms = np.zeros((len(start), BINS), np.float32)
    radius = np.rint(_WINDOW * _REACH * scale).astype(np.int64)
    for some, reach in windows(radius):
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, 1, -1)
        row, column = centre[some, :1] + y, centre[some, 1:] + x  # (m, window)
        inside = (row > 0) & (row < size[some, :1] - 1) & (column > 0) & (column < size[some, 1:] - 1)
        point, _ = np.nonzero(inside)
        stride = size[some, 1]
        places = (start[some, None] + row * stride[:, None] + column)[inside]
        length, angle = gradients(pixels, places, stride[point], polynomial=settings.polynomial_angles)
        sigma = np.float32(_WINDOW) * scale[some, None]
        weight = np.exp((x * x + y * y) * (-1 / (2 * sigma * sigma)))[inside]
        bins = np.rint(angle * np.float32(BINS / 360)).astype(np.int64) % BINS
        votes = np.bincount(point * BINS + bins, weight * length, len(some) * BINS)
        histograms[some] = votes.reshape(len(some), BINS)
    return _smoothed(histograms) if settings.smooth_histogram else histograms


def windows(radius: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Yield rows whose windows have one radius, a bounded number of pixels at a time, and the radius."""
    for reach in np.unique(radius):
        rows = np.flatnonzero(radius == reach)
        step = max(1, _SAMPLES // (2 * int(reach) + 1) ** 2)
        for first in range(0, len(rows), step):
            yield rows[first : first + step], int(reach)


def _smoothed(histograms: Float32) -> Float32:
    """Filter histograms (n, 36), which are circles, with 1 4 6 4 1 over 16."""
    shifted = {k: np.roll(histograms, k, axis=1) for k in (-2, -1, 1, 2)}
    sixteenth = np.float32(1 / 16)
    smooth: Float32 = (shifted[2] + shifted[-2]) * sixteenth
    smooth += (shifted[1] + shifted[-1]) * (4 * sixteenth)
    smooth += histograms * (6 * sixteenth)
    return smooth


def peaks(histograms: Float32) -> tuple[npt.NDArray[np.int64], Float32]:
    """Return key point and angle of every peak of at least 80 % of its histogram's highest.

    A parabola through the peak and its two neighbours tells the angle, in degrees from the x axis upwards.
    """
    before, after = np.roll(histograms, 1, axis=1), np.roll(histograms, -1, axis=1)
    high = histograms >= histograms.max(axis=1, keepdims=True) * np.float32(_PEAK)
    point, bins = np.nonzero((histograms > before) & (histograms > after) & high)
    left, peak, right = (part[point, bins] for part in (before, histograms, after))
    place = bins.astype(np.float32) + np.float32(0.5) * (left - right) / (left - 2 * peak + right)
    angle: Float32 = np.mod(place, np.float32(BINS)) * np.float32(360 / BINS)
    return point, angle
