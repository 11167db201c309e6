"""scikit-learn's handwritten digits: who may be shown in which split, and how one is drawn large."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from minircnn.data.photos import Split
from minircnn.structures import FloatArray, ImageArray, IntArray

# Shares of the digit samples, in the order of the file. The file is grouped by writer, so consecutive
# blocks keep most writers in one split; a random split would show every writer to the training.
_DIGIT_SHARE: dict[Split, tuple[float, float]] = {
    "test": (0.0, 0.25),
    "val": (0.25, 0.4),
    "train": (0.4, 1.0),
}


@cache
def all_digits() -> tuple[ImageArray, IntArray]:
    """Return all samples, (1797, 8, 8) uint8 with ink 0..255, and the digit 0..9 of each, (1797,)."""
    data = load_digits()
    samples = (data.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8)
    return samples, data.target.astype(np.int64)


def digit_samples(split: Split) -> IntArray:
    """Return the (S,) indices into ``sklearn.datasets.load_digits`` that scenes of `split` may show."""
    count = len(all_digits()[1])
    start, stop = _DIGIT_SHARE[split]
    return np.arange(round(start * count), round(stop * count))


def render_digit(sample: ImageArray, height: int, width: int) -> FloatArray:
    """Draw a small grey digit as a smooth bold stroke.

    Parameters
    ----------
    sample : (8, 8) uint8 array
        Ink 0..255.
    height, width : int
        Wanted size of the ink in pixels; the stroke's curvature may take or add a pixel or two.

    Returns
    -------
    (h, w) float64 array
        Coverage 0..1, cropped to where it is not 0.
    """
    left, top, right, bottom = tight_box(sample, 96)
    ink = np.pad(sample[top:bottom, left:right], 1)  # (p + 2, q + 2)
    size = (
        round(width * ink.shape[1] / (ink.shape[1] - 1.5)),
        round(height * ink.shape[0] / (ink.shape[0] - 1.5)),
    )
    smooth = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    # A wide ramp around 43 % ink: a loop that 8x8 pixels have half closed stays visible.
    coverage = np.clip((smooth - 55) / 110, 0, 1)
    x1, y1, x2, y2 = tight_box(coverage, 0.0)
    return coverage[y1:y2, x1:x2]


def tight_box(coverage: FloatArray | ImageArray, above: float = 0.5) -> tuple[int, int, int, int]:
    """Return the half-open box ``x1, y1, x2, y2`` of the pixels of (h, w) `coverage` that exceed `above`."""
    rows, columns = (np.flatnonzero((coverage > above).any(axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
