"""Every window of a photo through a cascade.

Where the image is scaled, the first stage is computed for all windows in long slices, as most end there; what
is left of all sizes goes through the other stages together. With the defaults the windows that pass are those
of OpenCV's ``detectMultiScale``, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from minircnn.features import HaarFeatures, integral_image, squared_integral_image, tilted_integral_image
from minircnn.heads.cascade.first_stage import contrast, first_stage
from minircnn.heads.cascade.levels import (
    Level,
    chunks,
    fill_buffer,
    image_levels,
    level_map,
    window_scales,
)
from minircnn.heads.cascade.record import Cascade
from minircnn.heads.cascade.scaled import scale_cascade
from minircnn.heads.cascade.settings import ScanSettings
from minircnn.heads.cascade.stages import Corner, compile_stages, run_stages
from minircnn.profiling import stage as named
from minircnn.structures import ImageArray, IntArray

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_PIXELS = 1 << 23  # of levels scanned at once: bounds the memory of a large photo


@dataclass(frozen=True)
class ScannedWindows:
    """What a scan of a photo left.

    Parameters
    ----------
    boxes : (R, 4) float32 array
        Windows that passed all stages, in pixels of the photo; rounding may put one beyond its border.
    margins : (R,) float64 array
        By how much each exceeded the threshold of the last stage.
    left : (S+1,) int array
        Windows that were judged, and those that passed each stage.
    """

    boxes: Float32
    margins: Float64
    left: IntArray


@named("cascade")
def scan(
    image: ImageArray, cascade: Cascade, settings: ScanSettings | None = None, *, most: int = _PIXELS
) -> ScannedWindows:
    """Judge the windows of a grey `image` (H, W) uint8.

    Parameters
    ----------
    most : int
        Pixels of scaled images held at once; it changes nothing but memory.

    Raises
    ------
    ValueError
        If the image is of another kind.
    """
    settings = settings or ScanSettings()
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(f"a cascade scans a grey image (H, W) uint8, got {image.shape} of {image.dtype}")
    if settings.scaled == "image":
        levels = image_levels(image.shape, (cascade.height, cascade.width), settings)
        found = scan_levels(image, cascade, settings, levels, most=most)
        return ScannedWindows(found.boxes(levels, cascade), found.margins, found.left)
    parts = list(_scan_by_detector(image, cascade, settings))
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(part.boxes for part in parts)])
    margins = np.concatenate([np.zeros(0), *(part.margins for part in parts)])
    left = np.sum([np.zeros(cascade.stages + 1, np.int64), *(part.left for part in parts)], axis=0)
    return ScannedWindows(boxes, margins, left)


def judge_windows(crops: ImageArray, cascade: Cascade, *, min_std: float = 0.0) -> tuple[IntArray, Float64]:
    """Judge windows (N, h, w) uint8 that were cut out already.

    Returns
    -------
    depth : (N,) int array
        Stages that each passed; 0 also for those without contrast.
    margin : (N,) float64 array
        Of the last stage that judged it.
    """
    if crops.shape[1:] != (cascade.height, cascade.width) or crops.dtype != np.uint8:
        raise ValueError(
            f"windows must have shape (N, {cascade.height}, {cascade.width}) and be uint8, "
            f"got {crops.shape} of {crops.dtype}"
        )
    kinds = [integral_image(crops, np.int32)]
    if _tilted(cascade):
        kinds.append(tilted_integral_image(crops, np.int32))
    sums = np.stack(kinds)  # (1 or 2, N, h+1, w+1)
    entries = sums[0, 0].size if len(crops) else 1
    begins = np.arange(len(crops)) * entries
    squared = squared_integral_image(crops)
    total, squares = _gathered_at(sums[0].ravel(), begins), _gathered_at(squared.ravel(), begins)
    factors, good = contrast(cascade, total, squares, cascade.width + 1, len(crops), min_std)
    stages = compile_stages(cascade, cascade.width + 1, sums[0].size)
    depth, margin = np.zeros(len(crops), np.int64), np.zeros(len(crops))
    depth[good], margin[good] = run_stages(stages, sums.ravel(), begins[good], factors[good])
    return depth, margin


def _tilted(cascade: Cascade) -> bool:
    return isinstance(cascade.features, HaarFeatures) and bool(cascade.features.tilted.any())


@dataclass(frozen=True)
class Places:
    """Windows that passed a cascade, where they lie in scaled images.

    Parameters
    ----------
    level, y, x : (R,) int arrays
        Number of the level, and the window's corner in it.
    margins : (R,) float64 array
    left : (S+1,) int array
        As those of :class:`ScannedWindows`.
    """

    level: IntArray
    y: IntArray
    x: IntArray
    margins: Float64
    left: IntArray

    def boxes(self, levels: Sequence[Level], cascade: Cascade) -> Float32:
        """Return the windows (R, 4) in pixels of the photo, rounded as OpenCV rounds them."""
        scales = np.array([level.scale for level in levels], np.float32)[self.level]
        left, top = (np.rint(v.astype(np.float32) * scales) for v in (self.x, self.y))
        width, height = (np.rint(np.float32(v) * scales) for v in (cascade.width, cascade.height))
        return np.stack([left, top, left + width, top + height], axis=1)


def scan_levels(
    image: ImageArray,
    cascade: Cascade,
    settings: ScanSettings,
    levels: Sequence[Level],
    *,
    most: int = _PIXELS,
) -> Places:
    """Return where windows pass, of the grey `image` (H, W) scaled to `levels`, `most` pixels at once."""
    none = np.zeros(0, np.int64)
    parts = [Places(none, none, none, np.zeros(0), np.zeros(cascade.stages + 1, np.int64))]
    done = 0
    for some in chunks(levels, most):
        part = _scan_together(image, cascade, settings, some)
        parts.append(replace(part, level=part.level + done))
        done += len(some)
    level, y, x, margins = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("level", "y", "x", "margins")
    )
    side = max((max(one.height, one.width) for one in levels), default=1)
    order = np.argsort((level * side + y) * side + x)  # whatever lay beside what in a buffer
    left = np.sum([part.left for part in parts], axis=0)
    return Places(level[order], y[order], x[order], margins[order], left)


def _scan_together(
    image: ImageArray, cascade: Cascade, settings: ScanSettings, levels: Sequence[Level]
) -> Places:
    """Scan levels of one step from one buffer."""
    step = levels[0].step
    buffer = fill_buffer(image, levels, tilted=_tilted(cascade), squares=cascade.kind == "haar")
    stages = compile_stages(cascade, buffer.length, buffer.sums[0].size)
    owner = level_map(buffer, levels, step)
    begins, factors, margin, judged = first_stage(cascade, stages, buffer, owner, step, settings)
    depth, later = run_stages(stages[1:], buffer.sums.ravel(), begins, factors)
    depth += len(stages) > 0
    good = depth == len(stages)
    y, x = np.divmod(begins[good], buffer.length)
    level = owner[y // step, x // step].astype(np.int64)
    corner = np.array(buffer.corners)[level]  # (R, 2)
    margins = (later if len(stages) > 1 else margin)[good]
    left = _counts(judged, depth, len(stages))
    return Places(level, y - corner[:, 0], x - corner[:, 1], margins, left)


def _counts(judged: int, depth: IntArray, stages: int) -> IntArray:
    """Return how many windows were judged, and how many passed each stage."""
    return np.array([judged, *((depth >= s).sum() for s in range(1, stages + 1))])


def _scan_by_detector(
    image: ImageArray, cascade: Cascade, settings: ScanSettings
) -> Iterator[ScannedWindows]:
    """Scan with a detector of each size on one integral image, as in the paper (section 5)."""
    kinds = [integral_image(image, np.int32)]
    if _tilted(cascade):
        kinds.append(tilted_integral_image(image, np.int32))
    sums = np.stack(kinds).ravel()
    squared = squared_integral_image(image).ravel()  # of large windows: they need more than 32 bits
    length = image.shape[1] + 1
    for scale in window_scales(image.shape, (cascade.height, cascade.width), settings):
        larger = scale_cascade(cascade, float(scale))
        step = max(1, round(float(scale) * (settings.step or 1)))
        y, x = np.mgrid[
            : image.shape[0] - larger.height + 1 : step, : image.shape[1] - larger.width + 1 : step
        ]
        begins = (y * length + x).ravel()
        total, squares = _gathered_at(sums, begins), _gathered_at(squared, begins)
        factors, good = contrast(larger, total, squares, length, len(begins), settings.min_std)
        stages = compile_stages(larger, length, kinds[0].size)
        depth, margin = run_stages(stages, sums, begins[good], factors[good])
        found = depth == len(stages)
        top, left = np.divmod(begins[good][found], length)
        boxes = np.stack([left, top, left + larger.width, top + larger.height], axis=1)
        counts = _counts(len(begins), depth, len(stages))
        yield ScannedWindows(boxes.astype(np.float32), margin[found], counts)


def _gathered_at(of: IntArray, begins: IntArray) -> Corner:
    return lambda offset: of.take(begins + offset)
