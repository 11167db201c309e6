"""Where a difference of Gaussians is larger, or smaller, than all around it (sections 3.1 and 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minircnn.features.sift.settings import SiftSettings

Float32 = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_BORDER = 5  # pixels along the rim where nothing is looked for
_STEPS = 5  # to the pixel nearest to the extremum, at most


@dataclass(frozen=True)
class Extrema:
    """Extrema of one octave, to a fraction of a pixel and of a level.

    Parameters
    ----------
    row, column, level : (n,) int array
        The nearest pixel.
    offset : (n, 3) float32 array
        From it to the extremum: x, y and level.
    contrast : (n,) float32 array
        Absolute value there, where white is 1.
    """

    row: Places
    column: Places
    level: Places
    offset: Float32
    contrast: Float32


def find_extrema(differences: Float32, settings: SiftSettings) -> Extrema:
    """Return the extrema of the differences (levels + 2, h, w) of one octave's blurs."""
    return _refine(differences, _candidates(differences, settings), settings)


def _candidates(differences: Float32, settings: SiftSettings) -> Places:
    """Return the places of pixels that no neighbour exceeds, of 26 at its own and the adjacent levels.

    Few pixels survive the first comparisons, so each is made for the survivors of the one before.
    """
    _, height, width = differences.shape
    if min(height, width) <= 2 * _BORDER:
        return np.zeros(0, np.int64)
    inner = np.zeros(differences.shape, np.bool_)
    middle = np.s_[1:-1, _BORDER:-_BORDER, _BORDER:-_BORDER]
    np.greater(np.abs(differences[middle]), np.float32(settings.least_difference), out=inner[middle])
    places = np.flatnonzero(inner)
    flat, exceeds = differences.reshape(-1), np.greater if settings.strict else np.greater_equal
    value = flat.take(places)
    sign = np.where(value > 0, np.float32(1), np.float32(-1))
    value *= sign
    for step in _neighbours(height, width):
        stays = exceeds(value, flat.take(places + step) * sign)
        places, value, sign = places[stays], value[stays], sign[stays]
    return places


def _neighbours(height: int, width: int) -> list[int]:
    """Return how far away the 26 neighbours of a pixel stand, the nearest of its own level first."""
    steps = [(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) != (0, 0, 0)]
    steps.sort(key=lambda step: (abs(step[0]), abs(step[1]) + abs(step[2])))
    return [z * height * width + y * width + x for z, y, x in steps]


def _refine(differences: Float32, places: Places, settings: SiftSettings) -> Extrema:
    """Fit a parabola to each candidate, and move to the pixel nearest to its peak until that stays."""
    shape, flat = differences.shape, differences.reshape(-1)
    kept, offsets = [], []
    for _ in range(_STEPS):
        offset = _peak(*_derivatives(flat, places, shape))
        settled = (np.abs(offset) < np.float32(0.5)).all(axis=1)
        kept.append(places[settled])
        offsets.append(offset[settled])
        places = _moved(places[~settled], offset[~settled], shape, settings.levels)
    return _worthy(flat, np.concatenate(kept), np.concatenate(offsets), shape, settings)


def _moved(places: Places, offset: Float32, shape: tuple[int, ...], levels: int) -> Places:
    """Return the pixels nearest to where the parabolas peak; those that leave the octave are dropped."""
    near = (np.abs(offset) < 1e6).all(axis=1)  # NaN is not
    x, y, z = np.rint(offset[near]).astype(np.int64).T
    level, row, column = np.unravel_index(places[near], shape)
    level, row, column = level + z, row + y, column + x
    inside = (level >= 1) & (level <= levels)
    for place, length in ((row, shape[1]), (column, shape[2])):
        inside &= (place >= _BORDER) & (place < length - _BORDER)
    moved: Places = np.ravel_multi_index((level[inside], row[inside], column[inside]), shape)
    return moved


def _derivatives(flat: Float32, places: Places, shape: tuple[int, ...]) -> tuple[Float32, Float32]:
    """Return gradient (n, 3) and Hessian (n, 3, 3) in x, y and level, by differences, where white is 1."""
    steps = (1, shape[2], shape[1] * shape[2])
    unit = np.float32(1) / np.float32(255)
    gradient = np.empty((len(places), 3), np.float32)
    hessian = np.empty((len(places), 3, 3), np.float32)
    twice = flat.take(places) * 2
    for i, one in enumerate(steps):
        after, before = flat.take(places + one), flat.take(places - one)
        gradient[:, i] = (after - before) * (unit * np.float32(0.5))
        hessian[:, i, i] = (after + before - twice) * unit
        for j in range(i):
            two = steps[j]
            mixed = flat.take(places + one + two) - flat.take(places + one - two)
            mixed += flat.take(places - one - two) - flat.take(places - one + two)
            hessian[:, i, j] = hessian[:, j, i] = mixed * (unit * np.float32(0.25))
    return gradient, hessian


def _peak(gradient: Float32, hessian: Float32) -> Float32:
    """Return where (n, 3) the parabolas peak, by Cramer's rule; 0 where they have no peak."""
    columns = [hessian[:, :, i] for i in range(3)]
    determinant = _determinant(*columns)
    flat = determinant == 0
    scale = np.where(flat, np.float32(0), -1 / np.where(flat, np.float32(1), determinant))
    replaced = [[gradient if i == j else columns[j] for j in range(3)] for i in range(3)]
    peak: Float32 = np.stack([_determinant(*three) * scale for three in replaced], axis=1)
    return peak


def _determinant(a: Float32, b: Float32, c: Float32) -> Float32:
    """Return the determinants (n,) of matrices with the columns (n, 3)."""
    total: Float32 = (
        a[:, 0] * (b[:, 1] * c[:, 2] - b[:, 2] * c[:, 1])
        - b[:, 0] * (a[:, 1] * c[:, 2] - a[:, 2] * c[:, 1])
        + c[:, 0] * (a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1])
    )
    return total


def _worthy(
    flat: Float32, places: Places, offset: Float32, shape: tuple[int, ...], settings: SiftSettings
) -> Extrema:
    """Drop what has little contrast or lies on an edge (sections 4 and 4.1)."""
    gradient, hessian = _derivatives(flat, places, shape)
    value = flat.take(places) * (np.float32(1) / np.float32(255)) + (gradient * offset).sum(axis=1) / 2
    trace = hessian[:, 0, 0] + hessian[:, 1, 1]
    determinant = hessian[:, 0, 0] * hessian[:, 1, 1] - hessian[:, 0, 1] ** 2
    ratio = np.float32(settings.edge_ratio)
    worthy = (np.abs(value) >= np.float32(settings.contrast)) & (determinant > 0)
    worthy &= trace * trace * ratio < (ratio + 1) ** 2 * determinant
    level, row, column = np.unravel_index(places[worthy], shape)
    return Extrema(row, column, level, offset[worthy], np.abs(value[worthy]))
