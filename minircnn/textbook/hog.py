"""Histograms of oriented gradients, pixel by pixel and vote by vote (Dalal and Triggs, CVPR 2005)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minircnn.structures import FloatArray, ImageArray


def hog_blocks(image: ImageArray, settings: Any) -> FloatArray:
    """Return the histograms (rows, columns, D) of all blocks of a photo (H, W) or (H, W, 3).

    `settings` has the fields of :class:`minircnn.features.HogSettings`, where each choice is explained.
    """
    s = settings
    photo = image.astype(float).reshape(*image.shape[:2], -1)
    if s.color == "gray" and photo.shape[2] == 3:
        photo = (0.299 * photo[..., 0] + 0.587 * photo[..., 1] + 0.114 * photo[..., 2])[..., None]
    if s.gamma == "sqrt":
        photo = np.sqrt(photo)
    rows, columns = (max(0, side // s.cell - s.block + 1) for side in photo.shape[:2])
    blocks = np.zeros((rows, columns, s.block**2 * s.bins))
    for row in range(rows):
        for column in range(columns):
            histogram = block_histogram(photo, row * s.cell, column * s.cell, s)
            if s.layout == "columns":
                histogram = histogram.transpose(1, 0, 2)
            blocks[row, column] = normalize_block(histogram.ravel(), s)
    return blocks


def block_histogram(photo: FloatArray, top: int, left: int, settings: Any) -> FloatArray:
    """Return the votes (cell row, cell column, bin) of the block with this corner."""
    s = settings
    side = s.block * s.cell
    votes = np.zeros((s.block, s.block, s.bins))
    for y in range(side):
        for x in range(side):
            dx, dy = strongest_gradient(photo, top + y, left + x, s)
            strength = math.hypot(dx, dy)
            if s.sigma is not None:
                center = (side - 1) / 2 + s.sigma_shift
                strength *= math.exp(-((x - center) ** 2 + (y - center) ** 2) / (2 * s.sigma**2))
            for i in range(s.block):
                for j in range(s.block):
                    near = cell_share(y, i, s) * cell_share(x, j, s)
                    for bin_, share in orientation_votes(dx, dy, s):
                        votes[i, j, bin_] += strength * near * share
    return votes / s.cell**2 if s.mean else votes


def strongest_gradient(photo: FloatArray, y: int, x: int, settings: Any) -> tuple[float, float]:
    """Return the gradient ``(dx, dy)`` at a pixel, of the channel where it is strongest."""
    height, width, channels = photo.shape
    order = list(range(channels))
    if settings.color == "strongest-opencv" and x < width - width % 4:
        order.reverse()
    best = (0.0, 0.0)
    for channel in order:
        plane = photo[..., channel]
        dx = plane[y, pixel_beyond(x + 1, width, settings)] - plane[y, pixel_beyond(x - 1, width, settings)]
        dy = plane[pixel_beyond(y + 1, height, settings), x] - plane[pixel_beyond(y - 1, height, settings), x]
        # in single precision, as its twin compares them: of equals the first
        if np.float32(dx * dx + dy * dy) > np.float32(best[0] ** 2 + best[1] ** 2):
            best = (float(dx), float(dy))
    return best


def pixel_beyond(place: int, side: int, settings: Any) -> int:
    """Return the pixel that stands for one that may lie one beyond the rim."""
    if settings.border == "replicate" or side == 1:
        return min(max(place, 0), side - 1)
    return side - 1 - abs(side - 1 - abs(place))


def cell_share(pixel: int, cell: int, settings: Any) -> float:
    """Return how much a pixel of a block votes for a cell, along one axis."""
    if not settings.bilinear:
        return float(pixel // settings.cell == cell)
    distance: float = abs((pixel + 0.5) / settings.cell - 0.5 - cell)
    return max(0.0, 1 - distance)


def orientation_votes(dx: float, dy: float, settings: Any) -> list[tuple[int, float]]:
    """Return the bins that a gradient votes for, and its share in each."""
    bins, turn = settings.bins, 360 if settings.signed else 180
    angle = math.degrees(math.atan2(dy, dx)) if settings.arctan == "exact" else quick_angle(dx, dy)
    place = angle % turn * bins / turn
    if not settings.soft_bins:
        return [(int(place) % bins, 1.0)]
    low = math.floor(place - 0.5)
    part = place - 0.5 - low
    return [(low % bins, 1 - part), ((low + 1) % bins, part)]


def quick_angle(dx: float, dy: float) -> float:
    """Return the angle in degrees, in [0, 360), by the polynomial that OpenCV takes."""
    c = min(abs(dx), abs(dy)) / (max(abs(dx), abs(dy)) + np.finfo(float).eps)
    powers = 0.9997878412794807, -0.3258083974640975, 0.1555786518463281, -0.04432655554792128
    angle = math.degrees(sum(p * c ** (2 * i + 1) for i, p in enumerate(powers)))
    if abs(dy) > abs(dx):
        angle = 90 - angle
    if dx < 0:
        angle = 180 - angle
    return 360 - angle if dy < 0 else angle


def normalize_block(v: FloatArray, settings: Any) -> FloatArray:
    """Return the block `v` (D,), normalized."""
    s = settings
    inside = s.eps_rule == "under-root"
    eps = s.eps if inside else s.eps * len(v)

    def length(v: FloatArray, eps: float) -> float:
        squares = float((v * v).sum())
        return math.sqrt(squares + eps * eps) if inside else math.sqrt(squares) + eps

    if s.norm in ("l1", "l1-sqrt"):
        v = v / (np.abs(v).sum() + eps)
        return np.sqrt(v) if s.norm == "l1-sqrt" else v
    v = v / length(v, eps)
    if s.norm == "l2-hys":
        v = np.minimum(v, s.clip)
        v = v / length(v, s.eps_again)
    return v


def window_scores(
    blocks: FloatArray, weights: FloatArray, bias: float, rows: int, columns: int
) -> FloatArray:
    """Return the score of every window of `rows` × `columns` blocks (H, W, D), each described by itself."""
    height, width, _ = blocks.shape
    scores = np.zeros((height - rows + 1, width - columns + 1))
    for y in range(height - rows + 1):
        for x in range(width - columns + 1):
            descriptor = blocks[y : y + rows, x : x + columns].ravel()
            scores[y, x] = descriptor @ weights + bias
    return scores
