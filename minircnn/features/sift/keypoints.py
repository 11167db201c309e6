"""SIFT: key points that are found again at another scale and angle, and what surrounds each in 128 numbers.

Lowe, *Distinctive image features from scale-invariant keypoints*, IJCV 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.features.sift.descriptors import LENGTH, describe_points
from minircnn.features.sift.extrema import Extrema, find_extrema
from minircnn.features.sift.orientation import orientation_histograms, peaks
from minircnn.features.sift.pyramid import GaussianPyramid, gaussian_pyramid
from minircnn.features.sift.settings import SiftSettings
from minircnn.profiling import stage
from minircnn.structures import ImageArray, IntArray

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class KeyPoints:
    """Key points of a photo.

    Parameters
    ----------
    xy : (n, 2) float32 array
        Positions in pixels of the photo: half-open, so that the centre of the first pixel is (½, ½), unless
        the settings say ``legacy_quarter_pixel``.
    sizes : (n,) float32 array
        Twice the σ at which each was found, in pixels of the photo.
    angles : (n,) float32 array
        Degrees from the x axis towards the y axis, clockwise as one sees the photo, 0..360.
    contrasts : (n,) float32 array
        Absolute value of the difference of Gaussians, where white is 1.
    octaves, levels : (n,) int array
        Where in the pyramid each was found; octave 0 is the doubled photo.
    """

    xy: Float32
    sizes: Float32
    angles: Float32
    contrasts: Float32
    octaves: IntArray
    levels: IntArray

    def __len__(self) -> int:
        return len(self.xy)

    def rows(self, chosen: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> KeyPoints:
        """Return those that are `chosen`, by numbers or by a mask."""
        return KeyPoints(
            self.xy[chosen],
            self.sizes[chosen],
            self.angles[chosen],
            self.contrasts[chosen],
            self.octaves[chosen],
            self.levels[chosen],
        )


def sift_features(image: ImageArray, settings: SiftSettings | None = None) -> tuple[KeyPoints, Float32]:
    """Find the key points of a photo and describe what surrounds each.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 array
        Grey or RGB.
    settings : SiftSettings, optional
        Default: the paper's; ``SIFT_STYLES["opencv"]`` gives OpenCV's numbers.

    Returns
    -------
    keypoints : KeyPoints
        Sorted by position.
    descriptors : (n, 128) float32 array
        Unit vectors; with ``whole_numbers`` 0..255.

    Raises
    ------
    ValueError
        If `image` is no photo.
    """
    settings = settings or SiftSettings()
    pyramid = gaussian_pyramid(image, settings)
    keypoints = find_keypoints(pyramid, settings)
    return keypoints, describe(pyramid, keypoints, settings)


@stage("key points")
def find_keypoints(pyramid: GaussianPyramid, settings: SiftSettings) -> KeyPoints:
    """Return the key points of a photo, given its pyramid: a place with several orientations is several."""
    found = [find_extrema(np.diff(octave, axis=0), settings) for octave in pyramid.octaves]
    octave = np.repeat(np.arange(len(found)), [len(extrema.row) for extrema in found])
    row, column, level, offset, contrast = (
        np.concatenate([getattr(extrema, name) for extrema in found]) for name in _FIELDS
    )
    factor = np.float32(2) ** octave.astype(np.float32)
    exponent = (level.astype(np.float32) + offset[:, 2]) / np.float32(settings.levels)
    scale = np.float32(settings.sigma) * np.float32(2) ** exponent  # in pixels of the octave
    start, size = _levels(pyramid, octave, level)
    histograms = orientation_histograms(
        pyramid.pixels, start, size, np.stack([row, column], axis=1), scale, settings
    )
    point, angle = peaks(histograms)
    place = np.stack([column, row], axis=1).astype(np.float32) + offset[:, :2]
    xy = _from_doubled(place * factor[:, None], settings)
    clockwise = np.mod(np.float32(360) - angle, np.float32(360))
    every = KeyPoints(
        xy[point], (scale * factor)[point], clockwise, contrast[point], octave[point], level[point]
    )
    return _strongest(_distinct(every), settings.limit)


_FIELDS = tuple(Extrema.__dataclass_fields__)


@stage("descriptors")
def describe(pyramid: GaussianPyramid, keypoints: KeyPoints, settings: SiftSettings) -> Float32:
    """Return the descriptors (n, 128) of `keypoints`, which may be any whose octaves the pyramid has."""
    if len(keypoints) == 0:
        return np.zeros((0, LENGTH), np.float32)
    if keypoints.octaves.min() < 0 or keypoints.octaves.max() >= len(pyramid.octaves):
        raise ValueError(
            f"the key points are of octaves {keypoints.octaves.min()} to {keypoints.octaves.max()}, and the "
            f"pyramid has 0 to {len(pyramid.octaves) - 1}: are they those of another photo?"
        )
    factor = np.float32(2) ** keypoints.octaves.astype(np.float32)
    place = _to_doubled(keypoints.xy, settings) / factor[:, None]
    start, size = _levels(pyramid, keypoints.octaves, keypoints.levels)
    centre = np.rint(place[:, ::-1]).astype(np.int64)
    upwards = np.mod(np.float32(360) - keypoints.angles, np.float32(360))
    return describe_points(pyramid.pixels, start, size, centre, keypoints.sizes / factor, upwards, settings)


def _levels(
    pyramid: GaussianPyramid, octave: IntArray, level: IntArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each level begins in the buffer (n,), and its height and width (n, 2)."""
    sizes = np.array([part.shape[1:] for part in pyramid.octaves], np.int64)[octave]
    start: npt.NDArray[np.int64] = pyramid.starts[octave] + level * sizes[:, 0] * sizes[:, 1]
    return start, sizes


def _from_doubled(place: Float32, settings: SiftSettings) -> Float32:
    """Return where in the photo the centre of pixel u of the doubled one lies: at (u + ½) / 2."""
    shift = np.float32(0 if settings.legacy_quarter_pixel else 0.5)
    xy: Float32 = (place + shift) * np.float32(0.5)
    return xy


def _to_doubled(xy: Float32, settings: SiftSettings) -> Float32:
    shift = np.float32(0 if settings.legacy_quarter_pixel else 0.5)
    place: Float32 = xy * np.float32(2) - shift
    return place


def _distinct(keypoints: KeyPoints) -> KeyPoints:
    """Return each key point once, sorted by position: two candidates may have moved to one extremum."""
    parts = [keypoints.xy, keypoints.sizes[:, None], keypoints.angles[:, None]]
    _, first = np.unique(np.concatenate(parts, axis=1), axis=0, return_index=True)
    return keypoints.rows(first)


def _strongest(keypoints: KeyPoints, limit: int | None) -> KeyPoints:
    """Return the `limit` key points of the largest contrast, in the order they have."""
    if limit is None or len(keypoints) <= limit:
        return keypoints
    best = np.argsort(-keypoints.contrasts, kind="stable")[:limit]
    return keypoints.rows(np.sort(best))
