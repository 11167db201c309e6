"""Anchors that suit given objects: how well a set of them can fit, and a set that fits well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from minircnn.arrays import Array, to_host
from minircnn.boxes.anchors import AnchorSettings, base_anchors
from minircnn.boxes.geometry import as_boxes, box_iou
from minircnn.checks import checked, real, whole

_OBJECT = 0.7  # IoU from which an anchor is an object's
_BEYOND = 0.1  # weight of what lies above it
_FIRST_STEP, _LAST_STEP = 0.3, 0.002  # of the logarithms of ratios and sizes
_TRIFLE = 1e-9  # less is rounding
_ENOUGH = 20_000  # objects
_DIGITS = 3  # of the numbers suggested: they are to be typed

Floats = npt.NDArray[np.float64]


def best_anchor_iou(objects: Array, settings: AnchorSettings, stride: float) -> Floats:
    """Return the largest IoU (G,) of each object with an anchor: what no training can exceed.

    Of all cells the nearest one counts: there an anchor of any shape overlaps the object most. The map is
    taken to reach as far as the objects do, and anchors may stick out of the photo, where training leaves
    them out.

    Parameters
    ----------
    objects : (G, 4) array
        In pixels of the network's input. Anything is brought to the host.
    settings : AnchorSettings
    stride : float
        Pixels of the network's input from cell to cell.

    Raises
    ------
    ValueError
        If a coordinate is not finite or the stride not positive.

    Examples
    --------
    >>> from minircnn.boxes import AnchorSettings, best_anchor_iou
    >>> anchors = AnchorSettings(base_size=16, ratios=(1.0,), scales=(2.0,))  # 32 × 32
    >>> best_anchor_iou([[8, 8, 40, 40], [8, 8, 40, 24]], anchors, stride=16)
    array([1. , 0.5])
    """
    boxes = as_boxes(to_host(objects), "objects").astype(np.float64)  # (G, 4)
    stride = checked("stride", stride, real(0, above=True))
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2  # (G, 2)
    cell = np.maximum(np.rint((centre - settings.base_size / 2) / stride), 0)  # (G, 2): column and row
    # instead of the anchors' cell, the object is moved to cell (0, 0)
    iou = box_iou(boxes - np.tile(cell * stride, 2), base_anchors(settings))  # (G, A)
    best: Floats = iou.max(axis=1)
    return best


def suggest_anchors(
    sides: Array, *, num_ratios: int = 3, num_scales: int = 3, base_size: float = 16.0
) -> AnchorSettings:
    """Return anchors of these many ratios and scales whose shapes are those of the objects.

    A network's anchors are every ratio with every scale, so the best such grid is looked for, and not single
    shapes, as k-means of the sides would find them. Best is the grid with the largest mean IoU of objects and
    the anchors that fit them best, both centred: the IoU lets small and large objects count alike. What an
    IoU has above 0.7, from which on an anchor is an object's anyway (section 3.1.2), counts a tenth: else
    frequent shapes would be fitted ever better, as by k-means under 1 − IoU, and rare ones not at all. The
    lines of the grid begin at equally spaced quantiles of log size and log ratio; one after the other is
    moved by a step while that helps, then the step is halved. No random number is drawn.

    Parameters
    ----------
    sides : (G, 2) array
        Width and height of the objects, in pixels of the network's input.
    num_ratios, num_scales : int
        Fewer are returned where the objects have fewer shapes.
    base_size : float
        As in :class:`~minircnn.boxes.AnchorSettings`: the map's stride, so that anchors stand at the centres
        of cells.

    Raises
    ------
    ValueError
        If there is no object, a side is not positive, or a number is none.

    Examples
    --------
    >>> from minircnn.boxes import suggest_anchors
    >>> suggest_anchors([[20, 40], [40, 80], [40, 80]], num_ratios=1, num_scales=2, base_size=20)
    AnchorSettings(base_size=20, ratios=(2.0,), scales=(1.41, 2.83), rounded=False)
    """
    width, height = _checked_sides(sides).T
    counts = {"num_ratios": num_ratios, "num_scales": num_scales}
    ratios, scales = (checked(name, count, whole(1)) for name, count in counts.items())
    base_size = checked("base_size", base_size, real(0, above=True))
    log_size, log_ratio = _some((np.log(height) + np.log(width)) / 2, np.log(height) - np.log(width))

    def fit(grid: Floats) -> float:
        iou = _centred_iou(log_size, log_ratio, grid[ratios:], grid[:ratios])  # (G, A)
        best = iou.max(axis=1)
        return float((np.minimum(best, _OBJECT) + _BEYOND * np.maximum(best - _OBJECT, 0)).mean())

    grid = _climb(fit, np.concatenate([_quantiles(log_ratio, ratios), _quantiles(log_size, scales)]))
    return _as_settings(grid[:ratios], grid[ratios:], base_size)


def _climb(fit: Callable[[Floats], float], grid: Floats) -> Floats:
    """Return numbers (n,) near `grid` at which `fit` is larger than at any single step from them."""
    best, step = fit(grid), _FIRST_STEP
    while step >= _LAST_STEP:
        before = best
        for move in (sign * step * line for line in np.eye(len(grid)) for sign in (1, -1)):
            reached = fit(grid + move)
            if reached > best + _TRIFLE:
                best, grid = reached, grid + move
        if best == before:
            step /= 2
    return grid


def _checked_sides(sides: Array) -> Floats:
    """Return `sides` as (G, 2) on the host, G ≥ 1, all positive."""
    host = np.asarray(to_host(sides) if hasattr(sides, "shape") else sides, dtype=np.float64)
    if host.ndim != 2 or host.shape[1] != 2 or len(host) == 0:
        raise ValueError(f"sides must be (G, 2), width and height of at least one object, got {host.shape}")
    wrong = ~(np.isfinite(host) & (host > 0)).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"sides must be positive: object {row} measures {host[row, 0]:g} x {host[row, 1]:g}")
    return host


def _some(log_size: Floats, log_ratio: Floats) -> tuple[Floats, Floats]:
    """Return the shapes in order of size; of very many, as many as are enough."""
    order = np.lexsort((log_ratio, log_size))
    if len(order) > _ENOUGH:
        order = order[np.linspace(0, len(order) - 1, _ENOUGH).round().astype(int)]
    return log_size[order], log_ratio[order]


def _quantiles(values: Floats, count: int) -> Floats:
    """Return the middles of `count` equally large parts of the values, lowest first."""
    middles: Floats = np.quantile(values, (np.arange(count) + 0.5) / count)
    return middles


def _centred_iou(log_size: Floats, log_ratio: Floats, sizes: Floats, ratios: Floats) -> Floats:
    """Return the IoU (G, r · s) of objects and anchors with one centre, ratio by ratio, all logarithms."""
    ratio, size = (grid.ravel() for grid in np.meshgrid(ratios, sizes, indexing="ij"))  # (A,)
    width, height = np.exp(log_size - log_ratio / 2)[:, None], np.exp(log_size + log_ratio / 2)[:, None]
    common = np.minimum(width, np.exp(size - ratio / 2)) * np.minimum(height, np.exp(size + ratio / 2))
    iou: Floats = common / (width * height + np.exp(2 * size) - common)
    return iou


def _as_settings(log_ratios: Floats, log_sizes: Floats, base_size: float) -> AnchorSettings:
    """Return the grid as settings; no side is shorter than a pixel, of which anchors cannot be."""
    least = float(np.abs(log_ratios).max()) / 2 + 0.01  # of rounding the numbers
    scales = np.exp(np.maximum(log_sizes, least)) / base_size
    return AnchorSettings(base_size, _typed(np.exp(log_ratios)), _typed(scales), rounded=False)


def _typed(values: Floats) -> tuple[float, ...]:
    """Return different numbers of few digits, lowest first."""
    return tuple(sorted({float(f"{value:.{_DIGITS}g}") for value in values}))
